#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <numeric>

#include "base/encoding.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/dedup_window.h"
#include "store/embedded/deletions.h"
#include "store/embedded/key_files.h"
#include "store/embedded/manifest.h"
#include "store/random_events_testing.h"

namespace postglass::store {
namespace {

// The worked examples of docs/format/segment.md.
TEST(StoreFormat, IsAsDocumented) {
  EXPECT_EQ(HexEncode(EncodeManifest({42, 8, {{1, 0, 10, 1000, 2000}, {7, 2, 131072, -1, 3000}}})),
            "50474c534d414e31"
            "02000000"
            "2a00000000000000"
            "0800000000000000"
            "02000000"
            "0100000000000000"
            "00000000"
            "0a000000"
            "e803000000000000"
            "d007000000000000"
            "0700000000000000"
            "02000000"
            "00000200"
            "ffffffffffffffff"
            "b80b000000000000"
            "2db90521762df266");

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
}

TEST(StoreFormat, ReadsBackWhatItWrote) {
  const Manifest manifest{42, 8, {{1, 0, 10, 1000, 2000}, {7, 2, 131072, -1, 3000}}};
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
  const std::string manifest =
      EncodeManifest({42, 8, {{1, 0, 10, 1000, 2000}, {7, 2, 131072, -1, 3000}}});
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    EXPECT_FALSE(DecodeManifest(manifest.substr(0, i)));
    std::string flipped = manifest;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    EXPECT_FALSE(DecodeManifest(flipped));
  }
  const std::string batch = EncodeBatch(std::vector{entry, entry});
  for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_FALSE(DecodeBatch(batch.substr(0, i)));
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

TEST(DedupWindow, ReservesUntilInsertedOrReleased) {
  DedupWindow window(1 << 20);
  DedupKey key;
  key.bytes[0] = 1;
  EXPECT_TRUE(window.Reserve({key, 1000}));
  EXPECT_TRUE(window.IsReserved(key));
  EXPECT_FALSE(window.Contains(key, 1000));
  EXPECT_FALSE(window.Reserve({key, 1000}));
  window.Release(key);
  EXPECT_FALSE(window.IsReserved(key));
  EXPECT_TRUE(window.Reserve({key, 1000}));
  window.Insert({key, 1000});
  EXPECT_FALSE(window.IsReserved(key));
  EXPECT_TRUE(window.Contains(key, 1072));
  EXPECT_FALSE(window.Reserve({key, 1072}));
  EXPECT_TRUE(window.Reserve({key, 1073}));
  window.Expire(1200);
  EXPECT_TRUE(window.IsReserved(key));  // its batch is still under way
}

// Keys that go from the middle of a run leave the others findable.
TEST(DedupWindow, ReleasesAgainstAModel) {
  SeededRandom random(7);
  DedupWindow window(1 << 20);
  std::map<DedupKey, bool> model;  // reserved or inserted
  for (int i = 0; i < 50'000; ++i) {
    DedupKey key;
    key.bytes[5] = static_cast<std::uint8_t>(random.Below(256));
    key.bytes[6] = static_cast<std::uint8_t>(random.Below(20));
    const auto known = model.find(key);
    ASSERT_EQ(window.IsReserved(key), known != model.end() && known->second);
    ASSERT_EQ(window.Contains(key, 1000), known != model.end() && !known->second);
    if (known == model.end()) {
      ASSERT_TRUE(window.Reserve({key, 1000}));
      model[key] = true;
    } else if (known->second && random.Below(4) != 0) {
      window.Release(key);
      model.erase(known);
    } else {
      window.Insert({key, 1000});
      known->second = false;
    }
    ASSERT_EQ(window.size(), model.size());
  }
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
  constexpr std::int64_t kTenYearsHours = 87'648;
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
