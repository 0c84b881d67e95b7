#include "mail/api/ses_v1_api.h"

#include <gtest/gtest.h>

#include "mail/api/ses_api_testing.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

using Form = SesApiWorld::Form;

Form Mail(std::string to = "bob@example.net") {
  return {{"Source", "Alice <alice@example.com>"},
          {"Destination.ToAddresses.member.1", std::move(to)},
          {"Message.Subject.Data", "Reset"},
          {"Message.Body.Text.Data", "text"},
          {"Message.Body.Html.Data", "<p>html</p>"}};
}

Form DestinationForm(const SesApiWorld& world, std::string set = "main") {
  return {{"ConfigurationSetName", std::move(set)},
          {"EventDestination.Name", "event-sns"},
          {"EventDestination.Enabled", "true"},
          {"EventDestination.MatchingEventTypes.member.1", "click"},
          {"EventDestination.MatchingEventTypes.member.2", "send"},
          {"EventDestination.SNSDestination.TopicARN", world.topic_arn}};
}

void ExpectError(const net::HttpResponse& response,
                 int status,
                 std::string_view code,
                 std::string_view message) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_EQ(XmlText(response.body, "Code"), code) << response.body;
  EXPECT_EQ(XmlText(response.body, "Message"), message) << response.body;
  EXPECT_EQ(XmlText(response.body, "RequestId"), "request-1");
}

TEST(SesV1Api, SendEmailBuildsAndAccepts) {
  SesApiWorld world;
  Form form = Mail();
  form.insert(form.end(),
              {{"Destination.CcAddresses.member.1", "c@example.net"},
               {"Destination.BccAddresses.member.1", "d@example.net"},
               {"ReplyToAddresses.member.1", "r@example.com"},
               {"ReturnPath", "bounces@example.com"},
               {"Tags.member.1.Name", "kind"},
               {"Tags.member.1.Value", "reset"}});
  const net::HttpResponse response = world.V1("SendEmail", form);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_TRUE(response.body.starts_with(
      "<SendEmailResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><SendEmailResult>"))
      << response.body;
  const std::string id = XmlText(response.body, "MessageId");
  EXPECT_TRUE(MessageIdTime(id)) << id;
  ASSERT_EQ(world.spool.mails().size(), 1u);
  const auto mail = world.spool.mails()[0];
  EXPECT_EQ(mail.message_id, id);
  EXPECT_EQ(mail.envelope_from, "bounces@example.com");
  EXPECT_EQ(mail.recipients,
            (std::vector<std::string>{"bob@example.net", "c@example.net", "d@example.net"}));
  EXPECT_EQ(mail.subject, "Reset");
  EXPECT_EQ(mail.raw.find("d@example.net"), std::string::npos);
  EXPECT_NE(mail.mail_object.find(R"("ses:operation":["SendEmail"])"), std::string::npos);
  EXPECT_NE(mail.mail_object.find(R"("kind":["reset"])"), std::string::npos);
  EXPECT_NE(mail.mail_object.find(R"("ses:caller-identity":["ses_user"])"), std::string::npos);
}

TEST(SesV1Api, SendRawEmailKeepsTheCallersBytes) {
  SesApiWorld world;
  const std::string raw =
      "From: a@example.com\r\nTo: b@example.net\r\nX-Odd:   spacing\t\r\n\r\nbody \xFF\r\n";
  ASSERT_EQ(world.V1("SendRawEmail", {{"RawMessage.Data", Base64Encode(raw)}}).status, 200);
  const auto mail = world.spool.mails()[0];
  EXPECT_TRUE(mail.raw.ends_with(raw));
  EXPECT_EQ(mail.source, "a@example.com");
  ASSERT_EQ(world
                .V1("SendRawEmail",
                    {{"RawMessage.Data", Base64Encode(raw)},
                     {"Source", "s@example.com"},
                     {"Destinations.member.1", "other@example.net"}})
                .status,
            200);
  EXPECT_EQ(world.spool.mails()[1].recipients, std::vector<std::string>{"other@example.net"});
}

