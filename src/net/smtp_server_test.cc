#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "base/encoding.h"
#include "base/worker_pool.h"
#include "net/http_testing.h"
#include "net/smtp.h"
#include "net/tls_context.h"

namespace postglass::net {
namespace {

using std::chrono::milliseconds;
using Next = SmtpSession::Next;

// What the sessions of one server have seen. A session may still run when its client is done.
class Seen {
 public:
  // What to answer to a command that starts with the key.
  using Script = std::vector<std::pair<std::string, SmtpReply>>;

  void SetScript(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }

  std::optional<SmtpReply> Scripted(std::string_view line) {
    const std::lock_guard lock(mutex_);
    for (const auto& [prefix, reply] : script_) {
      if (line.starts_with(prefix)) return reply;
    }
    return std::nullopt;
  }

  void AddCommand(std::string_view command) {
    const std::lock_guard lock(mutex_);
    commands_.emplace_back(command);
  }

  void AddMessage(std::optional<std::string> message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
  }

  std::vector<std::string> commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

  std::vector<std::optional<std::string>> messages() {
    const std::lock_guard lock(mutex_);
    return messages_;
  }

  std::atomic<int> ended = 0;
  std::atomic<bool> offers_tls = false;
  std::atomic<bool> logs_in = true;
  WorkerPool* answers_by = nullptr;  // when set, sessions only compute and these threads answer

 private:
  std::mutex mutex_;
  Script script_;
  std::vector<std::string> commands_;
  std::vector<std::optional<std::string>> messages_;
};

class ScriptedSession final : public SmtpSession {
 public:
  ScriptedSession(Seen& seen, const SmtpPeer& peer) : seen_(seen), tls_(peer.tls) {}

  ~ScriptedSession() override { ++seen_.ended; }

  SmtpReply Greeting() override {
    return seen_.Scripted("greeting").value_or(SmtpReply{220, {"mx.test ESMTP"}, false});
  }

  Answer Command(std::string_view line) override {
    Note(line);
    if (const auto reply = seen_.Scripted(line)) return {*reply, Next::kCommand};
    if (line.starts_with("EHLO")) {
      std::vector<std::string> offered = {"mx.test", "SIZE 1000", "8BITMIME", "PIPELINING"};
      offered.push_back(tls_ ? "AUTH PLAIN LOGIN" : "STARTTLS");
      if (!tls_ && !seen_.offers_tls) offered.pop_back();
      return {{250, offered, false}, Next::kCommand};
    }
    if (line == "STARTTLS") return {{220, {"go"}, false}, Next::kStartTls};
    if (line == "DATA") return {{354, {"go ahead"}, false}, Next::kData};
    if (line == "AUTH LOGIN") return {{334, {"VXNlcm5hbWU6"}, false}, Next::kLine};
    if (line.starts_with("AUTH PLAIN")) return {{235, {"ok"}, false}, Next::kCommand};
    if (line == "QUIT") return {{221, {"bye"}, true}, Next::kCommand};
    return {{250, {"OK"}, false}, Next::kCommand};
  }

  Answer Line(std::string_view line) override {
    Note("line " + std::string(line));
    if (++lines_ == 1) return {{334, {"UGFzc3dvcmQ6"}, false}, Next::kLine};
    return {{235, {"ok"}, false}, Next::kCommand};
  }

  Answer Data(std::optional<std::string> message) override {
    const bool fits = message.has_value();
    seen_.AddMessage(std::move(message));
    return {fits ? SmtpReply{250, {"2.0.0 queued"}, false} : SmtpReply{552, {"too big"}, false},
            Next::kCommand};
  }

  bool computes_only() const override { return seen_.answers_by != nullptr; }

  void DataAsync(std::optional<std::string> message, std::function<void(Answer)> done) override {
    if (message && message->find("fault") != std::string::npos) throw std::runtime_error("a fault");
    const Answer answer = Data(std::move(message));
    if (!computes_only()) return done(answer);
    EXPECT_TRUE(seen_.answers_by->Submit([answer, done = std::move(done)] { done(answer); }));
  }

  bool logged_in() const override { return seen_.logs_in; }

  void TlsStarted() override {
    Note("<tls>");
    tls_ = true;
  }

 private:
  void Note(std::string_view what) { seen_.AddCommand(what); }

