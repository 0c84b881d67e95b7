#include <gtest/gtest.h>

#include "base/json.h"
#include "mail/api/ses_api_testing.h"
#include "mail/dkim_testing.h"
#include "mail/identity_notifications.h"

// What both APIs keep of an identity beyond its name: DKIM, MAIL FROM, policies, notifications.

namespace postglass::mail {
namespace {

using Form = SesApiWorld::Form;

class IdentitiesApiTest : public testing::Test {
 protected:
  IdentitiesApiTest() {
    EXPECT_EQ(world_.V1("VerifyDomainIdentity", {{"Domain", "example.com"}}).status, 200);
  }

  net::HttpResponse V1(std::string_view action, Form form = {}) {
    form.emplace_back("Identity", "example.com");
    form.emplace_back("Identities.member.1", "example.com");
    form.emplace_back("Identities.member.2", "unknown.example");
    return world_.V1(action, form);
  }

  json::object Got() {
    return json::ParseObject(world_.V2("GET", "/identities/example.com").body).value();
  }

  SesApiWorld world_;
};

TEST_F(IdentitiesApiTest, Dkim) {
  EXPECT_EQ(XmlText(V1("GetIdentityDkimAttributes").body, "value"),
            "<DkimEnabled>false</DkimEnabled><DkimVerificationStatus>NotStarted"
            "</DkimVerificationStatus><DkimTokens></DkimTokens>");
  const std::string tokens =
      XmlText(world_.V1("VerifyDomainDkim", {{"Domain", "Example.com"}}).body, "DkimTokens");
  EXPECT_EQ(tokens.size(), 3 * (32 + std::string("<member></member>").size())) << tokens;
  EXPECT_EQ(XmlText(V1("GetIdentityDkimAttributes").body, "DkimTokens"), tokens);
  EXPECT_EQ(V1("SetIdentityDkimEnabled", {{"DkimEnabled", "false"}}).status, 200);
  EXPECT_EQ(XmlText(V1("GetIdentityDkimAttributes").body, "DkimEnabled"), "false");
  EXPECT_EQ(world_.V1("VerifyDomainDkim", {{"Domain", "a@b.example"}}).status, 400);

  EXPECT_EQ(world_.V2("PUT", "/identities/example.com/dkim", R"({"SigningEnabled":true})").status,
            200);
  EXPECT_TRUE(Got().at("DkimAttributes").as_object().at("SigningEnabled").as_bool());
  const auto sign = [&](std::string body) {
    return world_.V2("PUT", "/identities/example.com/dkim/signing", std::move(body));
  };
  EXPECT_EQ(sign(R"({"SigningAttributesOrigin":"EXTERNAL","SigningAttributes":)"
                 R"({"DomainSigningSelector":"s1","DomainSigningPrivateKey":")" +
                 std::string(kDkimTestKey) + "\"}}")
                .body,
            R"({"DkimStatus":"PENDING","DkimTokens":["s1"]})");
  EXPECT_EQ(Got().at("DkimAttributes").as_object().at("SigningAttributesOrigin").as_string(),
            "EXTERNAL");
  EXPECT_FALSE(world_.identities->Find("example.com")->dkim.sealed_key.empty());
  const auto unusable = sign(R"({"SigningAttributesOrigin":"EXTERNAL","SigningAttributes":)"
                             R"({"DomainSigningSelector":"s1","DomainSigningPrivateKey":"AAAA"}})");
  EXPECT_EQ(unusable.status, 400);
  EXPECT_NE(unusable.body.find("private key"), std::string::npos);
  EXPECT_EQ(sign(R"({"SigningAttributesOrigin":"AWS_SES"})").status, 200);
  EXPECT_TRUE(world_.identities->Find("example.com")->dkim.sealed_key.empty());
  EXPECT_EQ(Got().at("DkimAttributes").as_object().at("Tokens").as_array().size(), 3u);
  EXPECT_EQ(sign("{}").status, 400);
  EXPECT_EQ(sign(R"({"SigningAttributesOrigin":"EXTERNAL"})").status, 400);
  EXPECT_EQ(sign(R"({"SigningAttributesOrigin":"OTHER"})").status, 400);
  EXPECT_EQ(sign(R"({"SigningAttributesOrigin":"EXTERNAL","SigningAttributes":)"
                 R"({"DomainSigningSelector":"a b","DomainSigningPrivateKey":"AAAA"}})")
                .status,
            400);
  EXPECT_EQ(world_.V2("PUT", "/identities/gone.example/dkim", "{}").status, 404);
}

TEST_F(IdentitiesApiTest, MailFrom) {
  EXPECT_EQ(XmlText(V1("GetIdentityMailFromDomainAttributes").body, "value"),
            "<BehaviorOnMXFailure>UseDefaultValue</BehaviorOnMXFailure>");
  ASSERT_EQ(V1("SetIdentityMailFromDomain",
               {{"MailFromDomain", "bounce.example.com"}, {"BehaviorOnMXFailure", "RejectMessage"}})
                .status,
            200);
  EXPECT_EQ(XmlText(V1("GetIdentityMailFromDomainAttributes").body, "value"),
            "<MailFromDomain>bounce.example.com</MailFromDomain>"
            "<MailFromDomainStatus>Pending</MailFromDomainStatus>"
            "<BehaviorOnMXFailure>RejectMessage</BehaviorOnMXFailure>");
  EXPECT_EQ(V1("SetIdentityMailFromDomain", {{"MailFromDomain", "other.example"}}).status, 400);
  EXPECT_EQ(json::Serialize(Got().at("MailFromAttributes")),
            R"({"MailFromDomain":"bounce.example.com","MailFromDomainStatus":"PENDING",)"
            R"("BehaviorOnMxFailure":"REJECT_MESSAGE"})");
  const auto put = [&](std::string body) {
    return world_.V2("PUT", "/identities/example.com/mail-from", std::move(body)).status;
  };
  EXPECT_EQ(put(R"({"MailFromDomain":"m.example.com"})"), 200);
  EXPECT_EQ(put(R"({"MailFromDomain":"example.com"})"), 400);
  EXPECT_EQ(put(R"({"BehaviorOnMxFailure":"PANIC"})"), 400);
  EXPECT_EQ(put("{}"), 200);
  EXPECT_EQ(json::Serialize(Got().at("MailFromAttributes")),
            R"({"BehaviorOnMxFailure":"USE_DEFAULT_VALUE"})");
}

TEST_F(IdentitiesApiTest, Policies) {
  const std::string policy = R"({"Version":"2012-10-17","Statement":[]})";
  ASSERT_EQ(V1("PutIdentityPolicy", {{"PolicyName", "one"}, {"Policy", policy}}).status, 200);
  EXPECT_EQ(XmlText(V1("ListIdentityPolicies").body, "PolicyNames"), "<member>one</member>");
  const std::string got =
      V1("GetIdentityPolicies", {{"PolicyNames.member.1", "one"}, {"PolicyNames.member.2", "none"}})
          .body;
  EXPECT_EQ(XmlText(got, "key"), "one");
  EXPECT_NE(got.find("2012-10-17"), std::string::npos);
  const net::HttpResponse bad = V1("PutIdentityPolicy", {{"PolicyName", "x"}, {"Policy", "{"}});
  EXPECT_EQ(XmlText(bad.body, "Code"), "InvalidPolicy");
  EXPECT_EQ(V1("PutIdentityPolicy", {{"PolicyName", "a b"}, {"Policy", policy}}).status, 400);
  EXPECT_EQ(V1("DeleteIdentityPolicy", {{"PolicyName", "one"}}).status, 200);
  EXPECT_EQ(V1("DeleteIdentityPolicy", {{"PolicyName", "one"}}).status, 200);

  const std::string body = json::Serialize(json::object{{"Policy", policy}});
  const std::string path = "/identities/example.com/policies/two";
  EXPECT_EQ(world_.V2("PUT", path, body).headers.Get("x-amzn-ErrorType"), "NotFoundException");
  ASSERT_EQ(world_.V2("POST", path, body).status, 200);
  EXPECT_EQ(world_.V2("POST", path, body).headers.Get("x-amzn-ErrorType"),
            "AlreadyExistsException");
  EXPECT_EQ(world_.V2("PUT", path, body).status, 200);
  EXPECT_EQ(world_.V2("GET", "/identities/example.com/policies").body,
            json::Serialize(json::object{{"Policies", json::object{{"two", policy}}}}));
  EXPECT_EQ(json::Serialize(Got().at("Policies")), json::Serialize(json::object{{"two", policy}}));
  EXPECT_EQ(world_.V2("POST", path, "{}").status, 400);
  EXPECT_EQ(world_.V2("DELETE", path).status, 200);
  EXPECT_EQ(world_.V2("DELETE", path).status, 404);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(
        world_.V2("POST", "/identities/example.com/policies/p" + std::to_string(i), body).status,
        200);
  }
  EXPECT_EQ(world_.V2("POST", path, body).headers.Get("x-amzn-ErrorType"),
            "LimitExceededException");
}

