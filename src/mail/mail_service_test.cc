#include "mail/mail_service.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/json.h"
#include "mail/mail_testing.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

using Kind = SendError::Kind;

Submission Raw(std::string raw) {
  Submission submission;
  submission.operation = "SendRawEmail";
  submission.raw = std::move(raw);
  submission.source_ip = "192.0.2.0";
  submission.caller = "app";
  return submission;
}

constexpr std::string_view kSimple =
    "From: Alice <alice@example.com>\r\nTo: bob@example.net\r\nSubject: Hi\r\n\r\nHello\r\n";

const SendError& ErrorOf(const SendOutcome& outcome) {
  static const SendError none;
  const auto* error = std::get_if<SendError>(&outcome);
  EXPECT_NE(error, nullptr);
  return error != nullptr ? *error : none;
}

json::object MailObject(const Mail& mail) { return json::ParseObject(mail.mail_object).value(); }

json::object Tags(const Mail& mail) { return MailObject(mail).at("tags").as_object(); }

TEST(MailService, MakesTheMailThatTheSpoolKeeps) {
  MailWorld world;
  world.MakeSet("main", {EventType::kSend});
  Submission submission =
      Raw("From: Alice <alice@example.com>\nTo: bob@example.net\nBcc: carol@example.org\n"
          "Subject: =?UTF-8?Q?caf=C3=A9?=\nX-SES-CONFIGURATION-SET: main\n"
          "X-SES-MESSAGE-TAGS: kind=reset, n=1\n\nHello\n");
  const SendOutcome outcome = world.service.Send(submission);
  ASSERT_TRUE(std::holds_alternative<std::string>(outcome));
  ASSERT_EQ(world.spool.mails().size(), 1u);
  const Mail mail = world.spool.mails()[0];
  EXPECT_EQ(mail.message_id, std::get<std::string>(outcome));
  EXPECT_EQ(MessageIdTime(mail.message_id), Timestamp::FromMillis(world.clock.Now().millis()));
  EXPECT_EQ(mail.source, "Alice <alice@example.com>");
  EXPECT_EQ(mail.envelope_from, "alice@example.com");
  EXPECT_EQ(mail.recipients, (std::vector<std::string>{"bob@example.net", "carol@example.org"}));
  EXPECT_EQ(mail.subject, "caf\xC3\xA9");
  EXPECT_EQ(mail.configuration_set, "main");
  EXPECT_EQ(mail.raw,
            "Message-ID: <" + mail.message_id +
                "@email.amazonses.com>\r\nDate: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
                "From: Alice <alice@example.com>\r\nTo: bob@example.net\r\n"
                "Subject: =?UTF-8?Q?caf=C3=A9?=\r\n\r\nHello\r\n");
  const json::object object = MailObject(mail);
  EXPECT_EQ(object.at("sourceArn"),
            "arn:aws:ses:us-east-1:123456789012:identity/alice@example.com");
  EXPECT_EQ(object.at("headers").as_array().size(), 6u);  // X-SES-* and Bcc are shown
  EXPECT_EQ(json::Serialize(Tags(mail)),
            R"({"ses:operation":["SendRawEmail"],"ses:configuration-set":["main"],)"
            R"("ses:source-ip":["192.0.2.0"],"ses:from-domain":["example.com"],)"
            R"("kind":["reset"],"n":["1"],"ses:caller-identity":["app"]})");
  EXPECT_EQ(world.account_state->SentLast24Hours(), 2);
}

TEST(MailService, TheCallersWordBeatsTheHeaders) {
  MailWorld world;
  world.MakeSet("main", {EventType::kSend});
  world.MakeSet("other", {EventType::kSend});
  Submission submission =
      Raw("X-SES-CONFIGURATION-SET: main\r\nX-SES-MESSAGE-TAGS: a=1\r\n" + std::string(kSimple));
  submission.configuration_set = "other";
  submission.tags = {{"b", "2"}};
  submission.source = "Shop <shop@example.org>";
  submission.envelope_from = "bounces@example.org";
  submission.destinations = {"Dora <dora@example.net>", "dora@example.net"};
  ASSERT_TRUE(std::holds_alternative<std::string>(world.service.Send(submission)));
  const Mail mail = world.spool.mails()[0];
  EXPECT_EQ(mail.configuration_set, "other");
  EXPECT_EQ(mail.source, "Shop <shop@example.org>");
  EXPECT_EQ(mail.envelope_from, "bounces@example.org");
  EXPECT_EQ(mail.recipients, std::vector<std::string>{"dora@example.net"});
  EXPECT_FALSE(Tags(mail).contains("a"));
  EXPECT_TRUE(Tags(mail).contains("b"));
}

