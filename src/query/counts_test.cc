#include "query/counts.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/json.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::query {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class CountsTest : public testing::Test {
 protected:
  CountsTest() {
    for (int i = 0; i < 6; ++i) {
      store::Event event = make_.Log("x", -minutes(20 * i));
      event.service = i % 3 == 0 ? "a" : "b";
      event.attributes = i % 2 == 0 ? R"({"kind":"even"})" : R"({"kind":"odd"})";
      make_.Append(store_, {std::move(event)});
    }
  }

  ErrorCode TopError(const std::vector<std::string>& fields, std::size_t limit = 10) {
    const auto answer = counts_.Top({}, fields, limit);
    return answer ? ErrorCode::kInternal : answer.error().code;
  }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  EventMaker make_{clock_};
  QueryRunner runner_{store_, clock_, metrics_, {}};
  CountService counts_{runner_, clock_};
};

TEST_F(CountsTest, TopValuesOfSeveralFields) {
  const auto answer = counts_.Top({}, {"service", "@kind", "@nothing"}, 1);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->matched, 6u);
  ASSERT_EQ(answer->fields.size(), 3u);
  EXPECT_EQ(answer->fields[0].values, (std::vector<store::ValueCount>{{"b", 4}}));
  EXPECT_EQ(answer->fields[1].values, (std::vector<store::ValueCount>{{"even", 3}}));
  EXPECT_TRUE(answer->fields[2].values.empty());
  const json::object body = json::ParseObject(TopJson(*answer)).value();
  EXPECT_EQ(json::GetInt(body, "matched"), 6);
  EXPECT_EQ(json::FindPath(body, "fields.1.values.0.value")->get_string(), "even");
}

TEST_F(CountsTest, EventsOverTime) {
  const auto answer = counts_.Histogram({}, "1h", "@kind");
  ASSERT_TRUE(answer) << answer.error().message;
  std::uint64_t sum = 0;
  for (const store::HistogramBucket& bucket : answer->buckets) {
    EXPECT_EQ(bucket.start_ms % 3'600'000, 0);
    EXPECT_FALSE(bucket.split.empty());
    sum += bucket.count;
  }
  EXPECT_EQ(sum, 6u);
  ASSERT_TRUE(json::ParseObject(HistogramJson(*answer)));
}

TEST_F(CountsTest, TheIntervalFitsTheTime) {
  const auto interval = [this](std::string from) {
    CountScope scope;
    scope.from = std::move(from);
    return counts_.Histogram(scope, "", "")->interval;
  };
  EXPECT_EQ(interval("now-1h"), minutes(2));
  EXPECT_EQ(interval("now-24h"), minutes(30));
  EXPECT_EQ(interval("now-7d"), hours(3));
  EXPECT_EQ(interval("now-20y"), hours(24 * 122));
}

TEST_F(CountsTest, RefusesWhatItCannotCount) {
  EXPECT_EQ(TopError({}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(TopError({"*"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(TopError({"@"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(TopError({"service"}, 0), ErrorCode::kInvalidArgument);
  EXPECT_EQ(TopError({"service"}, 1'001), ErrorCode::kInvalidArgument);
  EXPECT_EQ(TopError(std::vector<std::string>(51, "service")), ErrorCode::kInvalidArgument);
  for (const std::string_view interval : {"0s", "1", "x", "1y", "-1h", "9999999999999d", "1s"}) {
    CountScope scope;
    scope.from = "now-30d";
    EXPECT_EQ(counts_.Histogram(scope, interval, "").error().code, ErrorCode::kInvalidArgument)
        << interval;
  }
  CountScope backwards{store::Predicate{store::MatchAll{}}, "now", "now-1h"};
  EXPECT_FALSE(counts_.Histogram(backwards, "", ""));
}

}  // namespace
}  // namespace postglass::query