TEST(SesV1Api, RefusalsHaveAwsCodes) {
  SesApiWorld world;
  const auto send = [&](std::pair<std::string, std::string> extra) {
    Form form = Mail();
    form.push_back(std::move(extra));
    return world.V1("SendEmail", form);
  };
  ExpectError(
      world.V1("SendEmail", Mail("bob")), 400, "InvalidParameterValue", "Missing final '@domain'");
  ExpectError(send({"ConfigurationSetName", "gone"}),
              400,
              "ConfigurationSetDoesNotExist",
              "Configuration set &lt;gone&gt; does not exist.");
  ExpectError(world.V1("SendEmail", {}),
              400,
              "ValidationError",
              "1 validation error detected: Value null at 'source' failed to satisfy constraint: "
              "Member must not be null");
  ExpectError(world.V1("SendRawEmail", {{"RawMessage.Data", "***"}}),
              400,
              "InvalidParameterValue",
              "RawMessage.Data is not base64.");
  ExpectError(world.V1("NoSuchThing", {}),
              400,
              "InvalidAction",
              "Could not find operation NoSuchThing for version 2010-12-01");
  ASSERT_EQ(world.V1("UpdateAccountSendingEnabled", {{"Enabled", "false"}}).status, 200);
  ExpectError(world.V1("SendEmail", Mail()),
              400,
              "AccountSendingPausedException",
              "Sending is paused for this account.");
  EXPECT_TRUE(world.spool.mails().empty());
}

TEST(SesV1Api, AllowsMessagesOf10Megabytes) {
  SesApiWorld world;
  RecordingMailer mailer;
  SesV1Api api(world.BackendWith(mailer));
  net::HttpRequest http;
  http.method = "POST";
  http.target = "/";
  http.body = "Action=SendRawEmail&RawMessage.Data=YQ";
  ExpectError(world.Handle(api, http), 400, "InvalidParameterValue", "too long");
  EXPECT_EQ(mailer.last.message_bytes_max, 10u << 20);
}

TEST(SesV1Api, WhatIsNotDurableIs503) {
  SesApiWorld world;
  world.spool.FailWith(Error{ErrorCode::kDiskFull, "disk full"});
  const net::HttpResponse sent = world.V1("SendEmail", Mail());
  EXPECT_EQ(sent.status, 503);
  EXPECT_EQ(XmlText(sent.body, "Code"), "ServiceUnavailable");
  EXPECT_EQ(XmlText(sent.body, "Type"), "Receiver");
  world.settings.FailApply(Error{ErrorCode::kDiskFull, "disk full"});
  EXPECT_EQ(world.V1("CreateConfigurationSet", {{"ConfigurationSet.Name", "x"}}).status, 503);
  EXPECT_EQ(world.V1("VerifyEmailIdentity", {{"EmailAddress", "a@b.example"}}).status, 503);
}

TEST(SesV1Api, VerificationErrorsNameIdentitiesAndRegion) {
  SesApiWorld world({.require_verified = true});
  ExpectError(world.V1("SendEmail", Mail()),
              400,
              "MessageRejected",
              "Email address is not verified. The following identities failed the check in region "
              "US-EAST-1: alice@example.com");
  ASSERT_EQ(world.V1("VerifyEmailIdentity", {{"EmailAddress", "alice@example.com"}}).status, 200);
  EXPECT_EQ(world.V1("SendEmail", Mail()).status, 200);
}