TEST(MailService, ResolvesTheConfigurationSet) {
  MailWorld world;
  const auto set_of = [&](std::string raw) {
    const SendOutcome outcome = world.service.Send(Raw(std::move(raw)));
    EXPECT_TRUE(std::holds_alternative<std::string>(outcome));
    return world.spool.mails().back().configuration_set;
  };
  EXPECT_EQ(set_of(std::string(kSimple)), "");
  world.MakeSet("default", {EventType::kSend});
  EXPECT_EQ(set_of(std::string(kSimple)), "default");
  world.MakeSet("of-identity", {EventType::kSend});
  Identity identity;
  identity.name = "example.com";
  identity.configuration_set = "of-identity";
  ASSERT_FALSE(world.identities->Create(identity));
  EXPECT_EQ(set_of(std::string(kSimple)), "of-identity");
  world.MakeSet("of-header", {EventType::kSend});
  EXPECT_EQ(set_of("X-Ses-Configuration-Set: of-header\r\n" + std::string(kSimple)), "of-header");
}

TEST(MailService, ADestinationThatWantsOpensOrClicksHasTheMessageRewritten) {
  MailWorld world;
  world.MakeSet("opens", {EventType::kOpen});
  world.MakeSet("both", {EventType::kOpen, EventType::kClick});
  world.MakeSet("neither", {EventType::kSend});
  const auto raw_in = [&](const std::string& set) {
    Submission submission = Raw(std::string(kSimple));
    submission.configuration_set = set;
    EXPECT_TRUE(std::holds_alternative<std::string>(world.service.Send(submission)));
    return world.spool.mails().back();
  };
  Mail mail = raw_in("opens");
  EXPECT_TRUE(mail.raw.ends_with("tracked opens " + mail.message_id + "\r\n"));
  mail = raw_in("both");
  EXPECT_TRUE(mail.raw.ends_with("tracked opens clicks " + mail.message_id + "\r\n"));
  EXPECT_EQ(raw_in("neither").raw.find("tracked"), std::string::npos);
  EventDestination disabled = world.sets->Find("both")->destinations[0];
  disabled.enabled = false;
  ASSERT_FALSE(world.sets->UpdateDestination("both", disabled));
  EXPECT_EQ(raw_in("both").raw.find("tracked"), std::string::npos);
}