TEST_F(IdentitiesApiTest, EverythingIsThereAfterARestart) {
  ASSERT_EQ(V1("SetIdentityMailFromDomain", {{"MailFromDomain", "m.example.com"}}).status, 200);
  ASSERT_EQ(V1("SetIdentityNotificationTopic",
               {{"NotificationType", "Bounce"}, {"SnsTopic", world_.topic_arn}})
                .status,
            200);
  ASSERT_EQ(
      V1("PutIdentityPolicy", {{"PolicyName", "p"}, {"Policy", R"({"Statement":[]})"}}).status,
      200);
  ASSERT_EQ(world_.V1("VerifyDomainDkim", {{"Domain", "example.com"}}).status, 200);
  const auto again =
      Identities::Load({world_.account, false, false}, world_.settings, world_.clock);
  ASSERT_TRUE(again);
  EXPECT_EQ(*(*again)->Find("example.com"), *world_.identities->Find("example.com"));
}

TEST_F(IdentitiesApiTest, Notifications) {
  const net::HttpResponse missing = V1("SetIdentityNotificationTopic",
                                       {{"NotificationType", "Bounce"}, {"SnsTopic", "arn:gone"}});
  EXPECT_EQ(XmlText(missing.body, "Code"), "InvalidParameterValue");
  EXPECT_EQ(V1("SetIdentityNotificationTopic", {{"NotificationType", "Send"}}).status, 400);
  EXPECT_EQ(V1("SetIdentityFeedbackForwardingEnabled", {{"ForwardingEnabled", "false"}}).status,
            400);
  for (const std::string type : {"Bounce", "Complaint"}) {
    ASSERT_EQ(V1("SetIdentityNotificationTopic",
                 {{"NotificationType", type}, {"SnsTopic", world_.topic_arn}})
                  .status,
              200);
  }
  EXPECT_NE(world_.publisher.published().back().message.find("AmazonSnsSubscriptionSucceeded"),
            std::string::npos);
  ASSERT_EQ(V1("SetIdentityFeedbackForwardingEnabled", {{"ForwardingEnabled", "false"}}).status,
            200);
  EXPECT_EQ(XmlText(V1("GetIdentityNotificationAttributes").body, "value"),
            "<BounceTopic>" + world_.topic_arn + "</BounceTopic><ComplaintTopic>" +
                world_.topic_arn +
                "</ComplaintTopic><ForwardingEnabled>false</ForwardingEnabled>"
                "<HeadersInBounceNotificationsEnabled>false</HeadersInBounceNotificationsEnabled>"
                "<HeadersInComplaintNotificationsEnabled>false"
                "</HeadersInComplaintNotificationsEnabled>"
                "<HeadersInDeliveryNotificationsEnabled>false"
                "</HeadersInDeliveryNotificationsEnabled>");
}

