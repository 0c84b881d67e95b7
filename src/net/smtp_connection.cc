#include "net/smtp_connection.h"

#include <exception>
#include <utility>

#include "base/log.h"

namespace postglass::net {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 8 << 10;
constexpr std::size_t kDataReadBytes = 128 << 10;
// Each line before login must come within login_timeout; all of them within this many.
constexpr int kLoginTimeouts = 12;
constexpr int kBadLinesMax = 10;
// A message above the limit is read to its end, so that the client hears why. One that goes on for
// longer than this many times the limit is not meant to end.
constexpr std::size_t kDrainFactor = 4;
// What the loop lets a session compute itself: a longer message takes more than some 500 µs.
constexpr std::size_t kAtOnceBytesMax = 64 << 10;
constexpr int kLinesAtOnceMax = 16;

// False when it threw.
bool CatchingAll(const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const std::exception& thrown) {
    log::Error("net", "SMTP session threw: {}", thrown.what());
    return false;
  }
}

}  // namespace

SmtpShared::SmtpShared(SmtpServerOptions server_options,
                       SmtpSessionFactory session_factory,
                       std::shared_ptr<TlsServerContext> server_tls,
                       Metrics& registry)
    : options(std::move(server_options)),
      factory(std::move(session_factory)),
      tls(std::move(server_tls)),
      metrics(registry),
      connections_gauge(registry.GetGauge("postglass_smtp_connections", "open SMTP connections")),
      // A connection has one call at work at a time, so that the queue cannot overflow.
      pool({static_cast<std::size_t>(options.worker_threads), options.connections_max + 1}) {
  constexpr std::array<std::string_view, 6> kClasses = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    replies[i] = &metrics.GetCounter(
        "postglass_smtp_requests_total", "SMTP commands answered", {{"class", kClasses[i]}});
  }
}

void SmtpShared::CountReply(int code) {
  const auto first_digit = static_cast<std::size_t>(code / 100);
  replies[first_digit < replies.size() ? first_digit : 0]->Add();
}

void SmtpShared::CountRejected(std::string_view reason) {
  metrics
      .GetCounter("postglass_smtp_rejected_total",
                  "SMTP connections, lines and messages turned away before a session saw them",
                  {{"reason", reason}})
      .Add();
}

SmtpConnection::SmtpConnection(SmtpShared& shared,
                               IoLoop& loop,
                               UniqueFd fd,
                               std::string peer_address,
                               SmtpServer::TlsMode mode)
    : shared_(shared),
      stream_(loop, std::move(fd)),
      peer_address_(std::move(peer_address)),
      mode_(mode),
      waker_(Waker::Make(loop)),
      login_by_(steady_clock::now() + kLoginTimeouts * shared.options.login_timeout),
      line_(shared.options.line_bytes_max) {}

SmtpConnection::~SmtpConnection() { Uncharge(); }

void SmtpConnection::OnTick() {
  if ((waiting_ && shared_.draining) || shared_.stopping) stream_.Cancel();
}

Task<void> SmtpConnection::Run() {
  if (mode_ == SmtpServer::TlsMode::kImplicit) {
    const bool encrypted = co_await StartTls();
    if (!encrypted) co_return;
  }
  co_await Converse();
  input_.Release();
  co_await stream_.Linger();
  // The session's end may do work of its own, like giving up what was begun.
  if (session_ != nullptr) {
    const std::function<void()> end = [this] { session_.reset(); };
    co_await OnWorker(end);
  }
}

