#include "mail/api/ses_v2_api.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "mail/api/ses_api_testing.h"

namespace postglass::mail {
namespace {

json::object Body(const net::HttpResponse& response) {
  const Result<json::object> body = json::ParseObject(response.body);
  EXPECT_TRUE(body) << response.body;
  return body.value_or(json::object());
}

void ExpectError(const net::HttpResponse& response,
                 int status,
                 std::string_view type,
                 std::string_view message) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_EQ(response.headers.Get("x-amzn-ErrorType"), type) << response.body;
  EXPECT_EQ(json::GetStringOr(Body(response), "message", ""), message);
}

std::string SimpleMail(const std::string& to, const std::string& more = "") {
  return R"({"FromEmailAddress":"Alice <alice@example.com>","Destination":{"ToAddresses":[")" + to +
         R"("]},"Content":{"Simple":{"Subject":{"Data":"Reset"},"Body":{"Text":{"Data":"t"},)"
         R"("Html":{"Data":"<p>h</p>"}}}})" +
         more + "}";
}

TEST(SesV2Api, SendEmailSimple) {
  SesApiWorld world;
  world.MakeSet("main", {EventType::kSend});
  const net::HttpResponse response = world.V2(
      "POST",
      "/outbound-emails",
      SimpleMail("bob@example.net",
                 R"(,"ConfigurationSetName":"main","EmailTags":[{"Name":"k","Value":"v"}],)"
                 R"("ReplyToAddresses":["r@example.com"],)"
                 R"("FeedbackForwardingEmailAddress":"bounces@example.com")"));
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.headers.Get("x-amzn-RequestId"), "request-1");
  const Mail mail = world.spool.mails().at(0);
  EXPECT_EQ(json::GetString(Body(response), "MessageId"), mail.message_id);
  EXPECT_EQ(mail.configuration_set, "main");
  EXPECT_EQ(mail.envelope_from, "bounces@example.com");
  EXPECT_NE(mail.raw.find("Reply-To: r@example.com\r\n"), std::string::npos);
  EXPECT_NE(mail.mail_object.find(R"("k":["v"])"), std::string::npos);
}

TEST(SesV2Api, SendEmailWithHeadersAndAttachment) {
  SesApiWorld world;
  const net::HttpResponse response = world.V2(
      "POST",
      "/outbound-emails",
      R"({"FromEmailAddress":"a@example.com","Destination":{"BccAddresses":["b@example.net"]},)"
      R"("Content":{"Simple":{"Subject":{"Data":"s"},"Body":{"Text":{"Data":"t"}},)"
      R"("Headers":[{"Name":"List-Unsubscribe","Value":"<https://example.com/u>"}],)"
      R"("Attachments":[{"FileName":"a.txt","RawContent":"aGk=","ContentType":"text/plain"}]}}})");
  ASSERT_EQ(response.status, 200) << response.body;
  const Mail mail = world.spool.mails().at(0);
  EXPECT_EQ(mail.recipients, std::vector<std::string>{"b@example.net"});
  EXPECT_NE(mail.raw.find("List-Unsubscribe: <https://example.com/u>\r\n"), std::string::npos);
  EXPECT_NE(mail.raw.find("filename=\"a.txt\"\r\n\r\naGk=\r\n"), std::string::npos);
}

TEST(SesV2Api, SendEmailRaw) {
  SesApiWorld world;
  const std::string raw = "From: a@example.com\r\nTo: b@example.net\r\n\r\nx\r\n";
  ASSERT_EQ(world
                .V2("POST",
                    "/outbound-emails",
                    R"({"Content":{"Raw":{"Data":")" + Base64Encode(raw) + R"("}}})")
                .status,
            200);
  const Mail mail = world.spool.mails().at(0);
  EXPECT_TRUE(mail.raw.ends_with(raw));
  EXPECT_NE(mail.mail_object.find(R"("ses:operation":["SendRawEmail"])"), std::string::npos);
}

