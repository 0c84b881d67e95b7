#include "store/embedded/embedded_store.h"

#include <gtest/gtest.h>

#include <future>

#include "store/embedded/embedded_world_testing.h"
#include "store/embedded/store_check.h"
#include "store/hash.h"
#include "store/log_store_conformance_testing.h"

namespace postglass::store {
namespace {

enum class Between { kNothing, kFlush, kReopen };

class EmbeddedUnderTest final : public StoreUnderTest {
 public:
  explicit EmbeddedUnderTest(Between between) : between_(between) { world_.Open(); }

  LogStore& store() override {
    if (between_ == Between::kReopen) world_.Open();
    if (between_ == Between::kFlush) {
      EXPECT_TRUE(world_.store->Flush());
    }
    return *world_.store;
  }

 private:
  const Between between_;
  World world_;
};

StoreFactory Make(Between between) {
  return [between] { return std::make_unique<EmbeddedUnderTest>(between); };
}

INSTANTIATE_TEST_SUITE_P(InMemory, LogStoreConformance, testing::Values(Make(Between::kNothing)));
INSTANTIATE_TEST_SUITE_P(Sealed, LogStoreConformance, testing::Values(Make(Between::kFlush)));
INSTANTIATE_TEST_SUITE_P(Reopened, LogStoreConformance, testing::Values(Make(Between::kReopen)));

TEST(EmbeddedStore, RemembersKeysOverSealAndRestart) {
  World world;
  world.Open();
  std::vector<NewEvent> batch;
  for (std::uint32_t n = 0; n < 100; ++n) {
    batch.push_back(MakeEvent(n));
    batch.back().dedup_key = KeyOf(n);
  }
  ASSERT_TRUE(world.store->Append(std::vector<NewEvent>(batch.begin(), batch.begin() + 50)));
  ASSERT_TRUE(world.store->Flush());
  ASSERT_TRUE(world.store->Append(std::vector<NewEvent>(batch.begin() + 50, batch.end())));
  world.Open();
  const Result<AppendResult> again = world.store->Append(batch);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->duplicates, 100U);
  EXPECT_EQ(world.store->Describe().events, 100U);
}

TEST(EmbeddedStore, ExpiresKeyFilesByUnlinking) {
  World world;
  world.Open();
  NewEvent entry = MakeEvent(1);
  entry.event.ingested_at_ms = world.clock.Now().millis();
  entry.dedup_key = KeyOf(1);
  ASSERT_TRUE(world.store->Append({entry}));
  ASSERT_TRUE(world.store->Flush());
  EXPECT_EQ(world.fs.List("/store/dedup")->size(), 1U);
  world.clock.Advance(std::chrono::hours(74));
  ASSERT_TRUE(world.store->Append({MakeEvent(2)}));
  ASSERT_TRUE(world.store->Flush());
  // The seal is visible before the files go; the next one waits for both.
  ASSERT_TRUE(world.store->Append({MakeEvent(3)}));
  ASSERT_TRUE(world.store->Flush());
  EXPECT_EQ(world.fs.List("/store/dedup")->size(), 0U);
}

// Two batches with one key at the same time: one event, and both are told.
TEST(EmbeddedStore, StoresOneOfTwoConcurrentEqualKeys) {
  World world;
  world.Open();
  for (std::uint32_t round = 0; round < 50; ++round) {
    std::vector<std::promise<Result<AppendResult>>> promises(4);
    for (std::promise<Result<AppendResult>>& promise : promises) {
      NewEvent entry = MakeEvent(round);
      entry.dedup_key = KeyOf(round);
      world.store->AppendAsync({entry}, [&promise](Result<AppendResult> result) {
        promise.set_value(std::move(result));
      });
    }
    std::size_t stored = 0;
    for (std::promise<Result<AppendResult>>& promise : promises) {
      const Result<AppendResult> result = promise.get_future().get();
      ASSERT_TRUE(result);
      stored += result->stored;
    }
    EXPECT_EQ(stored, 1U);
  }
  EXPECT_EQ(world.store->Describe().events, 50U);
}

TEST(EmbeddedStore, StoresAKeyWhoseFirstBatchFailed) {
  World world;
  world.Open();
  NewEvent entry = MakeEvent(1);
  entry.dedup_key = KeyOf(1);
  world.fs.SetSpace(world.fs.bytes_used());
  Result<AppendResult> result = world.store->Append({entry});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDiskFull);
  world.fs.SetSpace(std::nullopt);
  result = world.store->Append({entry});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->stored, 1U);
}

