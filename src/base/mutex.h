#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// Annotated mutex: clang's -Wthread-safety checks what GUARDED_BY promises. Locks are leaves: no
// I/O and no callback while one is held.

#if defined(__clang__)
#define POSTGLASS_TSA(x) __attribute__((x))
#else
#define POSTGLASS_TSA(x)
#endif

#define GUARDED_BY(x) POSTGLASS_TSA(guarded_by(x))
#define REQUIRES(...) POSTGLASS_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) POSTGLASS_TSA(locks_excluded(__VA_ARGS__))

namespace postglass {

class POSTGLASS_TSA(capability("mutex")) Mutex {
 public:
  void lock() POSTGLASS_TSA(acquire_capability()) { mutex_.lock(); }

  void unlock() POSTGLASS_TSA(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class POSTGLASS_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) POSTGLASS_TSA(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }

  ~MutexLock() POSTGLASS_TSA(release_capability()) { mutex_.unlock(); }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds. Always wait in a loop on the condition itself.
//
// Waits on the mutex itself and not through std::condition_variable_any, which has a second mutex
// of its own: every wait and every wake-up would take both.
class CondVar {
 public:
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();  // it stays the caller's
  }

  // Returns false when `duration` passed first.
  bool WaitFor(Mutex& mutex, std::chrono::nanoseconds duration) REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    const bool woken = condition_.wait_for(held, duration) == std::cv_status::no_timeout;
    held.release();
    return woken;
  }

  void NotifyOne() { condition_.notify_one(); }

  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace postglass
