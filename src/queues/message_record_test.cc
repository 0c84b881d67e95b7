#include "queues/message_record.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "queues/message_digest.h"
#include "queues/receipt_handle.h"

namespace postglass::queues {
namespace {

StoredMessage Full() {
  StoredMessage stored;
  stored.number = 300;
  stored.queue_uid = "uid";
  stored.message = {"id",
                    "body \x01",
                    {{"a", "String", "x"}, {"b", "Binary", std::string("\0\xFF", 2)}},
                    "trace",
                    "AKIA",
                    Timestamp::FromMillis(1'800'000'000'000),
                    "arn:q",
                    "arn:s"};
  stored.state = {Timestamp::FromMillis(5), 7, Timestamp::FromMillis(4)};
  return stored;
}

TEST(MessageRecord, ReadsWhatItWrote) {
  const StoreRecord records[] = {
      Full(), StateChanges{{1, true, {}}, {2, false, Full().state}}, Purge{"uid", 12}};
  for (const StoreRecord& record : records) {
    const Result<StoreRecord> read = DecodeRecord(EncodeRecord(record));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, record);
  }
}

TEST(MessageRecord, CutAndUnknownRecordsAreErrors) {
  const std::string whole = EncodeRecord(Full());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeRecord(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeRecord(whole + "x"));
  EXPECT_EQ(DecodeRecord("\x09").error().code, ErrorCode::kUnsupported);
}

TEST(MessageDigest, IsWhatSdksCompute) {
  EXPECT_EQ(BodyDigest("This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
  EXPECT_EQ(AttributesDigest({{"timestamp", "Number.java.lang.Long", "1493147359900"}}),
            "2e2e4876d8e0bd6b8c2c8f556831c349");
}

TEST(ReceiptHandles, OpenOnlyForTheirQueueAndUnchanged) {
  const ReceiptHandles handles("key");
  const std::string handle = handles.Make("uid", {77, 3});
  const auto receipt = handles.Read("uid", handle);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->number, 77U);
  EXPECT_EQ(receipt->receives, 3U);
  EXPECT_FALSE(handles.Read("other", handle));
  EXPECT_FALSE(ReceiptHandles("other key").Read("uid", handle));
  EXPECT_FALSE(handles.Read("uid", "nonsense"));
  EXPECT_FALSE(handles.Read("uid", ""));
  std::string raw = *Base64UrlDecode(handle);
  raw[0] = static_cast<char>(raw[0] ^ 1);
  EXPECT_FALSE(handles.Read("uid", Base64UrlEncode(raw)));
}

}  // namespace
}  // namespace postglass::queues
