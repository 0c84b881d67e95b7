#include "journal/format.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random_testing.h"
#include "journal/frame_encoder.h"

namespace postglass::journal {
namespace {

constexpr FileId kId{0x0123456789ABCDEF};

std::string EncodeFrame(FrameEncoder& encoder, const std::vector<std::string>& payloads) {
  for (const std::string& payload : payloads) encoder.Add(payload);
  std::string out;
  encoder.Finish({.id = kId,
                  .offset_bytes = 64,
                  .first_sequence = 42,
                  .durable_bytes = 64,
                  .written_at = Timestamp::FromMillis(1'795'413'421'123)},
                 &out);
  return out;
}

std::vector<std::string> Decode(std::string_view frame, FrameHeader* header) {
  const auto decoded = DecodeFrameHeader(frame, kId, 64);
  EXPECT_TRUE(decoded);
  if (!decoded) return {};
  *header = *decoded;
  const std::string_view stored = frame.substr(kFrameHeaderBytes);
  EXPECT_EQ(stored.size(), header->stored_bytes);
  EXPECT_EQ(BodyChecksum(stored, kId), header->body_checksum);
  FrameBody body;
  EXPECT_TRUE(DecodeBody(*header, stored, &body));
  return {body.records.begin(), body.records.end()};
}

TEST(JournalFormat, FileNamesSortBySequence) {
  const FileName name{1234, FileId{0xAB}};
  EXPECT_EQ(FormatFileName(name), "00000000000000001234-00000000000000ab.journal");
  EXPECT_EQ(ParseFileName(FormatFileName(name)), name);
  EXPECT_LT(FormatFileName({9, kId}), FormatFileName({10, FileId{0}}));
  for (const char* bad : {"",
                          "lock",
                          "cursor-x",
                          "00000000000000000000-00000000000000ab.journal",
                          "99999999999999999999-00000000000000ab.journal",
                          "0000000000000000123x-00000000000000ab.journal",
                          "00000000000000001234-00000000000000ag.journal",
                          "00000000000000001234-00000000000000ab.journal.tmp"}) {
    EXPECT_FALSE(ParseFileName(bad)) << bad;
  }
}

// The worked example of docs/format/journal.md, byte for byte: a change here is a new version.
TEST(JournalFormat, IsAsDocumented) {
  const auto header = EncodeFileHeader({.id = kId,
                                        .first_sequence = 42,
                                        .previous_sequence = 41,
                                        .created_at = Timestamp::FromMillis(1'795'413'421'000)});
  FrameEncoder encoder;
  const std::string frame = EncodeFrame(encoder, {"hello", "mail"});
  EXPECT_EQ(HexEncode({header.data(), header.size()}),
            "50474a4f55524e4c0100000000000000"
            "efcdab89674523012a00000000000000"
            "29000000000000000082ac6ffe96ea18"
            "000000000000000031b660d11879c184");
  EXPECT_EQ(HexEncode(frame),
            "50474346110000001100000000000000"
            "2a000000000000000200000000000000"
            "4000000000000000c0560177fe96ea18"
            "35c6f3f944c504b79a7bbbfdecdfc03a"
            "050000000400000068656c6c6f6d6169"
            "6c");
}

TEST(JournalFormat, FileHeaderIsCheckedInEveryBit) {
  const FileHeader header{.id = kId,
                          .first_sequence = 42,
                          .previous_sequence = 40,
                          .created_at = Timestamp::FromMillis(5)};
  const auto bytes = EncodeFileHeader(header);
  EXPECT_EQ(*DecodeFileHeader({bytes.data(), bytes.size()}), header);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_EQ(DecodeFileHeader({changed.data(), changed.size()}).error().code,
                ErrorCode::kCorruption);
    }
    EXPECT_FALSE(DecodeFileHeader({bytes.data(), at}));
  }
}

TEST(JournalFormat, FrameHeaderIsCheckedInEveryBitAndBoundToItsPlace) {
  FrameEncoder encoder;
  const std::string frame = EncodeFrame(encoder, {"hello", "mail"});
  EXPECT_TRUE(DecodeFrameHeader(frame, kId, 64));
  EXPECT_FALSE(DecodeFrameHeader(frame, kId, 65));
  EXPECT_FALSE(DecodeFrameHeader(frame, FileId{1}, 64));
  EXPECT_FALSE(DecodeFrameHeader(frame.substr(0, 63), kId, 64));
  for (std::size_t at = 0; at < kFrameHeaderBytes; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = frame;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_FALSE(DecodeFrameHeader(changed, kId, 64)) << at;
    }
  }
}

TEST(JournalFormat, RoundTripsRecordsOfAnySize) {
  SeededRandom random(1);
  FrameEncoder encoder;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> payloads(random.Below(20));
    for (std::string& payload : payloads) {
      payload.assign(random.Below(2000), static_cast<char>(random.Below(256)));
      if (random.Below(2) == 0) random.Fill(std::as_writable_bytes(std::span(payload)));
    }
    FrameHeader header;
    EXPECT_EQ(Decode(EncodeFrame(encoder, payloads), &header), payloads);
    EXPECT_EQ(header.records, payloads.size());
    EXPECT_EQ(header.first_sequence, 42U);
    EXPECT_EQ(header.durable_bytes, 64U);
  }
}

TEST(JournalFormat, CompressesOnlyWhatShrinks) {
  FrameEncoder encoder;
  FrameHeader header;
  Decode(EncodeFrame(encoder, {std::string(10'000, 'x')}), &header);
  EXPECT_EQ(header.codec, Codec::kZstd);
  EXPECT_LT(header.stored_bytes, 200U);
  Decode(EncodeFrame(encoder, {std::string(100, 'x')}), &header);
  EXPECT_EQ(header.codec, Codec::kNone);
  std::string noise(10'000, '\0');
  SeededRandom(1).Fill(std::as_writable_bytes(std::span(noise)));
  for (int i = 0; i < 10; ++i) {
    Decode(EncodeFrame(encoder, {noise}), &header);
    EXPECT_EQ(header.codec, Codec::kNone);
    EXPECT_EQ(header.stored_bytes, header.raw_bytes);
  }
  // Text again: found out after a while.
  int tries = 0;
  do {
    Decode(EncodeFrame(encoder, {std::string(10'000, 'x')}), &header);
  } while (header.codec == Codec::kNone && ++tries < 100);
  EXPECT_LT(tries, 100);
}

TEST(JournalFormat, RefusesBodiesThatAreNone) {
  FrameBody body;
  const auto decode = [&](FrameHeader header, std::string_view stored) {
    return DecodeBody(header, stored, &body).has_value();
  };
  const std::string two_records("\x01\0\0\0\x02\0\0\0abb", 11);
  EXPECT_TRUE(decode({.raw_bytes = 11, .records = 2}, two_records));
  EXPECT_FALSE(decode({.raw_bytes = 11, .records = 1}, two_records));
  EXPECT_FALSE(decode({.raw_bytes = 11, .records = 3}, two_records));
  EXPECT_FALSE(decode({.raw_bytes = 10, .records = 2}, two_records.substr(0, 10)));
  EXPECT_FALSE(decode({.raw_bytes = 12, .records = 2}, two_records));
  EXPECT_FALSE(decode({.raw_bytes = 12, .records = 2}, two_records + "x"));
  EXPECT_FALSE(decode({.raw_bytes = 11, .codec = Codec::kZstd, .records = 2}, two_records));
  EXPECT_TRUE(decode({.raw_bytes = 0, .records = 0}, ""));
}

}  // namespace
}  // namespace postglass::journal
