#include "mail/smtp/submission_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>
#include <variant>

#include "aws/sigv4.h"
#include "aws/wildcard.h"
#include "base/awaited.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/log.h"
#include "mail/limits.h"
#include "mail/smtp/smtp_path.h"

namespace postglass::mail {
namespace {

using net::SmtpReply;
using Answer = net::SmtpSession::Answer;
using Next = net::SmtpSession::Next;

constexpr std::string_view kHost = "email-smtp.amazonaws.com";
constexpr std::string_view kPermission = "ses:SendRawEmail";
// Guessing and probing end here; the client may come again.
constexpr int kAuthFailuresMax = 3;
constexpr int kErrorsMax = 20;

Answer Say(int code, std::string text, Next next = Next::kCommand) {
  return {SmtpReply{code, {std::move(text)}, false}, next};
}

Answer SayAndClose(int code, std::string text) {
  return {SmtpReply{code, {std::move(text)}, true}, Next::kCommand};
}

SmtpReply ReplyFor(const SendError& error) {
  const auto reply = [](int code, std::string text) {
    return SmtpReply{code, {std::move(text)}, false};
  };
  switch (error.kind) {
    case SendError::Kind::kMessageRejected:
      return reply(554, fmt::format("Message rejected: {}", error.message));
    case SendError::Kind::kAccessDenied:
      return reply(554, fmt::format("Access denied: {}", error.message));
    case SendError::Kind::kInvalidParameter:
      return reply(554, fmt::format("Transaction failed: {}", error.message));
    case SendError::Kind::kMessageTooLong:
      return reply(552, "Message is too long.");
    case SendError::Kind::kConfigurationSetDoesNotExist:
      return reply(554, fmt::format("Transaction failed: {}", error.message));
    case SendError::Kind::kConfigurationSetSendingPaused:
    case SendError::Kind::kAccountSendingPaused:
      return reply(554, fmt::format("Message rejected: {}", error.message));
    case SendError::Kind::kRateExceeded:
      return reply(454, "Throttling failure: Maximum sending rate exceeded.");
    case SendError::Kind::kDailyQuotaExceeded:
      return reply(454, "Throttling failure: Daily message quota exceeded.");
    case SendError::Kind::kUnavailable:
      break;
  }
  return reply(451, "Temporary service failure.");
}

// The whole of a reply must stay one line: it may quote what a client sent.
SmtpReply OneLine(SmtpReply reply) {
  for (std::string& line : reply.lines) {
    constexpr std::size_t kLineMax = 500;  // RFC 5321 §4.5.3.1.5: 512 with code and CRLF
    line.resize(std::min(line.size(), kLineMax));
    for (char& c : line) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    }
  }
  return reply;
}

bool MaySend(const aws::Credential& caller) {
  return std::any_of(
      caller.allowed_actions.begin(), caller.allowed_actions.end(), [](const std::string& action) {
        return aws::MatchesWildcard(action, kPermission, aws::Case::kIgnored);
      });
}

// One '@' with something on both sides; acceptance checks the rest.
bool LooksLikeAddress(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at != std::string_view::npos && at > 0 && at + 1 < address.size() &&
         address.size() <= kAddressBytesMax;
}

Counter& Sessions(Metrics& metrics, std::string_view what) {
  return metrics.GetCounter(
      "postglass_mail_smtp_total", "What SMTP submission sessions met", {{"what", what}});
}

}  // namespace

SubmissionSession::SubmissionSession(const SubmissionDependencies& on, net::SmtpPeer peer)
    : on_(on), peer_(std::move(peer)) {}

SmtpReply SubmissionSession::Greeting() {
  Sessions(on_.metrics, "session").Add();
  return {220,
          {fmt::format("{} ESMTP SimpleEmailService-d-{} {}",
                       kHost,
                       AsciiLower(on_.random.Hex(5)),
                       on_.random.Hex(10))},
          false};
}

void SubmissionSession::TlsStarted() {
  // RFC 3207 §4.2: all that was said before is forgotten.
  peer_.tls = true;
  greeted_ = false;
  caller_.reset();
  auth_step_ = AuthStep::kNone;
  ResetMail();
}

