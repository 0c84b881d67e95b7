#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/embedded/address_search.h"
#include "store/embedded/embedded_world_testing.h"
#include "store/embedded/store_check.h"

// Merging, retention, erasing, checking and repairing.

namespace postglass::store {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

// Events `from` up to `to`, one segment.
void AppendSegment(World& world, std::uint32_t from, std::uint32_t to, std::int64_t shift_ms = 0) {
  std::vector<NewEvent> batch;
  for (std::uint32_t n = from; n < to; ++n) {
    batch.push_back(MakeEvent(n, fmt::format(R"({{"to":"user{}@example.org"}})", n)));
    batch.back().event.timestamp_ms += shift_ms;
  }
  ASSERT_TRUE(world.store->Append(std::move(batch)));
  ASSERT_TRUE(world.store->Flush());
}

TEST(EmbeddedStoreMerge, MakesOneSegmentOfADay) {
  World world;
  world.Open();
  for (std::uint32_t i = 0; i < 4; ++i) AppendSegment(world, 100 * i, 100 * (i + 1));
  const std::vector<Event> before = AllRows(*world.store);
  EXPECT_EQ(world.store->Describe().segments, 4U);
  ASSERT_TRUE(world.store->Maintain());
  EXPECT_EQ(world.store->Describe().segments, 1U);
  EXPECT_EQ(AllRows(*world.store), before);
  EXPECT_EQ(world.fs.List("/store/segments")->size(), 2U);  // and the manifest
  world.Open();
  EXPECT_EQ(AllRows(*world.store), before);
  EXPECT_TRUE(world.store->Describe().set_aside.empty());
}

// A query sees each event once while merges swap what it reads.
TEST(EmbeddedStoreMerge, IsInvisibleToQueries) {
  World world;
  world.options.merge.tier_segments = 2;
  world.options.merge_in_background = true;
  world.Open();
  std::atomic<std::uint32_t> visible = 0;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      const std::uint32_t at_least = visible;
      Plan plan;
      plan.count = true;
      plan.where = {Exists{{Field::Kind::kAttribute, "to"}}};
      CollectingSink sink;
      const Result<RunReport> report = world.store->Run(plan, sink);
      ASSERT_TRUE(report);
      EXPECT_TRUE(report->damage.empty());
      EXPECT_GE(*sink.count, at_least);
      EXPECT_LE(*sink.count, 1000U);
    }
  });
  for (std::uint32_t n = 0; n < 1000; n += 20) {
    AppendSegment(world, n, n + 20);
    visible = n + 20;
  }
  ASSERT_TRUE(world.store->Maintain());
  done = true;
  reader.join();
  EXPECT_EQ(AllRows(*world.store).size(), 1000U);
}

// A merge whose inputs were already removed, and a lost manifest: no event twice, none missing.
TEST(EmbeddedStoreMerge, OutlivesALostManifest) {
  World world;
  world.Open();
  for (std::uint32_t i = 0; i < 4; ++i) AppendSegment(world, 10 * i, 10 * (i + 1));
  ASSERT_EQ(world.store->Delete(WordPlan("7"))->events_deleted, 1U);
  ASSERT_TRUE(world.store->Maintain());
  AppendSegment(world, 40, 50, kDayMs);
  const std::vector<Event> before = AllRows(*world.store);
  EXPECT_EQ(before.size(), 49U);
  world.store.reset();
  ASSERT_TRUE(world.fs.Remove("/store/segments/MANIFEST"));
  world.Open();
  EXPECT_EQ(AllRows(*world.store), before);
}

TEST(EmbeddedStoreRetention, DropsWholeDays) {
  World world;
  world.options.retention.keep[0] = std::chrono::hours(24 * 7);
  world.Open();
  AppendSegment(world, 0, 10, -6 * kDayMs);
  AppendSegment(world, 10, 20);
  ASSERT_TRUE(world.store->Maintain());
  EXPECT_EQ(world.store->Describe().events, 20U);
  world.clock.Advance(std::chrono::hours(24 * 2));
  ASSERT_TRUE(world.store->Maintain());
  EXPECT_EQ(world.store->Describe().events, 10U);
  EXPECT_GT(world.store->Describe().first_timestamp_ms, 1'800'000'000'000 - kDayMs);
  world.Open();
  EXPECT_EQ(Messages(*world.store).count("event 9"), 0U);
  EXPECT_EQ(Messages(*world.store).count("event 10"), 1U);
}

