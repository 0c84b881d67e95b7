#include "functions/log_sink.h"

#include <algorithm>
#include <iterator>

#include "base/encoding.h"

namespace postglass::functions {

LogSink::LogSink(Write write, Metrics& metrics)
    : write_(std::move(write)),
      dropped_(metrics.GetCounter("postglass_functions_log_lines_dropped_total",
                                  "Log lines of functions that came faster than they are stored")) {
  thread_ = std::thread([this] { Run(); });
}

LogSink::~LogSink() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void LogSink::Add(const std::string& function,
                  const std::string& request_id,
                  std::string_view text) {
  LogLine line{function, request_id, ToValidUtf8(text)};
  std::replace(line.text.begin(), line.text.end(), '\r', '\n');
  MutexLock lock(mutex_);
  if (lines_.size() == kLinesMax) {
    dropped_.Add();
    return;
  }
  lines_.push_back(std::move(line));
  changed_.NotifyAll();
}

void LogSink::Run() {
  for (;;) {
    std::vector<LogLine> batch;
    {
      MutexLock lock(mutex_);
      while (lines_.empty() && !stopping_) changed_.Wait(mutex_);
      if (lines_.empty()) return;
      const auto end =
          lines_.begin() + static_cast<std::ptrdiff_t>(std::min(lines_.size(), kBatchLinesMax));
      batch.assign(std::make_move_iterator(lines_.begin()), std::make_move_iterator(end));
      lines_.erase(lines_.begin(), end);
    }
    write_(std::move(batch));
  }
}

}  // namespace postglass::functions
