#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"

namespace postglass::functions {

// Lets a repeated log line through once in a while. Thread-safe.
class LogThrottle {
 public:
  static constexpr std::size_t kKeysMax = 256;  // beyond: all are forgotten

  LogThrottle(const Clock& clock, std::chrono::nanoseconds interval)
      : clock_(clock), interval_(interval) {}

  // Whether to write the line now. `suppressed` gets how many were held back since the last one.
  bool Allow(std::string_view key, std::uint64_t& suppressed);

 private:
  struct Entry {
    std::chrono::nanoseconds written_at{0};
    std::uint64_t suppressed = 0;
  };

  const Clock& clock_;
  const std::chrono::nanoseconds interval_;
  Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);
};

}  // namespace postglass::functions