TEST(MailService, RefusesInSesWords) {
  MailWorld world;
  world.MakeSet("paused", {EventType::kSend});
  ASSERT_FALSE(world.sets->Update("paused", [](ConfigurationSet& set) -> SesOutcome {
    set.sending_enabled = false;
    return std::nullopt;
  }));
  const std::string simple(kSimple);

  struct Case {
    Kind kind;
    std::string message;
    std::string raw;
    std::function<void(Submission&)> change = [](Submission&) {};
  };

  const Case cases[] = {
      {Kind::kInvalidParameter, "Missing required header 'From'.", "To: a@b.c\r\n\r\n"},
      {Kind::kInvalidParameter, "Missing required header 'To'.", "From: a@b.c\r\n\r\n"},
      {Kind::kInvalidParameter, "Missing final '@domain'", "From: alice\r\nTo: a@b.c\r\n\r\n"},
      {Kind::kInvalidParameter, "Duplicate header 'From'.", "from: x@y.z\r\n" + simple},
      {Kind::kInvalidParameter,
       "Missing final '@domain'",
       simple,
       [](Submission& s) { s.destinations = {"bob"}; }},
      {Kind::kInvalidParameter,
       "Illegal address",
       simple,
       [](Submission& s) { s.destinations = {""}; }},
      {Kind::kInvalidParameter,
       "Missing domain",
       simple,
       [](Submission& s) { s.envelope_from = "bounces@"; }},
      {Kind::kInvalidParameter,
       "Recipient count exceeds 50.",
       simple,
       [](Submission& s) {
         for (int i = 0; i < 51; ++i) s.destinations.push_back(std::to_string(i) + "@b.c");
       }},
      {Kind::kInvalidParameter,
       "The tag value must be specified.",
       simple,
       [](Submission& s) {
         s.tags = {{"a", ""}};
       }},
      {Kind::kInvalidParameter,
       "The tag value must be specified.",
       "X-SES-MESSAGE-TAGS: lonely\r\n" + simple},
      {Kind::kMessageTooLong,
       "Message length is more than 10 bytes long: '" + std::to_string(simple.size()) + "'.",
       simple,
       [](Submission& s) { s.message_bytes_max = 10; }},
      {Kind::kConfigurationSetDoesNotExist,
       "Configuration set <gone> does not exist.",
       "X-SES-CONFIGURATION-SET: gone\r\n" + simple},
      {Kind::kConfigurationSetSendingPaused,
       "Sending is paused for configuration set <paused>.",
       simple,
       [](Submission& s) { s.configuration_set = "paused"; }},
  };
  for (const Case& c : cases) {
    Submission submission = Raw(c.raw);
    c.change(submission);
    const SendOutcome outcome = world.service.Send(submission);
    EXPECT_EQ(ErrorOf(outcome).kind, c.kind) << c.message;
    EXPECT_EQ(ErrorOf(outcome).message, c.message);
  }
  EXPECT_TRUE(world.spool.mails().empty());
  ASSERT_FALSE(world.account_state->SetSendingEnabled(false));
  EXPECT_EQ(ErrorOf(world.service.Send(Raw(simple))).kind, Kind::kAccountSendingPaused);
}

TEST(MailService, WithoutFromTheSourceWillDo) {
  MailWorld world;
  Submission submission = Raw("");
  submission.source = "alice@example.com";
  submission.destinations = {"bob@example.net"};
  ASSERT_TRUE(std::holds_alternative<std::string>(world.service.Send(submission)));
  EXPECT_FALSE(Tags(world.spool.mails()[0]).contains("ses:from-domain"));
}

TEST(MailService, EverySenderMustBeVerifiedWhenThatIsAsked) {
  MailWorld world({.require_verified = true});
  ASSERT_FALSE(world.identities->Ensure("example.com"));
  EXPECT_TRUE(std::holds_alternative<std::string>(world.service.Send(Raw(std::string(kSimple)))));
  EXPECT_EQ(MailObject(world.spool.mails()[0]).at("sourceArn"),
            "arn:aws:ses:us-east-1:123456789012:identity/example.com");
  Submission submission = Raw("Sender: s@other.example\r\n" + std::string(kSimple));
  submission.source = "a@third.example";
  submission.envelope_from = "b@fourth.example";
  const SendOutcome outcome = world.service.Send(submission);
  EXPECT_EQ(ErrorOf(outcome).kind, Kind::kMessageRejected);
  EXPECT_EQ(ErrorOf(outcome).message,
            "Email address is not verified. The following identities failed the check in region "
            "US-EAST-1: a@third.example, b@fourth.example, s@other.example");
}

TEST(MailService, KeepsToRateAndQuota) {
  MailWorld slow({.quotas = {.max_send_rate = 1}});
  Submission fifty = Raw(std::string(kSimple));
  for (int i = 0; i < 50; ++i) fifty.destinations.push_back(std::to_string(i) + "@b.example");
  EXPECT_TRUE(std::holds_alternative<std::string>(slow.service.Send(fifty)));
  const SendOutcome rate = slow.service.Send(fifty);
  EXPECT_EQ(ErrorOf(rate).kind, Kind::kRateExceeded);
  EXPECT_EQ(ErrorOf(rate).message, "Maximum sending rate exceeded.");

  MailWorld small({.quotas = {.max_24_hour_send = 0}});
  const SendOutcome quota = small.service.Send(Raw(std::string(kSimple)));
  EXPECT_EQ(ErrorOf(quota).kind, Kind::kDailyQuotaExceeded);
  EXPECT_EQ(ErrorOf(quota).message, "Daily message quota exceeded.");
  EXPECT_TRUE(std::holds_alternative<std::string>(
      small.service.Send(Raw("From: a@b.example\r\nTo: bounce@simulator.amazonses.com\r\n\r\n"))));
}

