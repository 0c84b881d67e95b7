#include "mail/event_json.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/json.h"
#include "base/time_format.h"

namespace postglass::mail {
namespace {

json::object ReadSample(const std::string& name) {
  std::ifstream in(std::string(POSTGLASS_SOURCE_DIR) + "/tests/data/ses/event/" + name + ".json");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const Result<json::object> object = json::ParseObject(text);
  EXPECT_TRUE(object) << name;
  return object.value_or(json::object());
}

std::string Text(const json::object& object, std::string_view name) {
  return json::GetStringOr(object, name, "");
}

Timestamp Time(const json::object& object, std::string_view name) {
  return ParseIso8601(Text(object, name)).value();
}

std::vector<std::string> Strings(const json::value& list) {
  std::vector<std::string> strings;
  for (const json::value& item : list.as_array()) strings.emplace_back(item.as_string());
  return strings;
}

std::vector<BouncedRecipient> Recipients(const json::value& list) {
  std::vector<BouncedRecipient> recipients;
  for (const json::value& item : list.as_array()) {
    const json::object& o = item.as_object();
    recipients.push_back(
        {Text(o, "emailAddress"), Text(o, "action"), Text(o, "status"), Text(o, "diagnosticCode")});
  }
  return recipients;
}

// The samples are AWS's own; what this service would know of each mail is read back out of them.
EventDetail DetailOf(const json::object& sample) {
  const auto at = [&](std::string_view name) -> const json::object& {
    return sample.at(name).as_object();
  };
  const std::string type = Text(sample, "eventType");
  if (type == "Reject") return RejectDetail{Text(at("reject"), "reason")};
  if (type == "Delivery") {
    const json::object& o = at("delivery");
    DeliveryDetail detail;
    detail.at = Time(o, "timestamp");
    detail.processing_ms = o.at("processingTimeMillis").as_int64();
    detail.recipients = Strings(o.at("recipients"));
    detail.smtp_response = Text(o, "smtpResponse");
    detail.reporting_mta = Text(o, "reportingMTA");
    return detail;
  }
  if (type == "Bounce") {
    const json::object& o = at("bounce");
    BounceDetail detail;
    detail.type = Text(o, "bounceType");
    detail.sub_type = Text(o, "bounceSubType");
    detail.recipients = Recipients(o.at("bouncedRecipients"));
    detail.at = Time(o, "timestamp");
    detail.feedback_id = Text(o, "feedbackId");
    detail.reporting_mta = Text(o, "reportingMTA");
    return detail;
  }
  if (type == "Complaint") {
    const json::object& o = at("complaint");
    ComplaintDetail detail;
    for (const BouncedRecipient& r : Recipients(o.at("complainedRecipients"))) {
      detail.recipients.push_back(r.address);
    }
    detail.at = Time(o, "timestamp");
    detail.feedback_id = Text(o, "feedbackId");
    detail.user_agent = Text(o, "userAgent");
    detail.feedback_type = Text(o, "complaintFeedbackType");
    detail.arrival_date = Time(o, "arrivalDate");
    return detail;
  }
  if (type == "Open") {
    const json::object& o = at("open");
    return OpenDetail{Time(o, "timestamp"), Text(o, "ipAddress"), Text(o, "userAgent")};
  }
  if (type == "Click") {
    const json::object& o = at("click");
    ClickDetail detail{
        Time(o, "timestamp"), Text(o, "ipAddress"), Text(o, "userAgent"), Text(o, "link"), {}};
    for (const auto& tag : o.at("linkTags").as_object()) {
      detail.link_tags.emplace_back(std::string(tag.key()), Strings(tag.value()));
    }
    return detail;
  }
  if (type == "Rendering Failure") {
    const json::object& o = at("failure");
    return RenderingFailureDetail{Text(o, "templateName"), Text(o, "errorMessage")};
  }
  if (type == "DeliveryDelay") {
    const json::object& o = at("deliveryDelay");
    DeliveryDelayDetail detail;
    detail.type = Text(o, "delayType");
    detail.recipients = Recipients(o.at("delayedRecipients"));
    detail.expires_at = Time(o, "expirationTime");
    detail.at = Time(o, "timestamp");
    return detail;
  }
  EXPECT_EQ(type, "Send");
  return SendDetail{};
}

MailEvent EventOf(const json::object& sample) {
  return {{"", "ConfigSet", json::Serialize(sample.at("mail").as_object())}, DetailOf(sample), {}};
}

std::vector<std::string> Keys(const json::object& object) {
  std::vector<std::string> keys;
  for (const auto& member : object) keys.emplace_back(member.key());
  return keys;
}

TEST(RenderEvent, EqualsAwsSamples) {
  for (const std::string name : {"send",
                                 "reject",
                                 "delivery",
                                 "bounce",
                                 "complaint",
                                 "open",
                                 "click",
                                 "rendering-failure",
                                 "deliverydelay"}) {
    SCOPED_TRACE(name);
    json::object expected = ReadSample(name);
    const std::string rendered = RenderEvent(EventOf(expected), {});
    const Result<json::object> actual = json::ParseObject(rendered);
    ASSERT_TRUE(actual) << rendered;
    // Recorded events have this member, null; the documentation's sample leaves it out.
    if (name == "complaint") expected["complaint"].as_object()["complaintSubType"] = nullptr;
    EXPECT_EQ(*actual, expected) << rendered;
    EXPECT_EQ(Keys(*actual), Keys(expected));
    EXPECT_EQ(rendered.find('\n'), std::string::npos);
  }
}

TEST(RenderEvent, AddsTagsToEveryShapeOfMailObject) {
  const std::string tails[] = {
      R"({"messageId":"m","tags":{"a":["1"]}})",                       // as BuildMailObject() ends
      R"({"tags":{"a":["1"]},"messageId":"m"})",                       // tags not last
      R"({"messageId":"m","x":"\"tags\":{","tags":{"a":["}"]}})",      // quoting tricks
      R"({"messageId":"m","tags":{}})",                                // empty
      R"({"messageId":"m","commonHeaders":{"to":["a"]}})",             // none
      R"({"messageId":"m","tags":{"postglass":["old"],"a":["1"]}})"};  // name taken
  for (const std::string& mail : tails) {
    MailEvent event{{"m", "s", mail}, DeliveryDetail{}, {{"postglass", "captured"}}};
    const Result<json::object> record =
        json::ParseObject(RenderEvent(event, {.outgoing_ip = "192.0.2.7"}));
    ASSERT_TRUE(record) << mail;
    const json::object& tags = record->at("mail").as_object().at("tags").as_object();
    EXPECT_EQ(Strings(tags.at("postglass")).back(), "captured") << mail;
    EXPECT_EQ(Strings(tags.at("ses:outgoing-ip")), std::vector<std::string>{"192.0.2.7"}) << mail;
    if (mail.find("\"old\"") != std::string::npos) {
      EXPECT_EQ(Strings(tags.at("postglass")), (std::vector<std::string>{"old", "captured"}));
    }
    EXPECT_EQ(record->at("mail").as_object().at("messageId"), "m");
  }
}