TEST(SesV2Api, SendEmailRefusals) {
  SesApiWorld world;
  const auto send = [&](std::string body) {
    return world.V2("POST", "/outbound-emails", std::move(body));
  };
  ExpectError(send(SimpleMail("bob")), 400, "BadRequestException", "Missing final '@domain'");
  ExpectError(send(SimpleMail("b@c.example", R"(,"ConfigurationSetName":"gone")")),
              404,
              "NotFoundException",
              "Configuration set <gone> does not exist.");
  ExpectError(send(R"({"FromEmailAddress":"a@b.c","Content":{"Template":{"TemplateName":"t"}}})"),
              404,
              "NotFoundException",
              "Template t does not exist.");
  ExpectError(send(R"({"Content":{"Simple":{}}})"),
              400,
              "BadRequestException",
              "Missing required header 'From'.");
  EXPECT_EQ(send("{}").status, 400);
  EXPECT_EQ(send("").status, 400);
  EXPECT_EQ(send("[]").headers.Get("x-amzn-ErrorType"), "SerializationException");
  EXPECT_EQ(send(R"({"Content":{"Raw":{"Data":"*"}}})").status, 400);
  EXPECT_EQ(send(R"({"Content":[],"Destination":7,"EmailTags":{}})").status, 400);
  world.spool.FailWith(Error{ErrorCode::kIo, "broken"});
  const net::HttpResponse broken = send(SimpleMail("b@c.example"));
  EXPECT_EQ(broken.status, 503);
  EXPECT_EQ(broken.headers.Get("x-amzn-ErrorType"), "ServiceUnavailable");
  world.spool.FailWith(std::nullopt);
  ASSERT_EQ(world.V2("PUT", "/account/sending", R"({"SendingEnabled":false})").status, 200);
  ExpectError(send(SimpleMail("b@c.example")),
              400,
              "SendingPausedException",
              "Sending is paused for this account.");
  SesApiWorld slow({.quotas = {.max_24_hour_send = 0}});
  EXPECT_EQ(slow.V2("POST", "/outbound-emails", SimpleMail("b@c.example"))
                .headers.Get("x-amzn-ErrorType"),
            "LimitExceededException");
}

TEST(SesV2Api, AllowsMessagesOf40Megabytes) {
  SesApiWorld world;
  RecordingMailer mailer;
  SesV2Api api(world.BackendWith(mailer));
  net::HttpRequest http;
  http.method = "POST";
  http.target = "/v2/email/outbound-emails";
  http.body = SimpleMail("b@c.example");
  ExpectError(world.Handle(api, http), 400, "BadRequestException", "too long");
  EXPECT_EQ(mailer.last.message_bytes_max, 40u << 20);
}

TEST(SesV2Api, ConfigurationSetsLiveAndDie) {
  SesApiWorld world;
  ASSERT_EQ(world
                .V2("POST",
                    "/configuration-sets",
                    R"({"ConfigurationSetName":"main","DeliveryOptions":{"TlsPolicy":"REQUIRE",)"
                    R"("MaxDeliverySeconds":300},"TrackingOptions":{"CustomRedirectDomain":)"
                    R"("t.example.com"},"SuppressionOptions":{"SuppressedReasons":["BOUNCE"]},)"
                    R"("Tags":[{"Key":"team","Value":"a"}]})")
                .body,
            "{}");
  EXPECT_EQ(
      world.V2("GET", "/configuration-sets/main").body,
      R"({"ConfigurationSetName":"main","TrackingOptions":{"CustomRedirectDomain":)"
      R"("t.example.com"},"DeliveryOptions":{"TlsPolicy":"REQUIRE","MaxDeliverySeconds":300},)"
      R"("ReputationOptions":{"ReputationMetricsEnabled":false},"SendingOptions":)"
      R"({"SendingEnabled":true},"Tags":[{"Key":"team","Value":"a"}],)"
      R"("SuppressionOptions":{"SuppressedReasons":["BOUNCE"]}})");
  const auto put = [&](const std::string& what, std::string body) {
    return world.V2("PUT", "/configuration-sets/main/" + what, std::move(body)).status;
  };
  EXPECT_EQ(put("delivery-options", R"({"TlsPolicy":"OPTIONAL"})"), 200);
  EXPECT_EQ(put("delivery-options", R"({"TlsPolicy":"maybe"})"), 400);
  EXPECT_EQ(put("delivery-options", R"({"MaxDeliverySeconds":1})"), 400);
  EXPECT_EQ(put("tracking-options", "{}"), 200);
  EXPECT_EQ(put("reputation-options", R"({"ReputationMetricsEnabled":true})"), 200);
  EXPECT_EQ(put("sending", R"({"SendingEnabled":false})"), 200);
  EXPECT_EQ(put("sending", R"({"SendingEnabled":true})"), 200);
  EXPECT_EQ(put("suppression-options", "{}"), 200);
  EXPECT_EQ(put("suppression-options", R"({"SuppressedReasons":["x"]})"), 400);
  EXPECT_EQ(
      put("vdm-options", R"({"VdmOptions":{"DashboardOptions":{"EngagementMetrics":"ENABLED"}}})"),
      200);
  EXPECT_EQ(put("archiving-options", R"({"ArchiveArn":"arn:a"})"), 200);
  EXPECT_EQ(put("unknown-options", "{}"), 404);
  EXPECT_EQ(world.V2("GET", "/configuration-sets/main").body,
            R"({"ConfigurationSetName":"main","DeliveryOptions":{"TlsPolicy":"OPTIONAL"},)"
            R"("ReputationOptions":{"ReputationMetricsEnabled":true,"LastFreshStart":1.8E9},)"
            R"("SendingOptions":{"SendingEnabled":true},"Tags":[{"Key":"team","Value":"a"}],)"
            R"("SuppressionOptions":{"SuppressedReasons":[]},"VdmOptions":{"DashboardOptions":)"
            R"({"EngagementMetrics":"ENABLED"}},"ArchivingOptions":{"ArchiveArn":"arn:a"}})");
  ExpectError(world.V2("POST", "/configuration-sets", R"({"ConfigurationSetName":"main"})"),
              400,
              "AlreadyExistsException",
              "Configuration set <main> already exists.");
  EXPECT_EQ(world.V2("DELETE", "/configuration-sets/main").body, "{}");
  ExpectError(world.V2("GET", "/configuration-sets/main"),
              404,
              "NotFoundException",
              "Configuration set <main> does not exist.");
  EXPECT_EQ(world.V2("PUT", "/configuration-sets/main/sending", "{}").status, 404);
}

