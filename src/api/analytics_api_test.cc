#include "api/analytics_api.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "base/clock_testing.h"
#include "base/json.h"
#include "base/random_testing.h"
#include "query/scripted_store_testing.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::api {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kApiKey = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kApplicationKey = "0123456789abcdef0123456789abcdef01234567";

class FixedKeys final : public access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view key) const override { return key == kApiKey; }

  bool IsApplicationKey(std::string_view key) const override { return key == kApplicationKey; }
};

class AnalyticsApiTest : public testing::Test {
 protected:
  net::HttpResponse Post(std::string body,
                         std::string target = "/api/v2/logs/analytics/aggregate") {
    return Post(std::move(body), std::move(target), api_);
  }

  static net::HttpResponse Post(std::string body, std::string target, AnalyticsApi& api) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers = {{"DD-API-KEY", std::string(kApiKey)},
                       {"DD-APPLICATION-KEY", std::string(kApplicationKey)}};
    return api.Handle(request);
  }

  // The buckets, or the error.
  std::string Buckets(std::string body) {
    const net::HttpResponse response = Post(std::move(body));
    const Result<json::object> answer = json::ParseObject(response.body);
    if (!answer) return response.body;
    const json::value* buckets = json::FindPath(*answer, "data.buckets");
    return buckets != nullptr ? json::Serialize(*buckets)
                              : std::to_string(response.status) + ' ' + response.body;
  }

  void Add(std::string attributes, std::chrono::milliseconds offset, std::string status = "info") {
    store::Event event = maker_.Log("mail", offset);
    event.attributes = std::move(attributes);
    event.status = std::move(status);
    maker_.Append(store_, {std::move(event)});
  }

  void AddMails() {
    Add(R"({"type":"Send","to":"a","ms":10})", -minutes(9));
    Add(R"({"type":"Send","to":"b","ms":20})", -minutes(8));
    Add(R"({"type":"Send","to":["a","b"],"ms":30})", -minutes(7), "warn");
    Add(R"({"type":"Bounce","to":"a","ms":2.5})", -minutes(3), "error");
    Add(R"({"type":"Open"})", -minutes(2));
  }

  ManualClock clock_;
  SeededRandom random_{1};
  Metrics metrics_;
  store::OracleStore store_;
  query::EventMaker maker_{clock_};
  PosixFileSystem files_;
  query::TimeZones zones_{files_};
  query::QueryRunner runner_{store_, clock_, metrics_, {}};
  query::AggregateService aggregates_{runner_, zones_, clock_};
  FixedKeys keys_;
  ReadGuard guard_{keys_, nullptr};
  query::ExploreService explorer_{runner_, zones_, clock_};
  query::TransactionsService transactions_{runner_, clock_};
  AnalyticsApi api_{{aggregates_, explorer_, transactions_}, guard_, clock_, random_, {}};
};

TEST_F(AnalyticsApiTest, CountsEverythingWithoutACompute) {
  AddMails();
  EXPECT_EQ(Buckets("{}"), R"([{"by":{},"computes":{"c0":5}}])");
  EXPECT_EQ(Buckets(""), R"([{"by":{},"computes":{"c0":5}}])");
}

TEST_F(AnalyticsApiTest, HasNoBucketOfNothing) {
  const net::HttpResponse response = Post(R"({"compute":[{"aggregation":"count"}]})");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(
      response.body.starts_with(R"({"data":{"buckets":[]},"meta":{"elapsed":0,"request_id":")"))
      << response.body;
  EXPECT_TRUE(response.body.ends_with(R"(","status":"done"}})")) << response.body;
  EXPECT_EQ(response.headers.Get("X-RateLimit-Name"), "logs_analytics");
}

