#include "functions/log_throttle.h"

namespace postglass::functions {

bool LogThrottle::Allow(std::string_view key, std::uint64_t& suppressed) {
  const auto now = clock_.Monotonic();
  MutexLock lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() == kKeysMax) entries_.clear();
    entries_.emplace(key, Entry{now, 0});
    suppressed = 0;
    return true;
  }
  Entry& entry = found->second;
  if (now - entry.written_at < interval_) {
    ++entry.suppressed;
    return false;
  }
  suppressed = entry.suppressed;
  entry = {now, 0};
  return true;
}

}  // namespace postglass::functions
