#include "net/http_connection.h"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <utility>

#include "base/log.h"

namespace postglass::net {
namespace {

constexpr std::size_t kReadBytes = 16 << 10;
// Bodies come in larger pieces: an unreserved buffer reads them in driblets, ten times slower.
constexpr std::size_t kBodyReadBytes = 128 << 10;
// A body up to this size is copied behind its head, so that both go out in one packet or record.
constexpr std::size_t kJoinBytesMax = 16 << 10;
constexpr int kServiceUnavailable = 503;
constexpr std::string_view kRetryAfterSeconds = "1";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

HttpResponse Overloaded(std::string text) {
  HttpResponse response = TextResponse(kServiceUnavailable, std::move(text));
  response.headers.Add("Retry-After", std::string(kRetryAfterSeconds));
  return response;
}

std::string_view RejectionLabel(int status) {
  switch (status) {
    case 408:
      return "timeout";
    case 413:
      return "body_too_large";
    case 414:
    case 431:
      return "header_too_large";
    default:
      return "bad_request";
  }
}

}  // namespace

HttpShared::HttpShared(HttpServerOptions server_options,
                       HttpHandler request_handler,
                       Metrics& registry)
    : options(std::move(server_options)),
      handler(std::move(request_handler)),
      metrics(registry),
      connections_gauge(registry.GetGauge(
          "postglass_http_connections", "open HTTP connections", {{"listener", options.name}})),
      pool({static_cast<std::size_t>(options.worker_threads), options.queue_max}) {
  constexpr std::array<std::string_view, 6> kClasses = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    answers[i] = &metrics.GetCounter("postglass_http_requests_total",
                                     "HTTP requests answered",
                                     {{"listener", options.name}, {"class", kClasses[i]}});
  }
}

void HttpShared::CountAnswer(int status) {
  const auto first_digit = static_cast<std::size_t>(status / 100);
  answers[first_digit < answers.size() ? first_digit : 0]->Add();
}

void HttpShared::CountRejected(std::string_view reason) {
  metrics
      .GetCounter("postglass_http_rejected_total",
                  "HTTP connections and requests turned away before a handler saw them",
                  {{"listener", options.name}, {"reason", reason}})
      .Add();
}

HttpConnection::HttpConnection(HttpShared& shared,
                               IoLoop& loop,
                               UniqueFd fd,
                               std::string peer_address,
                               std::shared_ptr<SSL_CTX> tls)
    : shared_(shared),
      stream_(loop, std::move(fd)),
      peer_address_(std::move(peer_address)),
      tls_(std::move(tls)),
      waker_(Waker::Make(loop)),
      reader_({shared.options.header_bytes_max, shared.options.body_bytes_max}) {}

HttpConnection::~HttpConnection() { UnchargeBody(); }

void HttpConnection::OnTick() {
  const bool stopping = shared_.stopping;
  if ((idle_ && shared_.draining) || stopping) stream_.Cancel();
  if (sending_ != nullptr && (stopping || shared_.draining)) sending_->Abandon();
}

Task<void> HttpConnection::Run() {
  if (tls_ != nullptr) {
    const bool encrypted = co_await StartTls();
    if (!encrypted) co_return;
  }
  for (;;) {
    Next next = co_await ReadRequest();
    if (next == Next::kClose) break;
    next = co_await Answer();
    if (next == Next::kClose) break;
  }
  if (linger_) {
    co_await stream_.Linger();
  } else {
    stream_.socket().ShutdownWrite();
  }
}

Task<bool> HttpConnection::StartTls() {
  stream_.SetDeadline(shared_.options.header_timeout);
  IoState state = IoState::kFailed;
  if (stream_.socket().BeginTlsServer(tls_)) state = co_await stream_.Handshake();
  if (state == IoState::kDone) co_return true;
  // Also plain HTTP on this port. There is no way to answer that a client would understand.
  shared_.CountRejected("tls");
  if (!stream_.timed_out()) co_await stream_.Linger();
  co_return false;
}

// Waits without a buffer: most connections are idle most of the time.
Task<bool> HttpConnection::AwaitFirstByte() {
  input_.Release();
  stream_.SetDeadline(first_request_ ? shared_.options.header_timeout
                                     : shared_.options.idle_timeout);
  idle_ = true;
  const IoState state = co_await stream_.AwaitInput();
  idle_ = false;
  co_return state == IoState::kDone;
}

