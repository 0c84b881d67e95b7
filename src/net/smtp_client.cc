#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/mutex.h"
#include "net/blocking_stream.h"
#include "net/read_buffer.h"
#include "net/smtp_wire.h"
#include "net/tls_context.h"

namespace postglass::net {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 4 << 10;
constexpr std::size_t kWriteBytes = 64 << 10;  // of a message within one time-out
constexpr int kClosing = 421;

bool IsPositive(const SmtpReply& reply) { return reply.code / 100 == 2; }

bool IsAscii(std::string_view text) {
  return std::all_of(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// What may stand between < and > of MAIL and RCPT without ending it.
bool IsSafeAddress(std::string_view address) {
  return std::none_of(address.begin(), address.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>' || c == 0x7F;
  });
}

// One connection to one server.
class Dialogue {
 public:
  Dialogue(std::unique_ptr<BlockingStream> stream, std::chrono::milliseconds timeout)
      : stream_(std::move(stream)), timeout_(timeout) {}

  Result<SmtpReply> ReadReply() {
    const Deadline deadline = steady_clock::now() + timeout_;
    for (;;) {
      input_.Drop(decoder_.Consume(input_.view()));
      if (decoder_.state() == SmtpReplyDecoder::State::kReply) return decoder_.Take();
      if (decoder_.state() == SmtpReplyDecoder::State::kBad) {
        return Fail(ErrorCode::kUnavailable, "the server does not answer in SMTP");
      }
      ASSIGN_OR_RETURN(const std::size_t got, stream_->Read(input_.Room(kReadBytes), deadline));
      if (got == 0) return Fail(ErrorCode::kUnavailable, "the server closed the connection");
      input_.Commit(got);
    }
  }

  Result<SmtpReply> Command(const std::string& line) {
    RETURN_IF_ERROR(stream_->Write(line + "\r\n", steady_clock::now() + timeout_));
    return ReadReply();
  }

  Result<SmtpReply> SendMessage(std::string_view message) {
    const std::string wire = EncodeSmtpData(message);
    std::string_view rest = wire;
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, kWriteBytes);
      RETURN_IF_ERROR(stream_->Write(piece, steady_clock::now() + timeout_));
      rest.remove_prefix(piece.size());
    }
    return ReadReply();
  }

  // EHLO, or HELO where that is all the server knows. Remembers what is offered.
  Status Hello(const std::string& name) {
    extensions_.clear();
    ASSIGN_OR_RETURN(SmtpReply reply, Command("EHLO " + name));
    if (reply.code / 100 == 5) {
      ASSIGN_OR_RETURN(reply, Command("HELO " + name));
    } else if (IsPositive(reply)) {
      extensions_.assign(reply.lines.begin() + 1, reply.lines.end());
    }
    if (!IsPositive(reply)) return Refused(reply);
    return {};
  }

  // The parameters of an extension; nothing when it is not offered.
  std::optional<std::string> Extension(std::string_view keyword) const {
    for (const std::string& line : extensions_) {
      const std::string_view view = line;
      const std::size_t end = std::min(view.find_first_of(" ="), view.size());
      if (EqualsIgnoreAsciiCase(view.substr(0, end), keyword)) {
        return AsciiLower(view.substr(std::min(end + 1, view.size())));
      }
    }
    return std::nullopt;
  }

  Status StartTls(const std::shared_ptr<SSL_CTX>& context, const std::string& host) {
    // Whatever came in the clear behind the 220 would count as said under TLS.
    if (!input_.empty()) {
      return Fail(ErrorCode::kUnavailable, "the server sent text behind its answer to STARTTLS");
    }
    return stream_->StartTls(context, host, steady_clock::now() + timeout_);
  }

  // Notes what the server said instead of going on.
  tl::unexpected<Error> Refused(const SmtpReply& reply) {
    refusal_ = reply;
    return Fail(ErrorCode::kUnavailable, fmt::format("the server answers {}", reply.Text()));
  }

  const SmtpReply& refusal() const { return refusal_; }

  BlockingStream& stream() { return *stream_; }

 private:
  std::unique_ptr<BlockingStream> stream_;
  const std::chrono::milliseconds timeout_;
  ReadBuffer input_;
  SmtpReplyDecoder decoder_;
  std::vector<std::string> extensions_;
  SmtpReply refusal_;
};

