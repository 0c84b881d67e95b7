#include "net/stream.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <optional>
#include <thread>

#include "base/check.h"
#include "base/log.h"

namespace postglass::net {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;
using Timer =
    asio::basic_waitable_timer<steady_clock, asio::wait_traits<steady_clock>, LoopExecutor>;
using Descriptor = asio::posix::basic_stream_descriptor<LoopExecutor>;

constexpr asio::use_awaitable_t<LoopExecutor> kUseAwaitable;

constexpr std::chrono::milliseconds kTick{50};
// New connections taken before the loop looks at the old ones again.
constexpr int kAcceptBatch = 64;
// While there is no descriptor to be had, accept() would fail in a hot loop.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::milliseconds kLingerTime{2'000};
constexpr std::size_t kLingerBytes = 8 << 20;

}  // namespace

struct IoLoop::Impl {
  Impl() : context(1), work(context.get_executor()), ticker(context) {}

  Task<void> Tick() {
    for (;;) {
      ticker.expires_after(kTick);
      boost::system::error_code error;
      co_await ticker.async_wait(asio::redirect_error(kUseAwaitable, error));
      if (stopping) co_return;
      Sweep();
      if (on_tick) on_tick();
    }
  }

  void Sweep();

  asio::io_context context;
  asio::executor_work_guard<LoopExecutor> work;
  Timer ticker;
  bool stopping = false;  // the loop's thread
  std::function<void()> on_tick;
  std::list<Stream::Impl*> streams;
  std::thread thread;
};

struct Stream::Impl {
  Impl(IoLoop::Impl& loop_impl, UniqueFd fd)
      : loop(loop_impl),
        socket(std::move(fd)),
        descriptor(loop_impl.context, socket.fd()),
        place(loop_impl.streams.insert(loop_impl.streams.end(), this)) {}

  ~Impl() {
    descriptor.release();  // Socket closes it
    loop.streams.erase(place);
  }

  // True when the socket may be tried again.
  Task<bool> Wait(IoState want) {
    if (cancelled) co_return false;
    boost::system::error_code error;
    co_await descriptor.async_wait(want == IoState::kWantWrite
                                       ? asio::posix::descriptor_base::wait_write
                                       : asio::posix::descriptor_base::wait_read,
                                   asio::redirect_error(kUseAwaitable, error));
    co_return !error && !cancelled;
  }

  void Cancel() {
    cancelled = true;
    boost::system::error_code ignored;  // cancelling what does not wait is no error
    descriptor.cancel(ignored);
  }

  IoLoop::Impl& loop;
  Socket socket;
  Descriptor descriptor;
  std::list<Stream::Impl*>::iterator place;
  std::optional<steady_clock::time_point> deadline;
  bool cancelled = false;
  bool timed_out = false;
};

void IoLoop::Impl::Sweep() {
  const auto now = steady_clock::now();
  for (Stream::Impl* const stream : streams) {
    if (stream->deadline && now >= *stream->deadline) {
      stream->deadline.reset();
      stream->timed_out = true;
      // Ends only the wait in progress, so that a last word to the peer stays possible.
      boost::system::error_code ignored;
      stream->descriptor.cancel(ignored);
    }
  }
}

IoLoop::IoLoop() : impl_(std::make_unique<Impl>()) {}

// NOLINTNEXTLINE(bugprone-exception-escape): out of memory while posting ends the program, rightly
IoLoop::~IoLoop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->context, [this] {
    impl_->stopping = true;
    impl_->ticker.cancel();
    impl_->work.reset();
  });
  impl_->thread.join();
  CHECK(impl_->streams.empty());
}

void IoLoop::Start() {
  CHECK(!impl_->thread.joinable());
  Spawn(impl_->Tick());
  impl_->thread = std::thread([this] { impl_->context.run(); });
}

void IoLoop::Post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }

void IoLoop::Spawn(Task<void> task) {
  asio::co_spawn(impl_->context, std::move(task), [](const std::exception_ptr& thrown) {
    CHECK(thrown == nullptr);
  });
}

void IoLoop::OnTick(std::function<void()> callback) { impl_->on_tick = std::move(callback); }

Stream::Stream(IoLoop& loop, UniqueFd fd)
    : impl_(std::make_unique<Impl>(*loop.impl_, std::move(fd))) {}

Stream::~Stream() = default;

Socket& Stream::socket() { return impl_->socket; }

Task<IoState> Stream::Handshake() {
  for (;;) {
    const IoState state = impl_->socket.Handshake();
    if (state != IoState::kWantRead && state != IoState::kWantWrite) co_return state;
    const bool ready = co_await impl_->Wait(state);
    if (!ready || impl_->timed_out) co_return IoState::kFailed;
  }
}

Task<IoResult> Stream::Read(std::span<char> into) {
  for (;;) {
    const IoResult result = impl_->socket.Read(into);
    if (result.state != IoState::kWantRead && result.state != IoState::kWantWrite) {
      co_return result;
    }
    const bool ready = co_await impl_->Wait(result.state);
    if (!ready || impl_->timed_out) co_return IoResult{IoState::kFailed, 0};
  }
}