Task<void> SmtpConnection::Converse() {
  const std::function<void()> begin = [this] {
    session_ = shared_.factory({peer_address_, stream_.socket().encrypted()});
    answer_.reply = session_->Greeting();
  };
  const bool began = co_await OnWorker(begin);
  if (!began) answer_.reply = {421, {"4.3.0 Internal error"}, true};
  for (;;) {
    const bool sent = co_await Send(answer_.reply);
    if (!sent || answer_.reply.close) co_return;
    if (answer_.next == Next::kStartTls) {
      // CVE-2011-0411: commands sent along with STARTTLS in the clear would count as encrypted.
      input_.Release();
      const bool encrypted = co_await StartTls();
      if (!encrypted) co_return;
      const std::function<void()> tell = [this] { session_->TlsStarted(); };
      const bool told = co_await OnWorker(tell);
      if (!told) co_return;
      answer_.next = Next::kCommand;
    }
    std::optional<std::string> message;
    Input input = Input::kAnswered;
    while (input == Input::kAnswered) {
      if (answer_.next == Next::kData) {
        input = co_await ReadMessage(message);
      } else {
        input = co_await ReadLine();
      }
    }
    if (input == Input::kClose) co_return;
    bool answered = false;
    if (answer_.next == Next::kData) {
      answered = co_await AnswerMessage(message);
    } else {
      answered = co_await AnswerLine();
    }
    Uncharge();
    line_.Next();
    if (!answered) answer_ = {{421, {"4.3.0 Internal error"}, true}, Next::kCommand};
  }
}

Task<bool> SmtpConnection::StartTls() {
  stream_.SetDeadline(shared_.options.login_timeout);
  IoState state = IoState::kFailed;
  if (shared_.tls != nullptr && stream_.socket().BeginTlsServer(shared_.tls->Current())) {
    state = co_await stream_.Handshake();
  }
  if (state != IoState::kDone) shared_.CountRejected("tls");
  co_return state == IoState::kDone;
}

