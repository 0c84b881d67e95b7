#pragma once

#include "base/mutex.h"

namespace postglass::store {

// Lets helpers in while a query runs. One that starts late, behind other queries' work, finds the
// door closed and touches nothing of a query that is gone. Thread-safe.
class Door {
 public:
  bool Enter() {
    MutexLock lock(mutex_);
    if (closed_) return false;
    ++inside_;
    return true;
  }

  void Leave() {
    MutexLock lock(mutex_);
    --inside_;
    left_.NotifyAll();
  }

  void CloseAndWait() {
    MutexLock lock(mutex_);
    closed_ = true;
    while (inside_ > 0) left_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar left_;
  bool closed_ GUARDED_BY(mutex_) = false;
  int inside_ GUARDED_BY(mutex_) = 0;
};

}  // namespace postglass::store
