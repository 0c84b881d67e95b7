#include "forwarder/handler.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/json.h"
#include "forwarder/runtime_client.h"

namespace postglass::forwarder {
namespace {

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

// An intake that answers what it is told and keeps what it got.
class FakeIntake final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request& request) override {
    requests.push_back(request);
    if (failure) return Fail(*failure);
    const int status = statuses.empty() ? 202 : statuses.front();
    if (!statuses.empty()) statuses.erase(statuses.begin());
    return net::JsonResponse(status, "{}");
  }

  json::array Logs(std::size_t request) const {
    const Request& r = requests.at(request);
    const std::string body =
        *net::DecodeContent(r.headers.Get("Content-Encoding"), r.body, 64 << 20);
    return json::Parse(body)->get_array();
  }

  std::vector<Request> requests;
  std::vector<int> statuses;
  std::optional<Error> failure;
};

Config TestConfig(Environment more = {}) {
  more.emplace("DD_API_KEY", kKey);
  more.emplace("DD_URL", "http://127.0.0.1:8080");
  return *Config::FromEnvironment(more);
}

const FunctionContext kContext{
    "Forwarder", "arn:aws:lambda:us-east-1:000000000000:function:forwarder", "$LATEST"};

TEST(Config, UnderstandsTheVariablesOfDatadogsForwarder) {
  struct Case {
    Environment environment;
    std::string url;
  };

  for (const Case& c : {
           Case{{}, "https://http-intake.logs.datadoghq.com"},
           Case{{{"DD_SITE", "datadoghq.eu"}}, "https://http-intake.logs.datadoghq.eu"},
           Case{{{"DD_URL", "intake.example"}}, "https://intake.example"},
           Case{{{"DD_URL", "intake.example:8443"}}, "https://intake.example:8443"},
           Case{{{"DD_URL", "intake.example"}, {"DD_PORT", "444"}}, "https://intake.example:444"},
           Case{{{"DD_URL", "intake.example:1"}, {"DD_PORT", "444"}}, "https://intake.example:1"},
           Case{{{"DD_URL", "127.0.0.1"}, {"DD_PORT", "8080"}, {"DD_NO_SSL", "true"}},
                "http://127.0.0.1:8080"},
           Case{{{"DD_URL", "http://127.0.0.1:9/"}}, "http://127.0.0.1:9"},
           Case{{{"DD_URL", "http://h"}, {"DD_PORT", "9"}}, "http://h:9"},
           Case{{{"DD_URL", "https://h/prefix"}, {"DD_PORT", "9"}}, "https://h:9/prefix"},
           Case{{{"DD_URL", "https://[::1]"}, {"DD_PORT", "9"}}, "https://[::1]:9"},
       }) {
    Environment environment = c.environment;
    environment["DD_API_KEY"] = kKey;
    const auto config = Config::FromEnvironment(environment);
    ASSERT_TRUE(config) << c.url;
    EXPECT_EQ(config->intake_url, c.url);
  }
  for (const Environment& bad :
       {Environment{},
        Environment{{"DD_API_KEY", "short"}},
        Environment{{"DD_API_KEY", std::string(kKey)}, {"DD_PORT", "x"}},
        Environment{{"DD_API_KEY", std::string(kKey)}, {"DD_URL", "ftp://x"}},
        Environment{{"DD_API_KEY", std::string(kKey)}, {"DD_URL", "a b"}}}) {
    EXPECT_EQ(Config::FromEnvironment(bad).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Handler, ShipsEachRecordAsDatadogsForwarderDoes) {
  FakeIntake intake;
  Handler handler(TestConfig({{"DD_TAGS", "env:prod,team:mail"}}), intake);
  const auto report = handler.Handle(
      R"({"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"1","Message":"{\"a\":1}","Subject":null}},{}]})",
      kContext);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->forwarded, 2U);
  EXPECT_EQ(report->response, R"({"statusCode":200,"forwarded":2})");
  ASSERT_EQ(intake.requests.size(), 1U);
  const auto& request = intake.requests[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "http://127.0.0.1:8080/api/v2/logs");
  EXPECT_EQ(request.headers.Get("DD-API-KEY"), kKey);
  EXPECT_EQ(request.headers.Get("Content-Encoding"), "gzip");
  const std::string common =
      R"("ddsource":"sns","ddsourcecategory":"aws","aws":{"invoked_function_arn":"arn:aws:lambda:us-east-1:000000000000:function:forwarder"},"ddtags":"env:prod,team:mail,forwardername:forwarder,forwarder_version:1.0.0"})";
  EXPECT_EQ(
      json::Serialize(json::value(intake.Logs(0))),
      R"([{"EventSource":"aws:sns","Sns":{"MessageId":"1","Message":"{\"a\":1}","Subject":null},)" +
          common + ",{" + common + "]");
}

TEST(Handler, CompressesOnlyWhenAsked) {
  FakeIntake intake;
  Handler handler(TestConfig({{"DD_USE_COMPRESSION", "false"}}), intake);
  ASSERT_TRUE(handler.Handle(R"({"detail":1})", kContext));
  EXPECT_FALSE(intake.requests[0].headers.Find("Content-Encoding"));
  EXPECT_EQ(intake.requests[0].body.substr(0, 12), R"([{"detail":1)");
}