TEST_F(AnalyticsApiTest, ComputesEveryFunction) {
  AddMails();
  EXPECT_EQ(Buckets(R"({"compute":[
      {"aggregation":"count"},{"aggregation":"sum","metric":"@ms"},
      {"aggregation":"min","metric":"@ms"},{"aggregation":"max","metric":"@ms"},
      {"aggregation":"avg","metric":"@ms"},{"aggregation":"cardinality","metric":"@to"},
      {"aggregation":"pc99","metric":"@ms"},{"aggregation":"sum","metric":"@none"}]})"),
            R"([{"by":{},"computes":{"c0":5,"c1":6.25E1,"c2":2.5E0,"c3":30,"c4":1.5625E1,"c5":2,)"
            R"("c6":1.988667024086619E1}}])");
}

TEST_F(AnalyticsApiTest, GroupsByFacetsAndSortsByMeasures) {
  AddMails();
  EXPECT_EQ(Buckets(R"({"group_by":[{"facet":"@type"}]})"),
            R"([{"by":{"@type":"Send"},"computes":{"c0":3}},)"
            R"({"by":{"@type":"Bounce"},"computes":{"c0":1}},)"
            R"({"by":{"@type":"Open"},"computes":{"c0":1}}])");
  EXPECT_EQ(Buckets(R"({"compute":[{"aggregation":"count"}],"group_by":[
      {"facet":"status","type":"facet","limit":2,
       "sort":{"type":"measure","aggregation":"max","metric":"@ms","order":"asc"}},
      {"facet":"@to","missing":"nobody","total":"all","sort":{"order":"desc"}}]})"),
            R"([{"by":{"status":"error","@to":"a"},"computes":{"c0":1}},)"
            R"({"by":{"status":"error","@to":"all"},"computes":{"c0":1}},)"
            R"({"by":{"status":"info","@to":"nobody"},"computes":{"c0":1}},)"
            R"({"by":{"status":"info","@to":"b"},"computes":{"c0":1}},)"
            R"({"by":{"status":"info","@to":"a"},"computes":{"c0":1}},)"
            R"({"by":{"status":"info","@to":"all"},"computes":{"c0":3}}])");
}

TEST_F(AnalyticsApiTest, WritesNumbersWhereNumbersWereGiven) {
  AddMails();
  EXPECT_EQ(Buckets(R"({"group_by":[{"facet":"@to","missing":0,"total":true,"limit":1}]})"),
            R"([{"by":{"@to":"a"},"computes":{"c0":3}},)"
            R"({"by":{"@to":"$facet_total"},"computes":{"c0":5}}])");
  EXPECT_EQ(Buckets(R"({"filter":{"query":"@type:Open"},
                        "group_by":[{"facet":"@to","missing":0,"total":-1}]})"),
            R"([{"by":{"@to":0},"computes":{"c0":1}},{"by":{"@to":-1},"computes":{"c0":1}}])");
  EXPECT_EQ(
      Buckets(R"({"group_by":[{"facet":"@ms","histogram":{"min":0,"max":30,"interval":15}}]})"),
      R"([{"by":{"@ms":0},"computes":{"c0":2}},{"by":{"@ms":15},"computes":{"c0":2}}])");
}

TEST_F(AnalyticsApiTest, MakesTimeSeriesInTimeZones) {
  clock_.Jump(Timestamp::FromMillis(1774828800000) - clock_.Now());  // 2026-03-30T00:00Z
  Add(R"({"ms":1})", -minutes(60 * 25 + 1));  // 23:59 in Berlin, before the short day
  Add(R"({"ms":2})", -minutes(60 * 25));
  Add(R"({"ms":3})", -minutes(121));
  Add(R"({"ms":4})", -minutes(120));
  const std::string day = R"({"filter":{"from":"now-2d","to":"now"},"options":{"timezone":"@Z@"},
      "compute":[{"aggregation":"sum","metric":"@ms","type":"timeseries","interval":"1d"}]})";
  const auto in_zone = [&](const std::string& zone) {
    std::string body = day;
    return Buckets(body.replace(body.find("@Z@"), 3, zone));
  };
  EXPECT_EQ(in_zone("Europe/Berlin"),
            R"([{"by":{},"computes":{"c0":[{"time":"2026-03-27T23:00:00.000Z","value":1},)"
            R"({"time":"2026-03-28T23:00:00.000Z","value":5},)"
            R"({"time":"2026-03-29T22:00:00.000Z","value":4}]}}])");
  EXPECT_EQ(in_zone("UTC"),
            R"([{"by":{},"computes":{"c0":[{"time":"2026-03-28T00:00:00.000Z","value":3},)"
            R"({"time":"2026-03-29T00:00:00.000Z","value":7}]}}])");
  EXPECT_EQ(in_zone("UTC+1"), in_zone("+01:00"));
  EXPECT_NE(in_zone("UTC+1"), in_zone("UTC"));
  std::string offset = day;
  offset.replace(offset.find(R"("timezone":"@Z@")"), 16, R"("timeOffset":3600)");
  EXPECT_EQ(Buckets(offset), in_zone("UTC+1"));
  EXPECT_EQ(in_zone("Moon/Base"), R"(400 {"errors":["unknown time zone \"Moon/Base\""]})");
}

