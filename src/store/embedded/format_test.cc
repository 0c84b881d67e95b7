#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <map>
#include <numeric>

#include "base/encoding.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/block.h"
#include "store/embedded/dedup_window.h"
#include "store/embedded/deletions.h"
#include "store/embedded/filter_keys.h"
#include "store/embedded/key_filter.h"
#include "store/embedded/manifest.h"
#include "store/embedded/segment.h"
#include "store/match.h"
#include "store/random_events_testing.h"

namespace postglass::store {
namespace {

// The worked examples of docs/format/segment.md.
TEST(StoreFormat, IsAsDocumented) {
  EXPECT_EQ(HexEncode(EncodeManifest({42, 8, {{1, 0}, {7, 2}}})),
            "50474c534d414e31"
            "01000000"
            "2a00000000000000"
            "0800000000000000"
            "02000000"
            "0100000000000000"
            "00000000"
            "0700000000000000"
            "02000000"
            "4ecc3ae801261477");

  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirectories("/d"));
  ASSERT_TRUE(WriteDeletions(fs, "/d", 7, 2, {3, 65536}));
  EXPECT_EQ(HexEncode(*fs.ReadFile("/d/0000000000000007.del-2")),
            "50474c5344454c31"
            "0700000000000000"
            "02000000"
            "03000000"
            "00000100"
            "a27230d24e4ba0af");

  SeenKey seen;
  std::iota(seen.key.bytes.begin(), seen.key.bytes.end(), std::uint8_t{0});
  seen.hour = 500'000;
  ASSERT_TRUE(WriteKeyFiles(fs, "/d", 7, {seen}));
  EXPECT_EQ(HexEncode(*fs.ReadFile("/d/000000000007a120-0000000000000007.keys")),
            "50474c534b455931"
            "20a1070000000000"
            "0100000000000000"
            "000102030405060708090a0b0c0d0e0f"
            "c7a6ba2e986203cc");

  NewEvent entry;
  entry.event.id = EventId::Make(1'800'000'000'000, {1});
  entry.event.timestamp_ms = 1'800'000'000'000;
  entry.event.ingested_at_ms = 1'800'000'000'500;
  entry.event.message = "hi";
  entry.event.tags = {"a:b"};
  EXPECT_EQ(HexEncode(EncodeBatch(std::vector{entry})),
            "01"
            "01"
            "01000000"
            "01a3185c500001000000000000000000"
            "00505c18a3010000"
            "f4515c18a3010000"
            "00"
            "026869"
            "04696e666f"
            "00"
            "00"
            "00"
            "0103613a62"
            "027b7d");

  const Event* event = &entry.event;
  BlockEncoder encoder;
  const auto block = std::make_shared<const EncodedBlock>(encoder.Encode(std::span(&event, 1)));
  const Result<SegmentInfo> info = WriteSegment(fs, "/d", 7, 42, std::vector{block});
  ASSERT_TRUE(info);
  const std::string file = *fs.ReadFile(Path("/d") / SegmentFileName(7));
  EXPECT_EQ(file.size(), info->file_bytes);
  EXPECT_EQ(HexEncode(file.substr(0, 32)),
            "50474c5353454731"
            "01000000"
            "01000000"
            "0700000000000000"
            "ff92352fc26fbdf4");
  EXPECT_EQ(file.substr(file.size() - 8), "PGLSEND1");
}

TEST(StoreFormat, ReadsBackWhatItWrote) {
  const Manifest manifest{42, 8, {{1, 0}, {7, 2}}};
  EXPECT_EQ(*DecodeManifest(EncodeManifest(manifest)), manifest);
  SeededRandom random(5);
  std::vector<NewEvent> batch;
  for (std::uint32_t n = 0; n < 200; ++n) batch.push_back(RandomEvent(random, n));
  batch[3].dedup_key.emplace().bytes.fill(7);
  const Result<std::vector<NewEvent>> decoded = DecodeBatch(EncodeBatch(batch));
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ((*decoded)[i].event, batch[i].event);
    EXPECT_EQ((*decoded)[i].dedup_key, batch[i].dedup_key);
  }
  EXPECT_TRUE(DecodeBatch(EncodeProbe())->empty());
}

// Whatever bit is flipped or wherever the bytes end, a decoder says so.
TEST(StoreFormat, NoticesDamage) {
  NewEvent entry;
  entry.event.message = "message";
  entry.event.tags = {"a:b"};
  const std::string manifest = EncodeManifest({42, 8, {{1, 0}, {7, 2}}});
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    EXPECT_FALSE(DecodeManifest(manifest.substr(0, i)));
    std::string flipped = manifest;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    EXPECT_FALSE(DecodeManifest(flipped));
  }
  const std::string batch = EncodeBatch(std::vector{entry, entry});
  for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_FALSE(DecodeBatch(batch.substr(0, i)));
}

