#include <gtest/gtest.h>

#include "aws/query_protocol.h"
#include "aws/service.h"
#include "aws/sigv4.h"
#include "aws/sts_service.h"
#include "base/clock_testing.h"
#include "base/random_testing.h"
#include "base/time_format.h"

namespace postglass::aws {
namespace {

class FixedCredentials final : public CredentialStore {
 public:
  std::optional<Credential> Find(std::string_view id) const override {
    if (id == "AKIAALL") return Credential{"AKIAALL", "secret", "alice", {"*"}};
    if (id == "AKIASEND") return Credential{"AKIASEND", "secret", "sender", {"SES:send*"}};
    return std::nullopt;
  }
};

// Answers with what it was asked; queries with XML, REST with JSON.
class EchoService final : public Service {
 public:
  explicit EchoService(std::string name, bool rest = false) : name_(std::move(name)), rest_(rest) {}

  net::HttpResponse Handle(const ServiceRequest& request) override {
    return net::TextResponse(200, name_ + " for " + request.caller.user_name);
  }

  net::HttpResponse RenderError(const ServiceRequest& request, const AwsError& error) override {
    return rest_ ? RestJsonErrorResponse(error, request.request_id)
                 : QueryErrorResponse(kSesNamespace, error, request.request_id);
  }

  std::string ActionOf(const net::HttpRequest& request) const override {
    const auto params = QueryParams::Parse(request);
    if (rest_) return "ses:SendEmail";
    return params && params->Find("Action") ? "ses:" + std::string(params->action()) : "";
  }

  bool AllowsUnsigned(const net::HttpRequest& request) const override {
    return ActionOf(request) == "ses:Unsubscribe";
  }

 private:
  const std::string name_;
  const bool rest_;
};

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() {
    gateway_.Register("ses", "/", v1_);
    gateway_.Register("ses", "/v2/email", v2_);
    gateway_.Register("sts", "/", sts_);
  }

  net::HttpRequest Form(std::string body) const {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"Host", "localhost"},
                       {"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = std::move(body);
    return request;
  }

  net::HttpRequest Signed(net::HttpRequest request,
                          const std::string& key = "AKIAALL",
                          const std::string& service = "ses",
                          const std::string& region = "us-east-1",
                          const std::string& secret = "secret") const {
    SignRequest(request,
                {key, FormatCompactUtc(clock_.Now()).substr(0, 8), region, service},
                secret,
                clock_.Now());
    return request;
  }