  Seen& seen_;
  bool tls_;
  int lines_ = 0;
};

class SmtpTest : public testing::Test {
 protected:
  void Serve(SmtpServerOptions options = {}) {
    options.worker_threads = 4;
    auto tls = TlsServerContext::Create(TestCertificates::Get().server);
    ASSERT_TRUE(tls);
    auto server = SmtpServer::Create(
        options,
        [this](const SmtpPeer& peer) { return std::make_unique<ScriptedSession>(seen_, peer); },
        *tls,
        metrics_);
    ASSERT_TRUE(server);
    server_ = std::move(*server);
    port_ = server_->Listen({}, SmtpServer::TlsMode::kStartTls).value();
    tls_port_ = server_->Listen({}, SmtpServer::TlsMode::kImplicit).value();
    server_->Start();
  }

  SmtpTarget Target(SmtpTarget::Tls tls) {
    SmtpTarget target;
    target.host = "127.0.0.1";
    target.port = tls == SmtpTarget::Tls::kImplicit ? tls_port_ : port_;
    target.tls = tls;
    target.trust.system_roots = false;
    target.trust.extra_roots_pem = TestCertificates::Get().authority.certificate_pem;
    target.timeout = kTestLimit;
    return target;
  }

  Result<SmtpResult> Deliver(const SmtpTarget& target,
                             const std::vector<std::string>& recipients = {"a@b.example"},
                             const std::string& message = "Subject: x\r\n\r\nhello\r\n") {
    return MakeSmtpClient()->Deliver(target, "from@b.example", recipients, message);
  }

  double Rejected(std::string_view reason) {
    return metrics_.GetCounter("postglass_smtp_rejected_total", "", {{"reason", reason}}).value();
  }