TEST(BlockEncoder, GivesBackEveryRow) {
  SeededRandom random(9);
  std::vector<Event> events;
  for (std::uint32_t n = 0; n < 300; ++n) events.push_back(RandomEvent(random, n).event);
  events[5].timestamp_ms = std::numeric_limits<std::int64_t>::min();
  events[6].timestamp_ms = std::numeric_limits<std::int64_t>::max();
  std::vector<const Event*> pointers;
  for (const Event& event : events) pointers.push_back(&event);
  BlockEncoder encoder;
  const EncodedBlock block = encoder.Encode(pointers);
  DecodedBlock decoded;
  decoded.Reset(block.info);
  for (const Section section : {Section::kKeys, Section::kFields, Section::kAttributes}) {
    const std::string_view bytes =
        std::string_view(block.data)
            .substr(block.info.SectionOffset(section), block.info.section(section).bytes);
    ASSERT_TRUE(decoded.Decode(section, bytes));
  }
  for (std::uint32_t row = 0; row < events.size(); ++row) {
    EXPECT_EQ(ToEvent(decoded.View(row)), events[row]);
  }
}

TEST(KeyFilter, HoldsItsKeysAndFewOthers) {
  SeededRandom random(3);
  std::vector<std::uint64_t> keys;
  for (int i = 0; i < 20'000; ++i) keys.push_back(random.Next64());
  const std::string filter = BuildKeyFilter(keys);
  EXPECT_LE(filter.size(), keys.size() * 12 / 8 + 32);
  for (const std::uint64_t key : keys) ASSERT_TRUE(MayContain(filter, key));
  int false_answers = 0;
  for (int i = 0; i < 100'000; ++i) false_answers += MayContain(filter, random.Next64()) ? 1 : 0;
  EXPECT_LT(false_answers, 1000);
  EXPECT_TRUE(MayContain("", 1));
}

// No predicate that matches an event may be ruled out by the filter of its block.
TEST(FilterKeys, NeverRuleOutAMatch) {
  SeededRandom random(11);
  std::vector<Predicate> predicates;
  for (int i = 0; i < 300; ++i) predicates.push_back(RandomPredicate(random, 2));
  std::vector<Result<Matcher>> matchers;
  for (const Predicate& predicate : predicates) matchers.push_back(Matcher::Compile(predicate));
  FilterKeys keys;
  for (std::uint32_t n = 0; n < 150; ++n) {
    const Event event = RandomEvent(random, n).event;
    EventReader reader;
    reader.Reset(event);
    keys.Add(reader);
    const std::string filter = BuildKeyFilter(keys.Take());
    for (std::size_t i = 0; i < predicates.size(); ++i) {
      if (!matchers[i] || !matchers[i]->Matches(reader)) continue;
      EXPECT_TRUE(KeyCondition::For(predicates[i]).MayHold(filter)) << event.attributes;
    }
  }
}

TEST(DedupWindow, HoldsSeventyTwoHours) {
  DedupWindow window(1 << 20);
  DedupKey key;
  key.bytes[0] = 1;
  window.Insert({key, 1000});
  EXPECT_TRUE(window.Contains(key, 1000));
  EXPECT_TRUE(window.Contains(key, 990));  // the clock went back
  EXPECT_TRUE(window.Contains(key, 1072));
  EXPECT_FALSE(window.Contains(key, 1073));
  window.Insert({key, 1073});
  EXPECT_TRUE(window.Contains(key, 1145));
  window.Expire(1145);
  EXPECT_EQ(window.size(), 1U);
  window.Expire(1146);
  EXPECT_EQ(window.size(), 0U);
}

TEST(DedupWindow, GrowsAndShrinksAgainstAModel) {
  SeededRandom random(2);
  DedupWindow window(1 << 20);
  std::map<DedupKey, std::int64_t> model;
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t hour = 1000 + i / 100;
    DedupKey key;
    key.bytes[3] = static_cast<std::uint8_t>(random.Below(256));
    key.bytes[9] = static_cast<std::uint8_t>(random.Below(40));
    const auto known = model.find(key);
    const bool expected = known != model.end() && known->second + kDedupWindowHours >= hour;
    ASSERT_EQ(window.Contains(key, hour), expected);
    if (!expected) {
      window.Insert({key, hour});
      model[key] = hour;
    }
    if (i % 1000 == 0) window.Expire(hour);
  }
}

TEST(DedupWindow, BearsClocksThatJumpTenYears) {
  constexpr std::int64_t kTenYearsHours = 24 * 3652;
  DedupWindow window(1 << 20);
  DedupKey now;
  now.bytes[0] = 1;
  DedupKey later;
  later.bytes[0] = 2;
  DedupKey again;
  again.bytes[0] = 3;
  window.Insert({now, 500'000});
  window.Insert({later, 500'000 + kTenYearsHours});
  window.Insert({again, 500'001});
  EXPECT_TRUE(window.Contains(again, 500'002));
  EXPECT_TRUE(window.Contains(later, 500'002));
}

TEST(DedupWindow, IsBounded) {
  DedupWindow window(5000);
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    DedupKey key;
    std::memcpy(key.bytes.data(), &n, sizeof n);
    window.Insert({key, 1000 + n / 1000});
    ASSERT_LE(window.size(), 5000U);
    ASSERT_TRUE(window.Contains(key, 1000 + n / 1000));
  }
  EXPECT_GT(window.dropped_early(), 0U);
}

}  // namespace
}  // namespace postglass::store