TEST(EmbeddedStoreErase, LeavesNothing) {
  World world;
  world.Open();
  AppendSegment(world, 0, 300);
  AppendSegment(world, 300, 600, kDayMs);
  NewEvent late = MakeEvent(1000, R"({"link":"https://a.example/?to=USER17%40example.org&x=1"})");
  NewEvent hidden = MakeEvent(1001);
  hidden.event.message = "bounce of <user17@example.org>";
  ASSERT_TRUE(world.store->Append({late, hidden}));
  ASSERT_EQ(world.store->Delete(WordPlan("bounce"))->events_deleted, 1U);  // hidden, bytes there

  const Result<EraseReceipt> receipt = world.store->Erase("User17@Example.org");
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->events_erased, 3U);
  EXPECT_EQ(receipt->segments_rewritten, 2U);
  EXPECT_TRUE(receipt->not_erased.empty());
  EXPECT_EQ(world.store->Describe().events, 599U);
  EXPECT_EQ(world.store->Erase("user17@example.org")->events_erased, 0U);
  world.store.reset();

  // What is left on the disk, opened: no value, key or text holds it; the journal has no records.
  const Result<AddressPattern> pattern = AddressPattern::Make("user17@example.org");
  BlockCache cache(1 << 20);
  const Result<std::vector<std::string>> names = world.fs.List("/store/segments");
  ASSERT_TRUE(names);
  std::size_t segments = 0;
  for (const std::string& name : *names) {
    const std::optional<SegmentId> id = ParseSegmentFileName(name);
    if (!id) continue;
    ++segments;
    const auto segment = Segment::Open(world.fs, "/store/segments", *id, cache);
    ASSERT_TRUE(segment);
    EXPECT_TRUE(FindAddress(**segment, *pattern)->empty());
  }
  EXPECT_GE(segments, 2U);
  EXPECT_EQ(CheckStore(world.fs, world.clock, "/store")->events_in_journal, 0U);
  const Result<std::vector<std::string>> journal_files = world.fs.List("/store/journal");
  ASSERT_TRUE(journal_files);
  for (const std::string& name : *journal_files) {
    EXPECT_LE(*world.fs.FileSize(Path("/store/journal") / name), 4096U) << name;
  }
}

TEST(EmbeddedStoreErase, TakesAddressesOnly) {
  World world;
  world.Open();
  const Result<EraseReceipt> receipt = world.store->Erase("everybody");
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, ErrorCode::kInvalidArgument);
}

TEST(StoreRepair, SetsDamageAsideAndKeepsTheRest) {
  World world;
  world.Open();
  AppendSegment(world, 0, 200);
  AppendSegment(world, 200, 300, kDayMs);
  ASSERT_EQ(world.store->Delete(WordPlan("250"))->events_deleted, 1U);
  world.store.reset();
  EXPECT_TRUE(CheckStore(world.fs, world.clock, "/store")->problems.empty());
  const Path first = Path("/store/segments") / SegmentFileName(1);
  world.fs.FlipBit(first, *world.fs.FileSize(first) / 2, 1);
  const Result<StoreCheck> check = CheckStore(world.fs, world.clock, "/store");
  ASSERT_TRUE(check);
  EXPECT_FALSE(check->problems.empty());

  const Result<StoreRepair> repair = RepairStore(world.fs, world.clock, "/store");
  ASSERT_TRUE(repair) << repair.error().message;
  ASSERT_EQ(repair->lost.size(), 1U);
  EXPECT_NE(repair->lost[0].find("200 events"), std::string::npos) << repair->lost[0];
  EXPECT_TRUE(world.fs.Exists(repair->damaged_dir / SegmentFileName(1)));
  EXPECT_TRUE(CheckStore(world.fs, world.clock, "/store")->problems.empty());
  world.Open();
  EXPECT_TRUE(world.store->Describe().set_aside.empty());
  EXPECT_EQ(world.store->Describe().events, 99U);
}

TEST(StoreCheckTest, RefusesAnOpenStoreAndWhatIsNone) {
  World world;
  world.Open();
  EXPECT_EQ(CheckStore(world.fs, world.clock, "/store").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(CheckStore(world.fs, world.clock, "/other").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace postglass::store
