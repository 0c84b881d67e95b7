#include "functions/lambda_api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/json.h"
#include "functions/functions_testing.h"
#include "functions/zip_testing.h"

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

  explicit ApiFixture(bool custom_code = true)
      : code(disk,
             random,
             {.archives = root.path() / "functions", .unpacked = root.path() / "unpacked"}),
        api(account, *registry, *host, *queue, custom_code ? &code : nullptr, clock) {}

  TemporaryDirectory root;
  PosixFileSystem disk;
  CodeStore code;
  std::unique_ptr<AsyncQueue> queue =
      *AsyncQueue::Create({*host, *registry, fs, clock, random, metrics, *box}, {.dir = "/async"});
  LambdaApi api;
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
  EXPECT_EQ(f.Call("GET", "/2015-03-31/functions/forwarder/telepathy").status, 404);
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
  EXPECT_EQ(f.queue->size(), 1U);
}

std::string Creation(std::string_view name, const std::string& zip, std::string_view more = {}) {
  return fmt::format(
      R"({{"FunctionName":"{}","Runtime":"python3.12","Handler":"app.handler","Role":"{}","Code":{{"ZipFile":"{}"}}{}}})",
      name,
      "arn:aws:iam::000000000000:role/fwd",
      Base64Encode(zip),
      more);
}

TEST(LambdaApi, MakesChangesAndDeletesFunctions) {
  ApiFixture f;
  const std::string zip = MakeZip({{"app.py", "def handler(event, context): pass\n"}});
  const auto made = f.Call("POST",
                           "/2015-03-31/functions",
                           Creation("mine", zip, R"(,"Tags":{"owner":"mail"},"Timeout":30)"));
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(f.action, "lambda:CreateFunction");
  EXPECT_EQ(At(made, "CodeSha256"), "\"" + Base64Encode(Sha256(zip)) + "\"");
  EXPECT_EQ(At(made, "CodeSize"), std::to_string(zip.size()));
  EXPECT_EQ(At(made, "State"), R"("Active")");
  EXPECT_EQ(f.Call("POST", "/2015-03-31/functions", Creation("mine", zip)).status, 409);
  const std::string path = "/2015-03-31/functions/mine";
  EXPECT_EQ(At(f.Call("GET", path), "Tags.owner"), R"("mail")");
  EXPECT_EQ(At(f.Call("GET", path + "/versions?MaxItems=10000"), "Versions.0.Version"),
            R"("$LATEST")");
  EXPECT_EQ(f.Call("GET", "/2020-06-30/functions/mine/code-signing-config").status, 200);

  const std::string other = MakeZip({{"app.py", "handler = None\n"}});
  const std::string code = R"({"ZipFile":")" + Base64Encode(other) + "\"}";
  EXPECT_EQ(At(f.Call("PUT", path + "/code", code), "CodeSha256"),
            "\"" + Base64Encode(Sha256(other)) + "\"");
  EXPECT_EQ(f.Call("PUT", Path("/code"), code).status, 400);  // the built-in one

  const std::string arn = PercentEncode("arn:aws:lambda:us-east-1:000000000000:function:mine");
  EXPECT_EQ(f.Call("POST", "/2017-03-31/tags/" + arn, R"({"Tags":{"a":"b"}})").status, 204);
  EXPECT_EQ(f.Call("DELETE", "/2017-03-31/tags/" + arn + "?tagKeys=owner").status, 204);
  EXPECT_EQ(f.Call("GET", "/2017-03-31/tags/" + arn).body, R"({"Tags":{"a":"b"}})");

  const auto page = f.Call("GET", "/2015-03-31/functions?MaxItems=1");
  EXPECT_EQ(At(page, "NextMarker"), R"("forwarder")");
  EXPECT_EQ(At(f.Call("GET", "/2015-03-31/functions?Marker=forwarder"), "Functions.0.FunctionName"),
            R"("mine")");

  const auto again = *FunctionRegistry::Load(f.settings, *f.box, f.clock, f.random);
  EXPECT_EQ(again->Find("mine")->code, f.registry->Find("mine")->code);
  EXPECT_EQ(again->Find("mine")->tags, f.registry->Find("mine")->tags);

  EXPECT_EQ(f.Call("DELETE", path).status, 204);
  EXPECT_EQ(f.Call("DELETE", path).status, 404);
  EXPECT_EQ(f.Call("GET", path).status, 404);
  EXPECT_EQ(f.Call("DELETE", std::string(kPath)).status, 400);  // the built-in one
}

