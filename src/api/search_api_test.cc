#include "api/search_api.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock_testing.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/random_testing.h"
#include "query/store_testing.h"
#include "query/tail.h"
#include "store/oracle_store.h"

namespace postglass::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kApiKey = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kApplicationKey = "0123456789abcdef0123456789abcdef01234567";

class FixedKeys final : public access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view key) const override { return key == kApiKey; }

  bool IsApplicationKey(std::string_view key) const override { return key == kApplicationKey; }
};

class SearchApiTest : public testing::Test {
 protected:
  SearchApiTest() { Rebuild({}); }

  void Rebuild(SearchApi::Options options) {
    options_ = std::move(options);
    api_ = std::make_unique<SearchApi>(runner_, search_, guard_, clock_, random_, options_);
  }

  static net::HttpRequest Request(std::string method, std::string target, std::string body = "") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers = {{"Host", "logs.example:8080"},
                       {"DD-API-KEY", std::string(kApiKey)},
                       {"DD-APPLICATION-KEY", std::string(kApplicationKey)}};
    return request;
  }

  net::HttpResponse Get(const std::string& target) { return api_->Handle(Request("GET", target)); }

  net::HttpResponse Post(std::string body) {
    return api_->Handle(Request("POST", "/api/v2/logs/events/search", std::move(body)));
  }

  static json::object Body(const net::HttpResponse& response) {
    Result<json::object> body = json::ParseObject(response.body);
    EXPECT_TRUE(body) << response.body;
    return body ? std::move(*body) : json::object();
  }

  static std::string TextAt(const json::object& root, std::string_view path) {
    const json::value* value = json::FindPath(root, path);
    if (value == nullptr || !value->is_string()) return "(none)";
    return std::string(std::string_view(value->get_string()));
  }

  static std::size_t DataSize(const json::object& body) {
    const json::array* data = json::GetArray(body, "data");
    return data == nullptr ? 999 : data->size();
  }

  ManualClock clock_;
  SeededRandom random_{1};
  store::OracleStore store_;
  query::EventMaker make_{clock_};
  Metrics metrics_;
  query::QueryRunner runner_{store_, clock_, metrics_, {}};
  query::SearchService search_{runner_, clock_};
  FixedKeys keys_;
  bool session_ = false;
  ReadGuard guard_{keys_, [this](const net::HttpRequest&) { return session_; }};
  SearchApi::Options options_;
  std::unique_ptr<SearchApi> api_;
};

TEST_F(SearchApiTest, AnEmptyResultHasDatadogsShape) {
  const net::HttpResponse response = Post("");
  EXPECT_EQ(response.status, 200);
  const json::object body = Body(response);
  EXPECT_EQ(DataSize(body), 0u);
  EXPECT_EQ(TextAt(body, "meta.status"), "done");
  EXPECT_NE(json::FindPath(body, "meta.elapsed"), nullptr);
  EXPECT_NE(TextAt(body, "meta.request_id"), "(none)");
  EXPECT_EQ(body.if_contains("links"), nullptr);
  EXPECT_EQ(json::FindPath(body, "meta.page"), nullptr);
}

TEST_F(SearchApiTest, PostAndGetFindTheSameEvents) {
  query::EventMaker::Mail mail;
  mail.requested_at = clock_.Now() - minutes(5);
  make_.Append(store_, {make_.Send(mail), make_.Delivery(mail, seconds(2))});
  const json::object posted =
      Body(Post(R"({"filter":{"query":"@eventType:Delivery @mail.destination:alice@example.com",)"
                R"("from":"now-1h","to":"now","indexes":["main"],"storage_tier":"indexes"},)"
                R"("sort":"timestamp","page":{"limit":5},"options":{"timezone":"UTC"}})"));
  const json::object got =
      Body(Get("/api/v2/logs/events?filter%5Bquery%5D=%40eventType%3ADelivery&filter[from]="
               "now-1h&filter[to]=now&sort=timestamp&page%5Blimit%5D=5"));
  for (const json::object& body : {posted, got}) {
    ASSERT_EQ(DataSize(body), 1u);
    EXPECT_EQ(TextAt(body, "data.0.type"), "log");
    EXPECT_EQ(TextAt(body, "data.0.attributes.attributes.delivery.smtpResponse"), "250 2.0.0 OK");
    EXPECT_EQ(TextAt(body, "data.0.attributes.service"), "ses");
    EXPECT_TRUE(TextAt(body, "data.0.id").starts_with("AQAA"));
  }
}

