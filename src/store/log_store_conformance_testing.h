#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/collect_testing.h"
#include "store/log_store.h"

// What every LogStore does, as tests. A store's own test file instantiates them:
//   INSTANTIATE_TEST_SUITE_P(Oracle, LogStoreConformance, testing::Values(MakeOracle));

namespace postglass::store {

// A store and what has to live as long as it.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual LogStore& store() = 0;
};

using StoreFactory = std::function<std::unique_ptr<StoreUnderTest>()>;

class LogStoreConformance : public testing::TestWithParam<StoreFactory> {
 protected:
  static constexpr std::int64_t kNowMs = 1'800'000'000'000;
  static constexpr std::int64_t kHourMs = 3'600'000;

  LogStore& store() { return under_test_->store(); }

  // The n-th event: ten a second, ingested a second after it happened.
  static NewEvent Make(std::uint32_t n, std::string attributes = "{}") {
    NewEvent entry;
    entry.event.timestamp_ms = kNowMs + 100 * std::int64_t{n};
    entry.event.ingested_at_ms = entry.event.timestamp_ms + 1000;
    entry.event.id = EventId::Make(entry.event.ingested_at_ms,
                                   {0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    static_cast<std::uint8_t>(n >> 24),
                                    static_cast<std::uint8_t>(n >> 16),
                                    static_cast<std::uint8_t>(n >> 8),
                                    static_cast<std::uint8_t>(n)});
    entry.event.message = fmt::format("event number {}", n);
    entry.event.service = "mail";
    entry.event.source = "ses";
    entry.event.host = "ses.eu";
    entry.event.tags = {"env:test", fmt::format("parity:{}", n % 2)};
    entry.event.attributes = std::move(attributes);
    return entry;
  }

  static DedupKey Key(std::uint8_t n) {
    DedupKey key;
    key.bytes.fill(n);
    return key;
  }

  AppendResult MustAppend(std::vector<NewEvent> batch) {
    Result<AppendResult> result = store().Append(std::move(batch));
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : AppendResult();
  }

  void AppendRange(std::uint32_t from, std::uint32_t to) {
    std::vector<NewEvent> batch;
    for (std::uint32_t n = from; n < to; ++n) {
      batch.push_back(Make(n, fmt::format(R"({{"n":{},"mod":[{},"m{}"]}})", n, n % 3, n % 5)));
    }
    MustAppend(std::move(batch));
  }

  CollectingSink MustRun(const Plan& plan, RunReport* report = nullptr) {
    CollectingSink sink;
    Result<RunReport> result = store().Run(plan, sink);
    EXPECT_TRUE(result) << result.error().message;
    if (result && report != nullptr) *report = *result;
    return sink;
  }

  static Plan Rows(Order order, std::size_t limit) {
    Plan plan;
    plan.rows = RowsRequest{order, limit, std::nullopt};
    return plan;
  }

  std::unique_ptr<StoreUnderTest> under_test_ = GetParam()();
};

TEST_P(LogStoreConformance, IsEmptyAtFirst) {
  Plan plan = Rows(Order::kNewestFirst, 10);
  plan.count = true;
  plan.histograms.push_back({});
  plan.percentiles.push_back({{Field::Kind::kAttribute, "n"}, {0.5}});
  RunReport report;
  const CollectingSink sink = MustRun(plan, &report);
  EXPECT_TRUE(sink.rows.empty());
  EXPECT_EQ(sink.count, 0U);
  EXPECT_TRUE(sink.histograms.at(0).empty());
  EXPECT_TRUE(std::isnan(sink.percentiles.at(0).at(0)));
  EXPECT_FALSE(report.more_rows);
  EXPECT_EQ(store().Describe().events, 0U);
}

