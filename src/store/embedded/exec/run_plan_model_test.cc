#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "base/random_testing.h"
#include "store/collect_testing.h"
#include "store/embedded/exec/run_plan.h"
#include "store/embedded/exec/table_decorators_testing.h"
#include "store/embedded/table/table_builder.h"
#include "store/embedded/table/table_testing.h"
#include "store/oracle_store.h"
#include "store/random_events_testing.h"

namespace postglass::store {
namespace {

// One snapshot, and the same events in the plainest store.
class World {
 public:
  World(Random& random, std::uint32_t events_count) {
    std::vector<std::vector<Event>> parts(1 + random.Below(5));  // the first stays raw
    for (std::uint32_t n = 0; n < events_count; ++n) {
      parts[random.Below(parts.size())].push_back(RandomEvent(random, n).event);
    }
    std::vector<NewEvent> live;
    TableBuilder builder;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      if (parts[i].empty()) continue;
      SortEvents(parts[i]);
      AddTable(random, builder, parts[i], live);
    }
    raw_ = std::move(parts[0]);
    if (!raw_.empty()) {
      const auto [oldest, newest] =
          std::minmax_element(raw_.begin(), raw_.end(), [](const Event& a, const Event& b) {
            return a.timestamp_ms < b.timestamp_ms;
          });
      snapshot_.raw.push_back({nullptr, raw_, oldest->timestamp_ms, newest->timestamp_ms});
      for (const Event& event : raw_) live.push_back({event, std::nullopt});
    }
    EXPECT_TRUE(oracle_.Append(std::move(live)));
  }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  const Snapshot& snapshot() const { return snapshot_; }

  OracleStore& oracle() { return oracle_; }

 private:
  void AddTable(Random& random,
                TableBuilder& builder,
                const std::vector<Event>& events,
                std::vector<NewEvent>& live) {
    auto deleted = std::make_shared<DeletedRows>();
    const bool deletes = random.Below(2) == 0;
    for (RowIndex row = 0; row < events.size(); ++row) {
      if (deletes && random.Below(8) == 0) {
        deleted->push_back(row);
      } else {
        live.push_back({events[row], std::nullopt});
      }
    }
    std::shared_ptr<const Table> table = BuildTable(builder, events);
    if (random.Below(2) == 0) table = std::make_shared<IndexedTable>(std::move(table));
    if (deleted->empty()) deleted = nullptr;
    snapshot_.tables.push_back({std::move(table), std::move(deleted)});
  }

  std::vector<Event> raw_;
  Snapshot snapshot_;
  OracleStore oracle_;
};

// NaN equals NaN.
bool SameNumbers(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return x == y || (x != x && y != y);
  });
}

void ExpectSameAnswers(World& world,
                       const Plan& plan,
                       WorkerPool& pool,
                       std::uint64_t work_before_help) {
  CollectingSink expected;
  CollectingSink actual;
  const Result<RunReport> expected_report = world.oracle().Run(plan, expected);
  const Result<RunReport> report =
      RunPlan(world.snapshot(), plan, actual, pool, 2, work_before_help);
  ASSERT_EQ(report.has_value(), expected_report.has_value());
  if (!report) {
    EXPECT_EQ(report.error().code, expected_report.error().code);
    return;
  }
  EXPECT_EQ(actual.rows, expected.rows);
  EXPECT_EQ(report->more_rows, expected_report->more_rows);
  EXPECT_EQ(actual.count, expected.count);
  EXPECT_EQ(actual.histograms, expected.histograms);
  EXPECT_EQ(actual.top_values, expected.top_values);
  EXPECT_EQ(actual.cardinalities, expected.cardinalities);
  ASSERT_EQ(actual.percentiles.size(), expected.percentiles.size());
  for (const auto& [i, numbers] : expected.percentiles) {
    EXPECT_TRUE(SameNumbers(actual.percentiles[i], numbers));
  }
  ASSERT_EQ(actual.groups.size(), expected.groups.size());
  for (const auto& [i, groups] : expected.groups) {
    EXPECT_EQ(actual.groups[i].size(), groups.size());
    EXPECT_TRUE(SameGroups(actual.groups[i], groups));
  }
  EXPECT_TRUE(report->damage.empty());
}

// As a plan that only deletes asks.
void ExpectSameSelection(World& world, Plan plan) {
  plan.rows.reset();
  std::size_t selected = 0;
  for (const LiveTable& live : world.snapshot().tables) {
    const Result<std::vector<RowIndex>> rows = SelectRows(live, plan);
    if (!rows) {
      EXPECT_EQ(rows.error().code, ErrorCode::kInvalidArgument);
      return;
    }
    EXPECT_TRUE(std::is_sorted(rows->begin(), rows->end()));
    selected += rows->size();
  }
  CollectingSink sink;
  plan.count = true;
  ASSERT_TRUE(world.oracle().Run(plan, sink));
  std::size_t raw = 0;
  if (!world.snapshot().raw.empty()) {
    OracleStore raw_store;
    std::vector<NewEvent> batch;
    for (const Event& event : world.snapshot().raw[0].events) {
      batch.push_back({event, std::nullopt});
    }
    ASSERT_TRUE(raw_store.Append(std::move(batch)));
    CollectingSink raw_sink;
    ASSERT_TRUE(raw_store.Run(plan, raw_sink));
    raw = *raw_sink.count;
  }
  EXPECT_EQ(selected + raw, *sink.count);
}

TEST(RunPlanModel, AnswersAsTheOracleDoes) {
  WorkerPool pool({.threads = 2, .queue_max = 16});
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SeededRandom random(seed);
    World world(random, static_cast<std::uint32_t>(random.Below(80)));
    for (int i = 0; i < 60; ++i) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << " plan " << i);
      const Plan plan = RandomPlan(random);
      // Every other plan with helpers from the beginning.
      ExpectSameAnswers(world, plan, pool, i % 2 == 0 ? 0 : kWorkBeforeHelp);
      if (i % 8 == 0) ExpectSameSelection(world, plan);
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace postglass::store