  Metrics metrics_;
  Seen seen_;
  std::unique_ptr<SmtpServer> server_;
  int port_ = 0;
  int tls_port_ = 0;
};

TEST_F(SmtpTest, TakesAMessage) {
  Serve();
  RawClient client(port_);
  EXPECT_EQ(client.ReadLine(), "220 mx.test ESMTP\r\n");
  client.Send("EHLO me\r\n");
  EXPECT_EQ(client.ReadUntil("250 PIPELINING\r\n"),
            "250-mx.test\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 PIPELINING\r\n");
  client.Send("MAIL FROM:<a@b>\r\n");
  EXPECT_EQ(client.ReadLine(), "250 OK\r\n");
  client.Send("DATA\r\n");
  EXPECT_EQ(client.ReadLine(), "354 go ahead\r\n");
  client.Send("Subject: x\r\n\r\n..dot\r\n.\r\n");
  EXPECT_EQ(client.ReadLine(), "250 2.0.0 queued\r\n");
  client.Send("QUIT\r\n");
  EXPECT_EQ(client.ReadAll(), "221 bye\r\n");
  EXPECT_EQ(seen_.messages().at(0), "Subject: x\r\n\r\n.dot\r\n");
}

TEST_F(SmtpTest, AnswersPipelinedCommandsInOrder) {
  Serve();
  RawClient client(port_);
  client.Send(
      "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\none\r\n.\r\n"
      "MAIL FROM:<a@b>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n");
  const std::string answers = client.ReadAll();
  EXPECT_TRUE(answers.ends_with("221 bye\r\n")) << answers;
  ASSERT_EQ(seen_.messages().size(), 2U);
  EXPECT_EQ(seen_.messages()[0], "one\r\n");
  EXPECT_EQ(seen_.messages()[1], "two\r\n");
}

// Commands on the loop, small messages begun there and answered by other threads, long ones begun
// by a worker: one order for all.
TEST_F(SmtpTest, SessionsThatOnlyComputeAnswerInOrderToo) {
  WorkerPool others({.threads = 2, .queue_max = 100});
  seen_.answers_by = &others;
  Serve();
  RawClient client(port_);
  std::string commands = "EHLO me\r\n";
  constexpr int kNoops = 100;
  for (int i = 0; i < kNoops; ++i) commands += "NOOP\r\n";
  const std::string long_message(100'000, 'x');
  client.Send(commands + "DATA\r\none\r\n.\r\nDATA\r\n" + long_message +
              "\r\n.\r\nDATA\r\nfault\r\n.\r\nNOOP\r\n");
  client.ReadUntil("250 PIPELINING\r\n");
  for (int i = 0; i < kNoops; ++i) ASSERT_EQ(client.ReadLine(), "250 OK\r\n");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client.ReadLine(), "354 go ahead\r\n");
    EXPECT_EQ(client.ReadLine(), "250 2.0.0 queued\r\n");
  }
  EXPECT_EQ(client.ReadAll(), "354 go ahead\r\n421 4.3.0 Internal error\r\n");
  EXPECT_EQ(seen_.messages().at(0), "one\r\n");
  EXPECT_EQ(seen_.messages().at(1), long_message + "\r\n");
  server_.reset();
}

// CVE-2011-0411: what came with STARTTLS in the clear must not run as if it were encrypted.
TEST_F(SmtpTest, ThrowsAwayWhatFollowsStartTlsInTheClear) {
  seen_.offers_tls = true;
  Serve();
  RawClient client(port_);
  client.ReadLine();
  client.Send("STARTTLS\r\nMAIL FROM:<injected@b>\r\n");
  client.ReadUntil("220 go\r\n");
  const auto context = MakeUncheckedClientContext();
  ASSERT_TRUE(context);
  // Depending on when the injected bytes came, the handshake fails on them or they are gone.
  if (client.stream().StartTls(*context, "", TestDeadline())) {
    client.Send("NOOP\r\n");
    EXPECT_EQ(client.ReadLine(), "250 OK\r\n");
  }
  server_.reset();
  for (const std::string& command : seen_.commands()) {
    EXPECT_EQ(command.find("injected"), std::string::npos);
  }
}

TEST_F(SmtpTest, LinesTooLongOrWithBareEndsAreRefused) {
  SmtpServerOptions options;
  options.line_bytes_max = 100;
  Serve(options);
  RawClient client(port_);
  client.ReadLine();
  client.Send("NOOP " + std::string(10'000, 'x') + "\r\nNOOP\r\n");
  EXPECT_EQ(client.ReadLine(), "500 5.5.2 Line too long\r\n");
  EXPECT_EQ(client.ReadLine(), "250 OK\r\n");
  client.Send("NOOP\nMAIL FROM:<smuggled@b>\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_TRUE(answer.starts_with("500 5.5.2 ")) << answer;
  EXPECT_EQ(Rejected("line_too_long"), 1);
  EXPECT_EQ(Rejected("bare_line_end"), 1);
  EXPECT_EQ(seen_.commands().size(), 1U);
}

TEST_F(SmtpTest, ReadsAMessageAboveTheLimitToItsEnd) {
  SmtpServerOptions options;
  options.message_bytes_max = 1000;
  Serve(options);
  RawClient client(port_);
  client.ReadLine();
  client.Send("DATA\r\n" + std::string(3000, 'x') + "\r\n.\r\nNOOP\r\n");
  client.ReadLine();
  EXPECT_EQ(client.ReadLine(), "552 too big\r\n");
  EXPECT_EQ(client.ReadLine(), "250 OK\r\n");
  EXPECT_EQ(seen_.messages().at(0), std::nullopt);
  // One that does not end is given up.
  client.Send("DATA\r\n");
  client.ReadLine();
  client.Send(std::string(20'000, 'x'));
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_EQ(Rejected("endless_message"), 1);
}

TEST_F(SmtpTest, BoundsAllMessagesTogether) {
  SmtpServerOptions options;
  options.messages_bytes_max = 1000;
  Serve(options);
  RawClient first(port_);
  first.ReadLine();
  first.Send("DATA\r\n" + std::string(1001, 'x') + "\r\n");
  first.ReadLine();
  EXPECT_EQ(first.ReadAll(), "421 4.3.2 Too many messages at once\r\n");
  first.Disconnect();
  while (seen_.ended < 1) std::this_thread::yield();
  RawClient second(port_);
  second.ReadLine();
  second.Send("DATA\r\n" + std::string(900, 'x') + "\r\n.\r\n");
  second.ReadLine();
  EXPECT_EQ(second.ReadLine(), "250 2.0.0 queued\r\n");
}

TEST_F(SmtpTest, TimesOutBeforeLogin) {
  seen_.logs_in = false;
  SmtpServerOptions options;
  options.login_timeout = milliseconds(200);
  Serve(options);
  RawClient client(port_);
  EXPECT_EQ(client.ReadAll(), "220 mx.test ESMTP\r\n451 Timeout waiting for data from client.\r\n");
  EXPECT_EQ(Rejected("timeout"), 1);
}

TEST_F(SmtpTest, SaysThatItIsBusy) {
  SmtpServerOptions options;
  options.connections_max = 1;
  Serve(options);
  RawClient first(port_);
  first.ReadLine();
  RawClient second(port_);
  EXPECT_EQ(second.ReadAll(), "421 Too many concurrent SMTP connections\r\n");
}

TEST_F(SmtpTest, DrainSaysGoodbyeToThoseThatWait) {
  Serve();
  RawClient client(port_);
  client.ReadLine();
  server_->Drain(kTestLimit);
  EXPECT_EQ(client.ReadAll(), "421 4.3.2 Service shutting down\r\n");
  server_.reset();
  EXPECT_EQ(seen_.ended, 1);
}

TEST_F(SmtpTest, AClientThatVanishesEndsItsSession) {
  Serve();
  {
    RawClient client(port_);
    client.ReadLine();
    client.Send("DATA\r\nhalf a mess");
  }
  while (seen_.ended < 1) std::this_thread::yield();
  EXPECT_TRUE(seen_.messages().empty());
}

TEST_F(SmtpTest, ClientDelivers) {
  seen_.offers_tls = true;
  Serve();
  const std::string message = "Subject: x\r\n\r\n.\r\n..\nbare\r.end";
  for (const auto tls : {SmtpTarget::Tls::kNever,
                         SmtpTarget::Tls::kIfOffered,
                         SmtpTarget::Tls::kRequired,
                         SmtpTarget::Tls::kImplicit}) {
    SCOPED_TRACE(static_cast<int>(tls));
    const auto result = Deliver(Target(tls), {"a@b.example", "c@d.example"}, message);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->recipients.size(), 2U);
    EXPECT_EQ(result->recipients[1].address, "c@d.example");
    EXPECT_EQ(result->recipients[1].reply.Text(), "250 2.0.0 queued");
    EXPECT_EQ(result->data_reply.code, 250);
    EXPECT_EQ(result->remote_host, "mx.test");
    EXPECT_EQ(result->remote_ip, "127.0.0.1");
    EXPECT_EQ(result->tls_version, tls == SmtpTarget::Tls::kNever ? "" : "TLSv1.3");
    EXPECT_EQ(seen_.messages().back(), "Subject: x\r\n\r\n.\r\n..\r\nbare\r\n.end\r\n");
  }
}

TEST_F(SmtpTest, ClientReportsEachRecipientsReply) {
  seen_.SetScript({{"RCPT TO:<gone", {550, {"5.1.1 unknown"}, false}},
                   {"RCPT TO:<full", {452, {"4.2.2 full"}, false}}});
  Serve();
  const auto result =
      Deliver(Target(SmtpTarget::Tls::kNever), {"ok@x", "gone@x", "full@x", "ok2@x"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->recipients[0].reply.code, 250);
  EXPECT_EQ(result->recipients[1].reply.Text(), "550 5.1.1 unknown");
  EXPECT_EQ(result->recipients[2].reply.Text(), "452 4.2.2 full");
  EXPECT_EQ(result->recipients[3].reply.code, 250);
  EXPECT_EQ(seen_.messages().size(), 1U);

  const auto none = Deliver(Target(SmtpTarget::Tls::kNever), {"gone@x"});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->data_reply.code, 0);
  EXPECT_EQ(seen_.messages().size(), 1U);
}

TEST_F(SmtpTest, ClientReportsRefusalsOfMailAndData) {
  Serve();
  seen_.SetScript({{"MAIL", {553, {"not you"}, false}}});
  const auto mail = Deliver(Target(SmtpTarget::Tls::kNever));
  ASSERT_TRUE(mail);
  EXPECT_EQ(mail->recipients[0].reply.Text(), "553 not you");
  seen_.SetScript({{"DATA", {554, {"no"}, false}}});
  const auto data = Deliver(Target(SmtpTarget::Tls::kNever));
  ASSERT_TRUE(data);
  EXPECT_EQ(data->recipients[0].reply.Text(), "554 no");
  EXPECT_EQ(data->data_reply.code, 554);
  seen_.SetScript({{"RCPT TO:<b", {421, {"closing"}, true}}});
  const auto closing = Deliver(Target(SmtpTarget::Tls::kNever), {"a@x", "b@x", "c@x"});
  ASSERT_TRUE(closing) << closing.error().message;
  for (const auto& recipient : closing->recipients) EXPECT_EQ(recipient.reply.code, 421);
}

TEST_F(SmtpTest, ClientReportsRefusalsOfTheConnection) {
  Serve();
  seen_.SetScript({{"greeting", {554, {"mx.test no mail from there"}, true}}});
  const auto greeted = Deliver(Target(SmtpTarget::Tls::kNever));
  ASSERT_TRUE(greeted) << greeted.error().message;
  EXPECT_EQ(greeted->refusal.Text(), "554 mx.test no mail from there");
  EXPECT_EQ(greeted->remote_host, "mx.test");
  EXPECT_TRUE(greeted->recipients.empty());
  seen_.SetScript({{"EHLO", {421, {"4.3.2 too busy"}, false}}, {"HELO", {421, {"no"}, true}}});
  const auto busy = Deliver(Target(SmtpTarget::Tls::kNever));
  ASSERT_TRUE(busy) << busy.error().message;
  EXPECT_EQ(busy->refusal.code, 421);
}

TEST_F(SmtpTest, ClientFallsBackToHelo) {
  seen_.SetScript({{"EHLO", {502, {"what?"}, false}}});
  Serve();
  const auto result = Deliver(Target(SmtpTarget::Tls::kIfOffered));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->tls_version, "");
  EXPECT_EQ(seen_.commands().at(1), "HELO localhost");
  EXPECT_EQ(Deliver(Target(SmtpTarget::Tls::kRequired)).error().code, ErrorCode::kUnsupported);
}

TEST_F(SmtpTest, ClientLogsInOverTlsOnly) {
  seen_.offers_tls = true;
  Serve();
  SmtpTarget target = Target(SmtpTarget::Tls::kRequired);
  target.user = "me";
  target.password = "secret";
  ASSERT_TRUE(Deliver(target));
  const std::string plain = "AUTH PLAIN " + Base64Encode(std::string("\0me\0secret", 10));
  EXPECT_THAT(seen_.commands(), testing::Contains(plain));

  seen_.SetScript({{"AUTH PLAIN", {535, {"5.7.8 no"}, false}}});
  EXPECT_EQ(Deliver(target).error().code, ErrorCode::kPermissionDenied);
  seen_.SetScript({{"AUTH PLAIN", {454, {"4.7.0 later"}, false}}});
  const auto later = Deliver(target);
  ASSERT_TRUE(later) << later.error().message;
  EXPECT_EQ(later->refusal.Text(), "454 4.7.0 later");
  seen_.SetScript({});
  target.tls = SmtpTarget::Tls::kNever;
  EXPECT_EQ(Deliver(target).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(SmtpTest, ClientUsesLoginWhereThatIsAll) {
  seen_.SetScript({{"EHLO", {250, {"mx.test", "AUTH LOGIN"}, false}}});
  Serve();
  SmtpTarget target = Target(SmtpTarget::Tls::kImplicit);
  target.user = "me";
  target.password = "secret";
  const auto result = Deliver(target);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(seen_.commands().at(2), "line " + Base64Encode("me"));
  EXPECT_EQ(seen_.commands().at(3), "line " + Base64Encode("secret"));
}

TEST_F(SmtpTest, ClientChecksCertificatesWhereItMustAndWhereAPasswordGoes) {
  seen_.offers_tls = true;
  Serve();
  SmtpTarget target = Target(SmtpTarget::Tls::kRequired);
  target.trust.extra_roots_pem.clear();
  EXPECT_EQ(Deliver(target).error().code, ErrorCode::kPermissionDenied);
  target.tls = SmtpTarget::Tls::kIfOffered;
  const auto unchecked = Deliver(target);
  ASSERT_TRUE(unchecked) << unchecked.error().message;
  EXPECT_EQ(unchecked->tls_version, "TLSv1.3");
  target.user = "me";
  EXPECT_EQ(Deliver(target).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(SmtpTest, ClientRefusesEnvelopesThatWouldBeCommands) {
  Serve();
  for (const std::string& address : {std::string("a@b>\r\nRCPT TO:<c@d"),
                                     std::string("a b@c"),
                                     std::string("a@b\n"),
                                     std::string()}) {
    EXPECT_EQ(Deliver(Target(SmtpTarget::Tls::kNever), {address}).error().code,
              ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(Deliver(Target(SmtpTarget::Tls::kNever), {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(seen_.commands().empty());
}

TEST_F(SmtpTest, ClientSaysWhyItCouldNot) {
  Serve();
  seen_.SetScript({{"EHLO", {421, {"busy"}, true}}});
  const auto busy = Deliver(Target(SmtpTarget::Tls::kNever));
  ASSERT_TRUE(busy) << busy.error().message;
  EXPECT_EQ(busy->refusal.Text(), "421 busy");
  server_.reset();
  EXPECT_EQ(Deliver(Target(SmtpTarget::Tls::kNever)).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace postglass::net