TEST_F(AnalyticsApiTest, PagesThroughManyGroupsOfOneRange) {
  std::vector<store::Event> events;
  for (int i = 0; i < 2'500; ++i) {
    events.push_back(maker_.Log("mail", -seconds(1)));
    events.back().attributes = R"({"n":)" + std::to_string(i) + "}";
  }
  maker_.Append(store_, std::move(events));
  const std::string question =
      R"("group_by":[{"facet":"@n","limit":10000,"sort":{"type":"alphabetical"}}])";
  std::string cursor;
  std::string all;
  std::size_t pages = 0;
  do {
    const std::string page = cursor.empty() ? "" : R"(,"page":{"cursor":")" + cursor + "\"}";
    const net::HttpResponse response = Post("{" + question + page + "}");
    const json::object answer = json::ParseObject(response.body).value();
    all += json::Serialize(*json::FindPath(answer, "data.buckets"));
    const json::value* after = json::FindPath(answer, "meta.page.after");
    cursor = after != nullptr ? std::string(std::string_view(after->get_string())) : "";
    ++pages;
    clock_.Advance(minutes(20));  // the range stays that of the first page
  } while (!cursor.empty() && pages < 10);
  EXPECT_EQ(pages, 3U);
  EXPECT_NE(all.find(R"("999")"), std::string::npos);
  const std::string other = R"({"page":{"cursor":")" + std::string("eyJza2lwIjoxfQ") + "\"}}";
  EXPECT_EQ(Buckets(other),
            R"(400 {"errors":["the cursor is not one that this server gave for this question"]})");
}

TEST_F(AnalyticsApiTest, SaysWhatIsWrongWithARequest) {
  const auto error = [&](std::string body) { return Buckets(std::move(body)); };
  EXPECT_EQ(error("[]").substr(0, 3), "400");
  EXPECT_EQ(error(R"({"filter":{"query":"@a:("}})").substr(0, 45),
            R"(400 {"errors":["invalid query at position 4: )");
  EXPECT_EQ(error(R"({"compute":{}})"), R"(400 {"errors":["\"compute\" must be an array"]})");
  EXPECT_EQ(error(R"({"compute":[{}]})"),
            R"(400 {"errors":["a compute needs an \"aggregation\""]})");
  EXPECT_EQ(error(R"({"compute":[{"aggregation":"mode"}]})"),
            R"(400 {"errors":["unknown aggregation \"mode\""]})");
  EXPECT_EQ(error(R"({"compute":[{"aggregation":"sum"}]})"),
            R"(400 {"errors":["an aggregation other than count needs a metric"]})");
  EXPECT_EQ(error(R"({"group_by":[{}]})"), R"(400 {"errors":["a group_by needs a \"facet\""]})");
  EXPECT_EQ(error(R"({"group_by":[{"facet":"a","limit":0}]})"),
            R"(400 {"errors":["\"limit\" must be within 1 and 10000"]})");
  EXPECT_EQ(error(R"({"group_by":[{"facet":"a","limit":200},{"facet":"b","limit":51}]})"),
            R"(400 {"errors":["the product of limits must not exceed 10000"]})");
  EXPECT_EQ(error(R"({"group_by":[{"facet":"@a","histogram":{"min":0,"max":101,"interval":1}}]})"),
            R"(400 {"errors":["a histogram has at most 100 buckets"]})");
  EXPECT_EQ(error(R"({"group_by":[{"facet":"*"}]})"),
            R"(400 {"errors":["the full-text field has no values to group by or to measure"]})");
  EXPECT_EQ(error(R"({"compute":[{"aggregation":"count","type":"timeseries","interval":"1ms"}]})"),
            R"(400 {"errors":["the interval makes more than 10000 buckets"]})");
  EXPECT_EQ(error(R"({"filter":{"from":"now","to":"now-1h"}})"),
            R"(400 {"errors":["to lies before from"]})");
  EXPECT_EQ(error(R"({"options":{"timezone":"UTC","timeOffset":60}})"),
            R"(400 {"errors":["give either timezone or timeOffset"]})");
}

