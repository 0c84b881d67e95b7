#include "store/embedded/exec/run_plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/random_testing.h"
#include "store/collect_testing.h"
#include "store/embedded/exec/table_decorators_testing.h"
#include "store/embedded/table/table_builder.h"
#include "store/embedded/table/table_testing.h"

namespace postglass::store {
namespace {

constexpr std::int64_t kNowMs = 1'800'000'000'000;

Event MakeEvent(std::uint32_t n, std::string attributes) {
  Event event;
  event.timestamp_ms = kNowMs + n;
  event.ingested_at_ms = kNowMs + n;
  event.id = EventId::Make(event.ingested_at_ms,
                           {static_cast<std::uint8_t>(n >> 24),
                            static_cast<std::uint8_t>(n >> 16),
                            static_cast<std::uint8_t>(n >> 8),
                            static_cast<std::uint8_t>(n)});
  event.message = fmt::format("event number {}", n);
  event.attributes = std::move(attributes);
  return event;
}

Field Attribute(std::string path) { return {Field::Kind::kAttribute, std::move(path)}; }

Predicate Is(std::string path, std::string value) {
  return {TermMatch{Attribute(std::move(path)), std::move(value)}};
}

class RunPlanTest : public testing::Test {
 protected:
  // A table of events with these attributes, later than those of tables before.
  std::shared_ptr<const Table> AddTable(const std::vector<std::string>& attributes) {
    std::vector<Event> events;
    for (const std::string& text : attributes) events.push_back(MakeEvent(next_++, text));
    snapshot_.tables.push_back({BuildTable(builder_, events), nullptr});
    return snapshot_.tables.back().table;
  }

  CollectingSink MustRun(const Plan& plan) {
    CollectingSink sink;
    Result<RunReport> report = RunPlan(snapshot_, plan, sink, pool_, 1);
    EXPECT_TRUE(report) << report.error().message;
    if (report) report_ = *report;
    return sink;
  }

  std::uint64_t CountOf(Predicate where) {
    Plan plan;
    plan.where = std::move(where);
    plan.count = true;
    return MustRun(plan).count.value_or(0);
  }

  std::vector<ValueCount> Top(const std::string& path, std::size_t limit) {
    Plan plan;
    plan.top_values = {{Attribute(path), limit}};
    return MustRun(plan).top_values[0];
  }