Status Authenticate(Dialogue& dialogue, const SmtpTarget& target) {
  if (!dialogue.stream().socket().encrypted()) {
    return Fail(ErrorCode::kPermissionDenied, "no TLS: the password is not sent in the clear");
  }
  const std::string offered = dialogue.Extension("AUTH").value_or("");
  const auto offers = [&](std::string_view mechanism) {
    return fmt::format(" {} ", offered).find(fmt::format(" {} ", mechanism)) != std::string::npos;
  };
  SmtpReply reply;
  if (offers("plain")) {
    const std::string secret = std::string(1, '\0') + target.user + '\0' + target.password;
    ASSIGN_OR_RETURN(reply, dialogue.Command("AUTH PLAIN " + Base64Encode(secret)));
  } else if (offers("login")) {
    ASSIGN_OR_RETURN(reply, dialogue.Command("AUTH LOGIN"));
    for (const std::string& word : {target.user, target.password}) {
      if (reply.code != 334) break;
      ASSIGN_OR_RETURN(reply, dialogue.Command(Base64Encode(word)));
    }
  } else {
    return Fail(ErrorCode::kPermissionDenied, "the server offers neither AUTH PLAIN nor LOGIN");
  }
  if (IsPositive(reply)) return {};
  if (reply.code / 100 == 4) return dialogue.Refused(reply);
  return Fail(ErrorCode::kPermissionDenied,
              fmt::format("the server refuses the login: {}", reply.Text()));
}

// MAIL, RCPT…, DATA. A refusal is a value in `result`; errors are the connection's.
class Transaction {
 public:
  Transaction(Dialogue& dialogue, SmtpResult& result) : dialogue_(dialogue), result_(result) {}

  Status Run(const std::string& mail_from,
             const std::vector<std::string>& recipients,
             std::string_view message) {
    for (const std::string& address : recipients) result_.recipients.push_back({address, {}});
    ASSIGN_OR_RETURN(const SmtpReply reply, Mail(mail_from, message));
    if (!IsPositive(reply)) {
      for (SmtpResult::Recipient& recipient : result_.recipients) recipient.reply = reply;
      return {};
    }
    RETURN_IF_ERROR(Recipients());
    if (accepted_.empty()) return {};
    ASSIGN_OR_RETURN(result_.data_reply, dialogue_.Command("DATA"));
    if (result_.data_reply.code == 354) {
      ASSIGN_OR_RETURN(result_.data_reply, dialogue_.SendMessage(message));
    }
    for (const std::size_t i : accepted_) result_.recipients[i].reply = result_.data_reply;
    return {};
  }

 private:
  Result<SmtpReply> Mail(const std::string& mail_from, std::string_view message) {
    std::string line = fmt::format("MAIL FROM:<{}>", mail_from);
    if (dialogue_.Extension("SIZE")) line += fmt::format(" SIZE={}", message.size());
    if (dialogue_.Extension("8BITMIME") && !IsAscii(message)) line += " BODY=8BITMIME";
    const bool ascii =
        IsAscii(mail_from) && std::all_of(result_.recipients.begin(),
                                          result_.recipients.end(),
                                          [](const auto& r) { return IsAscii(r.address); });
    if (!ascii && dialogue_.Extension("SMTPUTF8")) line += " SMTPUTF8";
    return dialogue_.Command(line);
  }

  Status Recipients() {
    for (std::size_t i = 0; i < result_.recipients.size(); ++i) {
      SmtpResult::Recipient& recipient = result_.recipients[i];
      ASSIGN_OR_RETURN(recipient.reply,
                       dialogue_.Command(fmt::format("RCPT TO:<{}>", recipient.address)));
      if (IsPositive(recipient.reply)) accepted_.push_back(i);
      if (recipient.reply.code == kClosing) {
        // The server closes: nothing was taken, and the rest hears the same.
        for (SmtpResult::Recipient& each : result_.recipients) {
          if (each.reply.code == 0 || IsPositive(each.reply)) each.reply = recipient.reply;
        }
        accepted_.clear();
        return {};
      }
    }
    return {};
  }

  Dialogue& dialogue_;
  SmtpResult& result_;
  std::vector<std::size_t> accepted_;
};

class SocketSmtpClient final : public SmtpClient {
 public:
  Result<SmtpResult> Deliver(const SmtpTarget& target,
                             const std::string& mail_from,
                             const std::vector<std::string>& recipients,
                             const std::string& message) override {
    RETURN_IF_ERROR(CheckNames(target, mail_from, recipients));
    SmtpResult result;
    bool tls_broke = false;
    Result<std::unique_ptr<Dialogue>> dialogue = Open(target, target.tls, result, tls_broke);
    if (!dialogue && tls_broke && target.tls == SmtpTarget::Tls::kIfOffered) {
      // Opportunistic: without TLS is better than not at all (RFC 7435 §3).
      result = {};
      dialogue = Open(target, SmtpTarget::Tls::kNever, result, tls_broke);
    }
    if (!dialogue && result.refusal.code != 0) return result;
    if (!dialogue) return Fail(std::move(dialogue.error()));
    RETURN_IF_ERROR(Transaction(**dialogue, result).Run(mail_from, recipients, message));
    // The outcome is known; how the server says goodbye changes nothing.
    BlockingStream& stream = (*dialogue)->stream();
    static_cast<void>(stream.Write("QUIT\r\n", steady_clock::now() + kQuitTime));
    stream.socket().ShutdownWrite();
    return result;
  }