TEST_F(SearchApiTest, OwnSearchSortsByAnyFieldAndExplains) {
  for (const char* size : {"3", "1", "2"}) {
    store::Event event = make_.Log("m", minutes(-1));
    event.attributes = std::string(R"({"size":)") + size + "}";
    make_.Append(store_, {std::move(event)});
  }
  const auto post = [&](std::string body) {
    return api_->Handle(Request("POST", "/api/v2/postglass/search", std::move(body)));
  };
  std::string cursor;
  std::string sizes;
  do {
    const auto body = Body(
        post(R"({"sort":"-@size","explain":true,"page":{"limit":2,"cursor":")" + cursor + "\"}}"));
    for (const json::value& row : *json::GetArray(body, "data")) {
      sizes += json::Serialize(*json::FindPath(row.as_object(), "attributes.attributes.size"));
    }
    ASSERT_NE(json::FindPath(body, "meta.explain.store_us"), nullptr);
    EXPECT_EQ(TextAt(body, "meta.explain.store"), "full scan in memory");
    EXPECT_EQ(json::FindPath(body, "links"), nullptr);
    cursor = TextAt(body, "meta.page.after");
  } while (cursor != "(none)");
  EXPECT_EQ(sizes, "321");
  EXPECT_EQ(post(R"({"sort":"-"})").status, 400);
  EXPECT_EQ(post(R"({"sort":"index"})").status, 400);
  EXPECT_EQ(post(R"({"explain":1})").status, 400);
}

TEST_F(SearchApiTest, PagesByCursorAndByLink) {
  for (int i = 0; i < 12; ++i) make_.AppendLog(store_, "e", -seconds(i));
  json::object body = Body(Post(R"({"page":{"limit":5}})"));
  EXPECT_EQ(DataSize(body), 5u);
  const std::string cursor = TextAt(body, "meta.page.after");
  body = Body(Post(R"({"page":{"limit":5,"cursor":")" + cursor + R"("}})"));
  EXPECT_EQ(DataSize(body), 5u);
  std::string link = TextAt(body, "links.next");
  constexpr std::string_view kBase = "http://logs.example:8080/api/v2/logs/events?";
  ASSERT_TRUE(link.starts_with(kBase)) << link;
  body = Body(Get(link.substr(std::string("http://logs.example:8080").size())));
  EXPECT_EQ(DataSize(body), 2u);
  EXPECT_EQ(json::FindPath(body, "meta.page"), nullptr);
}

TEST_F(SearchApiTest, TenEventsUnlessToldOtherwise) {
  for (int i = 0; i < 12; ++i) make_.AppendLog(store_, "e", -seconds(i));
  EXPECT_EQ(DataSize(Body(Get("/api/v2/logs/events"))), 10u);
}

TEST_F(SearchApiTest, RefusesWhatItDoesNotUnderstand) {
  const json::object body = Body(Post(R"({"filter":{"query":"é @a:"}})"));
  EXPECT_EQ(json::GetInt(body, "position"), 5);  // characters, not bytes
  EXPECT_TRUE(TextAt(body, "errors.0").starts_with("invalid query at position 5"));
  for (const char* bad : {R"({"filter":{"query":"@a:"}})",
                          R"({"filter":{"query":5}})",
                          R"({"filter":[]})",
                          R"({"filter":{"from":"soon"}})",
                          R"({"filter":{"storage_tier":"tape"}})",
                          R"({"sort":"up"})",
                          R"({"page":{"limit":0}})",
                          R"({"page":{"limit":1001}})",
                          R"({"page":{"limit":"5"}})",
                          R"({"page":{"cursor":"x"}})",
                          "[]",
                          "{"}) {
    const net::HttpResponse response = Post(bad);
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_NE(Body(response).if_contains("errors"), nullptr) << bad;
  }
  for (const char* bad : {"page[limit]=0",
                          "page[limit]=1001",
                          "page[limit]=5x",
                          "sort=up",
                          "page[cursor]=x",
                          "filter[from]=soon",
                          "filter[query]=(a"}) {
    EXPECT_EQ(Get(std::string("/api/v2/logs/events?") + bad).status, 400) << bad;
  }
  EXPECT_EQ(api_->Handle(Request("DELETE", "/api/v2/logs/events")).status, 405);
  EXPECT_EQ(api_->Handle(Request("GET", "/api/v2/logs/events/search")).status, 405);
}

TEST_F(SearchApiTest, AsksForBothKeys) {
  const auto status = [this](net::Headers headers, const std::string& query = "") {
    net::HttpRequest request = Request("GET", "/api/v2/logs/events" + query);
    request.headers = std::move(headers);
    return api_->Handle(request).status;
  };
  const std::string api(kApiKey);
  const std::string app(kApplicationKey);
  EXPECT_EQ(status({}), 401);
  EXPECT_EQ(status({{"DD-API-KEY", api}}), 401);
  EXPECT_EQ(status({{"DD-APPLICATION-KEY", app}}), 401);
  EXPECT_EQ(status({{"DD-API-KEY", "x"}, {"DD-APPLICATION-KEY", app}}), 403);
  EXPECT_EQ(status({{"DD-API-KEY", api}, {"DD-APPLICATION-KEY", "x"}}), 403);
  EXPECT_EQ(status({{"dd-api-key", api}, {"dd-application-key", app}}), 200);
  EXPECT_EQ(status({}, "?api_key=" + api + "&application_key=" + app), 200);
  session_ = true;
  EXPECT_EQ(status({}), 200);
}