TEST(SesV1Api, Identities) {
  SesApiWorld world;
  EXPECT_EQ(world.V1("VerifyEmailAddress", {{"EmailAddress", "a@example.com"}}).body,
            "<VerifyEmailAddressResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\">"
            "<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>"
            "</VerifyEmailAddressResponse>");
  ASSERT_EQ(world.V1("VerifyEmailIdentity", {{"EmailAddress", "b@example.com"}}).status, 200);
  EXPECT_FALSE(XmlText(world.V1("VerifyDomainIdentity", {{"Domain", "Example.ORG"}}).body,
                       "VerificationToken")
                   .empty());
  const std::string first = world.V1("ListIdentities", {{"MaxItems", "2"}}).body;
  EXPECT_EQ(XmlText(first, "Identities"),
            "<member>a@example.com</member><member>b@example.com</member>");
  const std::string rest =
      world.V1("ListIdentities", {{"MaxItems", "2"}, {"NextToken", XmlText(first, "NextToken")}})
          .body;
  EXPECT_EQ(XmlText(rest, "Identities"), "<member>example.org</member>");
  EXPECT_EQ(rest.find("NextToken"), std::string::npos);
  EXPECT_EQ(XmlText(world.V1("ListIdentities", {{"IdentityType", "Domain"}}).body, "Identities"),
            "<member>example.org</member>");
  EXPECT_EQ(XmlText(world
                        .V1("GetIdentityVerificationAttributes",
                            {{"Identities.member.1", "a@example.com"},
                             {"Identities.member.2", "unknown@example.com"}})
                        .body,
                    "VerificationAttributes"),
            "<entry><key>a@example.com</key><value><VerificationStatus>Success"
            "</VerificationStatus></value></entry>");
  EXPECT_EQ(world.V1("DeleteIdentity", {{"Identity", "a@example.com"}}).status, 200);
  EXPECT_EQ(world.V1("DeleteIdentity", {{"Identity", "a@example.com"}}).status, 200);
  EXPECT_EQ(world.V1("ListIdentities", {{"MaxItems", "0"}}).status, 400);
  EXPECT_EQ(world.V1("ListIdentities", {{"NextToken", "%%%"}}).status, 400);
  EXPECT_EQ(world.V1("VerifyEmailIdentity", {{"EmailAddress", "example.com"}}).status, 400);
}

TEST(SesV1Api, QuotaAndStatistics) {
  SesApiWorld world;
  ASSERT_EQ(world.V1("SendEmail", Mail()).status, 200);
  const std::string quota = world.V1("GetSendQuota", {}).body;
  EXPECT_EQ(XmlText(quota, "Max24HourSend"), "-1.0");
  EXPECT_EQ(XmlText(quota, "SentLast24Hours"), "1.0");
  EXPECT_EQ(XmlText(world.V1("GetSendStatistics", {}).body, "DeliveryAttempts"), "1");
  EXPECT_EQ(XmlText(world.V1("GetAccountSendingEnabled", {}).body, "Enabled"), "true");
  SesApiWorld sandbox({.quotas = {.max_24_hour_send = 200, .max_send_rate = 1}});
  const std::string limits = sandbox.V1("GetSendQuota", {}).body;
  EXPECT_EQ(XmlText(limits, "Max24HourSend"), "200.0");  // as recorded from AWS
  EXPECT_EQ(XmlText(limits, "MaxSendRate"), "1.0");
}

// The calls of samples/terraform-trace that belong to SES, in order: apply, refresh, destroy.
TEST(SesV1Api, TerraformAppliesRefreshesAndDestroys) {
  SesApiWorld world;
  const Form described = {{"ConfigurationSetAttributeNames.member.1", "deliveryOptions"},
                          {"ConfigurationSetAttributeNames.member.2", "reputationOptions"},
                          {"ConfigurationSetAttributeNames.member.3", "trackingOptions"},
                          {"ConfigurationSetName", "main"}};
  const Form destinations = {{"ConfigurationSetAttributeNames.member.1", "eventDestinations"},
                             {"ConfigurationSetName", "main"}};
  EXPECT_EQ(world.V1("CreateConfigurationSet", {{"ConfigurationSet.Name", "main"}}).body,
            "<CreateConfigurationSetResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\">"
            "<CreateConfigurationSetResult></CreateConfigurationSetResult><ResponseMetadata>"
            "<RequestId>request-1</RequestId></ResponseMetadata></CreateConfigurationSetResponse>");
  const std::string described_body = XmlText(world.V1("DescribeConfigurationSet", described).body,
                                             "DescribeConfigurationSetResult");
  EXPECT_EQ(described_body,
            "<ConfigurationSet><Name>main</Name></ConfigurationSet><ReputationOptions>"
            "<SendingEnabled>true</SendingEnabled><ReputationMetricsEnabled>false"
            "</ReputationMetricsEnabled></ReputationOptions>");
  ASSERT_EQ(world.V1("CreateConfigurationSetEventDestination", DestinationForm(world)).status, 200);
  EXPECT_EQ(XmlText(world.V1("DescribeConfigurationSet", destinations).body, "EventDestinations"),
            "<member><Name>event-sns</Name><Enabled>true</Enabled><MatchingEventTypes>"
            "<member>send</member><member>click</member></MatchingEventTypes><SNSDestination>"
            "<TopicARN>" +
                world.topic_arn + "</TopicARN></SNSDestination></member>");
  EXPECT_EQ(world
                .V1("DeleteConfigurationSetEventDestination",
                    {{"ConfigurationSetName", "main"}, {"EventDestinationName", "event-sns"}})
                .status,
            200);
  EXPECT_EQ(world.V1("DeleteConfigurationSet", {{"ConfigurationSetName", "main"}}).status, 200);
  ExpectError(world.V1("DescribeConfigurationSet", described),
              400,
              "ConfigurationSetDoesNotExist",
              "Configuration set &lt;main&gt; does not exist.");
}