Task<bool> HttpConnection::FillBuffer() {
  const bool in_body = reader_.state() == HttpRequestReader::State::kBody;
  const IoResult read = co_await stream_.Read(input_.Room(in_body ? kBodyReadBytes : kReadBytes));
  if (read.state != IoState::kDone) co_return false;
  input_.Commit(read.bytes);
  co_return true;
}

Task<HttpConnection::Next> HttpConnection::ReadRequest() {
  using State = HttpRequestReader::State;
  if (input_.empty()) {
    const bool came = co_await AwaitFirstByte();
    if (!came) co_return Next::kClose;
  }
  first_request_ = false;
  stream_.SetDeadline(shared_.options.header_timeout);
  bool in_head = true;
  for (;;) {
    // What is in the buffer may be enough: pipelined requests, or head and body in one piece.
    for (std::size_t taken = 1; taken > 0 && reader_.state() < State::kComplete;) {
      taken = reader_.Consume(input_.view());
      input_.Drop(taken);
    }
    if (reader_.state() == State::kFailed) {
      co_await Refuse(reader_.error_status(), reader_.error_reason());
      co_return Next::kClose;
    }
    if (!ChargeBody()) {
      co_await Refuse(kServiceUnavailable, "too many bodies in memory");
      co_return Next::kClose;
    }
    if (reader_.state() == State::kComplete) break;
    if (in_head && reader_.state() == State::kBody) {
      in_head = false;
      stream_.SetDeadline(shared_.options.body_timeout);
      if (reader_.expects_continue() && input_.empty() && reader_.body_bytes() == 0) {
        const IoState state = co_await stream_.Write(kContinue, {}, shared_.options.write_timeout);
        if (state != IoState::kDone) co_return Next::kClose;
        stream_.SetDeadline(shared_.options.body_timeout);
      }
    }
    const bool filled = co_await FillBuffer();
    if (!filled) {
      const bool began = !in_head || !input_.empty();
      if (stream_.timed_out() && began) co_await Refuse(408, "request took too long");
      co_return Next::kClose;
    }
  }
  stream_.ClearDeadline();
  co_return Next::kGoOn;
}

Task<void> HttpConnection::Refuse(int status, std::string_view reason) {
  shared_.CountRejected(status == kServiceUnavailable ? "bodies" : RejectionLabel(status));
  shared_.CountAnswer(status);
  linger_ = true;
  reader_.DropBody();
  input_.Release();
  UnchargeBody();
  const HttpResponse response = status == kServiceUnavailable
                                    ? Overloaded(fmt::format("{}\n", reason))
                                    : TextResponse(status, fmt::format("{}\n", reason));
  const std::string head = FormatResponseHead(response, Framing(false));
  co_await stream_.Write(head, response.body, shared_.options.write_timeout);
}

HttpFraming HttpConnection::Framing(bool keep_alive) const {
  HttpFraming framing;
  framing.keep_alive = keep_alive;
  framing.http_1_0 = http_1_0_;
  framing.date = shared_.clock.Now();
  return framing;
}

Task<HttpConnection::Next> HttpConnection::Answer() {
  keep_alive_ = reader_.keep_alive() && !shared_.draining;
  head_only_ = reader_.is_head();
  http_1_0_ = reader_.http_1_0();
  request_ = reader_.Take();
  request_.peer_address = peer_address_;
  request_.over_tls = tls_ != nullptr;
  request_.abandoned = [this] { return shared_.stopping || PeerHasGone(stream_.socket().fd()); };
  response_ = HttpResponse();
  channel_.reset();
  handled_ = false;

  if (shared_.options.at_once && shared_.options.at_once(request_)) {
    RunHandler();
    // Also when the answer is there: a client that sends one request behind the other must not
    // keep the loop from the other connections.
    co_await waker_->Wait();
  } else if (!shared_.pool.Submit([this] { RunHandler(); })) {
    shared_.CountRejected("queue");
    response_ = Overloaded("too many requests at once\n");
    handled_ = true;
  }
  // A stream's last ring may come when all of it has been sent: it must not pass for this answer.
  while (!handled_) co_await waker_->Wait();
  shared_.CountAnswer(response_.status);
  Next next = Next::kClose;
  if (channel_ != nullptr) {
    next = co_await SendStream();
  } else {
    next = co_await SendWhole(response_);
  }
  channel_.reset();
  request_ = HttpRequest();
  response_ = HttpResponse();
  UnchargeBody();
  co_return next;
}

