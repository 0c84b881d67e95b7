#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/encoding.h"
#include "base/file_system_testing.h"
#include "cloudwatch/cloudwatch_api.h"
#include "cloudwatch/query_form.h"
#include "net/http.h"

namespace postglass::cloudwatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::int64_t kStart = 1'800'000'000;  // seconds; a full minute

class CloudWatchTest : public testing::Test {
 protected:
  CloudWatchTest() { Start(); }

  void Start() {
    api_.reset();
    store_.reset();
    store_ = *MetricStore::Create({fs_, clock_, metrics_},
                                  {.dir = "/cloudwatch", .rewrite_bytes_min = rewrite_bytes_min_});
    api_ = std::make_unique<CloudWatchApi>(*store_, clock_);
  }

  net::HttpResponse Send(const std::string& operation, const json::object& input) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"X-Amz-Target", "GraniteServiceVersion20100801." + operation}};
    request.body = json::Serialize(input);
    return api_->Handle({request, {}, "id"});
  }

  json::object Call(const std::string& operation, const json::object& input) {
    const net::HttpResponse response = Send(operation, input);
    EXPECT_EQ(response.status, 200) << response.body;
    return *json::ParseObject(response.body);
  }

  std::string Error(const std::string& operation, const json::object& input) {
    const net::HttpResponse response = Send(operation, input);
    if (response.status == 200) return "";
    const json::object body = *json::ParseObject(response.body);
    const std::string code = json::GetStringOr(body, "__type", "");
    return code.substr(code.find('#') + 1) + ": " + json::GetStringOr(body, "message", "");
  }

  void Put(double value, std::int64_t at_seconds, const json::array& dimensions = {}) {
    EXPECT_EQ(Error("PutMetricData",
                    {{"Namespace", "App"},
                     {"MetricData",
                      json::array{json::object{{"MetricName", "m"},
                                               {"Dimensions", dimensions},
                                               {"Value", value},
                                               {"Unit", "Count"},
                                               {"Timestamp", at_seconds}}}}}),
              "");
  }

  json::object Statistics(std::int64_t from, std::int64_t to, int period) {
    return Call(
        "GetMetricStatistics",
        {{"Namespace", "App"},
         {"MetricName", "m"},
         {"StartTime", from},
         {"EndTime", to},
         {"Period", period},
         {"Statistics", json::array{"Sum", "Average", "Minimum", "Maximum", "SampleCount"}}});
  }

  std::uint64_t rewrite_bytes_min_ = 64u << 20;
  FaultyFileSystem fs_;
  ManualClock clock_;
  Metrics metrics_;
  std::unique_ptr<MetricStore> store_;
  std::unique_ptr<CloudWatchApi> api_;
};

TEST_F(CloudWatchTest, ValuesAreSummedByPeriodAndSurviveRestarts) {
  Put(1, kStart - 120);
  Put(5, kStart - 100);
  Put(3, kStart - 30);
  Start();
  const json::object by_minute = Statistics(kStart - 120, kStart, 60);
  EXPECT_EQ(
      json::Serialize(by_minute.at("Datapoints")),
      R"([{"Timestamp":1.79999988E9,"Unit":"Count","Sum":6E0,"Average":3E0,"Minimum":1E0,)"
      R"("Maximum":5E0,"SampleCount":2E0},{"Timestamp":1.79999994E9,"Unit":"Count","Sum":3E0,)"
      R"("Average":3E0,"Minimum":3E0,"Maximum":3E0,"SampleCount":1E0}])");
  const json::object both = Statistics(kStart - 120, kStart, 120);
  ASSERT_EQ(both.at("Datapoints").as_array().size(), 1U);
  EXPECT_EQ(both.at("Datapoints").as_array()[0].at("Sum"), json::value(9.0));
  EXPECT_EQ(both.at("Label"), "m");
  EXPECT_TRUE(Statistics(kStart - 600, kStart - 300, 60).at("Datapoints").as_array().empty());
}

