#include "forwarder/handler.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/clock_testing.h"
#include "base/json.h"
#include "base/time_format.h"
#include "forwarder/api_key.h"
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

TEST(Config, NamesMoreTargets) {
  const Config config =
      TestConfig({{"DD_ADDITIONAL_ENDPOINTS",
                   R"({"https://intake.example/":["ffffffffffffffffffffffffffffffff"]})"}});
  ASSERT_EQ(config.additional.size(), 1U);
  EXPECT_EQ(config.additional[0].intake_url, "https://intake.example");
  for (const char* wrong : {"{", R"({"nowhere":[]})", R"({"https://a":["short"]})", "[]"}) {
    const auto refused = Config::FromEnvironment(
        {{"DD_API_KEY", std::string(kKey)}, {"DD_ADDITIONAL_ENDPOINTS", wrong}});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_NE(refused.error().message.find("DD_ADDITIONAL_ENDPOINTS"), std::string::npos);
  }
}

TEST(Handler, FeedsEveryTarget) {
  FakeIntake intake;
  Handler handler(
      TestConfig({{"DD_ADDITIONAL_ENDPOINTS",
                   R"({"https://other.example":["ffffffffffffffffffffffffffffffff"]})"}}),
      intake);
  ASSERT_TRUE(handler.Handle(R"({"Records":[{"n":1}]})", kContext));
  ASSERT_EQ(intake.requests.size(), 2U);
  EXPECT_EQ(intake.requests[1].url, "https://other.example/api/v2/logs");
  EXPECT_EQ(intake.requests[1].headers.Get("DD-API-KEY"), "ffffffffffffffffffffffffffffffff");
  intake.statuses = {202, 503};
  EXPECT_FALSE(handler.Handle("{}", kContext));
}

TEST(Handler, TriesAgainWithinTheDeadline) {
  FakeIntake intake;
  ManualClock clock;
  std::vector<std::int64_t> pauses;
  Handler handler(TestConfig(), intake, &clock, [&](std::chrono::milliseconds pause) {
    pauses.push_back(pause.count());
    clock.Advance(pause);
  });
  FunctionContext context = kContext;
  context.deadline = clock.Now() + std::chrono::seconds(30);
  intake.statuses = {503, 429, 202};
  EXPECT_TRUE(handler.Handle("{}", context));
  EXPECT_EQ(pauses, (std::vector<std::int64_t>{500, 1000}));
  intake.statuses = {500, 500, 500, 500, 202};
  EXPECT_FALSE(handler.Handle("{}", context));
  EXPECT_EQ(intake.statuses.size(), 1U);
  intake.statuses = {403, 202};
  EXPECT_FALSE(handler.Handle("{}", context));
  EXPECT_EQ(intake.statuses.size(), 1U);
  context.deadline = clock.Now() + std::chrono::seconds(2);
  intake.statuses = {503, 202};
  EXPECT_FALSE(handler.Handle("{}", context));
}

TEST(Redaction, ChangesTextsAndKeepsLogsBack) {
  FakeIntake intake;
  Handler handler(TestConfig({{"REDACT_IP", "true"},
                              {"REDACT_EMAIL", "true"},
                              {"DD_SCRUBBING_RULE", "token=[a-z]+"},
                              {"DD_SCRUBBING_RULE_REPLACEMENT", "token=\\1"},
                              {"EXCLUDE_AT_MATCH", "noise"}}),
                  intake);
  const auto report = handler.Handle(
      R"({"Records":[{"a@b.example":"a@b.example at 10.0.0.1","deep":[{"u":"?token=abc"}]},{"x":"noise"}]})",
      kContext);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->held_back, 1U);
  const json::array logs = intake.Logs(0);
  ASSERT_EQ(logs.size(), 1U);
  const json::object& log = logs[0].as_object();
  EXPECT_EQ(json::GetString(log, "a@b.example"), "xxxxx@xxxxx.com at xxx.xxx.xxx.xxx");
  EXPECT_EQ(json::Serialize(*json::FindPath(log, "deep.0.u")), R"("?token=\\1")");
  EXPECT_FALSE(Redaction::FromEnvironment({{"INCLUDE_AT_MATCH", "("}}));
}

// Answers as Secrets Manager and Systems Manager do.
class FakeSecrets final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request& request) override {
    requests.push_back(request);
    return net::JsonResponse(status, body);
  }

  std::vector<Request> requests;
  int status = 200;
  std::string body;
};

TEST(ApiKey, ComesFromSecretsManagerOrSystemsManager) {
  FakeSecrets secrets;
  const ManualClock clock;
  const Environment role{{"AWS_ACCESS_KEY_ID", "ASIA"},
                         {"AWS_SECRET_ACCESS_KEY", "secret"},
                         {"AWS_SESSION_TOKEN", "token"},
                         {"AWS_REGION", "eu-west-1"}};
  Environment environment = role;
  environment["DD_API_KEY_SECRET_ARN"] = "arn:aws:secretsmanager:eu-north-1:1:secret:dd";
  secrets.body = R"({"SecretString":"{\"api_key\":\"0123456789abcdef0123456789abcdef\"}"})";
  ASSERT_TRUE(FindApiKey(environment, secrets, clock));
  EXPECT_EQ(environment["DD_API_KEY"], kKey);
  const auto& request = secrets.requests.at(0);
  EXPECT_EQ(request.url, "https://secretsmanager.eu-north-1.amazonaws.com/");
  EXPECT_EQ(request.headers.Get("X-Amz-Target"), "secretsmanager.GetSecretValue");
  EXPECT_EQ(request.headers.Get("X-Amz-Security-Token"), "token");
  const std::string scope = "Credential=ASIA/" + FormatCompactUtc(clock.Now()).substr(0, 8) +
                            "/eu-north-1/secretsmanager/aws4_request";
  EXPECT_NE(request.headers.Get("Authorization").find(scope), std::string::npos);

  environment = role;
  environment["DD_API_KEY_SSM_NAME"] = "/dd/key";
  environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566/";
  secrets.body = R"({"Parameter":{"Value":"0123456789abcdef0123456789abcdef"}})";
  ASSERT_TRUE(FindApiKey(environment, secrets, clock));
  EXPECT_EQ(environment["DD_API_KEY"], kKey);
  EXPECT_EQ(secrets.requests.at(1).url, "http://127.0.0.1:4566/");
  EXPECT_EQ(secrets.requests.at(1).body, R"({"Name":"/dd/key","WithDecryption":true})");

  environment.erase("DD_API_KEY");
  secrets.body = R"({"Parameter":{"Value":"short"}})";
  EXPECT_EQ(FindApiKey(environment, secrets, clock).error().code, ErrorCode::kInvalidArgument);
  secrets.status = 400;
  secrets.body = R"({"__type":"AccessDeniedException"})";
  const Status denied = FindApiKey(environment, secrets, clock);
  EXPECT_EQ(denied.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(denied.error().message, "ssm answered 400 AccessDeniedException");
  Environment none{{"DD_API_KEY_SSM_NAME", "x"}};
  EXPECT_EQ(FindApiKey(none, secrets, clock).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace postglass::forwarder
