#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http.h"

namespace postglass::net {

struct Url {
  std::string scheme;  // http or https
  std::string host;    // without brackets
  int port = 0;        // explicit or the scheme's
  std::string target;  // path and query, at least "/"

  // host or host:port, brackets around IPv6, port left out when it is the scheme's.
  std::string authority() const;
};

// Absolute http(s) URLs only; no user info, no fragment. kInvalidArgument says why.
Result<Url> ParseUrl(std::string_view text);

// One exchange. No redirects are followed, no cookies kept, no proxy used.
class HttpClient {
 public:
  struct Request {
    std::string method = "GET";
    std::string url;
    Headers headers;  // Host, Content-Length and Connection are added
    std::string body;
    std::chrono::milliseconds timeout{15'000};  // for the whole exchange
    std::size_t response_bytes_max = 8 << 20;
    // Connect to public addresses only: for URLs that outsiders chose (SSRF). It is checked on the
    // address that is connected to, after resolving, so that a name cannot change its mind. A
    // refusal is kPermissionDenied.
    bool deny_private_addresses = false;
    // The same for link-local addresses and the metadata servers of clouds alone.
    bool deny_link_local_addresses = false;
  };

  virtual ~HttpClient() = default;
  // Blocks. Thread-safe. Any status is a value; errors are kUnavailable (resolve, connect, reset),
  // kTimeout, kPermissionDenied (TLS certificate refused), kLimit, kInvalidArgument (bad URL or
  // response).
  virtual Result<HttpResponse> Send(const Request& request) = 0;
};

// Which servers a client believes and reaches.
struct TrustOptions {
  bool system_roots = true;
  std::string extra_roots_pem{};  // our own CA, say

  bool operator==(const TrustOptions&) const = default;
};

// Over sockets, with keep-alive connections per host. A request on a reused connection that was
// closed before any byte of the answer is sent again once on a fresh one.
std::unique_ptr<HttpClient> MakeHttpClient(TrustOptions trust);

// Hands each request to `handler` in this process: the embedded way from the forwarder to the
// intake. `handler` must outlive it.
std::unique_ptr<HttpClient> MakeLoopbackClient(const HttpHandler& handler);

}  // namespace postglass::net