TEST_F(IdentitiesApiTest, ABounceIsToldInTheOtherForm) {
  ASSERT_EQ(V1("SetIdentityNotificationTopic",
               {{"NotificationType", "Bounce"}, {"SnsTopic", world_.topic_arn}})
                .status,
            200);
  ASSERT_EQ(world_
                .V1("SendEmail",
                    {{"Source", "a@example.com"},
                     {"Destination.ToAddresses.member.1", "b@c.example"},
                     {"Message.Subject.Data", "s"},
                     {"Message.Body.Text.Data", "t"}})
                .status,
            200);

  struct Nowhere final : EventPublisher {
    void PublishAsync(const MailEvent&, std::string, std::function<void(Status)> done) override {
      done({});
    }
  } nowhere;

  IdentityNotifications notifications(nowhere, *world_.identities, world_.publisher);
  const Mail mail = world_.spool.mails().back();
  BounceDetail bounce;
  bounce.type = "Permanent";
  const MailEvent event{{mail.message_id, "", mail.mail_object}, bounce, {}};
  const auto tell = [&](const MailEvent& told) {
    const std::size_t before = world_.publisher.published().size();
    Status status = Fail(ErrorCode::kInternal, "not called");
    notifications.PublishAsync(told, "key", [&](Status s) { status = std::move(s); });
    EXPECT_TRUE(status);
    return world_.publisher.published().size() - before;
  };
  ASSERT_EQ(tell(event), 1u);
  const json::object record =
      json::ParseObject(world_.publisher.published().back().message).value();
  EXPECT_EQ(record.begin()->key(), "notificationType");
  EXPECT_EQ(record.at("notificationType").as_string(), "Bounce");
  EXPECT_TRUE(record.contains("bounce"));
  const json::object& shown = record.at("mail").as_object();
  EXPECT_FALSE(shown.contains("tags"));
  EXPECT_FALSE(shown.contains("headers"));
  EXPECT_EQ(shown.at("sourceIp").as_string(), "192.0.2.0");
  EXPECT_EQ(shown.at("callerIdentity").as_string(), "ses_user");
  ASSERT_EQ(V1("SetIdentityHeadersInNotificationsEnabled",
               {{"NotificationType", "Bounce"}, {"Enabled", "true"}})
                .status,
            200);
  ASSERT_EQ(tell(event), 1u);
  EXPECT_NE(world_.publisher.published().back().message.find("commonHeaders"), std::string::npos);
  EXPECT_EQ(tell({event.subject, SendDetail{}, {}}), 0u);
  EXPECT_EQ(tell({event.subject, ComplaintDetail{}, {}}), 0u);
  EXPECT_EQ(tell({{"m", "", "no json"}, bounce, {}}), 0u);
}

TEST_F(IdentitiesApiTest, OldCallsForAddresses) {
  ASSERT_EQ(world_.V1("VerifyEmailAddress", {{"EmailAddress", "a@b.example"}}).status, 200);
  EXPECT_EQ(XmlText(world_.V1("ListVerifiedEmailAddresses", {}).body, "VerifiedEmailAddresses"),
            "<member>a@b.example</member>");
  EXPECT_EQ(world_.V1("DeleteVerifiedEmailAddress", {{"EmailAddress", "a@b.example"}}).status, 200);
  EXPECT_EQ(world_.V1("DeleteVerifiedEmailAddress", {{"EmailAddress", "a@b.example"}}).status, 200);
  EXPECT_EQ(XmlText(world_.V1("ListVerifiedEmailAddresses", {}).body, "VerifiedEmailAddresses"),
            "");
}

}  // namespace
}  // namespace postglass::mail