TEST(SesV2Api, ListsInPages) {
  SesApiWorld world;
  for (const std::string name : {"a", "b", "c"}) world.MakeSet(name, {EventType::kSend});
  const json::object first = Body(world.V2("GET", "/configuration-sets?PageSize=2"));
  EXPECT_EQ(first.at("ConfigurationSets"), (json::array{"a", "b"}));
  const std::string token(first.at("NextToken").as_string());
  const json::object rest =
      Body(world.V2("GET", "/configuration-sets?PageSize=2&NextToken=" + token));
  EXPECT_EQ(rest.at("ConfigurationSets"), (json::array{"c"}));
  EXPECT_FALSE(rest.contains("NextToken"));
  EXPECT_EQ(world.V2("GET", "/configuration-sets?PageSize=x").status, 400);

  const json::object posted =
      Body(world.V2("POST", "/list-configuration-sets", R"({"PageSize":2})"));
  EXPECT_EQ(posted, first);
  EXPECT_EQ(
      Body(world.V2(
          "POST", "/list-configuration-sets", R"({"PageSize":2,"NextToken":")" + token + R"("})")),
      rest);
  EXPECT_EQ(world.V2("POST", "/list-configuration-sets", R"({"PageSize":0})").status, 400);
}

TEST(SesV2Api, EventDestinations) {
  SesApiWorld world;
  ASSERT_EQ(world.V2("POST", "/configuration-sets", R"({"ConfigurationSetName":"main"})").status,
            200);
  const std::string path = "/configuration-sets/main/event-destinations";
  const auto destination = [&](const std::string& kind, const std::string& name = "d") {
    return R"({"EventDestinationName":")" + name +
           R"(","EventDestination":{"Enabled":true,)"
           R"("MatchingEventTypes":["SEND","DELIVERY_DELAY"],)" +
           kind + "}}";
  };
  const std::string sns = R"("SnsDestination":{"TopicArn":")" + world.topic_arn + R"("})";
  ASSERT_EQ(world.V2("POST", path, destination(sns)).body, "{}");
  EXPECT_EQ(world.V2("GET", path).body,
            R"({"EventDestinations":[{"Name":"d","Enabled":true,"MatchingEventTypes":)"
            R"(["SEND","DELIVERY_DELAY"],"SnsDestination":{"TopicArn":")" +
                world.topic_arn + R"("}}]})");
  EXPECT_EQ(world.publisher.published().size(), 1u);
  EXPECT_EQ(world.V2("POST", path, destination(sns)).headers.Get("x-amzn-ErrorType"),
            "AlreadyExistsException");
  EXPECT_EQ(
      world
          .V2("PUT",
              path + "/d",
              R"({"EventDestination":{"Enabled":false,"MatchingEventTypes":["OPEN"],)" + sns + "}}")
          .status,
      200);
  EXPECT_FALSE(world.sets->Find("main")->destinations[0].enabled);
  ExpectError(world.V2("PUT", path + "/x", destination(sns)),
              404,
              "NotFoundException",
              "No EventDestination found for x");
  for (const std::string other : {R"("KinesisFirehoseDestination":{})",
                                  R"("CloudWatchDestination":{})",
                                  R"("EventBridgeDestination":{})",
                                  R"("PinpointDestination":{})",
                                  R"("SnsDestination":{"TopicArn":"arn:aws:sns:x:1:gone"})",
                                  R"("Nothing":{})"}) {
    EXPECT_EQ(world.V2("POST", path, destination(other, "other")).headers.Get("x-amzn-ErrorType"),
              "BadRequestException")
        << other;
  }
  EXPECT_EQ(world.V2("DELETE", path + "/d").status, 200);
  EXPECT_EQ(world.V2("DELETE", path + "/d").status, 404);
}