Task<IoState> Stream::AwaitInput() {
  if (impl_->socket.has_pending_input()) co_return IoState::kDone;
  const bool readable = co_await impl_->Wait(IoState::kWantRead);
  co_return readable && !impl_->timed_out ? IoState::kDone : IoState::kFailed;
}

Task<IoState> Stream::Write(std::string_view head,
                            std::string_view body,
                            std::chrono::milliseconds progress_limit) {
  ClearDeadline();
  impl_->timed_out = false;
  while (!head.empty() || !body.empty()) {
    const IoResult result = impl_->socket.Write(head, body);
    if (result.state == IoState::kDone) {
      const std::size_t of_head = std::min(result.bytes, head.size());
      head.remove_prefix(of_head);
      body.remove_prefix(result.bytes - of_head);
      impl_->deadline.reset();
      continue;
    }
    if (result.state == IoState::kClosed || result.state == IoState::kFailed) {
      co_return result.state;
    }
    if (!impl_->deadline) SetDeadline(progress_limit);
    const bool ready = co_await impl_->Wait(result.state);
    if (!ready || impl_->timed_out) co_return IoState::kFailed;
  }
  co_return IoState::kDone;
}

Task<void> Stream::Linger() {
  impl_->timed_out = false;
  impl_->socket.ShutdownWrite();
  SetDeadline(kLingerTime);
  std::array<char, 4096> sink;
  for (std::size_t read = 0; read < kLingerBytes;) {
    const IoResult result = co_await Read(sink);
    if (result.state != IoState::kDone) co_return;
    read += result.bytes;
  }
}

void Stream::SetDeadline(std::chrono::milliseconds from_now) {
  impl_->timed_out = false;
  impl_->deadline = steady_clock::now() + from_now;
}

void Stream::ClearDeadline() { impl_->deadline.reset(); }

bool Stream::timed_out() const { return impl_->timed_out; }

void Stream::Cancel() { impl_->Cancel(); }

struct Waker::Impl {
  explicit Impl(IoLoop::Impl& loop_impl) : context(loop_impl.context), timer(loop_impl.context) {}

  asio::io_context& context;
  Timer timer;
  bool rung = false;
};

Waker::Waker(IoLoop& loop) : impl_(std::make_unique<Impl>(*loop.impl_)) {}

Waker::~Waker() = default;

std::shared_ptr<Waker> Waker::Make(IoLoop& loop) { return std::shared_ptr<Waker>(new Waker(loop)); }

Task<void> Waker::Wait() {
  while (!impl_->rung) {
    // A timer that never fires is what Asio has for a condition variable of coroutines.
    impl_->timer.expires_at(steady_clock::time_point::max());
    boost::system::error_code cancelled;
    co_await impl_->timer.async_wait(asio::redirect_error(kUseAwaitable, cancelled));
  }
  impl_->rung = false;
}

void Waker::Notify(std::shared_ptr<Waker> waker) {
  asio::io_context& context = waker->impl_->context;
  asio::post(context, [self = std::move(waker)] {
    self->impl_->rung = true;
    self->impl_->timer.cancel();
  });
}

struct Listener::Impl {
  Impl(IoLoop& io_loop, UniqueFd listen_fd, std::function<void(Accepted)> callback)
      : loop(io_loop),
        fd(std::move(listen_fd)),
        descriptor(io_loop.impl_->context, fd.get()),
        pause(io_loop.impl_->context),
        on_accept(std::move(callback)) {}

  ~Impl() {
    if (fd.valid()) descriptor.release();
  }

  static Task<void> Run(std::shared_ptr<Impl> self) {
    while (self->fd.valid()) {
      boost::system::error_code error;
      co_await self->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                           asio::redirect_error(kUseAwaitable, error));
      for (int taken = 0; taken < kAcceptBatch && self->fd.valid(); ++taken) {
        SocketAddress peer;
        Result<UniqueFd> accepted = AcceptSocket(self->fd.get(), peer);
        if (accepted) {
          self->on_accept(Accepted{std::move(*accepted), peer});
          continue;
        }
        if (accepted.error().code == ErrorCode::kLimit) {
          log::Warn("net", "{}", accepted.error().message);
          self->pause.expires_after(kAcceptPause);
          co_await self->pause.async_wait(asio::redirect_error(kUseAwaitable, error));
        }
        if (accepted.error().code != ErrorCode::kIo) break;
      }
    }
  }

  void Close() {
    if (!fd.valid()) return;
    boost::system::error_code ignored;
    descriptor.cancel(ignored);
    pause.cancel();
    descriptor.release();
    fd.Reset();
  }

  IoLoop& loop;
  UniqueFd fd;
  Descriptor descriptor;
  Timer pause;
  std::function<void(Accepted)> on_accept;
};

Listener::Listener(IoLoop& loop, UniqueFd fd, std::function<void(Accepted)> on_accept)
    : impl_(std::make_shared<Impl>(loop, std::move(fd), std::move(on_accept))) {}

Listener::~Listener() = default;

void Listener::Open() {
  impl_->loop.Post([impl = impl_] { impl->loop.Spawn(Impl::Run(impl)); });
}

void Listener::Close() {
  impl_->loop.Post([impl = impl_] { impl->Close(); });
}

}  // namespace postglass::net
