#include "api/log_list_api.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/json.h"
#include "base/random_testing.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::api {
namespace {

class AnyKey final : public access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view) const override { return true; }

  bool IsApplicationKey(std::string_view) const override { return true; }
};

class LogListApiTest : public testing::Test {
 protected:
  net::HttpResponse Post(std::string body, std::string method = "POST") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = kLogListPath;
    request.body = std::move(body);
    if (keys_shown_) request.headers = {{"DD-API-KEY", "a"}, {"DD-APPLICATION-KEY", "b"}};
    return api_.Handle(request);
  }

  static json::object Body(const net::HttpResponse& response) {
    const Result<json::object> body = json::ParseObject(response.body);
    EXPECT_TRUE(body) << response.body;
    return body ? *body : json::object();
  }

  ManualClock clock_;
  SeededRandom random_{1};
  Metrics metrics_;
  store::OracleStore store_;
  query::EventMaker make_{clock_};
  query::QueryRunner runner_{store_, clock_, metrics_, {}};
  query::LogListService list_{runner_, clock_};
  AnyKey keys_;
  bool keys_shown_ = true;
  ReadGuard guard_{keys_, {}};
  LogListApi api_{list_, guard_, clock_, random_, {"logs_queries", 50, std::chrono::seconds(60)}};
};

TEST_F(LogListApiTest, AnswersInTheShapeOfVersionOne) {
  store::Event event = make_.Log("hello", {});
  event.source = "app";
  event.host = "h";
  event.attributes = R"({"n":0.1})";
  make_.Append(store_, {event, make_.Log("hello", std::chrono::minutes(-1))});
  const auto response = Post(R"({"query":"hello","time":{"from":"now-1h","to":"now"},"limit":1})");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.headers.Get("X-RateLimit-Remaining"), "49");
  const json::object body = Body(response);
  EXPECT_EQ(json::GetString(body, "status"), "done");
  EXPECT_TRUE(json::GetString(body, "requestId"));
  EXPECT_TRUE(json::GetString(body, "nextLogId"));
  const json::object& log = json::GetArray(body, "logs")->front().get_object();
  EXPECT_EQ(json::GetString(log, "id"), event.id.ToString());
  EXPECT_EQ(json::Serialize(*json::GetObject(log, "content")),
            json::Serialize(
                json::object{{"timestamp", json::FindPath(log, "content.timestamp")->get_string()},
                             {"host", "h"},
                             {"message", "hello"},
                             {"tags", json::array{"source:app"}},
                             {"attributes", json::object{{"n", 0.1}}}}));
  EXPECT_TRUE(Body(Post(R"({"time":{"from":"now-1h","to":"now"},"sort":"asc"})"))
                  .at("nextLogId")
                  .is_null());
}

TEST_F(LogListApiTest, EachErrorHasItsEnvelope) {
  for (const std::string body : {"",
                                 "[]",
                                 "{}",
                                 R"({"time":{"from":"now-1h"}})",
                                 R"({"time":{"from":"x","to":"now"}})",
                                 R"({"time":{"from":"now-1h","to":"now"},"limit":0})",
                                 R"({"time":{"from":"now-1h","to":"now"},"limit":1001})",
                                 R"({"time":{"from":"now-1h","to":"now"},"sort":"up"})",
                                 R"({"time":{"from":"now-1h","to":"now"},"query":7})",
                                 R"({"time":{"from":"now-1h","to":"now"},"query":"(a"})",
                                 R"({"time":{"from":"now-1h","to":"now"},"startAt":"x"})"}) {
    const auto response = Post(body);
    EXPECT_EQ(response.status, 400) << body;
    const json::object answer = Body(response);
    const json::object* error = json::GetObject(answer, "error");
    ASSERT_NE(error, nullptr) << response.body;
    EXPECT_EQ(json::GetString(*error, "code"), "InvalidArgument");
  }
  EXPECT_NE(json::GetArray(Body(Post("", "GET")), "errors"), nullptr);
  keys_shown_ = false;
  EXPECT_EQ(Post("").status, 401);
  keys_shown_ = true;
  int status = 0;
  for (int i = 0; i < 60; ++i) status = Post("").status;
  EXPECT_EQ(status, 429);
}

}  // namespace
}  // namespace postglass::api
