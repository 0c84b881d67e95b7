#include <set>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/smtp_connection.h"

namespace postglass::net {
namespace {

class Server final : public SmtpServer {
 public:
  Server(SmtpServerOptions options,
         SmtpSessionFactory factory,
         std::shared_ptr<TlsServerContext> tls,
         Metrics& metrics)
      : shared_(std::move(options), std::move(factory), std::move(tls), metrics) {
    loop_.OnTick([this] {
      for (SmtpConnection* const connection : connections_) connection->OnTick();
      shared_.connections_gauge.Set(static_cast<double>(shared_.connections.value()));
    });
  }

  ~Server() override {
    StopListening();
    shared_.draining = true;
    shared_.stopping = true;
    if (started_) shared_.connections.WaitForNone();
    shared_.pool.Stop();
    shared_.connections_gauge.Set(0);
  }

  Result<int> Listen(const ListenAddress& address, TlsMode mode) override {
    if (mode == TlsMode::kImplicit && shared_.tls == nullptr) {
      return Fail(ErrorCode::kInvalidArgument, "TLS needs a certificate");
    }
    ASSIGN_OR_RETURN(const SocketAddress wanted, ParseSocketAddress(address.host, address.port));
    ASSIGN_OR_RETURN(UniqueFd fd, ListenSocket(wanted));
    ASSIGN_OR_RETURN(const SocketAddress bound, LocalAddress(fd.get()));
    auto listener =
        std::make_unique<Listener>(loop_, std::move(fd), [this, mode](Listener::Accepted accepted) {
          Take(std::move(accepted), mode);
        });
    listener->Open();
    MutexLock lock(mutex_);
    listeners_.push_back(std::move(listener));
    return bound.port();
  }

  void Start() override {
    CHECK(!started_);
    started_ = true;
    loop_.Start();
  }

  void Drain(std::chrono::milliseconds limit) override {
    StopListening();
    shared_.draining = true;
    if (started_) shared_.connections.WaitForNone(limit);
  }

 private:
  // On the loop's thread.
  void Take(Listener::Accepted accepted, TlsMode mode) {
    if (!shared_.connections.Enter(shared_.options.connections_max)) {
      shared_.CountRejected("connections");
      // Before TLS there is no way to say it; else one attempt must do.
      if (mode == TlsMode::kStartTls) {
        Socket(std::move(accepted.fd)).Write(shared_.options.busy_reply.ToString());
      }
      return;
    }
    // After Enter(): either this sees the drain, or the drain sees this connection.
    if (shared_.draining) {
      shared_.connections.Leave();
      return;
    }
    loop_.Spawn(Serve(std::move(accepted), mode));
  }

  Task<void> Serve(Listener::Accepted accepted, TlsMode mode) {
    {
      SmtpConnection connection(shared_, loop_, std::move(accepted.fd), accepted.peer.ip(), mode);
      connections_.insert(&connection);
      co_await connection.Run();
      connections_.erase(&connection);
    }
    shared_.connections.Leave();
  }

  void StopListening() {
    MutexLock lock(mutex_);
    for (const auto& listener : listeners_) listener->Close();
    listeners_.clear();
  }

  SmtpShared shared_;
  std::set<SmtpConnection*> connections_;  // the loop's thread
  IoLoop loop_;
  bool started_ = false;
  Mutex mutex_;
  std::vector<std::unique_ptr<Listener>> listeners_ GUARDED_BY(mutex_);
};

}  // namespace

Result<std::unique_ptr<SmtpServer>> SmtpServer::Create(SmtpServerOptions options,
                                                       SmtpSessionFactory factory,
                                                       std::shared_ptr<TlsServerContext> tls,
                                                       Metrics& metrics) {
  if (options.worker_threads < 1) {
    return Fail(ErrorCode::kInvalidArgument, "an SMTP server needs at least one worker");
  }
  return std::unique_ptr<SmtpServer>(
      std::make_unique<Server>(std::move(options), std::move(factory), std::move(tls), metrics));
}

}  // namespace postglass::net
