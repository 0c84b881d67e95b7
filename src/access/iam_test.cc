#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/iam_api.h"
#include "access/sessions.h"
#include "base/check.h"
#include "base/clock_testing.h"
#include "base/encoding.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "base/settings_testing.h"

namespace postglass::access {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kTrust[] =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/alice"},"Action":"sts:AssumeRole"}]})";
constexpr char kSendOnly[] =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ses:Send*","Resource":"*"},)"
    R"({"Effect":"Deny","Action":"ses:SendRawEmail","Resource":"*"}]})";

class IamTest : public testing::Test {
 protected:
  IamTest()
      : box_(*SecretBox::Open(fs_, random_, "/secret.key")),
        keys_(*KeyRing::Load(settings_, box_, clock_, random_)) {
    Start();
  }

  void Start() {
    store_ = *IamStore::Load(settings_, {});
    api_ = std::make_unique<IamApi>(*store_, *keys_, clock_, random_);
    sessions_ = std::make_unique<Sessions>(*store_, box_, clock_, random_);
    sts_ = std::make_unique<aws::StsService>(aws::Account(), sessions_.get());
  }

  net::HttpResponse CallAs(aws::Service& service,
                           const std::string& user,
                           const std::string& form) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = form;
    return service.Handle({request, {"AKIA", "secret", user, {"*"}}, "request-id"});
  }

  net::HttpResponse Iam(const std::string& form) { return CallAs(*api_, "alice", form); }

  void MakeRole(const std::string& more = {}) {
    const net::HttpResponse made = Iam(
        "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=" + PercentEncode(kTrust) + more);
    ASSERT_EQ(made.status, 200) << made.body;
  }

  static std::string Between(const std::string& xml, const std::string& tag) {
    const std::size_t from = xml.find("<" + tag + ">");
    if (from == std::string::npos) return "";
    const std::size_t begin = from + tag.size() + 2;
    return xml.substr(begin, xml.find("</" + tag + ">", begin) - begin);
  }

  // Whether a session's credentials may call the action.
  static bool May(const aws::Credential& credential, const std::string& action) {
    return std::all_of(
        credential.policy_sets.begin(), credential.policy_sets.end(), [&](const auto& set) {
          return aws::EvaluateActions(
                     set, {{}, "000000000000", credential.assumed_role_arn, action, {}, {}}) ==
                 aws::Decision::kAllowed;
        });
  }

  FaultyFileSystem fs_;
  SeededRandom random_{3};
  ManualClock clock_;
  MemorySettings settings_;
  SecretBox box_;
  std::unique_ptr<KeyRing> keys_;
  std::unique_ptr<IamStore> store_;
  std::unique_ptr<IamApi> api_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<aws::StsService> sts_;
};