TEST(SesV2Api, IdentitiesAndTheirTags) {
  SesApiWorld world;
  world.MakeSet("main", {EventType::kSend});
  const json::object created =
      Body(world.V2("POST",
                    "/identities",
                    R"({"EmailIdentity":"a@example.com","Tags":[{"Key":"k","Value":"v"}]})"));
  EXPECT_EQ(created.at("IdentityType"), "EMAIL_ADDRESS");
  EXPECT_EQ(created.at("VerifiedForSendingStatus"), true);
  EXPECT_EQ(world.V2("POST", "/identities", R"({"EmailIdentity":"example.org"})").status, 200);
  EXPECT_EQ(world.V2("POST", "/identities", R"({"EmailIdentity":"example.org"})")
                .headers.Get("x-amzn-ErrorType"),
            "AlreadyExistsException");
  // Clients encode the path's '@'.
  EXPECT_EQ(world
                .V2("PUT",
                    "/identities/a%40example.com/configuration-set",
                    R"({"ConfigurationSetName":"main"})")
                .status,
            200);
  EXPECT_EQ(world
                .V2("PUT",
                    "/identities/a%40example.com/configuration-set",
                    R"({"ConfigurationSetName":"gone"})")
                .status,
            404);
  EXPECT_EQ(
      world.V2("PUT", "/identities/a%40example.com/feedback", R"({"EmailForwardingEnabled":false})")
          .status,
      200);
  const json::object got = Body(world.V2("GET", "/identities/a%40example.com"));
  EXPECT_EQ(got.at("ConfigurationSetName"), "main");
  EXPECT_EQ(got.at("FeedbackForwardingStatus"), false);
  EXPECT_EQ(got.at("VerificationStatus"), "SUCCESS");
  EXPECT_EQ(Body(world.V2("GET", "/identities")).at("EmailIdentities").as_array().size(), 2u);

  const std::string arn =
      PercentEncode("arn:aws:ses:us-east-1:123456789012:identity/a@example.com");
  EXPECT_EQ(world.V2("GET", "/tags?ResourceArn=" + arn).body,
            R"({"Tags":[{"Key":"k","Value":"v"}]})");
  EXPECT_EQ(world
                .V2("POST",
                    "/tags",
                    R"({"ResourceArn":"arn:aws:ses:us-east-1:123456789012:configuration-set/main",)"
                    R"("Tags":[{"Key":"x","Value":"1"},{"Key":"y","Value":"2"}]})")
                .status,
            200);
  const std::string set_arn =
      PercentEncode("arn:aws:ses:us-east-1:123456789012:configuration-set/main");
  EXPECT_EQ(world.V2("DELETE", "/tags?ResourceArn=" + set_arn + "&TagKeys=x&TagKeys=z").status,
            200);
  EXPECT_EQ(world.V2("GET", "/tags?ResourceArn=" + set_arn).body,
            R"({"Tags":[{"Key":"y","Value":"2"}]})");
  EXPECT_EQ(world.V2("GET", "/tags?ResourceArn=arn:aws:ses:eu-west-1:1:identity/x").status, 404);
  EXPECT_EQ(world.V2("DELETE", "/identities/a%40example.com").status, 200);
  EXPECT_EQ(world.V2("GET", "/identities/a%40example.com").status, 404);
}

