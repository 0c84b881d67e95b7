#include "functions/host.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "functions/functions_testing.h"

namespace postglass::functions {
namespace {

using Fate = InvokeResult::Outcome;

const std::string kArn = "arn:aws:lambda:us-east-1:000000000000:function:forwarder";
const std::string kTopic(kTestTopic);

std::vector<SnsRecord> Records(std::size_t count) {
  std::vector<SnsRecord> records;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    records.push_back(
        {"id-" + n, R"({"EventSource":"aws:sns","Sns":{"MessageId":"id-)" + n + "\"}}"});
  }
  return records;
}

TEST(FunctionRegistry, KeepsFunctionsOverARestartAndSecretsSealed) {
  HostFixture f;
  ASSERT_TRUE(f.registry->Update("forwarder", [](Function& function) -> Status {
    function.reserved_concurrency = 7;
    function.timeout_seconds = 9;
    return {};
  }));
  const std::string stored = **f.settings.Get("function", "forwarder");
  EXPECT_EQ(stored.find(kTestApiKey), std::string::npos);

  const auto again = *FunctionRegistry::Load(f.settings, *f.box, f.clock, f.random);
  const auto function = again->Find(kArn + ":$LATEST");
  ASSERT_TRUE(function);
  EXPECT_EQ(function->environment.at("DD_API_KEY"), kTestApiKey);
  EXPECT_EQ(function->reserved_concurrency, 7);
  EXPECT_EQ(function->timeout_seconds, 9);
  EXPECT_TRUE(function->builtin);
  EXPECT_EQ(function->policy, f.registry->Find("forwarder")->policy);
  EXPECT_EQ(function->revision_id, f.registry->Find("forwarder")->revision_id);

  EXPECT_TRUE(again->Find("000000000000:function:forwarder"));
  EXPECT_FALSE(again->Find("arn:aws:lambda:us-east-1:999999999999:function:forwarder"));
  EXPECT_FALSE(again->Find("other"));
  EXPECT_EQ(again->List().size(), 1U);
}

TEST(FunctionRegistry, ChangesNothingWhenTheDiskDoesNot) {
  HostFixture f;
  f.settings.FailApply(Error{ErrorCode::kDiskFull, "no space left"});
  const auto revision = f.registry->Find("forwarder")->revision_id;
  EXPECT_FALSE(f.registry->Update("forwarder", [](Function& function) -> Status {
    function.reserved_concurrency = 0;
    return {};
  }));
  EXPECT_EQ(f.registry->Find("forwarder")->revision_id, revision);
  EXPECT_FALSE(f.registry->Find("forwarder")->reserved_concurrency);
}

TEST(FunctionRegistry, LeavesADamagedDocumentOut) {
  HostFixture f;
  ASSERT_TRUE(f.settings.Put("function", "broken", R"({"environment_sealed":"AAAA"})"));
  ASSERT_TRUE(f.settings.Put("function", "worse", "{"));
  const auto again = *FunctionRegistry::Load(f.settings, *f.box, f.clock, f.random);
  EXPECT_EQ(again->List().size(), 1U);
}

TEST(Host, HandsRecordsToTheIntakeInOneRequest) {
  HostFixture f;
  const auto results = f.host->InvokeFromSns(kArn, kTopic, Records(300));
  ASSERT_EQ(results.size(), 300U);
  for (const InvokeResult& result : results) EXPECT_EQ(result.outcome, Fate::kSucceeded);
  const auto requests = f.loopback.requests();
  ASSERT_EQ(requests.size(), 2U);  // 256 and 44
  EXPECT_FALSE(requests[0].headers.Find("Content-Encoding"));
  EXPECT_EQ(requests[0].headers.Get("DD-API-KEY"), kTestApiKey);
  EXPECT_EQ(json::Parse(requests[0].body)->as_array().size(), 256U);
  EXPECT_TRUE(f.outside.requests().empty());
  EXPECT_EQ(f.Invocations("succeeded"), 2);
}

TEST(Host, RefusesWithoutPermission) {
  HostFixture f;
  const auto expect_refused =
      [&](const std::string& arn, const std::string& topic, std::string_view why) {
        const auto results = f.host->InvokeFromSns(arn, topic, Records(2));
        ASSERT_EQ(results.size(), 2U);
        EXPECT_EQ(results[1].outcome, Fate::kRefused);
        EXPECT_NE(results[1].reason.find(why), std::string::npos) << results[1].reason;
      };
  expect_refused(kArn, "arn:aws:sns:us-east-1:000000000000:other", "no permission");
  expect_refused("arn:aws:lambda:us-east-1:000000000000:function:none", kTopic, "no function");
  ASSERT_TRUE(f.registry->Update("forwarder", [](Function& function) -> Status {
    function.policy.clear();
    return {};
  }));
  expect_refused(kArn, kTopic, "policy");
  EXPECT_EQ(f.Invocations("refused"), 2);
  EXPECT_EQ(f.Invocations("refused", "unknown"), 1);
  EXPECT_TRUE(f.loopback.requests().empty());
}

