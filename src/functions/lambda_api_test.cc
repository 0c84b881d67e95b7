#include "functions/lambda_api.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "functions/functions_testing.h"

namespace postglass::functions {
namespace {

struct ApiFixture : HostFixture {
  net::HttpResponse Call(std::string method,
                         std::string path,
                         std::string body = {},
                         std::string_view invocation_type = {}) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(path);
    request.body = std::move(body);
    if (!invocation_type.empty()) {
      request.headers.Add("X-Amz-Invocation-Type", std::string(invocation_type));
    }
    action = api.ActionOf(request);
    return api.Handle(aws::ServiceRequest{request, {}, "request-1"});
  }

  AsyncQueue queue{*host, *registry, clock};
  LambdaApi api{account, *registry, *host, queue};
  std::string action;
};

constexpr std::string_view kPath = "/2015-03-31/functions/forwarder";

std::string Path(std::string_view rest) { return std::string(kPath) + std::string(rest); }

std::string At(const net::HttpResponse& response, std::string_view path) {
  const auto body = json::ParseObject(response.body);
  if (!body) return "(no object)";
  const json::value* v = json::FindPath(*body, path);
  return v == nullptr ? "(none)" : json::Serialize(*v);
}

TEST(LambdaApi, DescribesFunctions) {
  ApiFixture f;
  const auto list = f.Call("GET", "/2015-03-31/functions/");
  EXPECT_EQ(f.action, "lambda:ListFunctions");
  EXPECT_EQ(list.headers.Get("x-amzn-RequestId"), "request-1");
  EXPECT_EQ(At(list, "Functions.0.FunctionName"), R"("forwarder")");
  for (const std::string& path :
       {Path(""),
        std::string("/2015-03-31/functions/"
                    "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Aforwarder"),
        std::string("/2015-03-31/functions/forwarder?Qualifier=%24LATEST")}) {
    const auto got = f.Call("GET", path);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(At(got, "Configuration.Environment.Variables.DD_API_KEY"),
              "\"" + std::string(kTestApiKey) + "\"");
  }
  EXPECT_EQ(At(f.Call("GET", Path("/configuration")), "State"), R"("Active")");
}

TEST(LambdaApi, AnswersErrorsAsLambdaDoes) {
  ApiFixture f;
  const auto missing = f.Call("GET", "/2015-03-31/functions/nope");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.headers.Get("x-amzn-ErrorType"), "ResourceNotFoundException");
  EXPECT_EQ(At(missing, "message"),
            R"("Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope")");
  EXPECT_EQ(f.Call("POST", "/2015-03-31/functions", "{}").status, 501);
  EXPECT_EQ(f.Call("PUT", Path("/configuration"), "{").status, 400);
  EXPECT_EQ(f.Call("PUT", Path("/configuration"), R"({"Timeout":901})").status, 400);
  EXPECT_EQ(f.Call("PUT", Path("/configuration"), R"({"RevisionId":"old"})").status, 412);
  EXPECT_EQ(f.Call("PUT",
                   Path("/configuration"),
                   R"({"Environment":{"Variables":{"A":")" + std::string(4096, 'x') + "\"}}}")
                .status,
            400);
  EXPECT_EQ(f.Call("PUT",
                   Path("/configuration"),
                   R"({"Environment":{"Variables":{"AWS_LAMBDA_RUNTIME_API":"x"}}})")
                .status,
            400);
  f.settings.FailApply(Error{ErrorCode::kDiskFull, "no space left"});
  EXPECT_EQ(f.Call("PUT", Path("/configuration"), R"({"Timeout":5})").status, 503);
}

TEST(LambdaApi, ChangesTheConfiguration) {
  ApiFixture f;
  const auto updated =
      f.Call("PUT",
             Path("/configuration"),
             R"({"Timeout":60,"Environment":{"Variables":{"DD_API_KEY":"k","DD_TAGS":"a:b"}}})");
  EXPECT_EQ(updated.status, 200);
  EXPECT_EQ(At(updated, "Timeout"), "60");
  EXPECT_EQ(At(updated, "Environment.Variables"), R"({"DD_API_KEY":"k","DD_TAGS":"a:b"})");
  EXPECT_EQ(f.registry->Find("forwarder")->environment.at("DD_TAGS"), "a:b");
}