TEST(SesV2Api, Account) {
  SesApiWorld world;
  const json::object account = Body(world.V2("GET", "/account"));
  EXPECT_EQ(account.at("ProductionAccessEnabled"), true);
  EXPECT_EQ(account.at("SendingEnabled"), true);
  EXPECT_EQ(account.at("SendQuota").as_object().at("Max24HourSend"), -1.0);
  SesApiWorld sandbox({.sandbox = true});
  EXPECT_EQ(Body(sandbox.V2("GET", "/account")).at("ProductionAccessEnabled"), false);
}

TEST(SesV2Api, WhatIsUnknownIs404) {
  SesApiWorld world;
  for (const auto& [method, path] : {std::pair{"GET", "/"},
                                     std::pair{"GET", "/nothing"},
                                     std::pair{"PATCH", "/account"},
                                     std::pair{"GET", "/identities//x"},
                                     std::pair{"GET", "/a/b/c/d/e/f/g/h/i/j/k"},
                                     std::pair{"GET", "/configuration-sets/"}}) {
    const net::HttpResponse response = world.V2(method, path);
    if (std::string_view(path) == "/configuration-sets/") {
      EXPECT_EQ(response.status, 200);  // a trailing slash is forgiven
      continue;
    }
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.headers.Get("x-amzn-ErrorType"), "UnknownOperationException") << path;
  }
}

TEST(SesV2Api, SuppressionList) {
  SesApiWorld world;
  const auto put = [&](std::string address, std::string reason) {
    return world.V2("PUT",
                    "/suppression/addresses",
                    json::Serialize(json::object{{"EmailAddress", address}, {"Reason", reason}}));
  };
  ASSERT_EQ(put("gone@example.net", "BOUNCE").status, 200);
  ASSERT_EQ(put("angry+1@example.net", "COMPLAINT").status, 200);
  EXPECT_EQ(put("gone@example.net", "DISLIKE").status, 400);
  EXPECT_EQ(put("gone", "BOUNCE").status, 400);
  EXPECT_EQ(world.V2("PUT", "/suppression/addresses", "{}").status, 400);
  EXPECT_EQ(world.V2("GET", "/suppression/addresses/gone%40example.net").body,
            R"({"SuppressedDestination":{"EmailAddress":"gone@example.net","Reason":"BOUNCE",)"
            R"("LastUpdateTime":1.8E9}})");
  const auto first = Body(world.V2("GET", "/suppression/addresses?PageSize=1"));
  EXPECT_EQ(json::FindPath(first, "SuppressedDestinationSummaries.0.EmailAddress")->as_string(),
            "angry+1@example.net");
  const auto rest = Body(world.V2(
      "GET",
      "/suppression/addresses?PageSize=1&NextToken=" + json::GetStringOr(first, "NextToken", "")));
  EXPECT_EQ(json::FindPath(rest, "SuppressedDestinationSummaries.0.EmailAddress")->as_string(),
            "gone@example.net");
  EXPECT_FALSE(rest.contains("NextToken"));
  const auto count = [&](std::string query) {
    return Body(world.V2("GET", "/suppression/addresses?" + query))
        .at("SuppressedDestinationSummaries")
        .as_array()
        .size();
  };
  EXPECT_EQ(count("Reason=BOUNCE"), 1u);
  EXPECT_EQ(count("Reason=BOUNCE&Reason=COMPLAINT"), 2u);
  EXPECT_EQ(count("StartDate=2030-01-01T00%3A00%3A00Z"), 0u);
  EXPECT_EQ(count("EndDate=2030-01-01T00%3A00%3A00Z"), 2u);
  EXPECT_EQ(world.V2("GET", "/suppression/addresses?StartDate=soon").status, 400);
  EXPECT_EQ(world.V2("GET", "/suppression/addresses?Reason=X").status, 400);
  EXPECT_EQ(world.V2("GET", "/suppression/addresses?PageSize=0").status, 400);

  ASSERT_EQ(world.V2("POST", "/outbound-emails", SimpleMail("gone@example.net")).status, 200);
  EXPECT_EQ(world.spool.mails().back().suppressed, (std::vector<Mail::Suppression>{{0, "BOUNCE"}}));
  EXPECT_EQ(json::Serialize(Body(world.V2("GET", "/account")).at("SuppressionAttributes")),
            R"({"SuppressedReasons":["BOUNCE","COMPLAINT"]})");
  ASSERT_EQ(
      world.V2("PUT", "/account/suppression", R"({"SuppressedReasons":["COMPLAINT"]})").status,
      200);
  EXPECT_EQ(world.V2("PUT", "/account/suppression", R"({"SuppressedReasons":["X"]})").status, 400);
  ASSERT_EQ(world.V2("POST", "/outbound-emails", SimpleMail("gone@example.net")).status, 200);
  EXPECT_TRUE(world.spool.mails().back().suppressed.empty());

  ASSERT_EQ(world.V2("DELETE", "/suppression/addresses/gone%40example.net").status, 200);
  ExpectError(world.V2("DELETE", "/suppression/addresses/gone%40example.net"),
              404,
              "NotFoundException",
              "Email address gone@example.net does not exist on your suppression list.");
  EXPECT_EQ(world.V2("GET", "/suppression/addresses/gone%40example.net").status, 404);
}