  WorkerPool pool_{{.threads = 1, .queue_max = 16}};
  TableBuilder builder_;
  Snapshot snapshot_;
  std::uint32_t next_ = 0;
  RunReport report_;
};

TEST_F(RunPlanTest, CountsTypedTwinsAsOneValue) {
  AddTable({R"({"v":5})", R"({"v":"5"})", R"({"v":[5,"5",5.5]})", R"({"v":"x"})", R"({"v":true})"});
  AddTable({R"({"v":"5"})", R"({"v":"true"})"});
  EXPECT_EQ(Top("v", 10), (std::vector<ValueCount>{{"5", 4}, {"true", 2}, {"5.5", 1}, {"x", 1}}));
  EXPECT_EQ(CountOf(Is("v", "5")), 4U);
  EXPECT_EQ(CountOf(Is("v", "5.0")), 2U);  // by number, so not the texts
  Plan plan;
  plan.cardinalities = {{Attribute("v")}};
  EXPECT_EQ(MustRun(plan).cardinalities[0], 4U);
}

TEST_F(RunPlanTest, CountsAnElementOnceAnEventAndEachNumberForPercentiles) {
  AddTable({R"({"to":["a","a","b"],"n":[1,1,1,9]})", R"({"to":"a","n":3})"});
  EXPECT_EQ(Top("to", 10), (std::vector<ValueCount>{{"a", 2}, {"b", 1}}));
  Plan plan;
  plan.percentiles = {{Attribute("n"), {0, 0.5, 0.75, 1}}};
  EXPECT_EQ(MustRun(plan).percentiles[0], (std::vector<double>{1, 1, 3, 9}));
}

TEST_F(RunPlanTest, TellsAnObjectFromAKeyWithADot) {
  AddTable({R"({"a":{"b":1}})", R"({"a.b":1})", R"({"a":{}})", R"({"a":[{"b":null}]})"});
  EXPECT_EQ(CountOf({Exists{Attribute("a")}}), 1U);
  EXPECT_EQ(CountOf({Exists{Attribute("a.b")}}), 2U);
}

TEST_F(RunPlanTest, MatchesOpaqueRowsFromTheirText) {
  AddTable({R"({"v":123456789012345678901234567890,"w":"x"})", "not json", R"({"w":"x"})"});
  EXPECT_EQ(CountOf(Is("w", "x")), 2U);
  EXPECT_EQ(CountOf({Not{std::make_shared<Predicate>(Is("w", "x"))}}), 1U);
  EXPECT_EQ(Top("w", 5), (std::vector<ValueCount>{{"x", 2}}));
  snapshot_.tables[0].deleted = std::make_shared<DeletedRows>(DeletedRows{0, 2});
  EXPECT_EQ(CountOf(Is("w", "x")), 0U);
  EXPECT_EQ(CountOf({MatchAll{}}), 1U);
}

TEST_F(RunPlanTest, ExplainsWhatBecameOfEachTable) {
  AddTable({R"({"v":"a"})", R"({"v":"b"})"});
  AddTable({R"({"v":"c"})"});
  AddTable({R"({"v":"a"})"});
  Plan plan;
  plan.where = Is("v", "a");
  plan.rows = RowsRequest{Order::kNewestFirst, 10, std::nullopt};
  plan.to_ms = kNowMs + 3;
  MustRun(plan);
  EXPECT_EQ(report_.explain.find('\n'), std::string::npos) << report_.explain;
  plan.explain = true;
  MustRun(plan);
  for (const char* part :
       {": out of time", ": ruled out by the dictionaries of", ": read rows 0 to 2"}) {
    EXPECT_NE(report_.explain.find(part), std::string::npos) << part << " in " << report_.explain;
  }
}

TEST_F(RunPlanTest, TakesTheEmptyTextOfAReservedFieldForNoValue) {
  AddTable({"{}", "{}"});  // service, source and host are empty
  const Field service{Field::Kind::kReserved, "service"};
  EXPECT_EQ(CountOf({Exists{service}}), 0U);
  EXPECT_EQ(CountOf({TermMatch{service, ""}}), 0U);
  EXPECT_EQ(CountOf({RangeMatch{service, Operand{"", {}}, {}, true, true}}), 0U);
}

TEST_F(RunPlanTest, HoldsTheEdgesOfTime) {
  AddTable({"{}", "{}", "{}", "{}"});
  Plan plan;
  plan.count = true;
  plan.from_ms = kNowMs + 1;
  plan.to_ms = kNowMs + 3;
  plan.histograms = {{2, std::nullopt}, {std::numeric_limits<std::int64_t>::max(), std::nullopt}};
  const CollectingSink sink = MustRun(plan);
  EXPECT_EQ(sink.count, 2U);
  EXPECT_EQ(sink.histograms.at(0),
            (std::vector<HistogramBucket>{{kNowMs, 1, {}}, {kNowMs + 2, 1, {}}}));
  EXPECT_EQ(sink.histograms.at(1), (std::vector<HistogramBucket>{{0, 2, {}}}));
}

TEST_F(RunPlanTest, PagesOverTablesBehindACursor) {
  for (int i = 0; i < 4; ++i) AddTable({"{}", "{}", "{}"});
  for (const Order order : {Order::kNewestFirst, Order::kOldestFirst}) {
    Plan plan;
    plan.rows = RowsRequest{order, 5, std::nullopt};
    std::vector<std::string> seen;
    for (int page = 0; page < 3; ++page) {
      const CollectingSink sink = MustRun(plan);
      for (const Event& event : sink.rows) seen.push_back(event.message);
      EXPECT_EQ(report_.more_rows, page < 2);
      plan.rows->after = RowCursor{sink.rows.back().timestamp_ms, sink.rows.back().id};
    }
    ASSERT_EQ(seen.size(), 12U);
    if (order == Order::kNewestFirst) std::reverse(seen.begin(), seen.end());
    for (std::uint32_t n = 0; n < 12; ++n) EXPECT_EQ(seen[n], fmt::format("event number {}", n));
  }
}

TEST_F(RunPlanTest, ReadsTheNewestTableOnlyWhenItHasAllRowsThatAreAsked) {
  std::vector<std::shared_ptr<BrokenTable>> broken;
  for (int i = 0; i < 4; ++i) {
    AddTable({R"({"k":"x"})", R"({"k":"x"})", R"({"k":"x"})"});
    if (i == 3) break;
    broken.push_back(std::make_shared<BrokenTable>(snapshot_.tables.back().table, 0));
    snapshot_.tables.back().table = broken.back();
  }
  Plan plan;
  plan.where = Is("k", "x");
  plan.rows = RowsRequest{Order::kNewestFirst, 2, std::nullopt};
  EXPECT_EQ(MustRun(plan).rows.size(), 2U);
  EXPECT_TRUE(report_.more_rows);
  EXPECT_TRUE(report_.damage.empty());
}

// Whatever read fails first, the other table's events are counted, and the damage has a name.
TEST_F(RunPlanTest, LosesATableThatCannotBeReadAndNothingElse) {
  AddTable({R"({"k":"x","n":1})", R"({"k":"y","n":2})"});
  AddTable({R"({"k":"x","n":3})", R"({"k":"x","n":4})", R"({"k":"z"})"});
  const std::shared_ptr<const Table> whole = snapshot_.tables[1].table;
  for (int reads = 0;; ++reads) {
    SCOPED_TRACE(testing::Message() << reads << " reads succeed");
    const auto broken = std::make_shared<BrokenTable>(whole, reads);
    snapshot_.tables[1].table = broken;
    Plan plan;
    plan.where = Is("k", "x");
    plan.rows = RowsRequest{Order::kNewestFirst, 10, std::nullopt};
    plan.count = true;
    plan.histograms = {{1000, Attribute("k")}};
    plan.top_values = {{Attribute("k"), 5}};
    plan.percentiles = {{Attribute("n"), {1.0}}};
    plan.cardinalities = {{Attribute("n")}};
    CollectingSink sink = MustRun(plan);
    if (!broken->failed()) {
      EXPECT_EQ(sink.count, 3U);
      EXPECT_EQ(sink.cardinalities[0], 3U);
      break;
    }
    ASSERT_EQ(report_.damage.size(), 1U);
    EXPECT_EQ(report_.damage[0], "segment 17 could not be read: block 3 has a wrong checksum");
    EXPECT_GE(sink.rows.size(), 1U);
    EXPECT_GE(*sink.count, 1U);
    ASSERT_EQ(sink.top_values[0].size(), 1U);
    EXPECT_EQ(sink.top_values[0][0].count, *sink.count);
    ASSERT_LT(reads, 200);
  }
}

// Many values over many tables, so that the threshold decides what is looked at.
TEST_F(RunPlanTest, FindsTheHighestOfManyValuesExactly) {
  SeededRandom random(7);

  struct Case {
    const char* name;
    std::uint64_t distinct;
    int skew;  // how strongly few values prevail
  };

  for (const Case& c :
       {Case{"few prevail", 4'000, 3}, Case{"flat", 6'000, 0}, Case{"all but equal", 2'500, 1}}) {
    SCOPED_TRACE(c.name);
    snapshot_.tables.clear();
    std::map<std::string, std::uint64_t> counts;
    for (int table = 0; table < 6; ++table) {
      std::vector<std::string> attributes;
      for (int i = 0; i < 2'000; ++i) {
        std::uint64_t value = random.Below(c.distinct);
        for (int k = 0; k < c.skew; ++k) value = random.Below(value + 1);
        const std::string text = fmt::format("v{}", value);
        ++counts[text];
        attributes.push_back(fmt::format(R"({{"v":"{}","t":"{}"}})", text, i % 2));
      }
      AddTable(attributes);
    }
    std::vector<ValueCount> expected;
    for (const auto& [value, count] : counts) expected.push_back({value, count});
    std::sort(expected.begin(), expected.end(), [](const ValueCount& a, const ValueCount& b) {
      return a.count != b.count ? a.count > b.count : a.value < b.value;
    });
    for (const std::size_t limit : {1U, 2U, 10U, 100U, 20'000U}) {
      std::vector<ValueCount> first = expected;
      first.resize(std::min(first.size(), limit));
      EXPECT_EQ(Top("v", limit), first) << limit;
    }
    Plan plan;
    plan.cardinalities = {{Attribute("v")}};
    EXPECT_EQ(MustRun(plan).cardinalities[0], counts.size());
  }
}

TEST_F(RunPlanTest, StopsWhenAsked) {
  AddTable({R"({"k":"x"})"});
  std::stop_source stop;
  stop.request_stop();
  Plan plan;
  plan.count = true;
  plan.stop = stop.get_token();
  CollectingSink sink;
  const Result<RunReport> report = RunPlan(snapshot_, plan, sink, pool_, 1);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
}

TEST_F(RunPlanTest, GivesWhatItHasWhenThatIsEnough) {
  AddTable({R"({"k":"x"})", R"({"k":"x"})"});
  AddTable({R"({"k":"x"})"});
  const std::int64_t newest = snapshot_.tables[1].table->info().timestamp_max_ms;
  const std::int64_t older = snapshot_.tables[0].table->info().timestamp_max_ms;
  ASSERT_LT(older, newest);
  // The first table that is read says that it is enough.
  std::stop_source enough;
  snapshot_.tables[1].table =
      std::make_shared<CallingTable>(snapshot_.tables[1].table, [&] { enough.request_stop(); });
  Plan plan;
  plan.enough = enough.get_token();
  plan.top_values = {{Attribute("k"), 10}};
  CollectingSink sink;
  const Result<RunReport> report = RunPlan(snapshot_, plan, sink, pool_, 1);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->partial);
  EXPECT_EQ(report->complete_from_ms, older + 1);
  EXPECT_EQ(sink.top_values[0], (std::vector<ValueCount>{{"x", 1}}));
}

TEST_F(RunPlanTest, RefusesToUseMoreMemoryThanThePlanAllows) {
  for (int table = 0; table < 2; ++table) {
    std::vector<std::string> attributes;
    for (int i = 0; i < 1000; ++i) attributes.push_back(fmt::format(R"({{"v":{}}})", i));
    AddTable(attributes);
  }
  Plan plan;
  plan.memory_bytes_max = 20'000;
  plan.cardinalities = {{Attribute("v")}};
  CollectingSink sink;
  const Result<RunReport> report = RunPlan(snapshot_, plan, sink, pool_, 1);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace postglass::store
