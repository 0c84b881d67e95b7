#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "net/socket.h"

// The servers' event loop and what waits in it. Only stream.cc includes Asio's sockets and timers;
// protocols see coroutines over this facade, which keeps their sources quick to compile.

namespace postglass::net {

using LoopExecutor = boost::asio::io_context::executor_type;
// A co_await stands alone, as a statement or as the whole initialiser of a variable: g++ 12 makes
// wrong code of one inside a condition or a larger expression.
template <class T>
using Task = boost::asio::awaitable<T, LoopExecutor>;

class Stream;

// One event loop on one thread. Coroutines and streams of a loop live on its thread alone.
class IoLoop {
 public:
  IoLoop();
  // Stops and joins. Requires that every coroutine has ended (CHECK).
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  void Start();
  // Runs `task` on the loop's thread, soon. Any thread.
  void Post(std::function<void()> task);
  // Starts a coroutine. It must not throw. The loop's thread, or before Start().
  void Spawn(Task<void> task);
  // Called on each tick (50 ms), on the loop's thread. Set before Start().
  void OnTick(std::function<void()> callback);

 private:
  friend class Stream;
  friend class Listener;
  friend class Waker;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A connection accepted from outside, on one loop. Every wait ends when Cancel() is called or the
// deadline passes (checked each tick): the calls then return IoState::kFailed.
class Stream {
 public:
  Stream(IoLoop& loop, UniqueFd fd);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Socket& socket();

  Task<IoState> Handshake();
  // At least one byte with kDone.
  Task<IoResult> Read(std::span<char> into);
  // Waits until there is something to read or the end, without needing a buffer for it.
  Task<IoState> AwaitInput();
  // Writes everything. The deadline starts anew with `progress_limit` whenever bytes go out.
  Task<IoState> Write(std::string_view head,
                      std::string_view body,
                      std::chrono::milliseconds progress_limit);
  // After the last answer: says that nothing more comes and reads what is still on its way, for a
  // moment. Closing at once would reset the connection, and the peer would lose the answer
  // (RFC 9112 §9.6).
  Task<void> Linger();

  void SetDeadline(std::chrono::milliseconds from_now);
  void ClearDeadline();
  bool timed_out() const;
  // Ends the wait in progress and all later ones.
  void Cancel();

 private:
  friend class IoLoop;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A doorbell from other threads to one coroutine of a loop.
class Waker {
 public:
  static std::shared_ptr<Waker> Make(IoLoop& loop);
  ~Waker();

  // Returns once for any number of Notify() since the last return. One coroutine only.
  Task<void> Wait();
  // Any thread. A caller that gives its own reference may be outlived by it: whoever rings last
  // rings for a coroutine that may then end and take everything else with it.
  static void Notify(std::shared_ptr<Waker> waker);

 private:
  explicit Waker(IoLoop& loop);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Accepts connections on a loop and hands them out.
class Listener {
 public:
  struct Accepted {
    UniqueFd fd;
    SocketAddress peer;
  };

  // `on_accept` runs on the loop's thread.
  Listener(IoLoop& loop, UniqueFd fd, std::function<void(Accepted)> on_accept);
  // Requires that Close() has been carried out, or that the loop never ran.
  ~Listener();

  // Starts to accept. Any thread.
  void Open();
  // Stops listening. Any thread; carried out by the loop.
  void Close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postglass::net