class Body final : public net::BodyWriter {
 public:
  bool Write(std::string_view piece) override {
    text += piece;
    return !gone;
  }

  bool Gone() override { return gone; }

  std::string text;
  bool gone = false;
};

constexpr std::string_view kScreen = R"({"filter":{"from":"now-10m"},"rows":{"limit":2},
    "histogram":{"interval":"5m","split":"@type","limit":2},
    "facets":[{"facet":"@to","limit":1},{"facet":"status"}])";

TEST_F(AnalyticsApiTest, AnswersAScreenAtOnce) {
  AddMails();
  const net::HttpResponse response = Post(std::string(kScreen) + "}", "/api/v2/postglass/explore");
  ASSERT_EQ(response.status, 200) << response.body;
  const json::object answer = json::ParseObject(response.body).value();
  const auto at = [&](std::string_view path) {
    const json::value* value = json::FindPath(answer, path);
    return value != nullptr ? json::Serialize(*value) : "(none)";
  };
  EXPECT_EQ(at("data.count"), "5");
  EXPECT_EQ(at("data.histogram"),
            R"({"times":["2027-01-15T07:50:00.000Z","2027-01-15T07:55:00.000Z",)"
            R"("2027-01-15T08:00:00.000Z"],"counts":[3,2,0],)"
            R"("split":[{"value":"Send","counts":[3,0,0]},{"value":"Bounce","counts":[0,1,0]}]})");
  EXPECT_EQ(at("data.facets"),
            R"([{"facet":"@to","values":[{"value":"a","count":3}]},)"
            R"({"facet":"status","values":[{"value":"info","count":3},)"
            R"({"value":"error","count":1},{"value":"warn","count":1}]}])");
  EXPECT_EQ(at("data.events.0.attributes.attributes.type"), R"("Open")");
  EXPECT_EQ(at("data.events.1.attributes.attributes.type"), R"("Bounce")");
  EXPECT_EQ(at("data.events.2"), "(none)");
  EXPECT_NE(at("data.after"), "(none)");
  EXPECT_EQ(at("meta.status"), R"("done")");
  EXPECT_EQ(at("meta.from"), R"("2027-01-15T07:50:00.000Z")");
  EXPECT_EQ(at("meta.explain"), "(none)");
}

TEST_F(AnalyticsApiTest, StreamsAScreenRowsFirst) {
  AddMails();
  const net::HttpResponse response =
      Post(std::string(kScreen) + R"(,"stream":true,"explain":true})", "/api/v2/postglass/explore");
  ASSERT_TRUE(response.stream) << response.body;
  EXPECT_EQ(response.headers.Get("Content-Type"), "application/x-ndjson");
  Body body;
  response.stream(body);
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < body.text.size();) {
    const std::size_t end = body.text.find('\n', begin);
    const Result<json::object> line = json::ParseObject(body.text.substr(begin, end - begin));
    ASSERT_TRUE(line) << body.text;
    names.emplace_back(line->begin()->key());
    begin = end + 1;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{
                "events", "coverage", "count", "histogram", "facet", "facet", "meta"}));
  EXPECT_NE(body.text.find(R"("explain":)"), std::string::npos);
}

