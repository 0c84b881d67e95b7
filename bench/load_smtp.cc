#include "bench/load_smtp.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/encoding.h"
#include "bench/load_mails.h"
#include "net/resolver.h"
#include "net/tls_context.h"

namespace postglass::bench {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{20};

net::Deadline Soon() { return std::chrono::steady_clock::now() + kAnswerTimeout; }

}  // namespace

Result<std::unique_ptr<SmtpLoadConnection>> SmtpLoadConnection::Open(const LoadTarget& target) {
  const std::size_t colon = target.smtps.rfind(':');
  const std::string host = target.smtps.substr(0, colon);
  int port = 0;
  const std::string digits = target.smtps.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  net::Resolver resolver;
  ASSIGN_OR_RETURN(const auto addresses, resolver.Resolve(host, port, Soon()));
  ASSIGN_OR_RETURN(
      const auto context,
      net::MakeClientContext({.system_roots = false, .extra_roots_pem = target.ca_pem}));
  ASSIGN_OR_RETURN(auto stream, net::BlockingStream::Connect(addresses, Soon()));
  RETURN_IF_ERROR(stream->StartTls(context, host, Soon()));
  std::unique_ptr<SmtpLoadConnection> connection(new SmtpLoadConnection(std::move(stream)));
  RETURN_IF_ERROR(connection->Expect('2'));
  RETURN_IF_ERROR(connection->Say("EHLO load.example\r\n", '2'));
  const std::string plain =
      std::string(1, '\0') + target.smtp_user + std::string(1, '\0') + target.smtp_password;
  RETURN_IF_ERROR(connection->Say("AUTH PLAIN " + Base64Encode(plain) + "\r\n", '2'));
  return connection;
}

Status SmtpLoadConnection::Send(const std::string& to, const std::string& message) {
  RETURN_IF_ERROR(Say(fmt::format("MAIL FROM:<{}>\r\n", kLoadSender), '2'));
  RETURN_IF_ERROR(Say(fmt::format("RCPT TO:<{}>\r\n", to), '2'));
  RETURN_IF_ERROR(Say("DATA\r\n", '3'));
  RETURN_IF_ERROR(Say(message, '2'));
  return Say("RSET\r\n", '2');
}

Status SmtpLoadConnection::Say(std::string_view line, char digit) {
  RETURN_IF_ERROR(stream_->Write(line, Soon()));
  return Expect(digit);
}

Status SmtpLoadConnection::Expect(char digit) {
  for (;;) {
    for (std::size_t end = input_.find("\r\n"); end != std::string::npos;
         end = input_.find("\r\n")) {
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 2);
      if (line.size() > 3 && line[3] == '-') continue;
      if (line.starts_with(digit)) return {};
      return Fail(ErrorCode::kUnavailable, fmt::format("the server answered {}", line));
    }
    std::array<char, 4096> piece;
    ASSIGN_OR_RETURN(const std::size_t count, stream_->Read(piece, Soon()));
    if (count == 0) return Fail(ErrorCode::kUnavailable, "the server closed the connection");
    input_.append(piece.data(), count);
  }
}

}  // namespace postglass::bench