void SmtpConnection::SetDeadline() {
  if (session_->logged_in()) {
    stream_.SetDeadline(shared_.options.command_timeout);
    return;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(login_by_ - steady_clock::now());
  stream_.SetDeadline(std::min(shared_.options.login_timeout, left));
}

Task<bool> SmtpConnection::FillBuffer() {
  const std::size_t room = answer_.next == Next::kData ? kDataReadBytes : kReadBytes;
  const IoResult read = co_await stream_.Read(input_.Room(room));
  if (read.state == IoState::kDone) input_.Commit(read.bytes);
  co_return read.state == IoState::kDone;
}

// The client is gone, or too slow, or the server wants to end.
Task<void> SmtpConnection::GiveUp() {
  if (stream_.timed_out()) {
    shared_.CountRejected("timeout");
    co_await Send(shared_.options.timeout_reply);
  } else if (shared_.draining) {
    const SmtpReply reply{421, {"4.3.2 Service shutting down"}, true};
    co_await Send(reply);
  }
}

Task<SmtpConnection::Input> SmtpConnection::ReadLine() {
  SetDeadline();
  for (;;) {
    input_.Drop(line_.Consume(input_.view()));
    if (line_.state() != SmtpLineDecoder::State::kWanting) break;
    if (input_.empty()) input_.Release();  // a client that thinks holds no memory
    waiting_ = true;
    // A client answers later than at once: trying to read first would be in vain.
    const IoState ready = co_await stream_.AwaitInput();
    bool filled = ready == IoState::kDone;
    if (filled) filled = co_await FillBuffer();
    waiting_ = false;
    if (!filled) {
      co_await GiveUp();
      co_return Input::kClose;
    }
  }
  stream_.ClearDeadline();
  if (line_.state() == SmtpLineDecoder::State::kLine) co_return Input::kReady;

  SmtpReply reply{500, {"5.5.2 Line too long"}, false};
  if (line_.state() == SmtpLineDecoder::State::kBareEnd) {
    shared_.CountRejected("bare_line_end");
    reply = {500, {"5.5.2 Lines end with CR LF"}, true};
  } else {
    shared_.CountRejected("line_too_long");
    reply.close = ++bad_lines_ >= kBadLinesMax;
  }
  line_.Next();
  const bool sent = co_await Send(reply);
  co_return sent && !reply.close ? Input::kAnswered : Input::kClose;
}

Task<SmtpConnection::Input> SmtpConnection::ReadMessage(std::optional<std::string>& message) {
  SmtpDataDecoder data(shared_.options.message_bytes_max);
  for (;;) {
    input_.Drop(data.Consume(input_.view()));
    if (!Charge(data.kept_bytes())) {
      shared_.CountRejected("messages");
      Uncharge();
      const SmtpReply reply{421, {"4.3.2 Too many messages at once"}, true};
      co_await Send(reply);
      co_return Input::kClose;
    }
    if (data.complete()) break;
    if (data.received_bytes() / kDrainFactor > shared_.options.message_bytes_max) {
      shared_.CountRejected("endless_message");
      co_return Input::kClose;
    }
    stream_.SetDeadline(shared_.options.command_timeout);
    const bool filled = co_await FillBuffer();
    if (!filled) {
      co_await GiveUp();
      co_return Input::kClose;
    }
  }
  stream_.ClearDeadline();
  if (data.too_large()) {
    shared_.CountRejected("message_too_large");
  } else {
    message = data.Take();
  }
  co_return Input::kReady;
}

// Counts what has come of a message against the bound on all messages together.
bool SmtpConnection::Charge(std::size_t message_bytes) {
  if (message_bytes <= charged_bytes_) return true;
  const std::size_t more = message_bytes - charged_bytes_;
  charged_bytes_ = message_bytes;
  return shared_.messages_bytes.fetch_add(more) + more <= shared_.options.messages_bytes_max;
}

void SmtpConnection::Uncharge() {
  shared_.messages_bytes -= charged_bytes_;
  charged_bytes_ = 0;
}

Task<bool> SmtpConnection::Send(const SmtpReply& reply) {
  shared_.CountReply(reply.code);
  const std::string text = reply.ToString();
  const IoState state = co_await stream_.Write(text, {}, shared_.options.command_timeout);
  co_return state == IoState::kDone;
}

Task<bool> SmtpConnection::AnswerLine() {
  bool answered = false;
  const std::function<void()> answer = [this, &answered] {
    answer_ = answer_.next == Next::kLine ? session_->Line(line_.line())
                                          : session_->Command(line_.line());
    answered = true;
  };
  if (!session_->computes_only()) {
    const bool done = co_await OnWorker(answer);
    co_return done;
  }
  if (++lines_at_once_ > kLinesAtOnceMax) co_await LetOthersRun();
  CatchingAll(answer);
  co_return answered;
}

// A client that sends one command behind the other must not keep the loop from the others.
Task<void> SmtpConnection::LetOthersRun() {
  lines_at_once_ = 0;
  Waker::Notify(waker_);
  co_await waker_->Wait();
}

// No thread waits while the session waits for the disk. The connection stays until the one
// Notify(), and may be gone right after it.
Task<bool> SmtpConnection::AnswerMessage(std::optional<std::string>& message) {
  const bool at_once =
      session_->computes_only() && (!message || message->size() <= kAtOnceBytesMax);
  turn_ = Turn::kOpen;
  const auto finish = [this](Turn how) {
    std::shared_ptr<Waker> waker = waker_;
    turn_ = how;
    Waker::Notify(std::move(waker));
  };
  const std::function<void()> begin = [this, &message, &finish] {
    const bool begun = CatchingAll([this, &message, finish] {
      session_->DataAsync(std::move(message), [this, finish](SmtpSession::Answer answer) {
        answer_ = std::move(answer);
        finish(Turn::kAnswered);
      });
    });
    if (!begun) finish(Turn::kFailed);
  };
  if (at_once) {
    begin();
  } else if (!shared_.pool.Submit(begin)) {
    co_return false;
  }
  lines_at_once_ = 0;
  // At least once, also when the answer is there: its ring must not pass for another one.
  do {
    co_await waker_->Wait();
  } while (turn_ == Turn::kOpen);
  co_return turn_ == Turn::kAnswered;
}

// Runs `work` on a worker and waits for it. False when it threw, or the server stops.
Task<bool> SmtpConnection::OnWorker(const std::function<void()>& work) {
  bool done = false;
  const bool submitted = shared_.pool.Submit([&work, &done, waker = waker_] {
    done = CatchingAll(work);
    Waker::Notify(waker);
  });
  if (submitted) co_await waker_->Wait();
  co_return done;
}

}  // namespace postglass::net
