#pragma once

#include <chrono>
#include <cstddef>

#include "base/mutex.h"

namespace postglass::net {

// How many connections live; lets the server wait for the last one. Thread-safe.
class ConnectionCount {
 public:
  // False when `connections_max` are there already.
  bool Enter(std::size_t connections_max);
  void Leave();
  std::size_t value() const;
  // False when some were left after `limit`.
  bool WaitForNone(std::chrono::milliseconds limit);
  void WaitForNone();

 private:
  mutable Mutex mutex_;
  CondVar left_;
  std::size_t count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace postglass::net