TEST(RenderEvent, OnlyConnectionsHaveAnOutgoingIp) {
  const EventRendering rendering{.outgoing_ip = "192.0.2.7"};
  const std::string mail = R"({"tags":{"a":["1"]}})";
  const auto has_ip = [&](EventDetail detail, std::vector<MessageTag> extra) {
    return RenderEvent({{"m", "s", mail}, std::move(detail), std::move(extra)}, rendering)
        .find("ses:outgoing-ip");
  };
  EXPECT_NE(has_ip(DeliveryDetail{}, {}), std::string::npos);
  EXPECT_NE(has_ip(BounceDetail{}, {}), std::string::npos);
  EXPECT_EQ(has_ip(SendDetail{}, {}), std::string::npos);
  EXPECT_EQ(has_ip(ComplaintDetail{}, {}), std::string::npos);
  EXPECT_EQ(has_ip(OpenDetail{}, {}), std::string::npos);
  const std::string own = RenderEvent(
      {{"m", "s", mail}, DeliveryDetail{}, {{"ses:outgoing-ip", "198.51.100.1"}}}, rendering);
  EXPECT_NE(own.find(R"("ses:outgoing-ip":["198.51.100.1"])"), std::string::npos);
}

TEST(RenderEvent, ShowsTheRelayOnlyWhenThereWasOne) {
  DeliveryDetail detail;
  EXPECT_EQ(RenderEvent({{"m", "s", "{}"}, detail, {}}, {}).find("tlsVersion"), std::string::npos);
  detail.tls_version = "TLSv1.3";
  detail.remote_host = "relay.example.com";
  detail.remote_mta_ip = "192.0.2.9";
  const std::string record = RenderEvent({{"m", "s", "{}"}, detail, {}}, {});
  EXPECT_NE(
      record.find(
          R"("remoteMtaIp":"192.0.2.9","remoteHost":"relay.example.com","tlsVersion":"TLSv1.3")"),
      std::string::npos);
}

// --- the mail object ----------------------------------------------------------------------------

struct Given {
  std::string message;
  std::vector<std::string> destinations = {"recipient@example.com"};
  std::vector<MessageTag> tags = {};
  std::string set = "ConfigSet";
};

std::string BuildFrom(const Given& given) {
  const aws::Account account{"us-east-1", "123456789012"};
  const Result<HeaderBlock> header = HeaderBlock::Scan(given.message);
  EXPECT_TRUE(header);
  return BuildMailObject(
      {.account = account,
       .message_id = "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
       .accepted_at = *ParseIso8601("2016-10-14T05:02:16.645Z"),
       .source = "sender@example.com",
       .source_identity = "sender@example.com",
       .destinations = given.destinations,
       .header = *header,
       .operation = "SendRawEmail",
       .configuration_set = given.set,
       .source_ip = "192.0.2.0",
       .caller = "ses_user",
       .tags = given.tags});
}

