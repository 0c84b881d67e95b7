#include "aws/policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace postglass::aws {
namespace {

constexpr std::string_view kTopic = "arn:aws:sns:us-east-1:000000000000:mail-events";

json::object Policy(const std::string& statements) {
  Result<json::object> policy =
      json::ParseObject(fmt::format(R"({{"Version":"2012-10-17","Statement":[{}]}})", statements));
  EXPECT_TRUE(policy) << statements;
  return policy ? *policy : json::object();
}

// SES of account 000000000000 publishing for the configuration set `default`.
PolicyRequest SesPublishes() {
  return {
      .principal_service = "ses.amazonaws.com",
      .principal_account = "",
      .principal_arn = "",
      .action = "sns:Publish",
      .resource = std::string(kTopic),
      .context = {{"aws:SourceAccount", "000000000000"},
                  {"aws:SourceArn", "arn:aws:ses:us-east-1:000000000000:configuration-set/default"},
                  {"aws:CurrentTime", "2026-11-23T06:00:00Z"},
                  {"aws:SourceIp", "10.1.2.3"},
                  {"sns:Size", "42"}}};
}

// An Allow for SES with this Condition; the rest fits.
std::string AllowWhen(const std::string& condition) {
  return fmt::format(
      R"({{"Sid":"s","Effect":"Allow","Principal":{{"Service":"ses.amazonaws.com"}},)"
      R"("Action":"SNS:Publish","Resource":"{}","Condition":{}}})",
      kTopic,
      condition);
}

TEST(Policy, ConditionOperators) {
  struct Row {
    std::string condition;
    bool holds;
  };

  for (const Row& row : {
           Row{R"({})", true},
           Row{R"({"StringEquals":{"AWS:SourceAccount":"000000000000"}})", true},
           Row{R"({"StringEquals":{"aws:sourceaccount":["1","000000000000"]}})", true},
           Row{R"({"stringequals":{"aws:SourceAccount":"000000000000"}})", true},
           Row{R"({"StringEquals":{"AWS:SourceAccount":"111111111111"}})", false},
           Row{R"({"StringEquals":{"aws:Missing":"x"}})", false},
           Row{R"({"StringEqualsIfExists":{"aws:Missing":"x"}})", true},
           Row{R"({"StringEqualsIfExists":{"aws:SourceAccount":"x"}})", false},
           Row{R"({"StringNotEquals":{"aws:SourceAccount":["1","2"]}})", true},
           Row{R"({"StringNotEquals":{"aws:SourceAccount":["1","000000000000"]}})", false},
           Row{R"({"StringNotEquals":{"aws:Missing":"x"}})", true},
           Row{R"({"StringEqualsIgnoreCase":{"aws:SourceAccount":"000000000000"}})", true},
           Row{R"({"StringLike":{"aws:SourceArn":"arn:aws:ses:*:configuration-set/def*"}})", true},
           Row{R"({"StringNotLike":{"aws:SourceArn":"arn:aws:ses:*"}})", false},
           Row{R"({"ArnLike":{"AWS:SourceArn":"arn:aws:ses:*:000000000000:configuration-set/*"}})",
               true},
           Row{R"({"ArnEquals":{"AWS:SourceArn":"arn:aws:ses:*:*:configuration-set/default"}})",
               true},
           Row{R"({"ArnLike":{"AWS:SourceArn":"arn:aws:ses:*:configuration-set/default"}})", false},
           Row{R"({"ArnNotLike":{"AWS:SourceArn":"arn:aws:s3:*:*:*"}})", true},
           Row{R"({"Bool":{"aws:SecureTransport":"true"}})", false},
           Row{R"({"BoolIfExists":{"aws:SecureTransport":true}})", true},
           Row{R"({"Null":{"aws:SecureTransport":"true"}})", true},
           Row{R"({"Null":{"aws:SourceArn":true}})", false},
           Row{R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", true},
           Row{R"({"IpAddress":{"aws:SourceIp":["192.0.2.1","10.1.2.3"]}})", true},
           Row{R"({"IpAddress":{"aws:SourceIp":"10.1.2.0/33"}})", false},
           Row{R"({"IpAddress":{"aws:SourceIp":"2001:db8::/32"}})", false},
           Row{R"({"NotIpAddress":{"aws:SourceIp":"10.1.0.0/16"}})", false},
           Row{R"({"NumericLessThan":{"sns:Size":43}})", true},
           Row{R"({"NumericGreaterThanEquals":{"sns:Size":"42"}})", true},
           Row{R"({"NumericEquals":{"sns:Size":"x"}})", false},
           Row{R"({"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}})", true},
           Row{R"({"DateLessThan":{"aws:CurrentTime":"2026-01-01"}})", false},
           Row{R"({"ForAllValues:StringEquals":{"aws:Missing":"x"}})", true},
           Row{R"({"ForAnyValue:StringEquals":{"aws:Missing":"x"}})", false},
           Row{R"({"ForAnyValue:StringNotEquals":{"aws:Missing":"x"}})", false},
           Row{R"({"ForAnyValue:StringLike":{"aws:SourceAccount":"0*"}})", true},
           Row{R"({"Unheard":{"aws:SourceAccount":"000000000000"}})", false},
           Row{R"({"StringEquals":{"aws:SourceAccount":"000000000000"},)"
               R"("ArnLike":{"aws:SourceArn":"arn:aws:ses:*:*:identity/*"}})",
               false},
       }) {
    const PolicyOutcome outcome = EvaluatePolicy(Policy(AllowWhen(row.condition)), SesPublishes());
    EXPECT_EQ(outcome.decision, row.holds ? Decision::kAllowed : Decision::kImplicitDeny)
        << row.condition;
    EXPECT_EQ(outcome.statement_id, row.holds ? "s" : "") << row.condition;
  }
}

TEST(Policy, PrincipalsActionsAndResources) {
  struct Row {
    std::string members;  // of an Allow
    bool matches;
  };

  for (const Row& row : {
           Row{R"("Principal":"*","Action":"*","Resource":"*")", true},
           Row{R"("Principal":{"AWS":"*"},"Action":"sns:publish","Resource":"*")", true},
           Row{R"("Principal":{"Service":["s3.amazonaws.com","ses.amazonaws.com"]},)"
               R"("Action":["SNS:Subscribe","SNS:Pub*"],"Resource":"arn:aws:sns:*:*:mail-*")",
               true},
           Row{R"("Principal":{"Service":"s3.amazonaws.com"},"Action":"*","Resource":"*")", false},
           Row{R"("Principal":{"AWS":"000000000000"},"Action":"*","Resource":"*")", false},
           Row{R"("Principal":"*","Action":"sns:Subscribe","Resource":"*")", false},
           Row{R"("Principal":"*","Action":"*","Resource":"arn:aws:sns:us-east-1:000000000000:x")",
               false},
           Row{R"("Principal":"*","NotAction":"sns:Subscribe","Resource":"*")", true},
           Row{R"("Principal":"*","NotAction":"sns:*","Resource":"*")", false},
           Row{R"("Principal":"*","Action":"*","NotResource":"arn:aws:sns:*:*:mail-events")",
               false},
           Row{R"("NotPrincipal":{"Service":"ses.amazonaws.com"},"Action":"*","Resource":"*")",
               false},
           Row{R"("Action":"*","Resource":"*")", false},
           Row{R"("Principal":"*","Resource":"*")", false},
       }) {
    const PolicyOutcome outcome =
        EvaluatePolicy(Policy(R"({"Effect":"Allow",)" + row.members + "}"), SesPublishes());
    EXPECT_EQ(outcome.decision == Decision::kAllowed, row.matches) << row.members;
  }
}

TEST(Policy, AccountsMatchByIdRootOrUser) {
  PolicyRequest request = SesPublishes();
  request.principal_service.clear();
  request.principal_account = "111111111111";
  request.principal_arn = "arn:aws:iam::111111111111:user/bob";
  for (const auto& [principal, matches] :
       std::vector<std::pair<std::string, bool>>{{"111111111111", true},
                                                 {"arn:aws:iam::111111111111:root", true},
                                                 {"arn:aws:iam::111111111111:user/bob", true},
                                                 {"arn:aws:iam::111111111111:user/eve", false},
                                                 {"arn:aws:iam::222222222222:root", false}}) {
    const PolicyOutcome outcome = EvaluatePolicy(
        Policy(fmt::format(
            R"({{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"*","Resource":"*"}})",
            principal)),
        request);
    EXPECT_EQ(outcome.decision == Decision::kAllowed, matches) << principal;
  }
}

TEST(Policy, ExplicitDenyWinsWhereverItStands) {
  const std::string allow = R"({"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"})";
  const std::string deny =
      R"({"Sid":"no","Effect":"Deny","Principal":"*","Action":"SNS:publish","Resource":"*"})";
  for (const std::string& statements : {allow + "," + deny, deny + "," + allow, deny}) {
    const PolicyOutcome outcome = EvaluatePolicy(Policy(statements), SesPublishes());
    EXPECT_EQ(outcome.decision, Decision::kExplicitDeny);
    EXPECT_EQ(outcome.statement_id, "no");
  }
  const std::string deny_by_unknown =
      R"({"Effect":"Deny","Principal":"*","Action":"*","Resource":"*",)"
      R"("Condition":{"Unheard":{"a":"b"}}})";
  EXPECT_EQ(EvaluatePolicy(Policy(allow + "," + deny_by_unknown), SesPublishes()).decision,
            Decision::kExplicitDeny);
}

TEST(Policy, OneStatementNeedsNoList) {
  const json::object policy = *json::ParseObject(
      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}})");
  EXPECT_EQ(EvaluatePolicy(policy, SesPublishes()).decision, Decision::kAllowed);
  EXPECT_TRUE(CheckPolicy(policy));
  EXPECT_EQ(EvaluatePolicy({}, SesPublishes()).decision, Decision::kImplicitDeny);
}

TEST(Policy, GrammarIsChecked) {
  const std::string good =
      R"({"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"})";
  EXPECT_TRUE(CheckPolicy(Policy(good)));
  EXPECT_TRUE(CheckPolicy(Policy(AllowWhen(R"({"StringEquals":{"a":["b","c"]}})"))));
  for (const std::string bad :
       {"",
        "7",
        R"({"Effect":"Maybe","Principal":"*","Action":"a:b","Resource":"*"})",
        R"({"Effect":"Allow","Action":"a:b","Resource":"*"})",
        R"({"Effect":"Allow","Principal":"ses","Action":"a:b","Resource":"*"})",
        R"({"Effect":"Allow","Principal":{"Sevrice":"x"},"Action":"a:b","Resource":"*"})",
        R"({"Effect":"Allow","Principal":"*","Resource":"*"})",
        R"({"Effect":"Allow","Principal":"*","Action":[],"Resource":"*"})",
        R"({"Effect":"Allow","Principal":"*","Action":"a:b"})",
        R"({"Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*","Condition":[]})",
        R"({"Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*",)"
        R"("Condition":{"StringEquals":"x"}})"}) {
    EXPECT_FALSE(CheckPolicy(Policy(bad))) << bad;
  }
  EXPECT_FALSE(CheckPolicy({}));
  EXPECT_FALSE(CheckPolicy(*json::ParseObject(R"({"Version":"2020","Statement":[]})")));
}

}  // namespace
}  // namespace postglass::aws
