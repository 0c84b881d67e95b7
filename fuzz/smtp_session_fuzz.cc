#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/check.h"
#include "base/clock_testing.h"
#include "base/encoding.h"
#include "base/random_testing.h"
#include "mail/smtp/submission_session.h"

// A client says anything, line by line. The first byte decides whether it is logged in before.
namespace {

using namespace postglass;

class OneKey final : public aws::CredentialStore {
 public:
  std::optional<aws::Credential> Find(std::string_view id) const override {
    if (id != "AKIA") return std::nullopt;
    return aws::Credential{"AKIA", "secret", "user", {"*"}};
  }
};

class CheckingMailer final : public mail::Mailer {
 public:
  mail::SendOutcome Send(mail::Submission submission) override {
    CHECK(submission.caller == "user");
    CHECK(!submission.destinations.empty());
    CHECK(submission.destinations.size() <= 50);
    return mail::SendError{mail::SendError::Kind::kMessageRejected, submission.raw};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const OneKey keys;
  CheckingMailer mailer;
  SeededRandom random(1);
  Metrics metrics;
  ManualClock clock;
  mail::ClientGuard guard(clock);
  mail::SubmissionSession session({{}, keys, mailer, random, metrics, guard}, {"192.0.2.1", false});
  CHECK(session.Greeting().code == 220);
  if (!text.empty() && text.front() == 'L') {
    session.TlsStarted();
    static_cast<void>(session.Command("EHLO me"));
    const std::string login = std::string("\0AKIA\0", 6) + aws::SmtpPassword("secret", "us-east-1");
    CHECK(session.Command("AUTH PLAIN " + Base64Encode(login)).reply.code == 235);
  }
  net::SmtpSession::Next next = net::SmtpSession::Next::kCommand;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    net::SmtpSession::Answer answer;
    switch (next) {
      case net::SmtpSession::Next::kStartTls:
        session.TlsStarted();
        [[fallthrough]];
      case net::SmtpSession::Next::kCommand:
        answer = session.Command(line);
        break;
      case net::SmtpSession::Next::kLine:
        answer = session.Line(line);
        break;
      case net::SmtpSession::Next::kData:
        answer = session.Data(std::string(line));
        break;
    }
    for (const std::string& said : answer.reply.lines) {
      CHECK(said.find_first_of("\r\n") == std::string::npos);
    }
    if (answer.reply.close) break;
    next = answer.next;
  }
  return 0;
}
