#include "net/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "base/encoding.h"
#include "base/mutex.h"
#include "net/blocking_stream.h"
#include "net/http_response_reader.h"
#include "net/http_syntax.h"
#include "net/read_buffer.h"
#include "net/tls_context.h"

namespace postglass::net {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kIdlePerHostMax = 16;
constexpr std::size_t kIdleMax = 128;
constexpr std::chrono::seconds kIdleTime{20};  // shorter than any server's, to meet few stale ones
constexpr std::size_t kReadBytes = 64 << 10;

// Idle connections by host, newest used first. Thread-safe.
class IdleConnections {
 public:
  std::unique_ptr<BlockingStream> Take(const std::string& host) {
    const auto oldest = steady_clock::now() - kIdleTime;
    MutexLock lock(mutex_);
    const auto found = hosts_.find(host);
    if (found == hosts_.end()) return nullptr;
    std::unique_ptr<BlockingStream> taken;
    while (!found->second.empty() && taken == nullptr) {
      Idle idle = std::move(found->second.back());
      found->second.pop_back();
      --count_;
      if (idle.since >= oldest && idle.stream->IsQuiet()) taken = std::move(idle.stream);
    }
    if (found->second.empty()) hosts_.erase(found);
    return taken;
  }

  void Put(const std::string& host, std::unique_ptr<BlockingStream> stream) {
    const auto now = steady_clock::now();
    MutexLock lock(mutex_);
    if (count_ >= kIdleMax) DropOld(now - kIdleTime);
    std::deque<Idle>& of_host = hosts_[host];
    if (count_ < kIdleMax && of_host.size() < kIdlePerHostMax) {
      of_host.push_back({std::move(stream), now});
      ++count_;
    }
    if (of_host.empty()) hosts_.erase(host);
  }

 private:
  struct Idle {
    std::unique_ptr<BlockingStream> stream;
    steady_clock::time_point since;
  };

  void DropOld(steady_clock::time_point oldest) REQUIRES(mutex_) {
    for (auto host = hosts_.begin(); host != hosts_.end();) {
      std::deque<Idle>& idle = host->second;
      while (!idle.empty() && idle.front().since < oldest) {
        idle.pop_front();
        --count_;
      }
      host = idle.empty() ? hosts_.erase(host) : std::next(host);
    }
  }

  Mutex mutex_;
  std::map<std::string, std::deque<Idle>> hosts_ GUARDED_BY(mutex_);
  std::size_t count_ GUARDED_BY(mutex_) = 0;
};

bool IsOurs(std::string_view name) {
  return EqualsIgnoreAsciiCase(name, "host") || EqualsIgnoreAsciiCase(name, "content-length") ||
         EqualsIgnoreAsciiCase(name, "connection") ||
         EqualsIgnoreAsciiCase(name, "transfer-encoding");
}

Result<std::string> FormatRequestHead(const HttpClient::Request& request, const Url& url) {
  if (!IsToken(request.method)) return Fail(ErrorCode::kInvalidArgument, "bad method");
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: keep-alive\r\n",
                                 request.method,
                                 url.target,
                                 url.authority());
  for (const auto& [name, value] : request.headers) {
    if (IsOurs(name)) continue;
    if (!IsToken(name) || !IsFieldValue(value)) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("bad header field '{}'", name));
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
  const bool takes_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (takes_body || !request.body.empty()) {
    head += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  return head + "\r\n";
}

class SocketClient final : public HttpClient {
 public:
  explicit SocketClient(TrustOptions trust) : tls_(std::move(trust)) {}

  Result<HttpResponse> Send(const Request& request) override {
    const Deadline deadline = steady_clock::now() + request.timeout;
    ASSIGN_OR_RETURN(const Url url, ParseUrl(request.url));
    ASSIGN_OR_RETURN(const std::string head, FormatRequestHead(request, url));
    // Connections that may lead to addresses of one kind are not lent to those that must not.
    const std::string host = fmt::format("{}://{}{}{}",
                                         url.scheme,
                                         url.authority(),
                                         request.deny_private_addresses ? "!" : "",
                                         request.deny_link_local_addresses ? "~" : "");
    if (std::unique_ptr<BlockingStream> reused = idle_.Take(host)) {
      Outcome outcome = Exchange(std::move(reused), host, head, request, deadline);
      if (!outcome.stale) return std::move(outcome.response);
    }
    ASSIGN_OR_RETURN(std::unique_ptr<BlockingStream> fresh, Connect(url, request, deadline));
    return Exchange(std::move(fresh), host, head, request, deadline).response;
  }