TEST(Host, NamesTheCauseOfAFailureAndRecovers) {
  HostFixture f;
  const auto reason = [&] {
    const auto results = f.host->InvokeFromSns(kArn, kTopic, Records(1));
    EXPECT_EQ(results.at(0).outcome, Fate::kFailed);
    return results.at(0).reason;
  };
  f.loopback.AnswerWith(403);
  EXPECT_EQ(reason(), "the intake answered 403 Forbidden: the API key was refused");
  f.loopback.AnswerWith(503);
  EXPECT_EQ(reason(), "the intake answered 503 Service Unavailable: {}");
  EXPECT_EQ(f.Invocations("failed"), 2);

  ASSERT_TRUE(f.registry->Update("forwarder", [](Function& function) -> Status {
    function.reserved_concurrency = 0;
    return {};
  }));
  EXPECT_NE(reason().find("reserved concurrency is 0"), std::string::npos);
  EXPECT_EQ(f.Invocations("throttled"), 1);

  ASSERT_TRUE(f.registry->Update("forwarder", [](Function& function) -> Status {
    function.reserved_concurrency.reset();
    function.environment["DD_API_KEY"] = "short";
    return {};
  }));
  EXPECT_NE(reason().find("DD_API_KEY"), std::string::npos);

  f.loopback.AnswerWith(202);
  ASSERT_TRUE(f.registry->Update("forwarder", [](Function& function) -> Status {
    function.environment["DD_API_KEY"] = std::string(kTestApiKey);
    return {};
  }));
  EXPECT_EQ(f.host->InvokeFromSns(kArn, kTopic, Records(1)).at(0).outcome, Fate::kSucceeded);
}

TEST(Host, SendsElsewhereWhenTheEnvironmentSaysSo) {
  HostFixture f;
  ASSERT_TRUE(f.registry->Update("forwarder", [](Function& function) -> Status {
    function.environment["DD_URL"] = "https://intake.example";
    return {};
  }));
  EXPECT_EQ(f.host->InvokeFromSns(kArn, kTopic, Records(1)).at(0).outcome, Fate::kSucceeded);
  EXPECT_TRUE(f.loopback.requests().empty());
  const auto requests = f.outside.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].url, "https://intake.example/api/v2/logs");
  EXPECT_EQ(requests[0].headers.Get("Content-Encoding"), "gzip");
}

TEST(Host, OtherFunctionsGetOneRecordAnEvent) {
  HostFixture f;
  Function other = MakeForwarder(f.account, kTestApiKey, kTestTopic);
  other.name = "other";
  other.arn = FunctionArn(f.account, "other");
  other.builtin = false;
  other.policy.clear();
  AddStatement(other, {"s", "lambda:InvokeFunction", "sns.amazonaws.com", {}, {}});
  ASSERT_TRUE(f.registry->Put(other));
  EXPECT_EQ(f.host->InvokeFromSns(other.arn, kTopic, Records(3)).size(), 3U);
  EXPECT_EQ(f.loopback.requests().size(), 3U);
}

TEST(Host, KeepsWhatTheIntakeWillNeverTake) {
  HostFixture f;
  f.loopback.AnswerWith(400);
  EXPECT_EQ(f.host->InvokeFromSns(kArn, kTopic, Records(2)).at(0).outcome, Fate::kSucceeded);
  const auto letters = f.host->DeadLetters();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].function, "forwarder");
  EXPECT_NE(letters[0].response.find("id-1"), std::string::npos);
}

TEST(LogThrottle, LetsARepeatedLineThroughOnceInAWhile) {
  ManualClock clock;
  LogThrottle throttle(clock, std::chrono::seconds(10));
  std::uint64_t suppressed = 0;
  EXPECT_TRUE(throttle.Allow("a", suppressed));
  EXPECT_FALSE(throttle.Allow("a", suppressed));
  EXPECT_TRUE(throttle.Allow("b", suppressed));
  clock.Advance(std::chrono::seconds(11));
  EXPECT_TRUE(throttle.Allow("a", suppressed));
  EXPECT_EQ(suppressed, 1U);
}

}  // namespace
}  // namespace postglass::functions