  ManualClock clock_;
  SeededRandom random_{1};
  Metrics metrics_;
  FixedCredentials credentials_;
  EchoService v1_{"v1"};
  EchoService v2_{"v2", true};
  StsService sts_{Account{}};
  Gateway gateway_{Account{}, credentials_, clock_, random_, metrics_};
};

TEST_F(GatewayTest, RoutesByScopeAndLongestPath) {
  EXPECT_EQ(gateway_.Handle(Signed(Form("Action=SendEmail"))).body, "v1 for alice");
  net::HttpRequest request = Form("");
  request.target = "/v2/email/outbound-emails";
  EXPECT_EQ(gateway_.Handle(Signed(request)).body, "v2 for alice");
  request.target = "/v2/emails";
  EXPECT_EQ(gateway_.Handle(Signed(request)).body, "v1 for alice");
  EXPECT_EQ(
      metrics_
          .GetCounter("postglass_aws_requests_total", "", {{"service", "ses"}, {"result", "ok"}})
          .value(),
      3);
}

TEST_F(GatewayTest, ErrorsAreAmazonsByProtocol) {
  struct Row {
    std::string name, key, service, region, secret;
    int status;
    std::string query_code, json_code, text;
  };

  for (const Row& row : {
           Row{"unknown key",
               "AKIANONE",
               "ses",
               "us-east-1",
               "secret",
               403,
               "InvalidClientTokenId",
               "UnrecognizedClientException",
               "The security token included in the request is invalid."},
           Row{"wrong secret",
               "AKIAALL",
               "ses",
               "us-east-1",
               "other",
               403,
               "SignatureDoesNotMatch",
               "SignatureDoesNotMatch",
               "The request signature we calculated does not match"},
           Row{"other region",
               "AKIAALL",
               "ses",
               "eu-west-1",
               "secret",
               403,
               "SignatureDoesNotMatch",
               "SignatureDoesNotMatch",
               "Credential should be scoped to a valid region, not 'eu-west-1'. Use 'us-east-1'."},
       }) {
    const net::HttpResponse query = gateway_.Handle(
        Signed(Form("Action=GetSendQuota"), row.key, row.service, row.region, row.secret));
    EXPECT_EQ(query.status, row.status) << row.name;
    EXPECT_NE(query.body.find("<Code>" + row.query_code + "</Code>"), std::string::npos)
        << query.body;
    EXPECT_NE(query.body.find(row.text.substr(0, row.text.find('\''))), std::string::npos)
        << query.body;
    net::HttpRequest rest = Form("");
    rest.target = "/v2/email/account";
    const net::HttpResponse json =
        gateway_.Handle(Signed(rest, row.key, row.service, row.region, row.secret));
    EXPECT_EQ(json.status, row.status) << row.name;
    EXPECT_EQ(json.headers.Get("x-amzn-ErrorType"), row.json_code) << row.name;
    EXPECT_NE(json.body.find(row.text), std::string::npos) << json.body;
  }
}

TEST_F(GatewayTest, KeysMayCallOnlyTheirActions) {
  EXPECT_EQ(gateway_.Handle(Signed(Form("Action=SendEmail"), "AKIASEND")).status, 200);
  const net::HttpResponse denied =
      gateway_.Handle(Signed(Form("Action=ListIdentities"), "AKIASEND"));
  EXPECT_EQ(denied.status, 403);
  EXPECT_NE(denied.body.find("<Code>AccessDenied</Code>"), std::string::npos);
  EXPECT_NE(denied.body.find("User: arn:aws:iam::000000000000:user/sender is not authorized to "
                             "perform: ses:ListIdentities because no identity-based policy allows "
                             "the ses:ListIdentities action"),
            std::string::npos)
      << denied.body;
  // An action that has no name here cannot be granted by a pattern.
  EXPECT_EQ(gateway_.Handle(Signed(Form("x=y"), "AKIASEND")).status, 403);
}

TEST_F(GatewayTest, UnsignedCallsNeedAServiceThatAllowsThem) {
  net::HttpRequest link;
  link.method = "GET";
  link.target = "/?Action=Unsubscribe";
  EXPECT_EQ(gateway_.Handle(link).body, "v1 for ");
  const net::HttpResponse refused = gateway_.Handle(Form("Action=SendEmail"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("<Code>MissingAuthenticationToken</Code>"), std::string::npos);
  net::HttpRequest rest = Form("");
  rest.target = "/v2/email/account";
  EXPECT_EQ(gateway_.Handle(rest).headers.Get("x-amzn-ErrorType"),
            "MissingAuthenticationTokenException");
  // A broken signature is not the same as none.
  link.headers.Add("Authorization", "AWS4-HMAC-SHA256 Credential=x");
  EXPECT_EQ(gateway_.Handle(link).status, 400);
}

TEST_F(GatewayTest, UnknownServicesAreRefusedNotFailed) {
  const net::HttpResponse query =
      gateway_.Handle(Signed(Form("Action=ListQueues"), "AKIAALL", "sqs"));
  EXPECT_EQ(query.status, 403);
  EXPECT_NE(query.body.find("Credential should be scoped to correct service: "), std::string::npos);
  net::HttpRequest json = Form("{}");
  json.headers.Set("Content-Type", "application/x-amz-json-1.0");
  json.headers.Add("X-Amz-Target", "AmazonSQS.ListQueues");
  const net::HttpResponse response = gateway_.Handle(Signed(json, "AKIAALL", "sqs"));
  EXPECT_EQ(response.status, 403);
  EXPECT_TRUE(response.body.starts_with(R"({"__type":"SignatureDoesNotMatch")")) << response.body;
}

TEST_F(GatewayTest, SessionTokensOfOthersAreRefused) {
  net::HttpRequest request = Form("Action=SendEmail");
  request.headers.Add("X-Amz-Security-Token", "IQoJ");
  EXPECT_EQ(gateway_.Handle(Signed(request)).status, 403);
}

// Knows one token: it may send, not raw.
class OneSession final : public SessionStore {
 public:
  Found Find(std::string_view access_key_id, std::string_view token) const override {
    if (token == "old") return {std::nullopt, true};
    if (access_key_id != "ASIAJOB" || token != "token") return {};
    Credential credential{"ASIAJOB", "secret", "sender"};
    const json::object policy = *json::ParseObject(
        R"({"Statement":[{"Effect":"Allow","Action":"ses:Send*","Resource":"arn:aws:ses:*:*:identity/x"},)"
        R"({"Effect":"Deny","Action":"ses:SendRawEmail","Resource":"*"}]})");
    credential.policy_sets.push_back({std::make_shared<const json::object>(ActionPolicy(policy))});
    credential.assumed_role_arn = "arn:aws:sts::000000000000:assumed-role/sender/job";
    credential.assumed_role_id = "AROA:job";
    return {credential, false};
  }
};

TEST_F(GatewayTest, SessionsMayWhatTheirPoliciesAllow) {
  const OneSession sessions;
  gateway_.UseSessions(sessions);
  const auto call = [&](const std::string& form,
                        const std::string& token,
                        const std::string& service = "ses",
                        const std::string& key = "ASIAJOB") {
    net::HttpRequest request = Form(form);
    if (!token.empty()) request.headers.Add("X-Amz-Security-Token", token);
    return gateway_.Handle(Signed(request, key, service));
  };
  EXPECT_EQ(call("Action=SendEmail", "token").body, "v1 for sender");
  const net::HttpResponse denied = call("Action=SendRawEmail", "token");
  EXPECT_EQ(denied.status, 403);
  EXPECT_NE(denied.body.find("arn:aws:sts::000000000000:assumed-role/sender/job is not authorized"),
            std::string::npos);
  EXPECT_EQ(call("Action=ListIdentities", "token").status, 403);
  const net::HttpResponse me = call("Action=GetCallerIdentity", "token", "sts");
  EXPECT_NE(me.body.find("<UserId>AROA:job</UserId>"), std::string::npos) << me.body;
  EXPECT_NE(call("Action=SendEmail", "old").body.find("<Code>ExpiredToken</Code>"),
            std::string::npos);
  EXPECT_EQ(call("Action=SendEmail", "other").status, 403);
  EXPECT_EQ(call("Action=SendEmail", "").status, 403);
  EXPECT_EQ(call("Action=SendEmail", "token", "ses", "AKIAALL").status, 403);
}

TEST_F(GatewayTest, GlobalServicesAreSignedForTheirRegion) {
  Gateway elsewhere{{"eu-west-1", "000000000000"}, credentials_, clock_, random_, metrics_};
  elsewhere.Register("ses", "/", v1_);
  elsewhere.Register("sts", "/", sts_);
  EXPECT_EQ(elsewhere.Handle(Signed(Form("Action=GetCallerIdentity"), "AKIAALL", "sts")).status,
            200);
  EXPECT_EQ(elsewhere.Handle(Signed(Form("Action=SendEmail"))).status, 403);
}

TEST_F(GatewayTest, TellsAwsRequestsFromOthers) {
  const auto is_aws =
      [](std::string method, std::string target, net::Headers headers, std::string body) {
        net::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.headers = std::move(headers);
        request.body = std::move(body);
        return Gateway::IsAwsRequest(request);
      };
  const net::Headers form = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  EXPECT_TRUE(is_aws("GET", "/?Action=ConfirmSubscription&Token=x", {}, ""));
  EXPECT_TRUE(is_aws("POST", "/", form, "Version=1&Action=SendEmail"));
  EXPECT_TRUE(is_aws("POST", "/", {{"X-Amz-Target", "A.B"}}, "{}"));
  EXPECT_TRUE(is_aws("GET", "/v2/email/account", {{"Authorization", "AWS4-HMAC-SHA256 x"}}, ""));
  EXPECT_TRUE(is_aws("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", {}, ""));
  EXPECT_FALSE(is_aws("GET", "/", {}, ""));
  EXPECT_FALSE(is_aws("GET", "/?q=Action=x", {}, ""));
  EXPECT_FALSE(is_aws("POST", "/", {{"Content-Type", "application/json"}}, "Action=x"));
  EXPECT_FALSE(is_aws("GET", "/", {{"Authorization", "Bearer x"}}, ""));
}

TEST_F(GatewayTest, StsSaysWhoIsCalling) {
  const net::HttpResponse response = gateway_.Handle(
      Signed(Form("Action=GetCallerIdentity&Version=2011-06-15"), "AKIAALL", "sts"));
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("<Arn>arn:aws:iam::000000000000:user/alice</Arn>"),
            std::string::npos);
  EXPECT_NE(response.body.find("<Account>000000000000</Account>"), std::string::npos);
  EXPECT_NE(response.body.find("<UserId>AIDA"), std::string::npos);
  const net::HttpResponse unknown =
      gateway_.Handle(Signed(Form("Action=Nothing&Version=2011-06-15"), "AKIAALL", "sts"));
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(unknown.body.find("<Code>InvalidAction</Code>"), std::string::npos);
}

}  // namespace
}  // namespace postglass::aws