// Of a large store: each look is of all that it says it covers, the newest first, the whole last.
TEST_F(AnalyticsApiTest, StreamsTheNewestCountsOfALargeStoreFirst) {
  AddMails();
  query::ExploreService eager(runner_, zones_, clock_, /*parts_from_events=*/1);
  AnalyticsApi api({aggregates_, eager, transactions_}, guard_, clock_, random_, {});
  const net::HttpResponse response =
      Post(R"({"filter":{"from":"now-16m"},"rows":{"limit":1},"histogram":{"interval":"4m"},)"
           R"("stream":true})",
           "/api/v2/postglass/explore",
           api);
  ASSERT_TRUE(response.stream) << response.body;
  Body body;
  response.stream(body);
  std::vector<std::string> covered;
  std::vector<std::int64_t> counts;
  for (std::size_t begin = 0; begin < body.text.size();) {
    const std::size_t end = body.text.find('\n', begin);
    const Result<json::object> line = json::ParseObject(body.text.substr(begin, end - begin));
    ASSERT_TRUE(line) << body.text;
    if (const json::value* from = json::FindPath(*line, "coverage.from")) {
      covered.emplace_back(std::string_view(from->get_string()));
    }
    if (const auto count = json::GetInt(*line, "count")) counts.push_back(*count);
    begin = end + 1;
  }
  EXPECT_EQ(
      covered,
      (std::vector<std::string>{
          "2027-01-15T07:59:00.000Z", "2027-01-15T07:56:00.000Z", "2027-01-15T07:44:00.000Z"}));
  ASSERT_EQ(counts.size(), 3U);
  EXPECT_LE(counts[0], counts[1]);
  EXPECT_EQ(counts[2], 5);
}

TEST_F(AnalyticsApiTest, EndsAScreenWhoseClientHasGone) {
  AddMails();
  const net::HttpResponse response =
      Post(std::string(kScreen) + R"(,"stream":true})", "/api/v2/postglass/explore");
  Body body;
  body.gone = true;
  response.stream(body);
  EXPECT_EQ(std::count(body.text.begin(), body.text.end(), '\n'), 1);
}

TEST_F(AnalyticsApiTest, SaysWhatIsWrongWithAScreen) {
  const auto error = [&](std::string body) {
    return Post(std::move(body), "/api/v2/postglass/explore").body;
  };
  EXPECT_EQ(error(R"({"facets":[{"facet":""}]})"), R"({"errors":["a facet needs a name"]})");
  EXPECT_EQ(error(R"({"facets":[{"facet":"a","limit":1001}]})"),
            R"({"errors":["\"limit\" must be within 1 and 1000"]})");
  EXPECT_EQ(error(R"({"rows":{"sort":"host"}})"),
            R"({"errors":["sort must be timestamp or -timestamp, not \"host\""]})");
  EXPECT_EQ(error(R"({"facets":[{"facet":"*"}]})"),
            R"({"errors":["the full-text field has no values to count"]})");
  EXPECT_EQ(error(R"({"stream":1})"), R"({"errors":["\"stream\" must be true or false"]})");
}