// On a worker, or on the loop (HttpServerOptions::at_once). The connection stays until the last
// Notify(), and may be gone right after it.
void HttpConnection::RunHandler() {
  std::shared_ptr<Waker> waker = waker_;
  try {
    response_ = shared_.handler(request_);
    if (const auto later = std::move(response_.later)) {
      later([this, waker](HttpResponse answer) {
        response_ = std::move(answer);
        handled_ = true;
        Waker::Notify(waker);
      });
      return;
    }
  } catch (const std::exception& thrown) {
    // A fault of the handler; this request fails and the others go on.
    log::Error("net", "handler of {} threw: {}", request_.path(), thrown.what());
    response_ = TextResponse(500, "internal error\n");
  }
  if (!response_.stream || head_only_ || IsBodyless(response_.status)) {
    handled_ = true;
    Waker::Notify(std::move(waker));
    return;
  }
  const auto channel = std::make_shared<BodyChannel>(
      [waker] { Waker::Notify(waker); }, [this] { return PeerHasGone(stream_.socket().fd()); });
  channel_ = channel;
  const auto produce = std::move(response_.stream);
  handled_ = true;
  Waker::Notify(waker);
  try {
    produce(*channel);
    channel->Finish(BodyChannel::End::kComplete);
  } catch (const std::exception& thrown) {
    log::Error("net", "streaming handler threw: {}", thrown.what());
    channel->Finish(BodyChannel::End::kBroken);
  }
}

Task<HttpConnection::Next> HttpConnection::SendWhole(const HttpResponse& response) {
  HttpFraming framing = Framing(keep_alive_);
  if (head_only_ && response.stream) framing.body = HttpFraming::Body::kChunked;
  std::string head = FormatResponseHead(response, framing);
  std::string_view body = response.body;
  if (head_only_ || IsBodyless(response.status)) body = {};
  if (body.size() <= kJoinBytesMax) {
    head.append(body);
    body = {};
  }
  const IoState state = co_await stream_.Write(head, body, shared_.options.write_timeout);
  // Unread pipelined requests would turn our close into a reset.
  linger_ = !input_.empty();
  const bool stays = keep_alive_ && state == IoState::kDone;
  co_return stays ? Next::kGoOn : Next::kClose;
}

Task<HttpConnection::Next> HttpConnection::SendStream() {
  HttpFraming framing = Framing(keep_alive_ && !http_1_0_);
  framing.body = http_1_0_ ? HttpFraming::Body::kUntilClose : HttpFraming::Body::kChunked;
  std::string head = FormatResponseHead(response_, framing);
  sending_ = channel_;
  for (bool sending = true;;) {
    BodyChannel::Taken taken = channel_->Take();
    if (sending) {
      if (!http_1_0_) {
        if (!taken.bytes.empty()) {
          head += fmt::format("{:x}\r\n", taken.bytes.size());
          taken.bytes += "\r\n";
        }
        // Without the last chunk a client sees that the body was cut.
        if (taken.complete) taken.bytes += "0\r\n\r\n";
      }
      const IoState state =
          co_await stream_.Write(head, taken.bytes, shared_.options.write_timeout);
      head.clear();
      if (state != IoState::kDone) {
        sending = false;
        channel_->Abandon();
      }
    }
    if (taken.finished) {
      sending_.reset();
      const bool stays = framing.keep_alive && sending && taken.complete;
      co_return stays ? Next::kGoOn : Next::kClose;
    }
    co_await waker_->Wait();
  }
}

// Counts what has come of a body against the bound on all bodies together.
bool HttpConnection::ChargeBody() {
  const std::size_t bytes = reader_.body_bytes();
  if (bytes <= charged_bytes_) return true;
  const std::size_t more = bytes - charged_bytes_;
  charged_bytes_ = bytes;
  return shared_.bodies_bytes.fetch_add(more) + more <= shared_.options.bodies_bytes_max;
}

void HttpConnection::UnchargeBody() {
  shared_.bodies_bytes -= charged_bytes_;
  charged_bytes_ = 0;
}

}  // namespace postglass::net