TEST(MailService, WhatIsNotDurableIsNotAccepted) {
  MailWorld world;
  world.spool.FailWith(Error{ErrorCode::kDiskFull, "no space left in spool/"});
  EXPECT_EQ(ErrorOf(world.service.Send(Raw(std::string(kSimple)))).kind, Kind::kUnavailable);
  const std::string metrics = world.metrics.Render();
  EXPECT_NE(
      metrics.find(R"(postglass_mail_refused_total{door="SendRawEmail",reason="unavailable"} 1)"),
      std::string::npos)
      << metrics;
  world.spool.FailWith(std::nullopt);
  EXPECT_TRUE(std::holds_alternative<std::string>(world.service.Send(Raw(std::string(kSimple)))));
  EXPECT_NE(world.metrics.Render().find(R"(postglass_mail_accepted_total{door="SendRawEmail"} 1)"),
            std::string::npos);
}

TEST(MailService, HostileMessagesAreRefusedOrKeptWhole) {
  MailWorld world;
  std::string many_headers = std::string(kSimple);
  for (int i = 0; i < 2000; ++i) many_headers.insert(0, "X-A: b\r\n");
  EXPECT_EQ(ErrorOf(world.service.Send(Raw(many_headers))).kind, Kind::kInvalidParameter);
  // A bare carriage return must not hide a second header from the check and show it to a relay.
  Submission smuggled = Raw("From: a@b.example\r\nTo: c@d.example\rBcc: e@f.example\r\n\r\nx\r\n");
  ASSERT_TRUE(std::holds_alternative<std::string>(world.service.Send(smuggled)));
  EXPECT_EQ(world.spool.mails()[0].recipients,
            (std::vector<std::string>{"c@d.example", "e@f.example"}));
  EXPECT_EQ(world.spool.mails()[0].raw.find("Bcc"), std::string::npos);
}

TEST(MailService, APolicyOfTheIdentityMayDeny) {
  MailWorld world;
  Identity identity;
  identity.name = "example.com";
  identity.policies["only-smtp"] =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",)"
      R"("Action":["ses:SendEmail"],"Resource":"*"},{"Effect":"Deny","Principal":"*",)"
      R"("Action":"ses:*","Resource":"arn:aws:ses:us-east-1:123456789012:identity/example.com",)"
      R"("Condition":{"StringNotLike":{"ses:FromAddress":"*@example.com"}}}]})";
  ASSERT_FALSE(world.identities->Create(identity));
  const auto send = [&world](std::string operation, std::string from) {
    Submission submission;
    submission.operation = std::move(operation);
    submission.caller = "alice";
    submission.raw = "From: " + from + "\r\nTo: b@example.org\r\n\r\nx";
    return world.service.Send(std::move(submission));
  };
  for (const char* operation : {"SendRawEmail", "SendSmtpEmail"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(send(operation, "a@example.com")));
  }
  const SendOutcome denied = send("SendEmail", "a@example.com");
  ASSERT_TRUE(std::holds_alternative<SendError>(denied));
  EXPECT_EQ(std::get<SendError>(denied).kind, SendError::Kind::kAccessDenied);
  EXPECT_EQ(std::get<SendError>(denied).message,
            "User `arn:aws:iam::123456789012:user/alice' is not authorized to perform "
            "`ses:SendEmail' on resource "
            "`arn:aws:ses:us-east-1:123456789012:identity/example.com'");
  EXPECT_TRUE(std::holds_alternative<SendError>(send("SendRawEmail", "a@sub.example.com")));
  EXPECT_TRUE(std::holds_alternative<std::string>(send("SendEmail", "a@example.org")));
}

}  // namespace
}  // namespace postglass::mail
