#include "net/http_server.h"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/http_connection.h"

namespace postglass::net {
namespace {

// A loop and the connections on it. All but the constructor on the loop's thread.
struct Lane {
  explicit Lane(HttpShared& shared) {
    loop.OnTick([this, &shared] {
      for (HttpConnection* const connection : connections) connection->OnTick();
      shared.connections_gauge.Set(static_cast<double>(shared.connections.value()));
    });
  }

  std::set<HttpConnection*> connections;
  IoLoop loop;
};

// Owns the connection for as long as its coroutine runs.
Task<void> Serve(HttpShared& shared,
                 Lane& lane,
                 Listener::Accepted accepted,
                 std::shared_ptr<SSL_CTX> tls) {
  {
    HttpConnection connection(
        shared, lane.loop, std::move(accepted.fd), accepted.peer.ip(), std::move(tls));
    lane.connections.insert(&connection);
    co_await connection.Run();
    lane.connections.erase(&connection);
  }
  shared.connections.Leave();
}

class Server final : public HttpServer {
 public:
  Server(HttpServerOptions options, HttpHandler handler, Metrics& metrics)
      : shared_(std::move(options), std::move(handler), metrics) {
    for (int i = 0; i < shared_.options.io_threads; ++i) {
      lanes_.push_back(std::make_unique<Lane>(shared_));
    }
  }

  ~Server() override {
    StopListening();
    shared_.draining = true;
    shared_.stopping = true;
    if (started_) shared_.connections.WaitForNone();
    shared_.pool.Stop();
    shared_.connections_gauge.Set(0);
  }

  Result<int> Listen(const ListenAddress& address, std::shared_ptr<TlsServerContext> tls) override {
    ASSIGN_OR_RETURN(const SocketAddress wanted, ParseSocketAddress(address.host, address.port));
    ASSIGN_OR_RETURN(UniqueFd fd, ListenSocket(wanted));
    ASSIGN_OR_RETURN(const SocketAddress bound, LocalAddress(fd.get()));
    auto listener = std::make_unique<Listener>(
        lanes_.front()->loop, std::move(fd), [this, tls](Listener::Accepted accepted) {
          Take(std::move(accepted), tls == nullptr ? nullptr : tls->Current());
        });
    listener->Open();
    MutexLock lock(mutex_);
    listeners_.push_back(std::move(listener));
    return bound.port();
  }

  void Start() override {
    CHECK(!started_);
    started_ = true;
    for (const auto& lane : lanes_) lane->loop.Start();
  }

  void Drain(std::chrono::milliseconds limit) override {
    StopListening();
    shared_.draining = true;
    if (started_) shared_.connections.WaitForNone(limit);
  }

 private:
  // On the first lane's thread, which hands the connections out in turn.
  void Take(Listener::Accepted accepted, std::shared_ptr<SSL_CTX> tls) {
    if (!shared_.connections.Enter(shared_.options.connections_max)) {
      shared_.CountRejected("connections");
      return;  // closes it
    }
    // After Enter(): either this sees the drain, or the drain sees this connection.
    if (shared_.draining) {
      shared_.connections.Leave();
      return;
    }
    Lane& lane = *lanes_[next_lane_];
    next_lane_ = (next_lane_ + 1) % lanes_.size();
    if (&lane == lanes_.front().get()) {
      lane.loop.Spawn(Serve(shared_, lane, std::move(accepted), std::move(tls)));
      return;
    }
    const auto handed = std::make_shared<Listener::Accepted>(std::move(accepted));
    lane.loop.Post([this, &lane, handed, tls = std::move(tls)] {
      lane.loop.Spawn(Serve(shared_, lane, std::move(*handed), tls));
    });
  }

  void StopListening() {
    MutexLock lock(mutex_);
    for (const auto& listener : listeners_) listener->Close();
    listeners_.clear();
  }

  HttpShared shared_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t next_lane_ = 0;
  bool started_ = false;
  Mutex mutex_;
  std::vector<std::unique_ptr<Listener>> listeners_ GUARDED_BY(mutex_);
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Create(HttpServerOptions options,
                                                       HttpHandler handler,
                                                       Metrics& metrics) {
  if (options.io_threads < 1 || options.worker_threads < 1) {
    return Fail(ErrorCode::kInvalidArgument, "an HTTP server needs at least one thread of a kind");
  }
  return std::unique_ptr<HttpServer>(
      std::make_unique<Server>(std::move(options), std::move(handler), metrics));
}

}  // namespace postglass::net