TEST_F(SearchApiTest, LimitsTheRate) {
  SearchApi::Options options;
  options.rate = {"logs_queries", 2, seconds(60)};
  Rebuild(options);
  const net::HttpResponse first = Get("/api/v2/logs/events");
  EXPECT_EQ(first.headers.Get("X-RateLimit-Limit"), "2");
  EXPECT_EQ(first.headers.Get("X-RateLimit-Remaining"), "1");
  EXPECT_EQ(first.headers.Get("X-RateLimit-Period"), "60");
  EXPECT_EQ(Get("/api/v2/logs/events").status, 200);
  const net::HttpResponse refused = Get("/api/v2/logs/events");
  EXPECT_EQ(refused.status, 429);
  EXPECT_FALSE(refused.headers.Get("X-RateLimit-Reset").empty());
  clock_.Advance(seconds(60));
  EXPECT_EQ(Get("/api/v2/logs/events").status, 200);
}

// Takes what a stream writes until it has seen `enough` of it.
class TakeStream final : public net::BodyWriter {
 public:
  explicit TakeStream(int writes_max) : writes_left_(writes_max) {}

  bool Write(std::string_view piece) override {
    text += piece;
    --writes_left_;
    return writes_left_ > 0;
  }

  bool Gone() override { return false; }

  std::string text;

 private:
  int writes_left_;
};

std::vector<std::string> LinesWith(const std::string& text, const std::string& prefix) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    if (line.starts_with(prefix)) lines.push_back(line.substr(prefix.size()));
    begin = end + 1;
  }
  return lines;
}

TEST_F(SearchApiTest, TailsNewEventsAndContinues) {
  int polls = 0;
  SearchApi::Options options;
  options.wait = [this, &polls](milliseconds) {
    clock_.Advance(milliseconds(250));
    if (++polls % 2 == 1) make_.AppendLog(store_, "tick " + std::to_string(polls), {});
    make_.AppendLog(store_, "other", {});
  };
  Rebuild(options);
  net::HttpResponse response = Get("/api/v2/postglass/tail?query=tick");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("Content-Type"), "text/event-stream");
  ASSERT_TRUE(response.stream);
  TakeStream first(3);  // the beginning and two events
  response.stream(first);
  std::vector<std::string> data = LinesWith(first.text, "data: ");
  ASSERT_EQ(data.size(), 2u);
  EXPECT_EQ(TextAt(*json::ParseObject(data[0]), "message"), "tick 1");
  EXPECT_EQ(TextAt(*json::ParseObject(data[1]), "message"), "tick 3");
  const std::vector<std::string> ids = LinesWith(first.text, "id: ");
  ASSERT_EQ(ids.size(), 3u);

  make_.AppendLog(store_, "tick meanwhile", {});
  net::HttpRequest again = Request("GET", "/api/v2/postglass/tail?query=tick");
  again.headers.Add("Last-Event-ID", ids.back());
  response = api_->Handle(again);
  TakeStream second(2);
  response.stream(second);
  data = LinesWith(second.text, "data: ");
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(TextAt(*json::ParseObject(data[0]), "message"), "tick meanwhile");
}

TEST_F(SearchApiTest, ASilentTailStaysAlive) {
  SearchApi::Options options;
  options.wait = [this](milliseconds duration) { clock_.Advance(duration); };
  Rebuild(options);
  net::HttpResponse response = Get("/api/v2/postglass/tail");
  TakeStream stream(2);
  response.stream(stream);
  EXPECT_NE(stream.text.find("\n: still here\n"), std::string::npos);
}

TEST_F(SearchApiTest, BoundsTheTails) {
  SearchApi::Options options;
  options.tails_max = 1;
  Rebuild(options);
  {
    const net::HttpResponse open = Get("/api/v2/postglass/tail");
    EXPECT_EQ(open.status, 200);
    EXPECT_EQ(Get("/api/v2/postglass/tail").status, 429);
  }
  EXPECT_EQ(Get("/api/v2/postglass/tail").status, 200);
  EXPECT_EQ(Get("/api/v2/postglass/tail?query=(a").status, 400);
  EXPECT_EQ(Get("/api/v2/postglass/tail?last_event_id=x").status, 400);
}

TEST(JsonApi, ErrorBodies) {
  EXPECT_EQ(ErrorResponse(403, "For\"bidden").body, R"({"errors":["For\"bidden"]})");
  EXPECT_EQ(DetailedErrorResponse(400, "x").body,
            R"({"errors":[{"status":"400","title":"Bad Request","detail":"x"}]})");
  EXPECT_EQ(ConfigErrorResponse(400, "BadRequest", "m", {"a", "b"}).body,
            R"({"error":{"code":"BadRequest","message":"m","details":["a","b"]}})");
}

}  // namespace
}  // namespace postglass::api