TEST(Handler, SplitsByCountAndBytes) {
  FakeIntake intake;
  Handler handler(TestConfig(), intake);
  std::string event = R"({"Records":[{})";
  for (int i = 1; i < 900; ++i) event += ",{}";
  ASSERT_TRUE(handler.Handle(event + "]}", kContext));
  ASSERT_EQ(intake.requests.size(), 3U);
  EXPECT_EQ(intake.Logs(0).size(), 400U);
  EXPECT_EQ(intake.Logs(2).size(), 100U);

  intake.requests.clear();
  const std::string record = R"({"m":")" + std::string(1'500'000, 'x') + R"("})";
  const auto report =
      handler.Handle(R"({"Records":[)" + record + "," + record + "," + record + "]}", kContext);
  ASSERT_TRUE(report);
  ASSERT_EQ(intake.requests.size(), 2U);
  EXPECT_EQ(intake.Logs(0).size(), 2U);
}

TEST(Handler, FailsTheInvocationWhereTheIntakeMayYetTakeIt) {
  for (const auto& [status, code] : std::map<int, ErrorCode>{{401, ErrorCode::kPermissionDenied},
                                                             {403, ErrorCode::kPermissionDenied},
                                                             {408, ErrorCode::kUnavailable},
                                                             {429, ErrorCode::kUnavailable},
                                                             {500, ErrorCode::kUnavailable},
                                                             {503, ErrorCode::kUnavailable},
                                                             {302, ErrorCode::kUnavailable}}) {
    FakeIntake intake;
    intake.statuses = {status};
    Handler handler(TestConfig(), intake);
    const auto report = handler.Handle(R"({"Records":[{}]})", kContext);
    ASSERT_FALSE(report) << status;
    EXPECT_EQ(report.error().code, code) << status;
    EXPECT_NE(report.error().message.find(std::to_string(status)), std::string::npos);
  }
  FakeIntake intake;
  intake.failure = Error{ErrorCode::kUnavailable, "connection refused"};
  Handler handler(TestConfig(), intake);
  EXPECT_EQ(handler.Handle("{}", kContext).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(handler.Handle("[1]", kContext).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(handler.Handle("{", kContext).error().code, ErrorCode::kInvalidArgument);
}

TEST(Handler, DeadLettersWhatTheIntakeWillNeverTake) {
  FakeIntake intake;
  intake.statuses = {202, 400};
  Handler handler(TestConfig(), intake);
  std::string event = R"({"Records":[{"n":0})";
  for (int i = 1; i < 402; ++i) event += R"(,{"n":)" + std::to_string(i) + "}";
  const auto report = handler.Handle(event + "]}", kContext);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->forwarded, 400U);
  EXPECT_EQ(report->dead_lettered, 2U);
  const json::object response = *json::ParseObject(report->response);
  const json::value* first = json::FindPath(response, "dead_letters.0.entries.0.n");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(*first, json::value(400));
}

// A Runtime API with a list of events; it is gone when the list is empty.
class FakeRuntimeApi final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request& request) override {
    if (request.method == "GET") {
      ++polls;
      if (events.empty()) return Fail(ErrorCode::kUnavailable, "connection refused");
      net::HttpResponse response = net::JsonResponse(200, events.front());
      events.erase(events.begin());
      response.headers.Add("Lambda-Runtime-Aws-Request-Id", "id-" + std::to_string(polls));
      response.headers.Add("Lambda-Runtime-Invoked-Function-Arn", "arn:f");
      response.headers.Add("Lambda-Runtime-Deadline-Ms", "1800000003000");
      return response;
    }
    posts.push_back(request);
    return net::JsonResponse(202, "{}");
  }

  int polls = 0;
  std::vector<std::string> events;
  std::vector<Request> posts;
};

TEST(RunForwarder, AnswersEachInvocationAndEndsWithTheApi) {
  FakeRuntimeApi api;
  api.events = {R"({"Records":[{}]})", R"({"Records":[{}]})"};
  FakeIntake intake;
  intake.statuses = {202, 403};
  const Environment environment{{"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"},
                                {"DD_API_KEY", std::string(kKey)},
                                {"DD_URL", "http://127.0.0.1:2"}};
  EXPECT_EQ(RunForwarder(environment, api, intake), 1);
  ASSERT_EQ(api.posts.size(), 2U);
  EXPECT_EQ(api.posts[0].url, "http://127.0.0.1:1/2018-06-01/runtime/invocation/id-1/response");
  EXPECT_EQ(api.posts[0].body, R"({"statusCode":200,"forwarded":1})");
  EXPECT_EQ(api.posts[1].url, "http://127.0.0.1:1/2018-06-01/runtime/invocation/id-2/error");
  EXPECT_EQ(api.posts[1].headers.Get("Lambda-Runtime-Function-Error-Type"),
            "Forwarder.ApiKeyRefused");
  EXPECT_EQ(
      api.posts[1].body,
      R"({"errorMessage":"the intake answered 403 Forbidden: the API key was refused","errorType":"Forwarder.ApiKeyRefused","stackTrace":[]})");
}

TEST(RunForwarder, ReportsAnUnusableEnvironment) {
  FakeRuntimeApi api;
  FakeIntake intake;
  EXPECT_EQ(RunForwarder({}, api, intake), 2);
  EXPECT_EQ(RunForwarder({{"AWS_LAMBDA_RUNTIME_API", "h:1"}}, api, intake), 2);
  ASSERT_EQ(api.posts.size(), 1U);
  EXPECT_EQ(api.posts[0].url, "http://h:1/2018-06-01/runtime/init/error");
}

}  // namespace
}  // namespace postglass::forwarder