TEST_F(IamTest, RolesAsTerraformMakesAndRemovesThem) {
  MakeRole("&Path=%2F&MaxSessionDuration=3600&Tags.member.1.Key=owner&Tags.member.1.Value=mail");
  EXPECT_THAT(
      Iam("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=" + PercentEncode(kTrust)).body,
      HasSubstr("<Code>EntityAlreadyExists</Code>"));
  Start();
  const std::string shown = Iam("Action=GetRole&RoleName=r").body;
  EXPECT_EQ(Between(shown, "Arn"), "arn:aws:iam::000000000000:role/r");
  EXPECT_EQ(Between(shown, "AssumeRolePolicyDocument"), PercentEncode(kTrust));
  EXPECT_EQ(Between(shown, "MaxSessionDuration"), "3600");
  EXPECT_EQ(Between(shown, "RoleId").substr(0, 4), "AROA");
  EXPECT_THAT(shown, HasSubstr("<Key>owner</Key><Value>mail</Value>"));

  EXPECT_EQ(
      Iam("Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument=" + PercentEncode(kSendOnly))
          .status,
      200);
  EXPECT_EQ(Between(Iam("Action=GetRolePolicy&RoleName=r&PolicyName=p").body, "PolicyDocument"),
            PercentEncode(kSendOnly));
  EXPECT_THAT(Iam("Action=ListRolePolicies&RoleName=r").body,
              HasSubstr("<PolicyNames><member>p</member></PolicyNames>"));
  const std::string managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
  EXPECT_EQ(Iam("Action=AttachRolePolicy&RoleName=r&PolicyArn=" + managed).status, 200);
  EXPECT_THAT(Iam("Action=ListAttachedRolePolicies&RoleName=r").body,
              HasSubstr("<PolicyName>AWSLambdaBasicExecutionRole</PolicyName>"));
  EXPECT_THAT(Iam("Action=DeleteRole&RoleName=r").body,
              HasSubstr("must detach all policies first"));
  EXPECT_EQ(Iam("Action=DetachRolePolicy&RoleName=r&PolicyArn=" + managed).status, 200);
  EXPECT_EQ(Iam("Action=DetachRolePolicy&RoleName=r&PolicyArn=" + managed).status, 404);
  EXPECT_THAT(Iam("Action=DeleteRole&RoleName=r").body, HasSubstr("must delete policies first"));
  EXPECT_EQ(Iam("Action=DeleteRolePolicy&RoleName=r&PolicyName=p").status, 200);
  EXPECT_THAT(Iam("Action=ListInstanceProfilesForRole&RoleName=r").body,
              HasSubstr("<IsTruncated>false</IsTruncated>"));
  EXPECT_EQ(Iam("Action=DeleteRole&RoleName=r").status, 200);
  const net::HttpResponse none = Iam("Action=GetRole&RoleName=r");
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.body, HasSubstr("The role with name r cannot be found."));
}

TEST_F(IamTest, BadInputIsRefused) {
  EXPECT_THAT(Iam("Action=CreateRole&RoleName=a+b&AssumeRolePolicyDocument=x").body,
              HasSubstr("ValidationError"));
  for (
      const char* bad :
      {"x",
       "{}",
       R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]})",
       R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]})"}) {
    EXPECT_THAT(
        Iam("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=" + PercentEncode(bad)).body,
        HasSubstr("MalformedPolicyDocument"))
        << bad;
  }
  MakeRole();
  EXPECT_THAT(
      Iam("Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument=" + PercentEncode(kTrust))
          .body,
      HasSubstr("MalformedPolicyDocument"));
  EXPECT_THAT(Iam("Action=AttachRolePolicy&RoleName=r&PolicyArn=arn:aws:iam::aws:policy/None").body,
              HasSubstr("does not exist or is not attachable"));
  EXPECT_THAT(Iam("Action=MakeCoffee").body, HasSubstr("InvalidAction"));
}

TEST_F(IamTest, ManagedPoliciesHaveVersions) {
  const std::string document = "&PolicyDocument=" + PercentEncode(kSendOnly);
  const net::HttpResponse made = Iam("Action=CreatePolicy&PolicyName=send" + document);
  const std::string arn = Between(made.body, "Arn");
  EXPECT_EQ(arn, "arn:aws:iam::000000000000:policy/send");
  const std::string named = "&PolicyArn=" + arn;
  EXPECT_EQ(Between(Iam("Action=CreatePolicyVersion&SetAsDefault=true" + named + document).body,
                    "VersionId"),
            "v2");
  Start();
  EXPECT_EQ(Between(Iam("Action=GetPolicy" + named).body, "DefaultVersionId"), "v2");
  EXPECT_EQ(Between(Iam("Action=GetPolicyVersion&VersionId=v1" + named).body, "Document"),
            PercentEncode(kSendOnly));
  EXPECT_EQ(Iam("Action=DeletePolicyVersion&VersionId=v2" + named).status, 409);
  EXPECT_EQ(Iam("Action=DeletePolicy" + named).status, 409);
  EXPECT_EQ(Iam("Action=DeletePolicyVersion&VersionId=v1" + named).status, 200);
  EXPECT_EQ(Iam("Action=DeletePolicy" + named).status, 200);
  EXPECT_EQ(Iam("Action=GetPolicy" + named).status, 404);
  EXPECT_THAT(Iam("Action=ListPolicies&Scope=AWS&MaxItems=2").body,
              HasSubstr("<IsTruncated>true</IsTruncated>"));
  EXPECT_THAT(Iam("Action=ListPolicies&Scope=Local").body, Not(HasSubstr("AmazonSES")));
}