TEST_F(CloudWatchTest, DataComeAsValuesSetsAndLists) {
  const auto put = [&](json::object datum) {
    datum["MetricName"] = "m";
    return Error("PutMetricData",
                 {{"Namespace", "App"}, {"MetricData", json::array{std::move(datum)}}});
  };
  EXPECT_EQ(put({{"StatisticValues",
                  json::object{{"SampleCount", 4}, {"Sum", 10}, {"Minimum", 1}, {"Maximum", 4}}}}),
            "");
  EXPECT_EQ(put({{"Values", json::array{2, 8}}, {"Counts", json::array{3, 1}}}), "");
  const json::value point = Statistics(kStart, kStart + 60, 60).at("Datapoints").as_array()[0];
  EXPECT_EQ(point.at("SampleCount"), json::value(8.0));
  EXPECT_EQ(point.at("Sum"), json::value(24.0));
  EXPECT_EQ(point.at("Maximum"), json::value(8.0));
  EXPECT_THAT(put({}), StartsWith("MissingRequiredParameterException"));
  EXPECT_THAT(put({{"Value", "x"}}), StartsWith("InvalidParameterValueException"));
  EXPECT_THAT(put({{"Values", json::array{}}}), StartsWith("InvalidParameterValueException"));
  EXPECT_THAT(put({{"Value", 1}, {"Timestamp", kStart - 15 * 86'400}}),
              HasSubstr("more than two weeks ago"));
  EXPECT_THAT(put({{"Value", 1}, {"Timestamp", kStart + 3 * 3'600}}), HasSubstr("two hours ahead"));
  EXPECT_THAT(put({{"Value", 1}, {"Dimensions", json::array{json::object{{"Name", "a"}}}}}),
              StartsWith("InvalidParameterValueException"));
  EXPECT_THAT(Error("PutMetricData", {{"Namespace", "AWS/SES"}, {"MetricData", json::array{}}}),
              StartsWith("InvalidParameterValueException"));
  EXPECT_THAT(Error("PutMetricData", {{"Namespace", "App"}}),
              StartsWith("MissingRequiredParameterException"));
}

TEST_F(CloudWatchTest, QueriesGiveSeveralSeriesNewestFirst) {
  const json::array dimensions{json::object{{"Name", "campaign"}, {"Value", "a"}}};
  Put(1, kStart - 120, dimensions);
  Put(2, kStart - 60, dimensions);
  const auto query = [&](const std::string& id, const std::string& stat) {
    return json::object{
        {"Id", id},
        {"MetricStat",
         json::object{
             {"Metric",
              json::object{{"Namespace", "App"}, {"MetricName", "m"}, {"Dimensions", dimensions}}},
             {"Period", 60},
             {"Stat", stat}}}};
  };
  const auto ask = [&](json::array queries, const std::string& order) {
    return json::object{{"StartTime", kStart - 300},
                        {"EndTime", kStart},
                        {"ScanBy", order},
                        {"MetricDataQueries", std::move(queries)}};
  };
  const json::object answer =
      Call("GetMetricData", ask({query("a", "Sum"), query("b", "SampleCount")}, ""));
  const json::array& results = answer.at("MetricDataResults").as_array();
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(json::Serialize(results[0].at("Values")), "[2E0,1E0]");
  EXPECT_EQ(json::Serialize(results[1].at("Values")), "[1E0,1E0]");
  EXPECT_EQ(results[0].at("StatusCode"), "Complete");
  const json::object ascending =
      Call("GetMetricData", ask({query("a", "Sum")}, "TimestampAscending"));
  EXPECT_EQ(json::Serialize(ascending.at("MetricDataResults").as_array()[0].at("Values")),
            "[1E0,2E0]");
  EXPECT_THAT(Error("GetMetricData", ask({query("A", "Sum")}, "")), StartsWith("ValidationError"));
  EXPECT_THAT(Error("GetMetricData", ask({query("a", "p99")}, "")),
              HasSubstr("p99 is not supported"));
  EXPECT_THAT(Error("GetMetricData",
                    ask({json::object{{"Id", "a"}, {"Expression", "SUM(METRICS())"}}}, "")),
              HasSubstr("expressions are not supported"));
}

TEST_F(CloudWatchTest, RangesAndPeriodsAreChecked) {
  const auto error = [&](const json::object& more) {
    json::object input{{"Namespace", "App"},
                       {"MetricName", "m"},
                       {"StartTime", kStart - 3'600},
                       {"EndTime", kStart},
                       {"Period", 60},
                       {"Statistics", json::array{"Sum"}}};
    for (const auto& member : more) input[member.key()] = member.value();
    return Error("GetMetricStatistics", input);
  };
  EXPECT_EQ(error({}), "");
  EXPECT_EQ(error({{"StartTime", "2027-01-15T07:00:00Z"}, {"EndTime", "2027-01-15T08:00:00Z"}}),
            "");
  EXPECT_THAT(error({{"StartTime", kStart}}), StartsWith("InvalidParameterCombinationException"));
  EXPECT_THAT(error({{"StartTime", kStart - 86'400 * 2}}), HasSubstr("limit of 1,440"));
  EXPECT_THAT(error({{"Period", 61}}), StartsWith("InvalidParameterValueException"));
  EXPECT_THAT(error({{"Period", 0}}), StartsWith("InvalidParameterValueException"));
  EXPECT_THAT(error({{"StartTime", "soon"}}), StartsWith("MissingRequiredParameterException"));
  EXPECT_THAT(error({{"Statistics", json::array{}}}),
              StartsWith("InvalidParameterCombinationException"));
}

TEST_F(CloudWatchTest, MetricsAreListedInPages) {
  for (int i = 0; i < 600; ++i) {
    Put(1, kStart, {json::object{{"Name", "n"}, {"Value", fmt::format("{:03}", i)}}});
  }
  const json::object first = Call("ListMetrics", {{"Namespace", "App"}});
  EXPECT_EQ(first.at("Metrics").as_array().size(), 500U);
  const json::object second =
      Call("ListMetrics", {{"Namespace", "App"}, {"NextToken", first.at("NextToken")}});
  EXPECT_EQ(second.at("Metrics").as_array().size(), 100U);
  EXPECT_FALSE(second.contains("NextToken"));
  const json::object one = Call(
      "ListMetrics", {{"Dimensions", json::array{json::object{{"Name", "n"}, {"Value", "007"}}}}});
  EXPECT_EQ(one.at("Metrics").as_array().size(), 1U);
  EXPECT_TRUE(Call("ListMetrics", {{"Namespace", "None"}}).at("Metrics").as_array().empty());
  clock_.Advance(hours(4));
  EXPECT_TRUE(Call("ListMetrics", {{"RecentlyActive", "PT3H"}}).at("Metrics").as_array().empty());
  EXPECT_THAT(Error("ListMetrics", {{"NextToken", "x"}}), StartsWith("InvalidNextToken"));
}

TEST_F(CloudWatchTest, OldMinutesBecomeHoursAndGoInTheEnd) {
  for (int i = 0; i < 120; ++i) Put(1, kStart + 60 * i);
  const auto points = [&] {
    return store_->Read({"App", "m", {}},
                        Timestamp::FromMillis(kStart * 1'000),
                        Timestamp::FromMillis((kStart + 7'200) * 1'000),
                        minutes(1));
  };
  EXPECT_EQ(points().size(), 120U);
  clock_.Advance(hours(24 * 16));
  ASSERT_TRUE(store_->Flush());
  EXPECT_EQ(points().size(), 2U);
  EXPECT_EQ(points()[0].statistics.sum, 60);
  Start();
  EXPECT_EQ(points().size(), 2U);
  clock_.Advance(hours(24 * 455));
  ASSERT_TRUE(store_->Flush());
  EXPECT_TRUE(points().empty());
}

TEST_F(CloudWatchTest, TheJournalIsWrittenAnewWhenItHasGrown) {
  rewrite_bytes_min_ = 32 << 10;
  Start();
  for (int i = 0; i < 2'000; ++i) {
    Put(1, kStart);
    ASSERT_TRUE(store_->Flush());
  }
  EXPECT_LT(fs_.bytes_used(), 200u << 10);
  Start();
  EXPECT_EQ(store_
                ->Read({"App", "m", {}},
                       Timestamp::FromMillis(kStart * 1'000),
                       Timestamp::FromMillis((kStart + 60) * 1'000),
                       minutes(1))[0]
                .statistics.sum,
            2'000);
}

TEST_F(CloudWatchTest, SpeaksTheQueryProtocolAndTakesCompressedBodies) {
  const auto query = [&](const std::string& form) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = form;
    return api_->Handle({request, {}, "id"});
  };
  EXPECT_EQ(query("Action=PutMetricData&Namespace=App&MetricData.member.1.MetricName=m&"
                  "MetricData.member.1.Value=2&MetricData.member.1.Dimensions.member.1.Name=n&"
                  "MetricData.member.1.Dimensions.member.1.Value=v")
                .status,
            200);
  const std::string shown =
      query(
          "Action=GetMetricStatistics&Namespace=App&MetricName=m&StartTime=2027-01-15T08:00:00Z&"
          "EndTime=2027-01-15T08:01:00Z&Period=60&Statistics.member.1=Sum&"
          "Dimensions.member.1.Name=n&Dimensions.member.1.Value=v")
          .body;
  EXPECT_THAT(shown, HasSubstr("<Datapoints><member><Timestamp>2027-01-15T08:00:00.000Z"));
  EXPECT_THAT(query("Action=GetMetricStatistics").body, HasSubstr("<Code>MissingParameter</Code>"));
  EXPECT_EQ(query("Action=ListMetrics&A.member.0=x").status, 400);

  net::HttpRequest packed;
  packed.method = "POST";
  packed.target = "/";
  packed.headers = {{"X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"},
                    {"Content-Encoding", "gzip"}};
  packed.body =
      *net::GzipCompress(R"({"Namespace":"App","MetricData":[{"MetricName":"zipped","Value":1}]})");
  EXPECT_EQ(api_->Handle({packed, {}, "id"}).status, 200);
  EXPECT_EQ(Call("ListMetrics", {{"MetricName", "zipped"}}).at("Metrics").as_array().size(), 1U);
}

TEST(QueryForm, NestsAndRefusesContradictions) {
  EXPECT_EQ(json::Serialize(*ObjectFromForm("A.member.2.B=x&A.member.1.B=y&C=z")),
            R"({"A":[{"B":"y"},{"B":"x"}],"C":"z"})");
  for (const char* bad : {"A=1&A.B=2",
                          "A.B=1&A=2",
                          "A.member.1=x&A.B=y",
                          "A=1&A=2",
                          "A.member.0=x",
                          "A.member.99999=x",
                          "a.b.c.d.e.f.g.h.i.j.k.l.m.n=x"}) {
    EXPECT_FALSE(ObjectFromForm(bad)) << bad;
  }
}

}  // namespace
}  // namespace postglass::cloudwatch
