#pragma once

#include <cstddef>

#include "base/mutex.h"

namespace postglass {

// Decides when whoever adds work has to wake one of several threads that wait for it. One that was
// woken and has not come yet will see all the work there is by then, so that nobody else is woken
// meanwhile; it wakes the next one itself when there is more than it takes (Took()). Under load
// one thread then serves many pieces of work without a switch of threads for each.
//
// Every call needs the mutex that guards the work. Notifications may follow after it was unlocked.
class IdleWorkers {
 public:
  // Work was added. True: call NotifyOne() on the condition the workers wait for.
  [[nodiscard]] bool Added() {
    if (idle_ == 0 || waking_) return false;
    waking_ = true;
    return true;
  }

  // A worker has taken work. True, as above, when others are needed for what is left.
  [[nodiscard]] bool Took(bool more_left) { return more_left && Added(); }

  // Around a worker's wait.
  void BeginWait() { ++idle_; }

  // However the wait ended: the worker looks at the work again before it waits once more.
  void EndWait() {
    --idle_;
    waking_ = false;
  }

 private:
  std::size_t idle_ = 0;
  bool waking_ = false;
};

}  // namespace postglass