void SubmissionSession::ResetMail() {
  mail_from_.reset();
  recipients_.clear();
}

Answer SubmissionSession::Command(std::string_view line) {
  const std::size_t blank = std::min(line.find(' '), line.size());
  const std::string verb = AsciiLower(line.substr(0, blank));
  const std::string_view arguments = TrimAscii(line.substr(blank));
  Answer answer;
  if (verb == "ehlo" || verb == "helo") {
    answer = Ehlo(arguments, verb == "ehlo");
  } else if (verb == "starttls") {
    answer = StartTls(arguments);
  } else if (verb == "auth") {
    answer = Auth(arguments);
  } else if (verb == "mail") {
    answer = MailFrom(arguments);
  } else if (verb == "rcpt") {
    answer = RcptTo(arguments);
  } else if (verb == "data") {
    answer = StartData(arguments);
  } else if (verb == "rset") {
    ResetMail();
    answer = Say(250, "Ok");
  } else if (verb == "noop") {
    answer = Say(250, "Ok");
  } else if (verb == "vrfy" || verb == "expn") {
    answer = Say(252, "VRFY command not supported");
  } else if (verb == "help") {
    answer = Say(214, "See RFC 5321 and docs/compat/smtp.md");
  } else if (verb == "quit") {
    answer = SayAndClose(221, "Bye");
  } else {
    answer = Say(500, "Command unrecognized");
  }
  if (answer.reply.code >= 500 && ++errors_ >= kErrorsMax) {
    NoteFailure();
    answer = SayAndClose(421, "Too many errors on this connection");
  }
  answer.reply = OneLine(std::move(answer.reply));
  return answer;
}

Answer SubmissionSession::Ehlo(std::string_view arguments, bool extended) {
  if (arguments.empty()) return Say(501, "Syntax: EHLO hostname");
  greeted_ = true;
  ResetMail();
  if (!extended) return Say(250, std::string(kHost));
  SmtpReply reply{250, {std::string(kHost), "PIPELINING", "8BITMIME"}, false};
  if (peer_.tls) {
    reply.lines.emplace_back("AUTH PLAIN LOGIN");
  } else {
    reply.lines.emplace_back("STARTTLS");
  }
  reply.lines.push_back(fmt::format("SIZE {}", on_.message_bytes_max));
  reply.lines.emplace_back("Ok");
  return {std::move(reply), Next::kCommand};
}

Answer SubmissionSession::StartTls(std::string_view arguments) {
  if (!arguments.empty()) return Say(501, "Syntax: STARTTLS");
  if (peer_.tls) return Say(503, "TLS is already in use");
  return Say(220, "Ready to start TLS", Next::kStartTls);
}

Answer SubmissionSession::Auth(std::string_view arguments) {
  if (!peer_.tls) return Say(530, "Must issue a STARTTLS command first");
  if (!greeted_) return Say(503, "Error: send EHLO first");
  if (caller_) return Say(503, "Already authenticated");
  if (mail_from_) return Say(503, "AUTH is not permitted during a mail transaction");
  // Said before the password is looked at: a right guess would be told apart otherwise.
  if (on_.guard.IsSuspended(peer_.address)) {
    Sessions(on_.metrics, "suspended").Add();
    return SayAndClose(454, "Temporary authentication failure");
  }
  const std::size_t blank = std::min(arguments.find(' '), arguments.size());
  const std::string mechanism = AsciiLower(arguments.substr(0, blank));
  const std::string_view initial = TrimAscii(arguments.substr(blank));
  if (mechanism == "plain") {
    if (!initial.empty()) return PlainResponse(initial);
    auth_step_ = AuthStep::kPlain;
    return Say(334, "", Next::kLine);
  }
  if (mechanism == "login") {
    auth_step_ = AuthStep::kLoginUser;
    if (!initial.empty()) return Line(initial);
    return Say(334, Base64Encode("Username:"), Next::kLine);
  }
  return Say(504, "Unrecognized authentication type");
}