TEST(SesV1Api, ConfigurationSetOptions) {
  SesApiWorld world;
  ASSERT_EQ(world.V1("CreateConfigurationSet", {{"ConfigurationSet.Name", "main"}}).status, 200);
  const auto change = [&](std::string_view action, Form form) {
    form.emplace_back("ConfigurationSetName", "main");
    return world.V1(action, form);
  };
  const auto describe = [&](std::string attribute) {
    return change("DescribeConfigurationSet",
                  {{"ConfigurationSetAttributeNames.member.1", std::move(attribute)}})
        .body;
  };
  EXPECT_EQ(change("PutConfigurationSetDeliveryOptions", {{"DeliveryOptions.TlsPolicy", "Require"}})
                .status,
            200);
  EXPECT_EQ(XmlText(describe("deliveryOptions"), "TlsPolicy"), "Require");
  EXPECT_EQ(
      change("PutConfigurationSetDeliveryOptions", {{"DeliveryOptions.TlsPolicy", "x"}}).status,
      400);
  EXPECT_EQ(change("UpdateConfigurationSetSendingEnabled", {{"Enabled", "false"}}).status, 200);
  EXPECT_EQ(change("UpdateConfigurationSetReputationMetricsEnabled", {{"Enabled", "true"}}).status,
            200);
  EXPECT_EQ(XmlText(describe("reputationOptions"), "ReputationOptions"),
            "<SendingEnabled>false</SendingEnabled><ReputationMetricsEnabled>true"
            "</ReputationMetricsEnabled>");
  Form paused = Mail();
  paused.emplace_back("ConfigurationSetName", "main");
  EXPECT_EQ(XmlText(world.V1("SendEmail", paused).body, "Code"),
            "ConfigurationSetSendingPausedException");
  EXPECT_EQ(change("UpdateConfigurationSetSendingEnabled", {{"Enabled", "true"}}).status, 200);
  EXPECT_NE(describe("reputationOptions").find("<LastFreshStart>2027-01-15T08:00:00.000Z"),
            std::string::npos);

  const Form domain = {{"TrackingOptions.CustomRedirectDomain", "t.example.com"}};
  EXPECT_EQ(XmlText(change("UpdateConfigurationSetTrackingOptions", domain).body, "Code"),
            "TrackingOptionsDoesNotExistException");
  EXPECT_EQ(change("CreateConfigurationSetTrackingOptions", domain).status, 200);
  EXPECT_EQ(XmlText(change("CreateConfigurationSetTrackingOptions", domain).body, "Code"),
            "TrackingOptionsAlreadyExistsException");
  EXPECT_EQ(XmlText(describe("trackingOptions"), "CustomRedirectDomain"), "t.example.com");
  EXPECT_EQ(change("DeleteConfigurationSetTrackingOptions", {}).status, 200);
  EXPECT_EQ(describe("trackingOptions").find("TrackingOptions>"), std::string::npos);
  EXPECT_EQ(XmlText(world.V1("ListConfigurationSets", {}).body, "ConfigurationSets"),
            "<member><Name>main</Name></member>");
}