TEST_P(LogStoreConformance, GivesBackWhatWentIn) {
  NewEvent entry = Make(1, R"({ "b" : 1.50, "a":"\u00e4/\/", "big":123456789012345678901234 })");
  entry.event.message = std::string("line\n\0end\xFF", 10);
  entry.event.status = "warn";
  entry.event.tags = {"x", "", "x", "a:b:c"};
  const Event expected = entry.event;
  MustAppend({std::move(entry)});
  EXPECT_EQ(MustRun(Rows(Order::kNewestFirst, 10)).rows, std::vector<Event>{expected});
}

TEST_P(LogStoreConformance, TakesAnEmptyBatch) {
  const AppendResult result = MustAppend({});
  EXPECT_EQ(result.stored, 0U);
  EXPECT_EQ(result.duplicates, 0U);
}

TEST_P(LogStoreConformance, PagesInBothOrders) {
  AppendRange(0, 50);
  for (const Order order : {Order::kNewestFirst, Order::kOldestFirst}) {
    Plan plan = Rows(order, 7);
    std::vector<std::string> seen;
    while (true) {
      RunReport report;
      const CollectingSink sink = MustRun(plan, &report);
      for (const Event& event : sink.rows) seen.push_back(event.message);
      ASSERT_LE(seen.size(), 50U);
      if (!report.more_rows) break;
      ASSERT_EQ(sink.rows.size(), 7U);
      plan.rows->after = RowCursor{sink.rows.back().timestamp_ms, sink.rows.back().id};
    }
    ASSERT_EQ(seen.size(), 50U);
    const bool newest_first = order == Order::kNewestFirst;
    for (std::uint32_t n = 0; n < 50; ++n) {
      EXPECT_EQ(seen[n], fmt::format("event number {}", newest_first ? 49 - n : n));
    }
  }
}

TEST_P(LogStoreConformance, OrdersEqualTimesById) {
  std::vector<NewEvent> batch;
  for (std::uint32_t n : {3U, 1U, 2U}) {
    batch.push_back(Make(n));
    batch.back().event.timestamp_ms = kNowMs;
  }
  MustAppend(std::move(batch));
  Plan plan = Rows(Order::kOldestFirst, 2);
  CollectingSink sink = MustRun(plan);
  ASSERT_EQ(sink.rows.size(), 2U);
  EXPECT_EQ(sink.rows[0].message, "event number 1");
  plan.rows->after = RowCursor{kNowMs, sink.rows[1].id};
  sink = MustRun(plan);
  ASSERT_EQ(sink.rows.size(), 1U);
  EXPECT_EQ(sink.rows[0].message, "event number 3");
}

TEST_P(LogStoreConformance, HoldsTimeRanges) {
  AppendRange(0, 100);
  Plan plan;
  plan.count = true;
  plan.from_ms = kNowMs + 1000;  // n = 10, inclusive
  plan.to_ms = kNowMs + 2000;    // n = 20, exclusive
  EXPECT_EQ(MustRun(plan).count, 10U);
  plan.ingested_from_ms = kNowMs + 1000 + 1500;  // n = 15
  EXPECT_EQ(MustRun(plan).count, 5U);
}

TEST_P(LogStoreConformance, FindsByPredicate) {
  AppendRange(0, 100);
  Plan plan;
  plan.count = true;
  plan.where = {TermMatch{{Field::Kind::kAttribute, "mod"}, "m2"}};
  EXPECT_EQ(MustRun(plan).count, 20U);
  plan.where = {TermMatch{{Field::Kind::kText, ""}, "NUMBER 17"}};
  EXPECT_EQ(MustRun(plan).count, 1U);
  plan.where = {TermMatch{{Field::Kind::kTag, "parity"}, "1"}};
  EXPECT_EQ(MustRun(plan).count, 50U);
  plan.where = {Not{std::make_shared<Predicate>(plan.where)}};
  EXPECT_EQ(MustRun(plan).count, 50U);
  plan.where = {MatchNone{}};
  EXPECT_EQ(MustRun(plan).count, 0U);
}

