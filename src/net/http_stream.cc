#include "net/http_stream.h"

#include <fmt/format.h>

#include <limits>

#include "net/blocking_stream.h"
#include "net/http_response_reader.h"
#include "net/http_syntax.h"
#include "net/read_buffer.h"
#include "net/resolver.h"
#include "net/tls_context.h"

namespace postglass::net {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 << 10;

ErrorCode CodeOf(int status) {
  if (status == 401 || status == 403) return ErrorCode::kUnauthenticated;
  if (status == 404) return ErrorCode::kNotFound;
  if (status == 429 || status >= 500) return ErrorCode::kUnavailable;
  return ErrorCode::kInvalidArgument;
}

Result<std::string> Head(const HttpClient::Request& request, const Url& url) {
  std::string head = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", url.target, url.authority());
  for (const auto& [name, value] : request.headers) {
    if (!IsToken(name) || !IsFieldValue(value)) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("bad header field '{}'", name));
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
  return head + "\r\n";
}

}  // namespace

Status StreamGet(const TrustOptions& trust,
                 const HttpClient::Request& request,
                 std::chrono::milliseconds silence_max,
                 const std::function<bool(std::string_view piece)>& take) {
  Deadline deadline = steady_clock::now() + request.timeout;
  ASSIGN_OR_RETURN(const Url url, ParseUrl(request.url));
  ASSIGN_OR_RETURN(const std::string head, Head(request, url));
  Resolver resolver;
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses,
                   resolver.Resolve(url.host, url.port, deadline));
  ASSIGN_OR_RETURN(const std::unique_ptr<BlockingStream> stream,
                   BlockingStream::Connect(addresses, deadline));
  if (url.scheme == "https") {
    LazyClientContext tls(trust);
    ASSIGN_OR_RETURN(const std::shared_ptr<SSL_CTX> context, tls.Get());
    RETURN_IF_ERROR(stream->StartTls(context, url.host, deadline));
  }
  RETURN_IF_ERROR(stream->Write(head, deadline));

  HttpResponseReader reader(HttpResponseReader::Method::kOther,
                            std::numeric_limits<std::size_t>::max());
  ReadBuffer input;
  while (reader.state() == HttpResponseReader::State::kWanting) {
    ASSIGN_OR_RETURN(const std::size_t got, stream->Read(input.Room(kReadBytes), deadline));
    if (got == 0) {
      reader.Finish();
      break;
    }
    deadline = steady_clock::now() + silence_max;
    input.Commit(got);
    input.Drop(reader.Consume(input.view()));
    if (reader.status() != 200) continue;
    const std::string piece = reader.TakeBodySoFar();
    if (!piece.empty() && !take(piece)) return {};
  }
  if (reader.status() == 200) {
    const std::string rest = reader.TakeBodySoFar();
    if (!rest.empty()) take(rest);
    return {};
  }
  if (reader.state() != HttpResponseReader::State::kComplete) {
    return Fail(ErrorCode::kUnavailable, fmt::format("{} broke off", url.authority()));
  }
  HttpResponse refused = reader.Take();
  return Fail(CodeOf(refused.status), std::move(refused.body));
}

}  // namespace postglass::net
