#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/tls.h"

// The SMTP wire (RFC 5321), both ends. What commands mean is the business of mail/.

namespace postglass::net {

struct SmtpReply {
  int code = 0;
  std::vector<std::string> lines;  // without code and separator; at least one
  bool close = false;              // server side: close the connection after sending

  std::string ToString() const;  // "250-a\r\n250 b\r\n"
  std::string Text() const;      // "250 a b": code and lines joined by a blank
};

struct SmtpPeer {
  std::string address;  // numeric IP
  bool tls = false;
};

// The meaning of one connection. Calls come one at a time, on worker threads; they may block.
// Sessions that only compute may say so and spare two switches of threads a command.
class SmtpSession {
 public:
  virtual ~SmtpSession() = default;
  virtual SmtpReply Greeting() = 0;
  // One command line without CRLF. The session answers; it asks the wire for more by `next`.
  enum class Next { kCommand, kStartTls, kData, kLine };

  struct Answer {
    SmtpReply reply;
    Next next = Next::kCommand;  // kData: message follows; kLine: raw line (AUTH dialogue)
  };

  virtual Answer Command(std::string_view line) = 0;
  virtual Answer Line(std::string_view line) = 0;  // after Next::kLine
  // The message after Next::kData, dot-unstuffed, CRLF line ends; nothing when it passed
  // message_bytes_max (it was read and thrown away).
  virtual Answer Data(std::optional<std::string> message) = 0;

  // The same for a session that need not hold a thread while it waits: `done` is called once, by
  // any thread, this one included. When this throws, `done` was not called and never will be.
  virtual void DataAsync(std::optional<std::string> message, std::function<void(Answer)> done) {
    done(Data(std::move(message)));
  }

  // True: Command(), Line() and, for small messages, DataAsync() neither block nor take longer than
  // some 500 µs, and the event loop may call them itself. Never changes.
  virtual bool computes_only() const { return false; }

  // Until true, login_timeout holds instead of command_timeout. Asked between the other calls.
  virtual bool logged_in() const { return false; }

  virtual void TlsStarted() = 0;  // after Next::kStartTls succeeded; state must be reset
};

using SmtpSessionFactory = std::function<std::unique_ptr<SmtpSession>(const SmtpPeer&)>;

struct SmtpServerOptions {
  int worker_threads = 32;
  std::size_t connections_max = 1000;  // above: 421 and close
  std::size_t line_bytes_max = 4096;   // RFC 5321 asks for 512; AUTH needs more
  std::size_t message_bytes_max = 40 << 20;
  // All messages being read or answered together; above: 421 and close.
  std::size_t messages_bytes_max = 512 << 20;
  std::chrono::milliseconds command_timeout{300'000};
  std::chrono::milliseconds login_timeout{10'000};  // before the session says it is logged in
  SmtpReply timeout_reply{451, {"Timeout waiting for data from client."}, true};
  SmtpReply busy_reply{421, {"Too many concurrent SMTP connections"}, true};
};

// Accepts connections and runs one session on each. Commands may be pipelined (RFC 2920); whatever
// a client sent before the TLS handshake after STARTTLS is thrown away (CVE-2011-0411).
class SmtpServer {
 public:
  static Result<std::unique_ptr<SmtpServer>> Create(SmtpServerOptions options,
                                                    SmtpSessionFactory factory,
                                                    std::shared_ptr<TlsServerContext> tls,
                                                    Metrics& metrics);
  virtual ~SmtpServer() = default;
  enum class TlsMode { kStartTls, kImplicit };
  virtual Result<int> Listen(const ListenAddress& address, TlsMode mode) = 0;
  virtual void Start() = 0;
  virtual void Drain(std::chrono::milliseconds limit) = 0;
};

struct SmtpTarget {
  std::string host;
  int port = 25;
  enum class Tls { kNever, kIfOffered, kRequired, kImplicit } tls = Tls::kIfOffered;
  std::string user;      // empty: no AUTH
  std::string password;  // PLAIN, or LOGIN when that is all the server offers; only over TLS
  std::string helo_name = "localhost";
  // Checked for kRequired and kImplicit, and wherever a password goes. Without one, opportunistic
  // TLS (kIfOffered) takes any certificate, and falls back to none when the handshake fails.
  TrustOptions trust;
  std::chrono::milliseconds timeout{60'000};  // for each reply
};

// What a server said to one message.
struct SmtpResult {
  struct Recipient {
    std::string address;
    SmtpReply reply;  // to RCPT, or to DATA when RCPT was accepted
  };

  // What it said instead of listening: its greeting, or its answer to EHLO, STARTTLS or AUTH. Code
  // 0: it listened; else there is nothing below but where it was said.
  SmtpReply refusal;
  std::vector<Recipient> recipients;
  SmtpReply data_reply;     // code 0 when no recipient was accepted
  std::string remote_host;  // from the greeting
  std::string remote_ip;
  std::string tls_version;  // empty without TLS
};

// Delivers one message over one connection: EHLO (HELO), STARTTLS, AUTH, MAIL, RCPT…, DATA, QUIT.
// Blocks; thread-safe. An answer of the server, also a refusal of the connection, of MAIL or all
// RCPT, is a value. Errors: kUnavailable (connect, reset, no SMTP), kTimeout, kPermissionDenied
// (TLS or AUTH refused), kUnsupported (required TLS is not offered).
class SmtpClient {
 public:
  virtual ~SmtpClient() = default;
  virtual Result<SmtpResult> Deliver(const SmtpTarget& target,
                                     const std::string& mail_from,
                                     const std::vector<std::string>& recipients,
                                     const std::string& message) = 0;
};

std::unique_ptr<SmtpClient> MakeSmtpClient();

}  // namespace postglass::net
