#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace postglass::api {

// How long a query goes on after its client has gone.
inline constexpr std::chrono::milliseconds kGoneCheckEvery{50};

// Lines from a thread that makes them to one that writes them. Thread-safe.
class LineQueue {
 public:
  void Push(std::string line) {
    {
      MutexLock lock(mutex_);
      lines_.push_back(std::move(line));
    }
    changed_.NotifyOne();
  }

  // No more lines will come.
  void Close() {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    changed_.NotifyOne();
  }

  enum class Taken { kLine, kNothingYet, kClosed };

  Taken Take(std::chrono::nanoseconds wait_max, std::string& line) {
    MutexLock lock(mutex_);
    if (lines_.empty() && !closed_) changed_.WaitFor(mutex_, wait_max);
    if (lines_.empty()) return closed_ ? Taken::kClosed : Taken::kNothingYet;
    line = std::move(lines_.front());
    lines_.pop_front();
    return Taken::kLine;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> lines_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

// Runs `work(stop, lines)` on a thread of its own; `write` gets its lines on the caller's, in
// order. `stop` is requested as soon as `write` fails or `gone()` is true, which is asked on the
// caller's thread too. Returns when the work is done.
template <class Work, class Write, class Gone>
void RunWatched(Work&& work, Write&& write, Gone&& gone) {
  std::stop_source stop;
  LineQueue lines;
  const auto run = [&] {
    work(stop.get_token(), lines);
    lines.Close();
  };
  std::thread worker;
  try {
    worker = std::thread(run);
  } catch (const std::system_error&) {
    run();  // there are no more threads: nobody watches, and the lines come all at once
  }
  std::string line;
  for (bool open = true; open;) {
    switch (lines.Take(kGoneCheckEvery, line)) {
      case LineQueue::Taken::kLine:
        if (!stop.stop_requested() && !write(line)) stop.request_stop();
        break;
      case LineQueue::Taken::kNothingYet:
        if (gone()) stop.request_stop();
        break;
      case LineQueue::Taken::kClosed:
        open = false;
        break;
    }
  }
  if (worker.joinable()) worker.join();
}

// The same for work without lines: work(stop). When nobody can go, on the caller's thread.
template <class Work>
void RunUntilGone(const std::function<bool()>& gone, Work&& work) {
  if (!gone) {
    work(std::stop_token());
    return;
  }
  RunWatched([&](std::stop_token stop, LineQueue&) { work(std::move(stop)); },
             [](std::string_view) { return true; },
             gone);
}

}  // namespace postglass::api
