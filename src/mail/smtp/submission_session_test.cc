#include "mail/smtp/submission_session.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "aws/sigv4.h"
#include "base/clock_testing.h"
#include "base/encoding.h"
#include "base/random_testing.h"

namespace postglass::mail {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Next = net::SmtpSession::Next;

constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

class Keys final : public aws::CredentialStore {
 public:
  std::optional<aws::Credential> Find(std::string_view id) const override {
    if (id == "AKIAUSER") return aws::Credential{"AKIAUSER", kSecret, "alice", {"*"}};
    if (id == "AKIAREAD") return aws::Credential{"AKIAREAD", kSecret, "bob", {"sns:*"}};
    return std::nullopt;
  }
};

class ScriptedMailer final : public Mailer {
 public:
  SendOutcome Send(Submission submission) override {
    submissions.push_back(std::move(submission));
    return outcome;
  }

  SendOutcome outcome = std::string("0100id-000000");
  std::vector<Submission> submissions;
};

struct World {
  Keys keys;
  ScriptedMailer mailer;
  SeededRandom random{2};
  Metrics metrics;
  ManualClock clock;
  ClientGuard guard{clock, {.failures_max = 4}};
  SubmissionSession session = NewSession();

  SubmissionSession NewSession(std::string address = "192.0.2.5") {
    return {{{}, keys, mailer, random, metrics, guard, 1000}, {std::move(address), false}};
  }
};

std::string Plain(std::string_view user, std::string_view password) {
  return Base64Encode(std::string("\0", 1) + std::string(user) + std::string("\0", 1) +
                      std::string(password));
}

std::string Password() { return aws::SmtpPassword(kSecret, "us-east-1"); }

// One line a step: ">" command, "=" raw line of an AUTH dialogue, "." message, "tls" the handshake,
// "<" what the reply begins with, "~" that the connection is closed with it.
void Talk(World& world, const std::vector<std::string>& steps) {
  std::string reply = world.session.Greeting().ToString();
  Next next = Next::kCommand;
  bool close = false;
  for (const std::string& step : steps) {
    const std::string rest = step.substr(1);
    net::SmtpSession::Answer answer;
    switch (step[0]) {
      case '<':
        EXPECT_THAT(reply, StartsWith(rest));
        continue;
      case '~':
        EXPECT_TRUE(close);
        continue;
      case 't':
        EXPECT_EQ(next, Next::kStartTls);
        world.session.TlsStarted();
        next = Next::kCommand;
        continue;
      case '>':
        ASSERT_EQ(next, Next::kCommand) << step;
        answer = world.session.Command(rest);
        break;
      case '=':
        ASSERT_EQ(next, Next::kLine) << step;
        answer = world.session.Line(rest);
        break;
      default:
        ASSERT_EQ(next, Next::kData) << step;
        answer = world.session.Data(rest == "too long" ? std::nullopt : std::optional(rest));
    }
    reply = answer.reply.ToString();
    close = answer.reply.close;
    next = answer.next;
  }
}

// Behind TLS and logged in.
std::vector<std::string> LoggedIn(std::vector<std::string> steps) {
  std::vector<std::string> all = {">STARTTLS",
                                  "tls",
                                  ">EHLO me",
                                  ">AUTH PLAIN " + Plain("AKIAUSER", Password()),
                                  "<235 Authentication successful."};
  all.insert(all.end(), steps.begin(), steps.end());
  return all;
}

TEST(SubmissionSession, TakesAMailAsSesDoes) {
  World world;
  Talk(world,
       {"<220 email-smtp.amazonaws.com ESMTP SimpleEmailService-",
        ">EHLO client.example",
        "<250-email-smtp.amazonaws.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-STARTTLS\r\n250-"
        "SIZE 1000\r\n250 Ok",
        ">starttls",
        "<220 Ready to start TLS",
        "tls",
        ">EHLO client.example",
        "<250-email-smtp.amazonaws.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN "
        "LOGIN\r\n250-SIZE "
        "1000\r\n250 Ok",
        ">AUTH PLAIN " + Plain("AKIAUSER", Password()),
        "<235 Authentication successful.",
        ">MAIL FROM:<alice@example.com> SIZE=500 BODY=8BITMIME",
        "<250 Ok",
        ">rcpt to:<bob@example.com>",
        "<250 Ok",
        ">RCPT TO:<carol@example.com>",
        "<250 Ok",
        ">DATA",
        "<354 End data with <CR><LF>.<CR><LF>",
        ".Subject: x\r\n\r\nHello\r\n",
        "<250 Ok 0100id-000000\r\n",
        ">MAIL FROM:<alice@example.com>",
        "<250 Ok",
        ">RSET",
        "<250 Ok",
        ">RCPT TO:<bob@example.com>",
        "<503",
        ">NOOP",
        "<250 Ok",
        ">VRFY bob",
        "<252",
        ">QUIT",
        "<221",
        "~"});
  ASSERT_EQ(world.mailer.submissions.size(), 1U);
  const Submission& submission = world.mailer.submissions[0];
  EXPECT_EQ(submission.operation, "SendSmtpEmail");
  EXPECT_EQ(submission.envelope_from, "alice@example.com");
  EXPECT_THAT(submission.destinations, ElementsAre("bob@example.com", "carol@example.com"));
  EXPECT_EQ(submission.raw, "Subject: x\r\n\r\nHello\r\n");
  EXPECT_EQ(submission.source_ip, "192.0.2.5");
  EXPECT_EQ(submission.caller, "alice");
  EXPECT_EQ(submission.configuration_set, std::nullopt);
  EXPECT_EQ(submission.message_bytes_max, 1000U);
}

TEST(SubmissionSession, WantsTlsThenLoginThenTheRightOrder) {
  World world;
  Talk(world,
       {">MAIL FROM:<a@b.c>",
        "<530 Must issue a STARTTLS command first",
        ">AUTH PLAIN x",
        "<530 Must issue a STARTTLS command first",
        ">EHLO",
        "<501",
        ">EHLO me",
        ">DATA",
        "<530 Must issue",
        ">STARTTLS now",
        "<501",
        ">STARTTLS",
        "tls",
        ">MAIL FROM:<a@b.c>",
        "<503",
        ">AUTH PLAIN x",
        "<503",
        ">EHLO me",
        ">MAIL FROM:<a@b.c>",
        "<530 Authentication required",
        ">RCPT TO:<a@b.c>",
        "<530 Authentication required",
        ">DATA",
        "<530 Authentication required",
        ">STARTTLS",
        "<503",
        ">BDAT 10",
        "<500"});
  World second;
  Talk(second,
       LoggedIn({">RCPT TO:<a@b.c>",
                 "<503 Error: need MAIL command",
                 ">DATA",
                 "<503 Error: need MAIL command",
                 ">MAIL FROM:<a@b.c>",
                 "<250",
                 ">MAIL FROM:<a@b.c>",
                 "<503 Error: nested MAIL",
                 ">AUTH LOGIN",
                 "<503 Already authenticated",
                 ">DATA",
                 "<503 Error: need RCPT command",
                 ">EHLO me",
                 ">RCPT TO:<a@b.c>",
                 "<503 Error: need MAIL",
                 ">MAIL TO:<a@b.c>",
                 "<501",
                 ">MAIL FROM:",
                 "<501",
                 ">MAIL FROM:<nonsense>",
                 "<553 <nonsense> Invalid",
                 ">MAIL FROM:<>",
                 "<250",
                 ">RCPT TO:<nonsense>",
                 "<553",
                 ">RCPT TO:<>",
                 "<553",
                 ">RCPT TO:<a@b.c> NOTIFY=NEVER",
                 "<555"}));
}

TEST(SubmissionSession, LogsInByEveryDialogue) {
  const std::vector<std::string> start = {">STARTTLS", "tls", ">EHLO me"};
  const std::string user = Base64Encode("AKIAUSER");
  const std::string password = Base64Encode(Password());
  const std::vector<std::vector<std::string>> dialogues = {
      {">AUTH plain", "<334 \r\n", "=" + Plain("AKIAUSER", Password()), "<235"},
      {">AUTH LOGIN", "<334 VXNlcm5hbWU6", "=" + user, "<334 UGFzc3dvcmQ6", "=" + password, "<235"},
      {">AUTH LOGIN " + user, "<334 UGFzc3dvcmQ6", "=" + password, "<235"},
      {">AUTH LOGIN", "=*", "<501", ">AUTH PLAIN", "=*", "<501"},
      {">AUTH LOGIN", "=%%%", "<501"},
      {">AUTH LOGIN", "==", "<334", "==", "<535"},
      {">AUTH PLAIN " + Base64Encode("no zeros"), "<501"},
      {">AUTH CRAM-MD5", "<504"},
      {">AUTH", "<504"},
      {">AUTH PLAIN " + Plain("AKIAUSER", kSecret), "<535 Authentication Credentials Invalid"},
      {">AUTH PLAIN " + Plain("AKIANONE", Password()), "<535 Authentication Credentials Invalid"},
      {">AUTH PLAIN " + Plain("", ""), "<535"},
      {">AUTH PLAIN " + Plain("AKIAUSER", aws::SmtpPassword(kSecret, "eu-west-1")), "<535"},
      {">AUTH PLAIN " + Plain("x", "y"),
       "<535",
       ">AUTH PLAIN " + Plain("x", "y"),
       "<535",
       ">AUTH PLAIN " + Plain("x", "y"),
       "<535",
       "~"},
  };
  for (const auto& dialogue : dialogues) {
    World world;
    std::vector<std::string> steps = start;
    steps.insert(steps.end(), dialogue.begin(), dialogue.end());
    SCOPED_TRACE(dialogue[0]);
    Talk(world, steps);
    EXPECT_EQ(world.session.logged_in(), dialogue.back() == "<235");
  }
}

TEST(SubmissionSession, NothingSaidBeforeTlsCounts) {
  World world;
  Talk(world, LoggedIn({">MAIL FROM:<a@b.c>", "<250"}));
  world.session.TlsStarted();
  EXPECT_FALSE(world.session.logged_in());
  EXPECT_EQ(world.session.Command("RCPT TO:<a@b.c>").reply.code, 503);
}

TEST(SubmissionSession, RefusesWhatIsTooMuch) {
  World world;
  std::vector<std::string> steps = {">MAIL FROM:<a@b.c> SIZE=1001",
                                    "<552 Message is too long.",
                                    ">MAIL FROM:<a@b.c> SIZE=99999999999999999999999",
                                    "<552",
                                    ">MAIL FROM:<a@b.c> SIZE=x",
                                    "<501",
                                    ">MAIL FROM:<a@b.c> BODY=BINARYMIME",
                                    "<501",
                                    ">MAIL FROM:<a@b.c>"};
  for (int i = 0; i < 50; ++i) {
    steps.push_back(fmt::format(">RCPT TO:<r{}@b.c>", i));
    steps.push_back("<250");
  }
  for (const char* step : {">RCPT TO:<one-more@b.c>",
                           "<452 Too many",
                           ">DATA",
                           ".too long",
                           "<552 Message is too long."}) {
    steps.emplace_back(step);
  }
  Talk(world, LoggedIn(steps));
  EXPECT_TRUE(world.mailer.submissions.empty());
}

TEST(SubmissionSession, EndsWithClientsThatOnlyMakeErrors) {
  World world;
  std::vector<std::string> steps(19, ">GET / HTTP/1.1");
  steps.insert(steps.end(), {"<500", ">GET / HTTP/1.1", "<421", "~"});
  Talk(world, steps);
}

TEST(SubmissionSession, SaysSesWordsForEveryRefusal) {
  using Kind = SendError::Kind;

  struct Case {
    SendError error;
    const char* reply;
  };

  const Case cases[] = {
      {{Kind::kMessageRejected, "Email address is not verified. x"},
       "554 Message rejected: Email address is not verified. x"},
      {{Kind::kInvalidParameter, "Missing final '@domain'"},
       "554 Transaction failed: Missing final '@domain'"},
      {{Kind::kMessageTooLong, ""}, "552 Message is too long."},
      {{Kind::kConfigurationSetDoesNotExist, "Configuration set <x> does not exist."},
       "554 Transaction failed: Configuration set <x> does not exist."},
      {{Kind::kConfigurationSetSendingPaused, "paused"}, "554 Message rejected: paused"},
      {{Kind::kAccountSendingPaused, "paused"}, "554 Message rejected: paused"},
      {{Kind::kRateExceeded, "x"}, "454 Throttling failure: Maximum sending rate exceeded."},
      {{Kind::kDailyQuotaExceeded, "x"}, "454 Throttling failure: Daily message quota exceeded."},
      {{Kind::kUnavailable, "disk"}, "451 Temporary service failure."},
      {{Kind::kMessageRejected, "line\r\n250 Ok forged"},
       "554 Message rejected: line  250 Ok forged\r\n"},
  };
  for (const Case& c : cases) {
    World world;
    world.mailer.outcome = c.error;
    Talk(world,
         LoggedIn({">MAIL FROM:<a@b.c>",
                   ">RCPT TO:<a@b.c>",
                   ">DATA",
                   ".x",
                   std::string("<") + c.reply,
                   ">MAIL FROM:<a@b.c>",
                   "<250"}));
  }
}

TEST(SubmissionSession, NeedsThePermissionToSend) {
  World world;
  Talk(world,
       {">STARTTLS",
        "tls",
        ">EHLO me",
        ">AUTH PLAIN " + Plain("AKIAREAD", Password()),
        "<235",
        ">MAIL FROM:<a@b.c>",
        ">RCPT TO:<a@b.c>",
        ">DATA",
        ".x",
        "<554 Access denied: User `arn:aws:iam::000000000000:user/bob' is not authorized to "
        "perform `ses:SendRawEmail' on resource `arn:aws:ses:us-east-1:"});
  EXPECT_TRUE(world.mailer.submissions.empty());
}

TEST(SubmissionSession, SuspendsWhoGuessesPasswords) {
  World world;
  const std::string wrong = ">AUTH PLAIN " + Plain("AKIAUSER", "guess");
  const auto try_wrong = [&](SubmissionSession& session, int times) {
    static_cast<void>(session.Command("STARTTLS"));
    session.TlsStarted();
    static_cast<void>(session.Command("EHLO me"));
    for (int i = 0; i < times; ++i) {
      EXPECT_EQ(session.Command(wrong.substr(1)).reply.code, 535);
    }
  };
  try_wrong(world.session, 3);  // the third ends the connection
  SubmissionSession second = world.NewSession();
  try_wrong(second, 1);
  SubmissionSession third = world.NewSession();
  try_wrong(third, 0);
  const std::string right = "AUTH PLAIN " + Plain("AKIAUSER", Password());
  const auto refused = third.Command(right);
  EXPECT_EQ(refused.reply.ToString(), "454 Temporary authentication failure\r\n");
  EXPECT_TRUE(refused.reply.close);
  SubmissionSession other = world.NewSession("192.0.2.6");
  try_wrong(other, 0);
  EXPECT_EQ(other.Command(right).reply.code, 235);
  world.clock.Advance(std::chrono::minutes(15));
  SubmissionSession later = world.NewSession();
  try_wrong(later, 0);
  EXPECT_EQ(later.Command(right).reply.code, 235);
}

}  // namespace
}  // namespace postglass::mail