 private:
  static constexpr std::chrono::seconds kQuitTime{1};
  using Tls = SmtpTarget::Tls;

  static Status CheckNames(const SmtpTarget& target,
                           const std::string& mail_from,
                           const std::vector<std::string>& recipients) {
    const bool safe = IsSafeAddress(mail_from) && IsSafeAddress(target.helo_name) &&
                      std::all_of(recipients.begin(), recipients.end(), [](const auto& recipient) {
                        return !recipient.empty() && IsSafeAddress(recipient);
                      });
    if (safe && !recipients.empty()) return {};
    return Fail(ErrorCode::kInvalidArgument,
                "an address of the envelope is none, or none is there");
  }

  // A password must reach only whom it is meant for, so that its way is always checked.
  Result<std::shared_ptr<SSL_CTX>> Context(const SmtpTarget& target, Tls tls) {
    if (tls == Tls::kIfOffered && target.user.empty()) return MakeUncheckedClientContext();
    std::shared_ptr<LazyClientContext> checked;
    {
      MutexLock lock(mutex_);
      // One relay is the rule, so that the last trust is nearly always the next one too.
      if (checked_ == nullptr || !(trust_ == target.trust)) {
        trust_ = target.trust;
        checked_ = std::make_shared<LazyClientContext>(trust_);
      }
      checked = checked_;
    }
    return checked->Get();
  }

  Status Encrypt(Dialogue& dialogue, const SmtpTarget& target, Tls tls, bool& broke) {
    ASSIGN_OR_RETURN(const std::shared_ptr<SSL_CTX> context, Context(target, tls));
    Status started = dialogue.StartTls(context, target.host);
    broke = !started;
    return started;
  }

  // Connects, greets, encrypts and logs in, as far as `tls` and the target ask for it.
  Result<std::unique_ptr<Dialogue>> Open(const SmtpTarget& target,
                                         Tls tls,
                                         SmtpResult& result,
                                         bool& tls_broke) {
    const Deadline deadline = steady_clock::now() + target.timeout;
    ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses,
                     resolver_.Resolve(target.host, target.port, deadline));
    ASSIGN_OR_RETURN(std::unique_ptr<BlockingStream> stream,
                     BlockingStream::Connect(addresses, deadline));
    result.remote_ip = stream->peer_ip();
    auto dialogue = std::make_unique<Dialogue>(std::move(stream), target.timeout);
    const Status ready = Prepare(*dialogue, target, tls, result, tls_broke);
    result.refusal = dialogue->refusal();
    RETURN_IF_ERROR(ready);
    return dialogue;
  }

  Status Prepare(
      Dialogue& dialogue, const SmtpTarget& target, Tls tls, SmtpResult& result, bool& tls_broke) {
    if (tls == Tls::kImplicit) RETURN_IF_ERROR(Encrypt(dialogue, target, tls, tls_broke));
    ASSIGN_OR_RETURN(const SmtpReply greeting, dialogue.ReadReply());
    const std::string& words = greeting.lines.front();
    result.remote_host = words.substr(0, words.find(' '));
    if (!IsPositive(greeting)) return dialogue.Refused(greeting);
    RETURN_IF_ERROR(dialogue.Hello(target.helo_name));
    if (tls == Tls::kIfOffered || tls == Tls::kRequired) {
      RETURN_IF_ERROR(UpgradeToTls(dialogue, target, tls, tls_broke));
    }
    result.tls_version = dialogue.stream().socket().tls_version();
    if (!target.user.empty()) RETURN_IF_ERROR(Authenticate(dialogue, target));
    return {};
  }

  Status UpgradeToTls(Dialogue& dialogue, const SmtpTarget& target, Tls tls, bool& tls_broke) {
    if (!dialogue.Extension("STARTTLS")) {
      if (tls == Tls::kIfOffered) return {};
      return Fail(ErrorCode::kUnsupported, fmt::format("{} offers no STARTTLS", target.host));
    }
    ASSIGN_OR_RETURN(const SmtpReply reply, dialogue.Command("STARTTLS"));
    if (!IsPositive(reply)) {
      return tls == Tls::kIfOffered && reply.code != kClosing ? Status() : dialogue.Refused(reply);
    }
    RETURN_IF_ERROR(Encrypt(dialogue, target, tls, tls_broke));
    return dialogue.Hello(target.helo_name);  // RFC 3207 §4.2: what was offered before is void
  }

  Resolver resolver_;
  Mutex mutex_;
  TrustOptions trust_ GUARDED_BY(mutex_);
  std::shared_ptr<LazyClientContext> checked_ GUARDED_BY(mutex_);  // for trust_
};

}  // namespace

std::unique_ptr<SmtpClient> MakeSmtpClient() { return std::make_unique<SocketSmtpClient>(); }

}  // namespace postglass::net
