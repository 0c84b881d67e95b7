#include "topics/outbox_record.h"

#include <gtest/gtest.h>

namespace postglass::topics {
namespace {

StoredMessage Sample() {
  StoredMessage stored;
  stored.number = 300;
  stored.message = {Message::Type::kNotification,
                    "0d3ac2b0-6f0d-5c1a-9f3b-7e0b8a8f2d11",
                    "arn:aws:sns:us-east-1:000000000000:mail-events",
                    "Amazon SES Email Event Notification",
                    std::string("{\"eventType\":\"Send\"}\0tail", 25),
                    {{"http", "for http"}},
                    {{"a", "Number", "1"}, {"b", "Binary", "AA=="}},
                    "token",
                    Timestamp::FromMillis(1'800'000'000'123)};
  stored.targets = {{"arn:s1", Protocol::kLambda, "arn:f"},
                    {"arn:s2", Protocol::kHttp, "http://x"}};
  stored.states = {{}, {TargetState::Phase::kDead, 4, "answered 500", Timestamp::FromMillis(5)}};
  return stored;
}

TEST(OutboxRecord, RoundTrips) {
  const Result<OutboxRecord> message = DecodeRecord(EncodeRecord(Sample()));
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<StoredMessage>(*message), Sample());

  const StateChanges changes = {{1, 0, {TargetState::Phase::kDone, 1, "", {}}},
                                {~0ull, 7, {TargetState::Phase::kPending, 100'015, "", {}}}};
  const Result<OutboxRecord> back = DecodeRecord(EncodeRecord(changes));
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<StateChanges>(*back), changes);
}

TEST(OutboxRecord, EveryCutAndEveryUnknownKindIsAnError) {
  const std::string whole = EncodeRecord(Sample());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeRecord(std::string_view(whole).substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeRecord(whole + "x"));
  EXPECT_EQ(DecodeRecord("\x09").error().code, ErrorCode::kUnsupported);
  // A count that is larger than the bytes which follow reserves nothing.
  EXPECT_FALSE(DecodeRecord("\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"));
}

}  // namespace
}  // namespace postglass::topics
