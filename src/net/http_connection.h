#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/worker_pool.h"
#include "net/body_channel.h"
#include "net/connection_count.h"
#include "net/http_request_reader.h"
#include "net/http_response_head.h"
#include "net/http_server.h"
#include "net/read_buffer.h"
#include "net/stream.h"

namespace postglass::net {

// What all connections of one server share. Outlives them.
struct HttpShared {
  HttpShared(HttpServerOptions server_options, HttpHandler request_handler, Metrics& registry);

  void CountAnswer(int status);
  // Something was turned away before a handler saw it. `reason` from a small closed set.
  void CountRejected(std::string_view reason);

  const HttpServerOptions options;
  const HttpHandler handler;
  Metrics& metrics;
  const SystemClock clock;
  ConnectionCount connections;
  std::atomic<std::size_t> bodies_bytes = 0;
  std::atomic<bool> draining = false;
  std::atomic<bool> stopping = false;
  Gauge& connections_gauge;
  std::array<Counter*, 6> answers{};  // by first digit of the status
  WorkerPool pool;
};

// One connection: reads requests, has them answered by a worker, writes the answers, in order.
// Lives on its loop's thread; its handler runs on a worker while the coroutine waits.
class HttpConnection {
 public:
  // `tls` null: plain. Counted in shared.connections by the caller; uncounted at its end.
  HttpConnection(HttpShared& shared,
                 IoLoop& loop,
                 UniqueFd fd,
                 std::string peer_address,
                 std::shared_ptr<SSL_CTX> tls);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // From the first byte to the last.
  Task<void> Run();
  // Called on each tick: gives up what drain or stop do not wait for.
  void OnTick();

 private:
  enum class Next { kGoOn, kClose };

  Task<bool> StartTls();
  Task<Next> ReadRequest();
  Task<bool> AwaitFirstByte();
  Task<bool> FillBuffer();
  Task<void> Refuse(int status, std::string_view reason);
  Task<Next> Answer();
  Task<Next> SendWhole(const HttpResponse& response);
  Task<Next> SendStream();
  void RunHandler();
  HttpFraming Framing(bool keep_alive) const;
  bool ChargeBody();
  void UnchargeBody();

  HttpShared& shared_;
  Stream stream_;
  const std::string peer_address_;
  const std::shared_ptr<SSL_CTX> tls_;
  const std::shared_ptr<Waker> waker_;
  HttpRequestReader reader_;
  ReadBuffer input_;
  bool first_request_ = true;
  bool idle_ = false;    // waiting for the first byte of a request
  bool linger_ = false;  // the peer may still be sending when we close
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool http_1_0_ = false;
  std::size_t charged_bytes_ = 0;
  std::shared_ptr<BodyChannel> sending_;
  // Handed between loop and worker by Submit() and the waker.
  std::atomic<bool> handled_ = false;  // the worker has set response_ and perhaps channel_
  HttpRequest request_;
  HttpResponse response_;
  std::shared_ptr<BodyChannel> channel_;
};

}  // namespace postglass::net
