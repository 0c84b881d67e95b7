#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bench/load_target.h"
#include "net/blocking_stream.h"

namespace postglass::bench {

// One SMTP submission over TLS that stays open for many mails. Not thread-safe.
class SmtpLoadConnection {
 public:
  // Connects, TLS, EHLO, AUTH PLAIN.
  static Result<std::unique_ptr<SmtpLoadConnection>> Open(const LoadTarget& target);

  // MAIL, RCPT, DATA, `message` (with its final dot), RSET; each waits for its answer, as mail
  // programs do that do not pipeline. kUnavailable with the server's words when it refuses.
  Status Send(const std::string& to, const std::string& message);

 private:
  explicit SmtpLoadConnection(std::unique_ptr<net::BlockingStream> stream)
      : stream_(std::move(stream)) {}

  // Sends `line` and reads the whole answer, which must begin with `digit`.
  Status Say(std::string_view line, char digit);
  Status Expect(char digit);

  std::unique_ptr<net::BlockingStream> stream_;
  std::string input_;
};

}  // namespace postglass::bench
