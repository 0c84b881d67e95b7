#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"

namespace postglass::functions {

// One line that a function wrote.
struct LogLine {
  std::string function;
  std::string request_id;  // empty: between two invocations
  std::string text;
};

// Takes the log lines of functions and hands them on in batches from a thread of its own, so that
// no function waits for the store. Lines beyond kLinesMax are dropped and counted in
// postglass_functions_log_lines_dropped_total: logs of functions are no acknowledged events.
// Thread-safe.
class LogSink {
 public:
  static constexpr std::size_t kLinesMax = 10'000;
  static constexpr std::size_t kBatchLinesMax = 500;

  using Write = std::function<void(std::vector<LogLine> lines)>;

  LogSink(Write write, Metrics& metrics);
  // Writes what has gathered.
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  // `text` may be any bytes; a carriage return stands for a line's end within one event.
  void Add(const std::string& function, const std::string& request_id, std::string_view text);

 private:
  void Run();

  const Write write_;
  Counter& dropped_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<LogLine> lines_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postglass::functions