TEST(SesV1Api, EventDestinationsAreChecked) {
  SesApiWorld world;
  world.MakeSet("main", {EventType::kDeliveryDelay});  // by v2: v1 cannot name this type
  EXPECT_NE(world
                .V1("DescribeConfigurationSet",
                    {{"ConfigurationSetName", "main"},
                     {"ConfigurationSetAttributeNames.member.1", "eventDestinations"}})
                .body.find("<MatchingEventTypes></MatchingEventTypes>"),
            std::string::npos);
  const auto create = [&](std::string_view name, std::string value) {
    Form form = DestinationForm(world);
    std::erase_if(form, [&](const auto& field) { return field.first == name; });
    form.emplace_back(name, std::move(value));
    return world.V1("CreateConfigurationSetEventDestination", form);
  };
  EXPECT_EQ(XmlText(create("EventDestination.Name", "events").body, "Code"),
            "EventDestinationAlreadyExists");
  EXPECT_EQ(
      XmlText(create("EventDestination.MatchingEventTypes.member.1", "deliveryDelay").body, "Code"),
      "ValidationError");
  // One kind a destination.
  EXPECT_EQ(
      XmlText(create("EventDestination.KinesisFirehoseDestination.IAMRoleARN", "x").body, "Code"),
      "InvalidParameterValue");
  EXPECT_EQ(XmlText(create("EventDestination.SNSDestination.TopicARN", "").body, "Code"),
            "InvalidParameterValue");
}

TEST(SesV1Api, DestinationsOfMetricsAndStreams) {
  SesApiWorld world;
  world.MakeSet("main", {EventType::kSend});
  const auto create = [&](const std::string& name, const Form& kind) {
    Form form = {{"ConfigurationSetName", "main"},
                 {"EventDestination.Name", name},
                 {"EventDestination.Enabled", "true"},
                 {"EventDestination.MatchingEventTypes.member.1", "send"}};
    form.insert(form.end(), kind.begin(), kind.end());
    return world.V1("CreateConfigurationSetEventDestination", form);
  };
  const auto dimension =
      [](const std::string& name, const std::string& source, const std::string& fallback) {
        const std::string at =
            "EventDestination.CloudWatchDestination.DimensionConfigurations.member.1.";
        return Form{{at + "DimensionName", name},
                    {at + "DimensionValueSource", source},
                    {at + "DefaultDimensionValue", fallback}};
      };
  EXPECT_EQ(create("figures", dimension("campaign", "messageTag", "none")).status, 200);
  const std::string shown =
      world
          .V1("DescribeConfigurationSet",
              {{"ConfigurationSetName", "main"},
               {"ConfigurationSetAttributeNames.member.1", "eventDestinations"}})
          .body;
  EXPECT_NE(shown.find("<DimensionConfigurations><member><DimensionName>campaign</DimensionName>"
                       "<DimensionValueSource>messageTag</DimensionValueSource>"
                       "<DefaultDimensionValue>none</DefaultDimensionValue></member>"),
            std::string::npos)
      << shown;
  for (const Form& bad : {dimension("a b", "messageTag", "x"),
                          dimension("a", "messageTag", "x y"),
                          dimension("a", "messageTag", ""),
                          dimension("Return-Path", "emailHeader", "x"),
                          dimension("to", "emailHeader", "x")}) {
    EXPECT_EQ(XmlText(create("bad", bad).body, "Code"), "InvalidCloudWatchDestination");
  }
  EXPECT_EQ(XmlText(create("bad", dimension("a", "moon", "x")).body, "Code"), "ValidationError");
  EXPECT_EQ(XmlText(create("bad",
                           {{"EventDestination.KinesisFirehoseDestination.DeliveryStreamARN",
                             "arn:aws:firehose:us-east-1:000000000000:deliverystream/none"}})
                        .body,
                    "Code"),
            "InvalidFirehoseDestination");
}

TEST(SesV1Api, NamesItsActionsForPolicies) {
  SesApiWorld world;
  net::HttpRequest http;
  http.method = "POST";
  http.target = "/";
  http.body = "Action=SendRawEmail";
  EXPECT_EQ(world.v1.ActionOf(http), "ses:SendRawEmail");
  http.body = "Action=Nonsense";
  EXPECT_EQ(world.v1.ActionOf(http), "");
  http.target = "/v2/email/identities/a%40b.example";
  http.method = "DELETE";
  EXPECT_EQ(world.v2.ActionOf(http), "ses:DeleteEmailIdentity");
}

}  // namespace
}  // namespace postglass::mail