TEST_F(AnalyticsApiTest, FollowsTransactionsWhole) {
  Add(R"({"id":"m1","type":"Send"})", -minutes(90));
  Add(R"({"id":"m1","type":"Delay"})", -minutes(50), "warn");
  Add(R"({"id":"m1","type":"Bounce"})", -minutes(9), "error");
  Add(R"({"id":"m2","type":"Send"})", -minutes(8));
  Add(R"({"id":["m2","m9"],"type":"Bounce"})", -minutes(8) + seconds(2), "info");
  Add(R"({"id":"m3","type":"Send"})", -minutes(7));
  Add(R"({"type":"Bounce"})", -minutes(7));
  const auto data = [&](std::string body) {
    const net::HttpResponse response = Post(std::move(body), "/api/v2/postglass/transactions");
    const Result<json::object> answer = json::ParseObject(response.body);
    return answer && answer->contains("data") ? json::Serialize(answer->at("data")) : response.body;
  };
  const std::string m1 =
      R"({"id":"m1","first":"2027-01-15T06:30:00.000Z","last":"2027-01-15T07:51:00.000Z",)"
      R"("duration_ms":4860000,"events":3,"matching":1,"status":"error",)"
      R"("statuses":{"error":1,"info":1,"warn":1},"counts":{"Bounce":1,"Delay":1,"Send":1}})";
  const std::string m2 =
      R"({"id":"m2","first":"2027-01-15T07:52:00.000Z","last":"2027-01-15T07:52:02.000Z",)"
      R"("duration_ms":2000,"events":2,"matching":1,"status":"info",)"
      R"("statuses":{"info":2},"counts":{"Bounce":1,"Send":1}})";
  const std::string question =
      R"q("filter":{"query":"@type:Bounce @id:(m1 OR m2)"},"by":"@id","count_by":"@type")q";
  EXPECT_EQ(data("{" + question + R"(,"sort":"-duration"})").substr(0, m1.size() + m2.size() + 2),
            "[" + m1 + "," + m2);
  EXPECT_EQ(data("{" + question + R"(,"sort":"duration","limit":1})").find("m1"),
            std::string::npos);
  EXPECT_EQ(data("{" + question + R"(,"sort":"-status","limit":1})"), "[" + m1 + "]");
  EXPECT_EQ(data(R"({"by":"@none"})"), "[]");
  EXPECT_EQ(data("{}"), R"({"errors":["transactions need an attribute to group by"]})");
  EXPECT_EQ(data(R"({"by":"@id","limit":1001})"),
            R"({"errors":["\"limit\" must be within 1 and 1000"]})");
  EXPECT_EQ(data(R"({"by":"@id","sort":"size"})").substr(0, 22), R"({"errors":["sort must )");
}

// The store goes on until it is stopped, and nothing but the client's going stops it.
TEST_F(AnalyticsApiTest, StopsWhatRunsForAClientThatHasGone) {
  query::ScriptedStore store;
  store.run = [](const store::Plan& plan, store::Sink&) -> Result<store::RunReport> {
    while (!plan.stop.stop_requested()) std::this_thread::yield();
    return Fail(ErrorCode::kCancelled, "the query was cancelled");
  };
  query::QueryRunner runner(store, clock_, metrics_, {});
  query::AggregateService aggregates(runner, zones_, clock_);
  query::ExploreService explorer(runner, zones_, clock_);
  query::TransactionsService transactions(runner, clock_);
  AnalyticsApi api({aggregates, explorer, transactions}, guard_, clock_, random_, {});
  for (const char* target : {"/api/v2/logs/analytics/aggregate",
                             "/api/v2/postglass/explore",
                             "/api/v2/postglass/transactions"}) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = target;
    request.body = R"({"by":"@id"})";
    request.headers = {{"DD-API-KEY", std::string(kApiKey)},
                       {"DD-APPLICATION-KEY", std::string(kApplicationKey)}};
    request.abandoned = [] { return true; };
    EXPECT_EQ(api.Handle(request).status, 500) << target;
  }
}

TEST_F(AnalyticsApiTest, AnswersNoOneWithoutKeys) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/api/v2/logs/analytics/aggregate";
  EXPECT_EQ(api_.Handle(request).status, 401);
  request.headers = {{"DD-API-KEY", std::string(kApiKey)},
                     {"DD-APPLICATION-KEY", std::string(kApplicationKey)}};
  request.method = "GET";
  EXPECT_EQ(api_.Handle(request).status, 405);
}

}  // namespace
}  // namespace postglass::api