Answer SubmissionSession::Line(std::string_view line) {
  const AuthStep step = std::exchange(auth_step_, AuthStep::kNone);
  if (line == "*") return Say(501, "Authentication cancelled");
  if (step == AuthStep::kPlain) return PlainResponse(line);
  // "=" stands for an empty response (RFC 4954 §4).
  const std::optional<std::string> text = line == "=" ? std::string() : Base64Decode(line);
  if (!text || step == AuthStep::kNone) return Say(501, "Cannot decode the response");
  if (step == AuthStep::kLoginUser) {
    auth_user_ = *text;
    auth_step_ = AuthStep::kLoginPassword;
    return Say(334, Base64Encode("Password:"), Next::kLine);
  }
  return LogIn(std::exchange(auth_user_, {}), *text);
}

// authzid NUL authcid NUL password (RFC 4616).
Answer SubmissionSession::PlainResponse(std::string_view encoded) {
  const std::optional<std::string> text = Base64Decode(encoded);
  const std::size_t first = text ? text->find('\0') : std::string::npos;
  const std::size_t second =
      first == std::string::npos ? std::string::npos : text->find('\0', first + 1);
  if (second == std::string::npos) return Say(501, "Cannot decode the response");
  return LogIn(text->substr(first + 1, second - first - 1), text->substr(second + 1));
}

Answer SubmissionSession::LogIn(const std::string& user, const std::string& password) {
  const std::optional<aws::Credential> credential = on_.credentials.Find(user);
  // An unknown user costs the same work: the answer's time tells nothing.
  const std::string expected = aws::SmtpPassword(
      credential ? credential->secret_access_key : std::string(40, 'x'), on_.account.region);
  const bool right = ConstantTimeEquals(expected, password);
  if (!credential || !right) {
    Sessions(on_.metrics, "login_refused").Add();
    NoteFailure();
    if (++auth_failures_ >= kAuthFailuresMax) {
      return SayAndClose(535, "Authentication Credentials Invalid");
    }
    return Say(535, "Authentication Credentials Invalid");
  }
  Sessions(on_.metrics, "login").Add();
  on_.guard.Succeeded(peer_.address);
  caller_ = credential;
  return Say(235, "Authentication successful.");
}

void SubmissionSession::NoteFailure() {
  if (!on_.guard.Failed(peer_.address)) return;
  log::Warn("mail", "SMTP client {} is suspended: too many failed log-ins", peer_.address);
}

std::optional<SmtpReply> SubmissionSession::NotReady() const {
  if (!peer_.tls) return SmtpReply{530, {"Must issue a STARTTLS command first"}, false};
  if (!greeted_) return SmtpReply{503, {"Error: send EHLO first"}, false};
  if (!caller_) return SmtpReply{530, {"Authentication required"}, false};
  return std::nullopt;
}

Answer SubmissionSession::MailFrom(std::string_view arguments) {
  if (std::optional<SmtpReply> refusal = NotReady()) return {std::move(*refusal), Next::kCommand};
  if (mail_from_) return Say(503, "Error: nested MAIL command");
  if (!EqualsIgnoreAsciiCase(arguments.substr(0, 5), "from:")) {
    return Say(501, "Syntax: MAIL FROM:<address>");
  }
  const std::optional<SmtpPathArgument> path = ReadSmtpPath(arguments.substr(5));
  if (!path) return Say(501, "Syntax: MAIL FROM:<address>");
  if (!path->address.empty() && !LooksLikeAddress(path->address)) {
    return Say(553, fmt::format("<{}> Invalid email address", path->address));
  }
  for (const auto& [name, value] : path->parameters) {
    if (name == "SIZE") {
      std::uint64_t size = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
      if (error == std::errc::result_out_of_range || size > on_.message_bytes_max) {
        return Say(552, "Message is too long.");
      }
      if (error != std::errc() || end != value.data() + value.size()) {
        return Say(501, "Syntax: SIZE=number");
      }
    } else if (name == "BODY") {
      if (!EqualsIgnoreAsciiCase(value, "8BITMIME") && !EqualsIgnoreAsciiCase(value, "7BIT")) {
        return Say(501, "Unknown BODY type");
      }
    } else if (name != "AUTH") {  // RFC 4954 §5: allowed, and of no use here
      return Say(555, fmt::format("Unsupported parameter {}", name));
    }
  }
  mail_from_ = path->address;
  return Say(250, "Ok");
}