TEST(LambdaApi, GivesAndTakesPermissions) {
  ApiFixture f;
  const auto policy = [&] { return f.Call("GET", Path("/policy")); };
  EXPECT_NE(policy().body.find("sns-mail-events"), std::string::npos);
  EXPECT_EQ(f.Call("DELETE", Path("/policy/none")).status, 404);
  EXPECT_EQ(f.Call("DELETE", Path("/policy/sns-mail-events")).status, 204);
  EXPECT_EQ(f.action, "lambda:RemovePermission");
  EXPECT_EQ(policy().status, 404);
  const std::string statement =
      R"({"StatementId":"mine","Action":"lambda:InvokeFunction","Principal":"sns.amazonaws.com","SourceArn":")" +
      std::string(kTestTopic) + "\"}";
  const auto added = f.Call("POST", Path("/policy"), statement);
  EXPECT_EQ(added.status, 201);
  const auto shown =
      json::ParseObject(*json::GetString(*json::ParseObject(added.body), "Statement"));
  EXPECT_EQ(
      json::Serialize(*shown),
      R"({"Sid":"mine","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:forwarder","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:sns:us-east-1:000000000000:mail-events"}}})");
  EXPECT_EQ(f.Call("POST", Path("/policy"), statement).status, 409);
  EXPECT_EQ(f.Call("POST", Path("/policy"), R"({"StatementId":"a b"})").status, 400);
  const std::vector<SnsRecord> records = {{"1", "{}"}};
  EXPECT_EQ(f.host->InvokeFromSns("forwarder", std::string(kTestTopic), records)[0].outcome,
            InvokeResult::Outcome::kSucceeded);
}

TEST(LambdaApi, LimitsConcurrency) {
  ApiFixture f;
  EXPECT_EQ(f.Call("GET", "/2019-09-30/functions/forwarder/concurrency").body, "{}");
  const std::string path = "/2017-10-31/functions/forwarder/concurrency";
  EXPECT_EQ(f.Call("PUT", path, R"({"ReservedConcurrentExecutions":0})").body,
            R"({"ReservedConcurrentExecutions":0})");
  EXPECT_EQ(f.Call("GET", "/2019-09-30/functions/forwarder/concurrency").body,
            R"({"ReservedConcurrentExecutions":0})");
  const auto throttled = f.Call("POST", Path("/invocations"), "{}");
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(throttled.headers.Get("x-amzn-ErrorType"), "TooManyRequestsException");
  EXPECT_EQ(f.Call("DELETE", path).status, 204);
  EXPECT_EQ(f.Call("POST", Path("/invocations"), "{}").status, 200);
  EXPECT_EQ(f.Call("PUT", path, "{}").status, 400);
}

TEST(LambdaApi, Invokes) {
  ApiFixture f;
  const std::string path = Path("/invocations");
  const auto good = f.Call("POST", path, R"({"Records":[{}]})");
  EXPECT_EQ(f.action, "lambda:InvokeFunction");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.body, R"({"statusCode":200,"forwarded":1})");
  EXPECT_EQ(good.headers.Get("X-Amz-Executed-Version"), "$LATEST");
  EXPECT_FALSE(good.headers.Find("X-Amz-Function-Error"));

  f.loopback.AnswerWith(500);
  const auto bad = f.Call("POST", path, "{}");
  EXPECT_EQ(bad.status, 200);
  EXPECT_EQ(bad.headers.Get("X-Amz-Function-Error"), "Unhandled");
  EXPECT_EQ(At(bad, "errorMessage"), R"("the intake answered 500 Internal Server Error: {}")");

  EXPECT_EQ(f.Call("POST", path, "{}", "DryRun").status, 204);
  EXPECT_EQ(f.Call("POST", path, "not json").status, 400);
  EXPECT_EQ(f.Call("POST", path, "{}", "Telepathy").status, 400);
  EXPECT_EQ(f.Call("POST", path, std::string((256 << 10) + 1, ' '), "Event").status, 413);
  EXPECT_EQ(f.Call("POST", path, "{}", "Event").status, 202);
}

}  // namespace
}  // namespace postglass::functions