TEST(EmbeddedStore, GoesOnByItselfWhenTheDiskHasSpaceAgain) {
  World world;
  world.options.disk_stop_share = 2;  // the disk's own answer, not the guard's
  world.Open();
  ASSERT_TRUE(world.store->Append({MakeEvent(1)}));
  world.fs.SetSpace(world.fs.bytes_used());
  const Result<AppendResult> refused = world.store->Append({MakeEvent(2)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDiskFull);
  EXPECT_FALSE(world.store->Describe().writable);
  EXPECT_FALSE(world.store->Flush());
  EXPECT_EQ(Messages(*world.store).size(), 1U);
  world.fs.SetSpace(std::nullopt);
  ASSERT_TRUE(world.store->Append({MakeEvent(3)}));
  ASSERT_TRUE(world.store->Flush());
  EXPECT_TRUE(world.store->Describe().writable);
  world.Open();
  EXPECT_EQ(Messages(*world.store), (std::multiset<std::string>{"event 1", "event 3"}));
}

TEST(EmbeddedStore, StopsBeforeTheDiskIsFull) {
  World world;
  world.Open();
  ASSERT_TRUE(world.store->Append({MakeEvent(1, R"({"a":")" + std::string(9000, 'x') + "\"}")}));
  ASSERT_TRUE(world.store->Flush());
  world.fs.SetSpace(world.fs.bytes_used() * 100 / 85);
  Description description = world.store->Describe();
  EXPECT_TRUE(description.writable);
  EXPECT_NE(description.reason, "");
  world.fs.SetSpace(world.fs.bytes_used() * 100 / 95);
  const Result<AppendResult> refused = world.store->Append({MakeEvent(2)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDiskFull);
  description = world.store->Describe();
  EXPECT_FALSE(description.writable);
  world.fs.SetSpace(std::nullopt);
  EXPECT_TRUE(world.store->Append({MakeEvent(2)}));
  EXPECT_EQ(world.store->Describe().reason, "");
}

TEST(EmbeddedStore, IsReadOnlyAfterAFailedSyncUntilRestart) {
  World world;
  world.Open();
  ASSERT_TRUE(world.store->Append({MakeEvent(1)}));
  world.fs.Arm({.fail_sync = 0});
  const Result<AppendResult> failed = world.store->Append({MakeEvent(2)});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  world.fs.Arm({});
  EXPECT_FALSE(world.store->Append({MakeEvent(3)}));
  const Description description = world.store->Describe();
  EXPECT_FALSE(description.writable);
  EXPECT_NE(description.reason.find("restart"), std::string::npos);
  EXPECT_TRUE(Messages(*world.store).contains("event 1"));
  world.Open();
  EXPECT_TRUE(world.store->Append({MakeEvent(4)}));
  EXPECT_TRUE(Messages(*world.store).contains("event 4"));
}

TEST(EmbeddedStore, RefusesWhenSealingCannotKeepUp) {
  World world;
  world.options.memtable_bytes_max = 20'000;
  world.Open();
  Result<AppendResult> result = world.store->Append({MakeEvent(0)});
  for (std::uint32_t n = 1; result && n < 1000; ++n) {
    result = world.store->Append({MakeEvent(n, R"({"a":")" + std::string(1000, 'x') + "\"}")});
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(world.store->Flush());
  EXPECT_TRUE(world.store->Append({MakeEvent(1001)}));
}

TEST(EmbeddedStore, FindsANeedle) {
  World world;
  world.Open();
  for (std::uint32_t b = 0; b < 16; ++b) {
    std::vector<NewEvent> batch;
    for (std::uint32_t n = 1024 * b; n < 1024 * (b + 1); ++n) {
      batch.push_back(MakeEvent(n, fmt::format(R"({{"to":["user{}@example.org"]}})", n)));
    }
    ASSERT_TRUE(world.store->Append(std::move(batch)));
  }
  ASSERT_TRUE(world.store->Flush());
  Plan plan;
  plan.count = true;
  plan.where = {TermMatch{{Field::Kind::kAttribute, "to"}, "USER5000@example.org", false, true}};
  CollectingSink sink;
  const Result<RunReport> report = world.store->Run(plan, sink);
  ASSERT_TRUE(report);
  EXPECT_EQ(sink.count, 1U);
}

TEST(EmbeddedStore, GivesTheNewestRowsOfManyBatches) {
  World world;
  world.options.query_helpers = 1;
  world.Open();
  for (std::uint32_t b = 0; b < 16; ++b) {
    std::vector<NewEvent> batch;
    for (std::uint32_t n = 1024 * b; n < 1024 * (b + 1); ++n) batch.push_back(MakeEvent(n));
    ASSERT_TRUE(world.store->Append(std::move(batch)));
  }
  ASSERT_TRUE(world.store->Flush());
  Plan plan;
  plan.rows = RowsRequest{Order::kNewestFirst, 100, std::nullopt};
  CollectingSink sink;
  const Result<RunReport> report = world.store->Run(plan, sink);
  ASSERT_TRUE(report);
  EXPECT_EQ(sink.rows.size(), 100U);
  EXPECT_TRUE(report->more_rows);
}

// Whatever bit of a segment is flipped: answers are right or say that something is missing, and the
// check of the store finds it.
TEST(EmbeddedStoreDamage, IsNoticedWhereverABitFlips) {
  World world;
  world.Open();
  for (std::uint32_t b = 0; b < 3; ++b) {
    std::vector<NewEvent> batch;
    for (std::uint32_t n = 1024 * b; n < 1024 * (b + 1); ++n) {
      batch.push_back(MakeEvent(n, fmt::format(R"({{"to":"user{}@example.org","n":{}}})", n, n)));
    }
    ASSERT_TRUE(world.store->Append(std::move(batch)));
  }
  ASSERT_TRUE(world.store->Flush());
  const std::vector<Event> expected = AllRows(*world.store);
  world.store.reset();
  const Path path = Path("/store/segments") / SegmentFileName(1);
  const std::uint64_t file_bytes = *world.fs.FileSize(path);
  for (std::uint64_t offset = 0; offset < file_bytes; offset += 397) {
    SCOPED_TRACE(fmt::format("offset {} of {}", offset, file_bytes));
    world.fs.FlipBit(path, offset, static_cast<int>(offset % 8));
    const Result<StoreCheck> check = CheckStore(world.fs, world.clock, "/store");
    if (check) {
      EXPECT_FALSE(check->problems.empty());
    }
    world.Open();
    Plan plan;
    plan.rows = RowsRequest{Order::kOldestFirst, 100'000, std::nullopt};
    CollectingSink sink;
    const Result<RunReport> report = world.store->Run(plan, sink);
    ASSERT_TRUE(report);
    if (sink.rows != expected) {
      EXPECT_LE(sink.rows.size(), expected.size());
      EXPECT_FALSE(world.store->Describe().set_aside.empty());
    }
    world.store.reset();
    world.fs.FlipBit(path, offset, static_cast<int>(offset % 8));
  }
  world.Open();
  EXPECT_EQ(world.store->Describe().events, 3 * 1024U);
}

TEST(EmbeddedStoreDamage, MakesALostManifestAgain) {
  for (const bool damaged : {false, true}) {
    World world;
    world.Open();
    ASSERT_TRUE(world.store->Append({MakeEvent(1), MakeEvent(2)}));
    ASSERT_TRUE(world.store->Flush());
    ASSERT_TRUE(world.store->Append({MakeEvent(3)}));
    Plan selection;
    selection.where = {TermMatch{{Field::Kind::kText, ""}, "2"}};
    ASSERT_EQ(world.store->Delete(selection)->events_deleted, 1U);
    ASSERT_TRUE(world.store->Append({MakeEvent(4)}));
    world.store.reset();
    if (damaged) {
      world.fs.FlipBit("/store/segments/MANIFEST", 20, 3);
    } else {
      ASSERT_TRUE(world.fs.Remove("/store/segments/MANIFEST"));
    }
    world.Open();
    EXPECT_EQ(Messages(*world.store),
              (std::multiset<std::string>{"event 1", "event 3", "event 4"}));
    EXPECT_EQ(world.store->Describe().set_aside.size(), 1U);
    world.Open();
    EXPECT_EQ(world.store->Describe().set_aside.size(), 0U);
  }
}

TEST(EmbeddedStoreDamage, StartsAfterTheJournalWasLost) {
  World world;
  world.Open();
  ASSERT_TRUE(world.store->Append({MakeEvent(1)}));
  ASSERT_TRUE(world.store->Append({MakeEvent(2)}));
  ASSERT_TRUE(world.store->Flush());
  world.store.reset();
  const Result<std::vector<std::string>> names = world.fs.List("/store/journal");
  ASSERT_TRUE(names);
  for (const std::string& name : *names) {
    ASSERT_TRUE(world.fs.Remove(Path("/store/journal") / name));
  }
  world.Open();
  ASSERT_TRUE(world.store->Append({MakeEvent(3)}));
  world.Open();
  EXPECT_EQ(Messages(*world.store), (std::multiset<std::string>{"event 1", "event 2", "event 3"}));
}

TEST(EmbeddedStore, IsOpenOnceAtATime) {
  World world;
  world.Open();
  const auto second =
      EmbeddedStore::Open(world.fs, world.clock, world.metrics, "/store", world.options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

TEST(EmbeddedStore, GivesAllRowsWhenAskedForAnyNumber) {
  World world;
  world.Open();
  ASSERT_TRUE(world.store->Append({MakeEvent(1), MakeEvent(2)}));
  Plan plan;
  plan.rows =
      RowsRequest{Order::kNewestFirst, std::numeric_limits<std::size_t>::max(), std::nullopt};
  CollectingSink sink;
  const Result<RunReport> report = world.store->Run(plan, sink);
  ASSERT_TRUE(report);
  EXPECT_EQ(sink.rows.size(), 2U);
  EXPECT_FALSE(report->more_rows);
}

TEST(EmbeddedStore, RefusesAnotherManifestVersion) {
  for (const char version : {'\x01', '\x09'}) {
    World world;
    world.Open();
    ASSERT_TRUE(world.store->Append({MakeEvent(1)}));
    ASSERT_TRUE(world.store->Flush());
    world.store.reset();
    std::string bytes = *world.fs.ReadFile("/store/segments/MANIFEST");
    bytes[8] = version;
    bytes.resize(bytes.size() - 8);
    const std::uint64_t checksum = Hash64(bytes);
    bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
    ASSERT_TRUE(world.fs.WriteFileAtomically("/store/segments/MANIFEST", bytes));
    const auto opened =
        EmbeddedStore::Open(world.fs, world.clock, world.metrics, "/store", world.options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  }
}

}  // namespace
}  // namespace postglass::store
