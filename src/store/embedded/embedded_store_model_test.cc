#include <gtest/gtest.h>

#include "base/random_testing.h"
#include "store/embedded/embedded_world_testing.h"
#include "store/embedded/store_check.h"
#include "store/oracle_store.h"
#include "store/random_events_testing.h"

namespace postglass::store {
namespace {

constexpr int kStepsPerLoop = 3'400;  // 30 loops: 100,000 steps
constexpr int kStepsPerWorld = 850;
constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::string_view kPerson = "alice@example.org";

// The embedded store and a naive one, to which the same happens.
class Twins {
 public:
  explicit Twins(std::uint64_t seed) : random_(seed) {
    world_.options.seal_rows = 40;
    world_.options.merge.tier_segments = 3;
    world_.options.merge.rows_max = 200;
    world_.Open();
  }

  void Step() {
    const std::uint64_t choice = random_.Below(100);
    if (choice < 18) return Append();
    if (choice < 21) return Flush();
    if (choice < 25) return Merge();
    if (choice < 27) return Delete();
    if (choice < 28) return Crash();
    if (random_.Below(300) == 0) return Erase();
    if (random_.Below(300) == 0) return world_.Open();
    ExpectSameAnswers(*world_.store, oracle_, RandomPlan(random_));
  }

  void Finish() {
    EXPECT_EQ(world_.store->Describe().events, oracle_.Describe().events);
    Flush();
    Merge();
    EXPECT_EQ(AllRows(*world_.store), AllRows(oracle_));
    world_.store.reset();
    const Result<StoreCheck> check = CheckStore(world_.fs, world_.clock, "/store");
    ASSERT_TRUE(check) << check.error().message;
    EXPECT_TRUE(check->problems.empty()) << check->problems.front();
    EXPECT_EQ(check->events_sealed, oracle_.Describe().events);
  }

 private:
  void Append() {
    std::vector<NewEvent> batch;
    for (std::uint64_t events = random_.Below(6); events > 0; --events) {
      batch.push_back(RandomEvent(random_, n_));
      // A few days at a time, now and then one of long ago.
      batch.back().event.timestamp_ms -= static_cast<std::int64_t>(random_.Below(3)) * kDayMs;
      if (random_.Below(30) == 0) batch.back().event.timestamp_ms -= 400 * kDayMs * (n_ % 20);
      if (random_.Below(3) == 0) {
        batch.back().dedup_key = KeyOf(static_cast<std::uint32_t>(random_.Below(200)));
      }
      ++n_;
    }
    const Result<AppendResult> mine = world_.store->Append(batch);
    const Result<AppendResult> expected = oracle_.Append(batch);
    ASSERT_TRUE(mine) << mine.error().message;
    EXPECT_EQ(mine->was_duplicate, expected->was_duplicate);
  }

  void Flush() { ASSERT_TRUE(world_.store->Flush()); }

  void Merge() {
    const Status merged = world_.store->Maintain();
    ASSERT_TRUE(merged) << merged.error().message;
  }

  void Delete() {
    Plan selection;
    selection.where = {And{{RandomPredicate(random_, 1), RandomPredicate(random_, 1)}}};
    const Result<DeleteReport> mine = world_.store->Delete(selection);
    const Result<DeleteReport> expected = oracle_.Delete(selection);
    ASSERT_EQ(mine.has_value(), expected.has_value());
    if (mine) {
      EXPECT_EQ(mine->events_deleted, expected->events_deleted);
    }
  }

  void Erase() {
    const Result<EraseReceipt> expected = oracle_.Erase(kPerson);
    const Result<EraseReceipt> receipt = world_.store->Erase(kPerson);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_TRUE(receipt->not_erased.empty()) << receipt->not_erased.front();
    EXPECT_GE(receipt->events_erased, expected->events_erased);  // hidden ones too
  }

  void Crash() {
    if (random_.Below(2) == 0) {
      world_.fs.KillProcess();
      world_.store.reset();
    } else {
      world_.fs.RestorePower();  // cuts it first
      world_.store.reset();
    }
    world_.Open();
    EXPECT_EQ(world_.store->Describe().set_aside, std::vector<std::string>());
    EXPECT_EQ(world_.store->Describe().events, oracle_.Describe().events);
  }

  SeededRandom random_;
  World world_;
  OracleStore oracle_;
  std::uint32_t n_ = 0;
};

// The same random events, questions, deletions, crashes: the same answers, wherever the events lie.
TEST(EmbeddedStoreModel, AnswersAsTheOracleDoes) {
  const int steps = kStepsPerLoop * TestLoops() / kSlowness;
  for (int done = 0; done < steps; done += kStepsPerWorld) {
    const auto seed = static_cast<std::uint64_t>(done) + 1;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Twins twins(seed);
    for (int step = 0; step < kStepsPerWorld; ++step) {
      SCOPED_TRACE(fmt::format("step {}", step));
      twins.Step();
      ASSERT_FALSE(testing::Test::HasFailure());
    }
    twins.Finish();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace postglass::store
