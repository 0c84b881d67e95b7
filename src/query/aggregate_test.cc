#include "query/aggregate.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock_testing.h"
#include "base/file_system.h"
#include "query/explore.h"
#include "query/scripted_store_testing.h"

namespace postglass::query {
namespace {

// How the API speaks is tested in api/analytics_api_test.cc, what groups are in store/.
class AggregateTest : public testing::Test {
 protected:
  // Runs until it is told that it is enough, and has read half by then.
  void ScriptSlowStore() {
    store_.run = [this](const store::Plan& plan, store::Sink& sink) -> Result<store::RunReport> {
      clock_.Advance(std::chrono::seconds(25));
      while (!plan.enough.stop_requested()) std::this_thread::yield();
      EXPECT_FALSE(plan.stop.stop_requested());
      store::RunReport report;
      report.partial = true;
      report.complete_from_ms = 1'799'999'000'000;
      report.events_matched = 3;
      store::Group group;
      group.values.push_back({3.0, {}});
      if (!plan.groups.empty()) sink.Groups(0, {&group, 1});
      if (plan.count) sink.Count(3);
      return report;
    };
  }

  ManualClock clock_;
  Metrics metrics_;
  ScriptedStore store_;
  PosixFileSystem files_;
  TimeZones zones_{files_};
  QueryRunner runner_{store_, clock_, metrics_, {}};
};

TEST_F(AggregateTest, GivesWhatThereIsBeforeTimeIsOverAndSaysSo) {
  ScriptSlowStore();
  AggregateService service(runner_, zones_, clock_);
  const AggregateOutcome outcome = service.Aggregate({});
  ASSERT_TRUE(std::holds_alternative<AggregateAnswer>(outcome));
  const auto& answer = std::get<AggregateAnswer>(outcome);
  EXPECT_TRUE(answer.timed_out);
  ASSERT_EQ(answer.buckets.size(), 1U);
  EXPECT_EQ(std::get<std::optional<double>>(answer.buckets[0].computes[0]), 3.0);
  ASSERT_EQ(answer.warnings.size(), 1U);
  EXPECT_EQ(answer.warnings[0].code, "timeout");
  EXPECT_EQ(
      answer.warnings[0].detail,
      "only events since 2027-01-15T07:43:20.000Z were all looked at; narrow the time range or "
      "the query");
}

class CountOnly final : public ExploreSink {
 public:
  void Rows(std::vector<store::Event>, std::string) override {}

  void Count(std::uint64_t events) override { count = events; }

  void Counts(const Histogram&) override {}

  void Facet(std::size_t, const std::vector<store::ValueCount>&) override {}

  std::uint64_t count = 0;
};

TEST_F(AggregateTest, SoDoesAScreen) {
  ScriptSlowStore();
  ExploreService service(runner_, zones_, clock_);
  const auto question = service.Understand({});
  ASSERT_TRUE(std::holds_alternative<ExploreService::Question>(question));
  CountOnly sink;
  const Result<ExploreReport> report = service.Run(
      std::get<ExploreService::Question>(question), ExploreService::Pace::kAtOnce, sink);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->timed_out);
  EXPECT_EQ(report->warnings[0].code, "timeout");
  EXPECT_EQ(sink.count, 3U);
}

TEST_F(AggregateTest, IsBusyLikeEveryQuestion) {
  store_.run = [](const store::Plan&, store::Sink&) -> Result<store::RunReport> {
    return Fail(ErrorCode::kUnavailable, "too many");
  };
  AggregateService service(runner_, zones_, clock_);
  const AggregateOutcome outcome = service.Aggregate({});
  ASSERT_TRUE(std::holds_alternative<SearchError>(outcome));
  EXPECT_EQ(std::get<SearchError>(outcome).kind, SearchError::Kind::kBusy);
}

}  // namespace
}  // namespace postglass::query
