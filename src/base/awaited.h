#pragma once

#include <optional>
#include <utility>

#include "base/mutex.h"

namespace postglass {

// One value that another thread brings, for a caller that waits: a blocking call made of one that
// answers later. Lives on the waiting caller's stack.
template <class T>
class Awaited {
 public:
  void Set(T value) {
    // Notified under the lock: the waiter is gone as soon as it can see the value.
    MutexLock lock(mutex_);
    value_ = std::move(value);
    set_.NotifyOne();
  }

  // Blocks until Set() was called. Once.
  T Get() {
    MutexLock lock(mutex_);
    while (!value_) set_.Wait(mutex_);
    return std::move(*value_);
  }

 private:
  Mutex mutex_;
  CondVar set_;
  std::optional<T> value_ GUARDED_BY(mutex_);
};

}  // namespace postglass