TEST_P(LogStoreConformance, AggregatesInOnePass) {
  AppendRange(0, 100);
  Plan plan = Rows(Order::kNewestFirst, 3);
  plan.count = true;
  plan.histograms = {{2000, std::nullopt}, {10'000, Field{Field::Kind::kTag, "parity"}}};
  plan.top_values = {{{Field::Kind::kAttribute, "mod"}, 3},
                     {{Field::Kind::kReserved, "service"}, 10},
                     {{Field::Kind::kTags, ""}, 1}};
  plan.percentiles = {{{Field::Kind::kAttribute, "n"}, {0, 0.5, 0.99, 1}}};
  plan.cardinalities = {{{Field::Kind::kAttribute, "n"}}, {{Field::Kind::kAttribute, "mod"}}};
  const CollectingSink sink = MustRun(plan);
  EXPECT_EQ(sink.rows.size(), 3U);
  EXPECT_EQ(sink.count, 100U);
  ASSERT_EQ(sink.histograms.at(0).size(), 5U);
  EXPECT_EQ(sink.histograms.at(0)[0], (HistogramBucket{kNowMs, 20, {}}));
  EXPECT_EQ(sink.histograms.at(1),
            (std::vector<HistogramBucket>{{kNowMs, 100, {{"0", 50}, {"1", 50}}}}));
  EXPECT_EQ(sink.top_values.at(0), (std::vector<ValueCount>{{"0", 34}, {"1", 33}, {"2", 33}}));
  EXPECT_EQ(sink.top_values.at(1), (std::vector<ValueCount>{{"mail", 100}}));
  EXPECT_EQ(sink.top_values.at(2), (std::vector<ValueCount>{{"env:test", 100}}));
  EXPECT_EQ(sink.percentiles.at(0), (std::vector<double>{0, 49.5, 98.01, 99}));
  EXPECT_EQ(sink.cardinalities.at(0), 100U);
  EXPECT_EQ(sink.cardinalities.at(1), 8U);
}

TEST_P(LogStoreConformance, CountsAValueOnceAnEvent) {
  MustAppend({Make(1, R"({"to":["a","a","b"]})"), Make(2, R"({"to":"a"})")});
  Plan plan;
  plan.top_values = {{{Field::Kind::kAttribute, "to"}, 10}};
  EXPECT_EQ(MustRun(plan).top_values.at(0), (std::vector<ValueCount>{{"a", 2}, {"b", 1}}));
}

TEST_P(LogStoreConformance, AlignsBucketsBeforeTheEpochToo) {
  NewEvent entry = Make(1);
  entry.event.timestamp_ms = -1;
  MustAppend({std::move(entry)});
  Plan plan;
  plan.histograms = {{1000, std::nullopt}};
  EXPECT_EQ(MustRun(plan).histograms.at(0), (std::vector<HistogramBucket>{{-1000, 1, {}}}));
}

TEST_P(LogStoreConformance, KeepsOneOfEqualKeys) {
  NewEvent first = Make(1);
  first.dedup_key = Key(1);
  NewEvent again = Make(2);
  again.dedup_key = Key(1);
  NewEvent other = Make(3);
  other.dedup_key = Key(2);
  const AppendResult in_batch = MustAppend({first, again, other, Make(4)});
  EXPECT_EQ(in_batch.was_duplicate, (std::vector<bool>{false, true, false, false}));
  const AppendResult later = MustAppend({again, Make(5), other});
  EXPECT_EQ(later.was_duplicate, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(later.stored, 1U);
  EXPECT_EQ(later.duplicates, 2U);
  EXPECT_EQ(store().Describe().events, 4U);
}

TEST_P(LogStoreConformance, ForgetsKeysAfterTheWindow) {
  NewEvent first = Make(1);
  first.dedup_key = Key(1);
  MustAppend({first});
  NewEvent inside = Make(2);
  inside.dedup_key = Key(1);
  inside.event.ingested_at_ms = first.event.ingested_at_ms + 72 * kHourMs;
  EXPECT_EQ(MustAppend({inside}).duplicates, 1U);
  NewEvent beyond = inside;
  beyond.event.ingested_at_ms = first.event.ingested_at_ms + 74 * kHourMs;
  EXPECT_EQ(MustAppend({beyond}).stored, 1U);
  EXPECT_EQ(MustAppend({beyond}).duplicates, 1U);
}

TEST_P(LogStoreConformance, DeletesWhatMatches) {
  AppendRange(0, 100);
  Plan selection;
  selection.where = {TermMatch{{Field::Kind::kTag, "parity"}, "0"}};
  selection.to_ms = kNowMs + 5000;
  Result<DeleteReport> report = store().Delete(selection);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->events_deleted, 25U);
  Plan plan;
  plan.count = true;
  EXPECT_EQ(MustRun(plan).count, 75U);
  plan.where = selection.where;
  EXPECT_EQ(MustRun(plan).count, 25U);
  EXPECT_EQ(store().Describe().events, 75U);
  report = store().Delete(selection);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->events_deleted, 0U);
}

TEST_P(LogStoreConformance, StopsWhenAsked) {
  AppendRange(0, 10);
  std::stop_source stop;
  stop.request_stop();
  Plan plan;
  plan.where = {TermMatch{{Field::Kind::kAttribute, "n"}, "3"}};
  plan.count = true;
  plan.stop = stop.get_token();
  CollectingSink sink;
  const Result<RunReport> result = store().Run(plan, sink);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

TEST_P(LogStoreConformance, RefusesToUseMoreMemoryThanThePlanAllows) {
  std::vector<NewEvent> batch;
  for (std::uint32_t n = 0; n < 1000; ++n) {
    batch.push_back(Make(n, fmt::format(R"({{"v":"{:0>200}"}})", n)));
  }
  MustAppend(std::move(batch));
  Plan plan;
  plan.memory_bytes_max = 50'000;
  // All of them: a store may know the first few without holding the others.
  plan.top_values = {{{Field::Kind::kAttribute, "v"}, 1000}};
  CollectingSink sink;
  const Result<RunReport> result = store().Run(plan, sink);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kLimit);
}

TEST_P(LogStoreConformance, RefusesPlansWithoutMeaning) {
  std::vector<Plan> plans(4);
  plans[0].histograms = {{0, std::nullopt}};
  plans[1].percentiles = {{{Field::Kind::kAttribute, "n"}, {1.5}}};
  plans[2].top_values = {{{Field::Kind::kAllText, ""}, 1}};
  plans[3].where = {CidrMatch{{Field::Kind::kAttribute, "ip"}, {"nowhere"}}};
  for (const Plan& plan : plans) {
    CollectingSink sink;
    const Result<RunReport> result = store().Run(plan, sink);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_P(LogStoreConformance, DescribesItself) {
  AppendRange(0, 11);
  const Description description = store().Describe();
  EXPECT_EQ(description.events, 11U);
  EXPECT_EQ(description.first_timestamp_ms, kNowMs);
  EXPECT_EQ(description.last_timestamp_ms, kNowMs + 1000);
  EXPECT_EQ(description.first_ingested_ms, kNowMs + 1000);
  EXPECT_EQ(description.last_ingested_ms, kNowMs + 2000);
  EXPECT_TRUE(description.writable);
}

TEST_P(LogStoreConformance, AnswersTheSameAfterAFlush) {
  AppendRange(0, 40);
  Plan plan = Rows(Order::kOldestFirst, 100);
  const std::vector<Event> before = MustRun(plan).rows;
  ASSERT_EQ(before.size(), 40U);
  ASSERT_TRUE(store().Flush());
  EXPECT_EQ(MustRun(plan).rows, before);
}

}  // namespace postglass::store