 private:
  struct Outcome {
    Result<HttpResponse> response;
    bool stale = false;  // the connection was closed before any byte of the answer
  };

  Result<std::unique_ptr<BlockingStream>> Connect(const Url& url,
                                                  const Request& request,
                                                  Deadline deadline) {
    ASSIGN_OR_RETURN(std::vector<SocketAddress> addresses,
                     resolver_.Resolve(url.host, url.port, deadline));
    if (request.deny_link_local_addresses) {
      std::erase_if(addresses,
                    [](const SocketAddress& a) { return IsLinkLocalOrMetadataAddress(a.ip()); });
      if (addresses.empty()) {
        return Fail(ErrorCode::kPermissionDenied,
                    fmt::format("{} is a link-local or metadata address", url.host));
      }
    }
    if (request.deny_private_addresses) {
      std::erase_if(addresses, [](const SocketAddress& a) { return !IsPublicAddress(a.ip()); });
      if (addresses.empty()) {
        return Fail(ErrorCode::kPermissionDenied,
                    fmt::format("{} has no public address, and no other is allowed", url.host));
      }
    }
    ASSIGN_OR_RETURN(std::unique_ptr<BlockingStream> stream,
                     BlockingStream::Connect(addresses, deadline));
    if (url.scheme == "https") {
      ASSIGN_OR_RETURN(const std::shared_ptr<SSL_CTX> context, tls_.Get());
      RETURN_IF_ERROR(stream->StartTls(context, url.host, deadline));
    }
    return stream;
  }

  Outcome Exchange(std::unique_ptr<BlockingStream> stream,
                   const std::string& host,
                   const std::string& head,
                   const Request& request,
                   Deadline deadline) {
    // A server may answer and close before it has read everything (413): after a failed write the
    // answer is still worth reading.
    Status written = stream->Write(head, deadline);
    if (written) written = stream->Write(request.body, deadline);
    if (!written && written.error().code == ErrorCode::kTimeout) {
      return {Fail(std::move(written.error())), false};
    }
    using Method = HttpResponseReader::Method;
    HttpResponseReader reader(request.method == "HEAD" ? Method::kHead : Method::kOther,
                              request.response_bytes_max);
    ReadBuffer input;
    while (reader.state() == HttpResponseReader::State::kWanting) {
      const Result<std::size_t> got = stream->Read(input.Room(kReadBytes), deadline);
      if (!got) {
        const bool stale = !reader.started() && got.error().code == ErrorCode::kUnavailable;
        return {Fail(got.error()), stale};
      }
      if (*got == 0) {
        if (!reader.started()) {
          return {Fail(ErrorCode::kUnavailable,
                       fmt::format("{} closed without an answer", stream->peer_ip())),
                  true};
        }
        reader.Finish();
        break;
      }
      input.Commit(*got);
      input.Drop(reader.Consume(input.view()));
    }
    return {Conclude(reader, input, host, request, std::move(stream), written.has_value()), false};
  }

  Result<HttpResponse> Conclude(HttpResponseReader& reader,
                                const ReadBuffer& input,
                                const std::string& host,
                                const Request& request,
                                std::unique_ptr<BlockingStream> stream,
                                bool request_sent) {
    switch (reader.state()) {
      case HttpResponseReader::State::kComplete:
        break;
      case HttpResponseReader::State::kTooLarge:
        return Fail(ErrorCode::kLimit,
                    fmt::format("the answer has more than {} bytes", request.response_bytes_max));
      default:
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("{} does not answer in HTTP, or broke off", stream->peer_ip()));
    }
    const bool reusable = request_sent && reader.keep_alive() && input.empty();
    if (reusable) idle_.Put(host, std::move(stream));
    return reader.Take();
  }

  LazyClientContext tls_;
  Resolver resolver_;
  IdleConnections idle_;
};

}  // namespace

std::unique_ptr<HttpClient> MakeHttpClient(TrustOptions trust) {
  return std::make_unique<SocketClient>(std::move(trust));
}

}  // namespace postglass::net