TEST(BuildMailObject, EqualsAwsSampleOfASend) {
  json::object expected = ReadSample("send").at("mail").as_object();
  std::string message;
  for (const json::value& header : expected.at("headers").as_array()) {
    message += Text(header.as_object(), "name") + ": " + Text(header.as_object(), "value") + "\r\n";
  }
  const Result<json::object> actual = json::ParseObject(BuildFrom(
      {.message = message + "\r\n",
       .tags = {{"myCustomTag1", "myCustomTagValue1"}, {"myCustomTag2", "myCustomTagValue2"}}}));
  ASSERT_TRUE(actual);
  // Every recorded event has it, though the documentation's sample does not.
  expected.at("tags").as_object()["ses:operation"] = json::array{"SendRawEmail"};
  EXPECT_EQ(*actual, expected) << json::Serialize(*actual);
  EXPECT_EQ(Keys(*actual), Keys(expected));
}

TEST(BuildMailObject, TakesCommonHeadersApart) {
  const Result<json::object> mail = json::ParseObject(
      BuildFrom({.message = "From: =?UTF-8?Q?J=C3=BCrgen?= <j@example.com>\r\n"
                            "Reply-To: a@example.com, b@example.com\r\n"
                            "To: \"Last, First\" <c@example.com>,\r\n d@example.com\r\n"
                            "Cc: this is; not an address\r\n"
                            "Return-Path: <r@example.com>\r\n"
                            "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
                            "Message-ID: <mine@example.com>\r\n"
                            "Subject: =?UTF-8?B?Y2Fmw6k=?=\r\n\r\n"}));
  ASSERT_TRUE(mail);
  const json::object& common = mail->at("commonHeaders").as_object();
  EXPECT_EQ(Strings(common.at("from")), std::vector<std::string>{"J\xC3\xBCrgen <j@example.com>"});
  EXPECT_EQ(Strings(common.at("replyTo")),
            (std::vector<std::string>{"a@example.com", "b@example.com"}));
  EXPECT_EQ(Strings(common.at("to")),
            (std::vector<std::string>{"\"Last, First\" <c@example.com>", "d@example.com"}));
  EXPECT_EQ(Strings(common.at("cc")), std::vector<std::string>{"this is; not an address"});
  EXPECT_EQ(Text(common, "subject"), "caf\xC3\xA9");
  EXPECT_EQ(Text(common, "messageId"),
            "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000");
  // The headers themselves stay as they were given.
  EXPECT_EQ(mail->at("headers").as_array()[7].as_object().at("value"), "=?UTF-8?B?Y2Fmw6k=?=");
}

TEST(BuildMailObject, WithoutFromThereIsNoDomain) {
  const Result<json::object> mail = json::ParseObject(BuildFrom({.message = "", .set = ""}));
  ASSERT_TRUE(mail);
  EXPECT_TRUE(mail->at("headers").as_array().empty());
  EXPECT_EQ(Keys(mail->at("tags").as_object()),
            (std::vector<std::string>{"ses:operation", "ses:source-ip", "ses:caller-identity"}));
  EXPECT_EQ(Keys(mail->at("commonHeaders").as_object()), std::vector<std::string>{"messageId"});
}

TEST(BuildMailObject, TruncatesHeadersAt10Kilobytes) {
  std::string message = "From: a@example.com\r\n";
  for (int i = 0; i < 30; ++i) message += "X-Pad: " + std::string(495, 'x') + "\r\n";
  message += "Subject: last\r\n\r\n";
  const Result<json::object> mail = json::ParseObject(BuildFrom({.message = message}));
  ASSERT_TRUE(mail);
  EXPECT_TRUE(mail->at("headersTruncated").as_bool());
  EXPECT_EQ(mail->at("headers").as_array().size(), 21u);
  EXPECT_EQ(Text(mail->at("commonHeaders").as_object(), "subject"), "last");
}

TEST(BuildMailObject, RepeatedTagsShareOneArray) {
  const Result<json::object> mail = json::ParseObject(
      BuildFrom({.message = "\r\n", .tags = {{"a", "1"}, {"b", "2"}, {"a", "3"}}}));
  ASSERT_TRUE(mail);
  const json::object& tags = mail->at("tags").as_object();
  EXPECT_EQ(Strings(tags.at("a")), (std::vector<std::string>{"1", "3"}));
  EXPECT_EQ(Strings(tags.at("b")), std::vector<std::string>{"2"});
}

TEST(BuildMailObject, IsJsonWhateverTheHeadersHold) {
  const std::string message = "From: \xFF\xFE<a@example.com>\r\nSubject: \x01\"\\\r\n\r\n";
  EXPECT_TRUE(json::ParseObject(BuildFrom({.message = message})));
}

}  // namespace
}  // namespace postglass::mail
