#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/metrics.h"
#include "base/random.h"
#include "mail/smtp/client_guard.h"
#include "mail/types.h"
#include "net/smtp.h"

namespace postglass::mail {

// What every session needs. All references must outlive the sessions.
struct SubmissionDependencies {
  aws::Account account;
  const aws::CredentialStore& credentials;
  Mailer& mailer;
  Random& random;
  Metrics& metrics;
  ClientGuard& guard;
  std::size_t message_bytes_max = 40 << 20;  // announced by SIZE; SES's limit
};

// One SMTP submission as Amazon SES's endpoint conducts it (docs/compat/smtp.md): TLS, then AUTH
// with an access key id and the password derived from its secret key, then mail. Not thread-safe:
// the server makes the calls of one connection one after another.
class SubmissionSession final : public net::SmtpSession {
 public:
  SubmissionSession(const SubmissionDependencies& on, net::SmtpPeer peer);

  net::SmtpReply Greeting() override;
  Answer Command(std::string_view line) override;
  Answer Line(std::string_view line) override;
  Answer Data(std::optional<std::string> message) override;
  void DataAsync(std::optional<std::string> message, std::function<void(Answer)> done) override;

  // Keys are in memory, and a mail's way to the disk is waited for elsewhere.
  bool computes_only() const override { return true; }

  bool logged_in() const override { return caller_.has_value(); }

  void TlsStarted() override;

 private:
  enum class AuthStep { kNone, kPlain, kLoginUser, kLoginPassword };

  Answer Ehlo(std::string_view arguments, bool extended);
  Answer StartTls(std::string_view arguments);
  Answer Auth(std::string_view arguments);
  Answer MailFrom(std::string_view arguments);
  Answer RcptTo(std::string_view arguments);
  Answer StartData(std::string_view arguments);
  // What must have come before MAIL; nothing when all has.
  std::optional<net::SmtpReply> NotReady() const;
  Answer PlainResponse(std::string_view encoded);
  Answer LogIn(const std::string& user, const std::string& password);
  void NoteFailure();  // a wrong password, or a connection that was nothing but errors
  void ResetMail();

  const SubmissionDependencies on_;
  net::SmtpPeer peer_;
  bool greeted_ = false;  // EHLO or HELO
  std::optional<aws::Credential> caller_;
  AuthStep auth_step_ = AuthStep::kNone;
  std::string auth_user_;
  int auth_failures_ = 0;
  int errors_ = 0;
  std::optional<std::string> mail_from_;
  std::vector<std::string> recipients_;
};

// The factory for net::SmtpServer.
net::SmtpSessionFactory MakeSubmissionFactory(const SubmissionDependencies& dependencies);

}  // namespace postglass::mail
