#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "net/http.h"
#include "net/tls.h"

namespace postglass::net {

struct ListenAddress {
  std::string host = "127.0.0.1";  // numeric IPv4 or IPv6
  int port = 0;                    // 0: a free one
};

// "127.0.0.1:8080", "[::1]:8080", ":8080" (all interfaces). kInvalidArgument otherwise.
Result<ListenAddress> ParseListenAddress(std::string_view text);

struct HttpServerOptions {
  int io_threads = 1;
  int worker_threads = 48;               // handlers may block on the disk, so more than cores
  std::size_t queue_max = 1024;          // requests waiting for a worker; above: 503, Retry-After
  std::size_t connections_max = 12'000;  // above: the newest is closed
  std::size_t header_bytes_max = 64 << 10;
  std::size_t body_bytes_max = 64 << 20;  // as received; above: 413
  // All request bodies in memory together; above: 503, Retry-After.
  std::size_t bodies_bytes_max = 512 << 20;
  std::chrono::milliseconds header_timeout{10'000};  // from the first byte (or accept)
  std::chrono::milliseconds body_timeout{60'000};
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds write_timeout{30'000};  // without progress
  std::string name = "http";                        // label of metrics
  // True for a request whose handler neither blocks nor takes longer than some 500 µs (what waits
  // for the disk comes by HttpResponse::later): it runs on the event loop, which saves two switches
  // of threads. Empty: for none.
  std::function<bool(const HttpRequest&)> at_once;
};

// HTTP/1.1 (RFC 9112) on any number of plain and TLS listeners. Keep-alive, pipelining in order,
// chunked bodies, Expect: 100-continue. Both Content-Length and Transfer-Encoding, obs-fold, bare
// LF, bad chunk sizes: 400 and close. HEAD gives the headers of GET.
class HttpServer {
 public:
  // `handler`, `metrics` must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Create(HttpServerOptions options,
                                                    HttpHandler handler,
                                                    Metrics& metrics);
  // Stops hard what Drain() did not end.
  virtual ~HttpServer() = default;

  // Binds and listens; returns the port. kUnavailable when it is taken ("address 127.0.0.1:8080 is
  // in use"), kPermissionDenied. `tls` null: plain. Call before or after Start().
  virtual Result<int> Listen(const ListenAddress& address,
                             std::shared_ptr<TlsServerContext> tls) = 0;
  virtual void Start() = 0;
  // Stops accepting, lets requests in progress end (at most `limit`), closes idle connections. The
  // producers of streams are told to stop at once: many of them never end by themselves.
  virtual void Drain(std::chrono::milliseconds limit) = 0;
};

}  // namespace postglass::net