Answer SubmissionSession::RcptTo(std::string_view arguments) {
  if (std::optional<SmtpReply> refusal = NotReady()) return {std::move(*refusal), Next::kCommand};
  if (!mail_from_) return Say(503, "Error: need MAIL command");
  if (!EqualsIgnoreAsciiCase(arguments.substr(0, 3), "to:")) {
    return Say(501, "Syntax: RCPT TO:<address>");
  }
  const std::optional<SmtpPathArgument> path = ReadSmtpPath(arguments.substr(3));
  if (!path) return Say(501, "Syntax: RCPT TO:<address>");
  if (!LooksLikeAddress(path->address)) {
    return Say(553, fmt::format("<{}> Invalid email address", path->address));
  }
  if (!path->parameters.empty()) {
    return Say(555, fmt::format("Unsupported parameter {}", path->parameters.front().first));
  }
  if (recipients_.size() >= kRecipientsMax) {
    return Say(452, fmt::format("Too many recipients: at most {}", kRecipientsMax));
  }
  recipients_.push_back(path->address);
  return Say(250, "Ok");
}

Answer SubmissionSession::StartData(std::string_view arguments) {
  if (std::optional<SmtpReply> refusal = NotReady()) return {std::move(*refusal), Next::kCommand};
  if (!arguments.empty()) return Say(501, "Syntax: DATA");
  if (!mail_from_) return Say(503, "Error: need MAIL command");
  if (recipients_.empty()) return Say(503, "Error: need RCPT command");
  return Say(354, "End data with <CR><LF>.<CR><LF>", Next::kData);
}

Answer SubmissionSession::Data(std::optional<std::string> message) {
  Awaited<Answer> answered;
  DataAsync(std::move(message), [&answered](Answer answer) { answered.Set(std::move(answer)); });
  return answered.Get();
}

void SubmissionSession::DataAsync(std::optional<std::string> message,
                                  std::function<void(Answer)> done) {
  const std::string from = mail_from_.value_or("");
  std::vector<std::string> recipients = std::exchange(recipients_, {});
  ResetMail();
  if (!message || message->size() > on_.message_bytes_max) {
    return done(Say(552, "Message is too long."));
  }
  if (!caller_) return done(Say(530, "Authentication required"));
  if (!MaySend(*caller_)) {
    Sessions(on_.metrics, "access_denied").Add();
    Answer denied = Say(
        554,
        fmt::format("Access denied: User `arn:aws:iam::{}:user/{}' is not authorized to perform "
                    "`{}' on resource `arn:aws:ses:{}:{}:identity/{}'",
                    on_.account.account_id,
                    caller_->user_name,
                    kPermission,
                    on_.account.region,
                    on_.account.account_id,
                    from));
    denied.reply = OneLine(std::move(denied.reply));
    return done(std::move(denied));
  }
  Submission submission;
  submission.operation = "SendSmtpEmail";
  submission.envelope_from = from;
  submission.destinations = std::move(recipients);
  submission.raw = std::move(*message);
  submission.source_ip = peer_.address;
  submission.caller = caller_->user_name;
  submission.message_bytes_max = on_.message_bytes_max;
  on_.mailer.SendAsync(
      std::move(submission),
      [&metrics = on_.metrics, done = std::move(done)](const SendOutcome& outcome) {
        if (const auto* error = std::get_if<SendError>(&outcome)) {
          Sessions(metrics, "refused").Add();
          return done({OneLine(ReplyFor(*error)), Next::kCommand});
        }
        Sessions(metrics, "accepted").Add();
        done(Say(250, fmt::format("Ok {}", std::get<std::string>(outcome))));
      });
}

net::SmtpSessionFactory MakeSubmissionFactory(const SubmissionDependencies& dependencies) {
  return [dependencies](const net::SmtpPeer& peer) {
    return std::make_unique<SubmissionSession>(dependencies, peer);
  };
}

}  // namespace postglass::mail
