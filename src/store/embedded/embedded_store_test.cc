#include "store/embedded/embedded_store.h"

#include <gtest/gtest.h>

#include <cmath>
#include <future>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "store/collect_testing.h"
#include "store/log_store_conformance_testing.h"
#include "store/oracle_store.h"
#include "store/random_events_testing.h"

namespace postglass::store {
namespace {

// A store on a disk in memory.
struct World {
  FaultyFileSystem fs;
  ManualClock clock;
  Metrics metrics;
  EmbeddedStore::Options options;
  std::unique_ptr<EmbeddedStore> store;

  World() { options.query_helpers = 2; }

  void Open() {
    store.reset();
    Result<std::unique_ptr<EmbeddedStore>> opened =
        EmbeddedStore::Open(fs, clock, metrics, "/store", options);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
};

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

void ExpectSameAnswers(LogStore& store, LogStore& oracle, const Plan& plan) {
  CollectingSink mine;
  CollectingSink expected;
  const Result<RunReport> my_report = store.Run(plan, mine);
  const Result<RunReport> expected_report = oracle.Run(plan, expected);
  if (!expected_report) {
    ASSERT_FALSE(my_report);
    EXPECT_EQ(my_report.error().code, expected_report.error().code);
    return;
  }
  ASSERT_TRUE(my_report) << my_report.error().message;
  EXPECT_TRUE(my_report->damage.empty());
  EXPECT_EQ(mine.rows, expected.rows);
  EXPECT_EQ(my_report->more_rows, expected_report->more_rows);
  EXPECT_EQ(mine.count, expected.count);
  EXPECT_EQ(mine.histograms, expected.histograms);
  EXPECT_EQ(mine.top_values, expected.top_values);
  EXPECT_EQ(mine.cardinalities, expected.cardinalities);
  ASSERT_EQ(mine.percentiles.size(), expected.percentiles.size());
  for (const auto& [i, values] : expected.percentiles) {
    for (std::size_t q = 0; q < values.size(); ++q) {
      if (std::isnan(values[q])) {
        EXPECT_TRUE(std::isnan(mine.percentiles.at(i)[q]));
      } else {
        EXPECT_DOUBLE_EQ(mine.percentiles.at(i)[q], values[q]);
      }
    }
  }
}

// The same random questions about the same random events, wherever the events lie: raw in memory,
// encoded, sealed, replayed, partly deleted.
TEST(EmbeddedStoreModel, AnswersAsTheOracleDoes) {
  for (const std::uint64_t seed : {1U, 2U}) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    World world;
    world.options.seal_rows = 1000;
    world.Open();
    OracleStore oracle;
    std::uint32_t n = 0;
    for (int step = 0; step < 8; ++step) {
      SCOPED_TRACE(fmt::format("step {}", step));
      std::vector<NewEvent> batch;
      for (std::uint64_t events = random.Below(500); events > 0; --events) {
        batch.push_back(RandomEvent(random, n++));
      }
      ASSERT_TRUE(world.store->Append(batch));
      ASSERT_TRUE(oracle.Append(batch));
      switch (random.Below(6)) {
        case 0:
          ASSERT_TRUE(world.store->Flush());
          break;
        case 1:
          world.Open();
          break;
        case 2: {
          Plan selection;
          selection.where = {And{{RandomPredicate(random, 1), RandomPredicate(random, 1)}}};
          const Result<DeleteReport> mine = world.store->Delete(selection);
          const Result<DeleteReport> expected = oracle.Delete(selection);
          ASSERT_EQ(mine.has_value(), expected.has_value());
          if (!mine) break;
          EXPECT_EQ(mine->events_deleted, expected->events_deleted);
          break;
        }
        default:
          break;
      }
      EXPECT_EQ(world.store->Describe().events, oracle.Describe().events);
      for (int question = 0; question < 25 && !testing::Test::HasFailure(); ++question) {
        SCOPED_TRACE(fmt::format("question {}", question));
        ExpectSameAnswers(*world.store, oracle, RandomPlan(random));
      }
      ASSERT_FALSE(testing::Test::HasFailure());
    }
  }
}

NewEvent MakeEvent(std::uint32_t n, std::string attributes = "{}") {
  NewEvent entry;
  entry.event.timestamp_ms = 1'800'000'000'000 + n;
  entry.event.ingested_at_ms = entry.event.timestamp_ms;
  entry.event.id = EventId::Make(
      entry.event.ingested_at_ms,
      {0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)});
  entry.event.message = fmt::format("event {}", n);
  entry.event.attributes = std::move(attributes);
  return entry;
}

DedupKey KeyOf(std::uint32_t n) {
  DedupKey key;
  key.bytes[0] = static_cast<std::uint8_t>(n);
  key.bytes[1] = static_cast<std::uint8_t>(n >> 8);
  key.bytes[15] = 1;
  return key;
}

std::multiset<std::string> Messages(LogStore& store) {
  Plan plan;
  plan.rows = RowsRequest{Order::kOldestFirst, 100'000, std::nullopt};
  CollectingSink sink;
  const Result<RunReport> report = store.Run(plan, sink);
  EXPECT_TRUE(report);
  std::multiset<std::string> messages;
  for (const Event& event : sink.rows) messages.insert(event.message);
  return messages;
}

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

TEST(EmbeddedStore, FindsANeedleInFewBlocks) {
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
  EXPECT_LE(report->events_scanned, 3 * 1024U) << report->explain;
}

TEST(EmbeddedStore, StopsEarlyForTheNewestRows) {
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
  EXPECT_LE(report->events_scanned, 4 * 1024U) << report->explain;
}

// Appends until something fails; the messages that were acknowledged and those that were tried.
struct History {
  std::set<std::string> acknowledged;
  std::set<std::string> tried;
};

void WriteHistory(World& world, History& history) {
  constexpr std::uint32_t kBatches = 12;
  world.options.seal_rows = 4;
  Result<std::unique_ptr<EmbeddedStore>> store =
      EmbeddedStore::Open(world.fs, world.clock, world.metrics, "/store", world.options);
  if (!store) return;
  for (std::uint32_t b = 0; b < kBatches; ++b) {
    std::vector<NewEvent> batch;
    for (std::uint32_t i = 0; i < 3; ++i) {
      batch.push_back(MakeEvent(3 * b + i));
      batch.back().dedup_key = KeyOf(3 * b + i);
    }
    std::set<std::string> messages;
    for (const NewEvent& entry : batch) messages.insert(entry.event.message);
    history.tried.insert(messages.begin(), messages.end());
    if ((*store)->Append(std::move(batch))) {
      history.acknowledged.insert(messages.begin(), messages.end());
    }
    if (b % 4 == 3) static_cast<void>((*store)->Flush().has_value());
  }
}

void ExpectHistory(World& world, const History& history) {
  world.Open();
  ASSERT_NE(world.store, nullptr);
  const std::multiset<std::string> found = Messages(*world.store);
  for (const std::string& message : history.acknowledged) {
    EXPECT_EQ(found.count(message), 1U) << message;
  }
  for (const std::string& message : found) {
    EXPECT_TRUE(history.tried.contains(message)) << message;
    EXPECT_EQ(found.count(message), 1U) << message;
  }
  // Every event that is there is known by its key; the others can be stored.
  std::vector<NewEvent> again;
  for (std::uint32_t n = 0; n < 36; ++n) {
    again.push_back(MakeEvent(n));
    again.back().dedup_key = KeyOf(n);
  }
  const Result<AppendResult> result = world.store->Append(std::move(again));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->duplicates, found.size());
  EXPECT_EQ(Messages(*world.store).size(), 36U);
}

// A power cut at any file operation loses nothing that was acknowledged, invents nothing, doubles
// nothing.
TEST(EmbeddedStoreCrash, KeepsWhatWasAcknowledgedWhereverThePowerIsCut) {
  for (std::uint64_t cut_op = 0; cut_op < 2000; ++cut_op) {
    SCOPED_TRACE(fmt::format("power cut at file operation {}", cut_op));
    World world;
    world.fs.Arm({.seed = cut_op + 1, .power_loss_at_op = cut_op});
    History history;
    WriteHistory(world, history);
    const bool fired = world.fs.fault_fired();
    world.fs.RestorePower();
    ExpectHistory(world, history);
    if (HasFatalFailure() || HasNonfatalFailure() || !fired) break;
  }
}

// The same when one operation fails and the process goes on, and is killed later.
TEST(EmbeddedStoreCrash, KeepsWhatWasAcknowledgedWhicheverOperationFails) {
  for (const ErrorCode code : {ErrorCode::kIo, ErrorCode::kDiskFull}) {
    for (std::uint64_t fail_op = 0; fail_op < 2000; ++fail_op) {
      SCOPED_TRACE(fmt::format("operation {} fails with {}", fail_op, ErrorCodeName(code)));
      World world;
      world.fs.Arm({.seed = fail_op + 1, .fail_at_op = fail_op, .fail_with = code});
      History history;
      WriteHistory(world, history);
      const bool fired = world.fs.fault_fired();
      world.fs.RestorePower();
      ExpectHistory(world, history);
      if (HasFatalFailure() || HasNonfatalFailure() || !fired) break;
    }
  }
}

// Recovery itself is interrupted, again and again.
TEST(EmbeddedStoreCrash, KeepsWhatWasAcknowledgedWhenRecoveryIsCutToo) {
  for (std::uint64_t cut_op = 0; cut_op < 500; ++cut_op) {
    SCOPED_TRACE(fmt::format("power cut at recovery's file operation {}", cut_op));
    World world;
    world.fs.Arm({.seed = cut_op + 1, .power_loss_at_op = 60 + cut_op % 40});
    History history;
    WriteHistory(world, history);
    world.fs.RestorePower();
    world.fs.Arm({.seed = cut_op + 7, .power_loss_at_op = cut_op});
    static_cast<void>(
        EmbeddedStore::Open(world.fs, world.clock, world.metrics, "/store", world.options)
            .has_value());
    const bool fired = world.fs.fault_fired();
    world.fs.RestorePower();
    ExpectHistory(world, history);
    if (HasFatalFailure() || HasNonfatalFailure() || !fired) break;
  }
}

// One flipped bit anywhere in a segment costs at most the block that it is in, and is reported.
TEST(EmbeddedStoreDamage, LosesOneBlockToAFlippedBit) {
  World world;
  world.Open();
  for (std::uint32_t b = 0; b < 3; ++b) {
    std::vector<NewEvent> batch;
    for (std::uint32_t n = 1024 * b; n < 1024 * (b + 1); ++n) batch.push_back(MakeEvent(n));
    ASSERT_TRUE(world.store->Append(std::move(batch)));
  }
  ASSERT_TRUE(world.store->Flush());
  world.store.reset();
  const Path path = Path("/store/segments") / SegmentFileName(1);
  const std::uint64_t file_bytes = *world.fs.FileSize(path);
  const SegmentInfo info = (*Segment::Open(world.fs, "/store/segments", 1))->info();
  const std::uint64_t blocks_end = info.blocks.front().filter_offset_bytes;
  const std::uint64_t filters_end =
      info.blocks.back().filter_offset_bytes + info.blocks.back().filter_bytes;
  for (std::uint64_t offset = 0; offset < file_bytes; offset += 997) {
    SCOPED_TRACE(fmt::format("offset {} of {}", offset, file_bytes));
    world.fs.FlipBit(path, offset, static_cast<int>(offset % 8));
    world.Open();
    Plan plan;
    plan.rows = RowsRequest{Order::kOldestFirst, 100'000, std::nullopt};
    plan.where = {TermMatch{{Field::Kind::kText, ""}, "event"}};
    CollectingSink sink;
    const Result<RunReport> report = world.store->Run(plan, sink);
    ASSERT_TRUE(report);
    if (offset >= 32 && offset < blocks_end) {
      EXPECT_EQ(sink.rows.size(), 2 * 1024U);
      EXPECT_EQ(report->damage.size(), 1U);
      EXPECT_EQ(world.store->Describe().set_aside.size(), 1U);
    } else if (offset >= 32 && offset < filters_end) {
      EXPECT_EQ(sink.rows.size(), 3 * 1024U);  // found without the filter
    } else {
      EXPECT_EQ(sink.rows.size(), 0U);
      EXPECT_EQ(world.store->Describe().set_aside.size(), 1U);
    }
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

TEST(EmbeddedStore, RefusesANewerManifest) {
  World world;
  world.Open();
  ASSERT_TRUE(world.store->Append({MakeEvent(1)}));
  ASSERT_TRUE(world.store->Flush());
  world.store.reset();
  std::string bytes = *world.fs.ReadFile("/store/segments/MANIFEST");
  bytes[8] = 9;
  bytes.resize(bytes.size() - 8);
  const std::uint64_t checksum = Hash64(bytes);
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  ASSERT_TRUE(world.fs.WriteFileAtomically("/store/segments/MANIFEST", bytes));
  const auto opened =
      EmbeddedStore::Open(world.fs, world.clock, world.metrics, "/store", world.options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace postglass::store
