#include "net/connection_count.h"

#include "base/clock.h"

namespace postglass::net {

bool ConnectionCount::Enter(std::size_t connections_max) {
  MutexLock lock(mutex_);
  if (count_ >= connections_max) return false;
  ++count_;
  return true;
}

void ConnectionCount::Leave() {
  MutexLock lock(mutex_);
  if (--count_ == 0) left_.NotifyAll();
}

std::size_t ConnectionCount::value() const {
  MutexLock lock(mutex_);
  return count_;
}

bool ConnectionCount::WaitForNone(std::chrono::milliseconds limit) {
  const SystemClock clock;
  const auto deadline = clock.Monotonic() + limit;
  MutexLock lock(mutex_);
  while (count_ > 0) {
    const auto left = deadline - clock.Monotonic();
    if (left <= left.zero()) return false;
    left_.WaitFor(mutex_, left);
  }
  return true;
}

void ConnectionCount::WaitForNone() {
  MutexLock lock(mutex_);
  while (count_ > 0) left_.Wait(mutex_);
}

}  // namespace postglass::net
