#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/idle_workers.h"
#include "base/mutex.h"

namespace postglass {

// A fixed number of threads and a bounded queue, for work that blocks or takes longer than an event
// loop may be held (about 500 µs). Tasks start in the order they were submitted. Thread-safe.
class WorkerPool {
 public:
  struct Options {
    std::size_t threads = 4;
    std::size_t queue_max = 1024;  // waiting tasks; above: Submit() refuses
  };

  explicit WorkerPool(Options options);
  // Stop(), when it was not called before.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Queues `task`, which must not throw. False when the queue is full or the pool has stopped; the
  // task was then not run and never will be.
  [[nodiscard]] bool Submit(std::function<void()> task);
  // Blocks until nothing waits and nothing runs. Not from a task.
  void Drain();
  // Refuses new tasks, runs those that wait, joins the threads. Not from a task.
  void Stop();

  std::size_t queued() const;

 private:
  void Run();

  const std::size_t queue_max_;
  mutable Mutex mutex_;
  CondVar work_;
  CondVar idle_;
  std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  IdleWorkers workers_ GUARDED_BY(mutex_);
  std::size_t running_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
};

}  // namespace postglass