TEST(SesV2Api, WhatIsSaidOfTheAccountIsShown) {
  SesApiWorld world;
  const auto say = [&](std::string body) {
    return world.V2("POST", "/account/details", std::move(body));
  };
  EXPECT_EQ(say("{}").status, 400);
  EXPECT_EQ(say(R"({"MailType":"CHAIN","WebsiteURL":"https://a.example"})").status, 400);
  ASSERT_EQ(say(R"({"MailType":"TRANSACTIONAL","WebsiteURL":"https://a.example",)"
                R"("UseCaseDescription":"resets","ProductionAccessEnabled":true})")
                .status,
            200);
  EXPECT_EQ(say(R"({"MailType":"TRANSACTIONAL","WebsiteURL":"https://a.example/)" +
                std::string(30'000, 'x') + "\"}")
                .status,
            400);
  EXPECT_EQ(world.V2("PUT", "/account/vdm", "{}").status, 400);
  EXPECT_EQ(world.V2("PUT", "/account/vdm", R"({"VdmAttributes":{"VdmEnabled":"YES"}})").status,
            400);
  ASSERT_EQ(world
                .V2("PUT",
                    "/account/vdm",
                    R"({"VdmAttributes":{"VdmEnabled":"ENABLED",)"
                    R"("DashboardAttributes":{"EngagementMetrics":"ENABLED"}}})")
                .status,
            200);
  const json::object account = Body(world.V2("GET", "/account"));
  EXPECT_EQ(json::Serialize(account.at("Details")),
            R"({"MailType":"TRANSACTIONAL","WebsiteURL":"https://a.example",)"
            R"("UseCaseDescription":"resets","AdditionalContactEmailAddresses":[]})");
  EXPECT_EQ(json::Serialize(account.at("VdmAttributes")),
            R"({"VdmEnabled":"ENABLED","DashboardAttributes":{"EngagementMetrics":"ENABLED"}})");
  const auto again = AccountState::Load({}, world.settings, world.clock);
  EXPECT_EQ((*again)->said(AccountState::Said::kVdm),
            world.account_state->said(AccountState::Said::kVdm));
}

TEST(SesV2Api, TagsOfATemplate) {
  SesApiWorld world;
  ASSERT_FALSE(world.templates->Create({"t", {}, {"s", "t", {}}, {}}));
  const std::string arn = "arn:aws:ses:us-east-1:123456789012:template/t";
  ASSERT_EQ(world
                .V2("POST",
                    "/tags",
                    R"({"ResourceArn":")" + arn + R"(","Tags":[{"Key":"a","Value":"b"}]})")
                .status,
            200);
  EXPECT_EQ(world.V2("GET", "/tags?ResourceArn=" + arn).body,
            R"({"Tags":[{"Key":"a","Value":"b"}]})");
  ASSERT_EQ(world.V2("DELETE", "/tags?TagKeys=a&ResourceArn=" + arn).status, 200);
  EXPECT_EQ(world.V2("GET", "/tags?ResourceArn=" + arn).body, R"({"Tags":[]})");
  EXPECT_EQ(world.V2("GET", "/tags?ResourceArn=" + arn + "x").status, 404);
}

TEST(SesV2Api, ARedirectDomainMustBeAHost) {
  SesApiWorld world;
  world.MakeSet("main", {EventType::kClick});
  const auto put = [&](std::string domain) {
    return world
        .V2("PUT",
            "/configuration-sets/main/tracking-options",
            json::Serialize(json::object{{"CustomRedirectDomain", domain}}))
        .status;
  };
  EXPECT_EQ(put("click.example.com"), 200);
  for (const std::string bad :
       {"a b.example", "x", "\"><script>.example", "a..b", ".a.b", "a.b/c"}) {
    EXPECT_EQ(put(bad), 400) << bad;
  }
}

}  // namespace
}  // namespace postglass::mail