TEST_F(IamTest, UsersAreThoseWithKeys) {
  const aws::Credential key = *keys_->CreateAwsKey("alice");
  EXPECT_EQ(Between(Iam("Action=GetUser").body, "Arn"), "arn:aws:iam::000000000000:user/alice");
  EXPECT_THAT(Iam("Action=ListAccessKeys").body, HasSubstr(key.access_key_id));
  EXPECT_EQ(Iam("Action=GetUser&UserName=nobody").status, 404);
}

TEST_F(IamTest, SessionsMayWhatTheirRoleMayUntilTheyEnd) {
  MakeRole();
  Iam("Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument=" + PercentEncode(kSendOnly));
  const std::string assume =
      "Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=job";
  EXPECT_EQ(CallAs(*sts_, "mallory", assume).status, 403);
  EXPECT_EQ(CallAs(*sts_, "alice", assume + "&DurationSeconds=7200").status, 400);
  EXPECT_EQ(CallAs(*sts_, "alice", assume + "&DurationSeconds=5").status, 400);
  const std::string answer = CallAs(*sts_, "alice", assume).body;
  const std::string id = Between(answer, "AccessKeyId");
  const std::string token = Between(answer, "SessionToken");
  EXPECT_EQ(id.substr(0, 4), "ASIA");
  EXPECT_EQ(id.size(), 20U);
  EXPECT_EQ(Between(answer, "Expiration"), "2027-01-15T09:00:00.000Z");
  EXPECT_EQ(Between(answer, "Arn"), "arn:aws:sts::000000000000:assumed-role/r/job");

  Start();  // a restart
  const auto found = sessions_->Find(id, token);
  ASSERT_TRUE(found.credential);
  EXPECT_EQ(found.credential->secret_access_key, Between(answer, "SecretAccessKey"));
  EXPECT_TRUE(May(*found.credential, "ses:SendEmail"));
  EXPECT_FALSE(May(*found.credential, "ses:SendRawEmail"));
  EXPECT_FALSE(May(*found.credential, "sns:Publish"));
  EXPECT_FALSE(sessions_->Find("ASIAOTHER", token).credential);
  EXPECT_FALSE(sessions_->Find(id, token.substr(4)).credential);

  // What the role may changes for sessions under way.
  Iam("Action=AttachRolePolicy&RoleName=r&PolicyArn=arn:aws:iam::aws:policy/AmazonSNSFullAccess");
  EXPECT_TRUE(May(*sessions_->Find(id, token).credential, "sns:Publish"));

  clock_.Advance(std::chrono::hours(1));
  EXPECT_TRUE(sessions_->Find(id, token).expired);
}

TEST_F(IamTest, SessionPoliciesNarrowAndSessionsEndWithTheRole) {
  MakeRole();
  Iam("Action=AttachRolePolicy&RoleName=r&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess");
  const std::string answer =
      CallAs(
          *sts_,
          "alice",
          "Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=job&Policy=" +
              PercentEncode(kSendOnly))
          .body;
  const std::string id = Between(answer, "AccessKeyId");
  const std::string token = Between(answer, "SessionToken");
  const auto found = sessions_->Find(id, token);
  ASSERT_TRUE(found.credential);
  EXPECT_TRUE(May(*found.credential, "ses:SendEmail"));
  EXPECT_FALSE(May(*found.credential, "sns:Publish"));
  Iam("Action=DetachRolePolicy&RoleName=r&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess");
  Iam("Action=DeleteRole&RoleName=r");
  MakeRole();
  EXPECT_FALSE(sessions_->Find(id, token).credential);
}

}  // namespace
}  // namespace postglass::access
