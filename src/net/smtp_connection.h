#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/worker_pool.h"
#include "net/connection_count.h"
#include "net/read_buffer.h"
#include "net/smtp.h"
#include "net/smtp_wire.h"
#include "net/stream.h"

namespace postglass::net {

// What all connections of one SMTP server share. Outlives them.
struct SmtpShared {
  SmtpShared(SmtpServerOptions server_options,
             SmtpSessionFactory session_factory,
             std::shared_ptr<TlsServerContext> server_tls,
             Metrics& registry);

  void CountReply(int code);
  // `reason` from a small closed set.
  void CountRejected(std::string_view reason);

  const SmtpServerOptions options;
  const SmtpSessionFactory factory;
  const std::shared_ptr<TlsServerContext> tls;  // null: none
  Metrics& metrics;
  Gauge& connections_gauge;
  std::array<Counter*, 6> replies{};  // by first digit of the code
  ConnectionCount connections;
  std::atomic<std::size_t> messages_bytes = 0;
  std::atomic<bool> draining = false;
  std::atomic<bool> stopping = false;
  WorkerPool pool;
};

// One connection: takes lines and messages off the wire, lets the session answer on a worker.
// Lives on its loop's thread.
class SmtpConnection {
 public:
  SmtpConnection(SmtpShared& shared,
                 IoLoop& loop,
                 UniqueFd fd,
                 std::string peer_address,
                 SmtpServer::TlsMode mode);
  ~SmtpConnection();
  SmtpConnection(const SmtpConnection&) = delete;
  SmtpConnection& operator=(const SmtpConnection&) = delete;

  Task<void> Run();
  void OnTick();

 private:
  using Next = SmtpSession::Next;
  // The session's turn, or the end of the connection.
  enum class Input { kReady, kAnswered, kClose };

  Task<void> Converse();
  Task<bool> StartTls();
  Task<Input> ReadLine();
  Task<Input> ReadMessage(std::optional<std::string>& message);
  Task<bool> FillBuffer();
  Task<void> GiveUp();
  Task<bool> Send(const SmtpReply& reply);
  Task<bool> AnswerLine();
  Task<bool> AnswerMessage(std::optional<std::string>& message);
  Task<void> LetOthersRun();
  Task<bool> OnWorker(const std::function<void()>& work);
  void SetDeadline();
  bool Charge(std::size_t message_bytes);
  void Uncharge();

  SmtpShared& shared_;
  Stream stream_;
  const std::string peer_address_;
  const SmtpServer::TlsMode mode_;
  const std::shared_ptr<Waker> waker_;
  const std::chrono::steady_clock::time_point login_by_;
  ReadBuffer input_;
  SmtpLineDecoder line_;
  std::unique_ptr<SmtpSession> session_;
  SmtpSession::Answer answer_;
  // Of the message that is being answered; set by whoever answers it.
  enum class Turn { kOpen, kAnswered, kFailed };
  std::atomic<Turn> turn_ = Turn::kOpen;
  int lines_at_once_ = 0;  // since others had their turn
  bool waiting_ = false;   // for the client's next command
  int bad_lines_ = 0;
  std::size_t charged_bytes_ = 0;
};

}  // namespace postglass::net