TEST(LambdaApi, RefusesCodeItCannotTake) {
  ApiFixture f;
  const std::string zip = MakeZip({{"app.py", ""}});
  const std::string path = "/2015-03-31/functions";
  const auto code_of = [&](const std::string& body) {
    const auto response = f.Call("POST", path, body);
    return fmt::format("{} {}", response.status, response.headers.Get("x-amzn-ErrorType"));
  };
  const std::string invalid = "400 InvalidParameterValueException";
  EXPECT_EQ(code_of(Creation("a", "not a zip")), invalid);
  EXPECT_EQ(code_of(Creation("a", MakeZip({{"../a", ""}}))), invalid);
  EXPECT_EQ(code_of(Creation("a", zip, R"(,"PackageType":"Image")")), invalid);
  EXPECT_EQ(code_of(Creation("a", zip, R"(,"Layers":["x"])")), invalid);
  EXPECT_EQ(code_of(Creation("a", zip, R"(,"Architectures":["arm64"])")), invalid);
  EXPECT_EQ(code_of(Creation("a", zip, R"(,"DeadLetterConfig":{"TargetArn":"arn:aws:s3:::b"})")),
            invalid);
  EXPECT_EQ(code_of(Creation("a b", zip)), "400 ValidationException");
  EXPECT_EQ(code_of(R"({"FunctionName":"a"})"), "400 ValidationException");  // no role
  EXPECT_EQ(code_of("{"), "400 InvalidRequestContentException");
  // A runtime that was retired is taken as the caller sends it.
  EXPECT_EQ(code_of(Creation("old", zip, R"(,"Runtime":"python2.7")")), "201 ");

  ApiFixture off(/*custom_code=*/false);
  const auto refused = off.Call("POST", path, Creation("a", zip));
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("functions.custom_code=true"), std::string::npos);
}

TEST(LambdaApi, KeepsWhatBecomesOfAsynchronousEvents) {
  ApiFixture f;
  const std::string path = "/2019-09-25/functions/forwarder/event-invoke-config";
  EXPECT_EQ(f.Call("GET", path).status, 404);
  EXPECT_EQ(f.Call("POST", path, R"({"MaximumRetryAttempts":1})").status, 404);
  EXPECT_EQ(f.Call("PUT", path, R"({"MaximumRetryAttempts":3})").status, 400);
  EXPECT_EQ(f.Call("PUT", path, R"({"MaximumEventAgeInSeconds":59})").status, 400);
  const auto put = f.Call(
      "PUT",
      path,
      R"({"MaximumRetryAttempts":0,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:us-east-1:000000000000:dead"}}})");
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(f.action, "lambda:PutFunctionEventInvokeConfig");
  EXPECT_EQ(At(put, "DestinationConfig.OnFailure.Destination"),
            R"("arn:aws:sqs:us-east-1:000000000000:dead")");
  const auto updated = f.Call("POST", path, R"({"MaximumEventAgeInSeconds":60})");
  EXPECT_EQ(At(updated, "MaximumRetryAttempts"), "0");
  const auto again = *FunctionRegistry::Load(f.settings, *f.box, f.clock, f.random);
  EXPECT_EQ(again->Find("forwarder")->event_invoke, f.registry->Find("forwarder")->event_invoke);
  EXPECT_EQ(f.Call("DELETE", path).status, 204);
  EXPECT_EQ(f.Call("GET", path).status, 404);
}

}  // namespace
}  // namespace postglass::functions
