#include "base/worker_pool.h"

#include <utility>

#include "base/check.h"

namespace postglass {

WorkerPool::WorkerPool(Options options) : queue_max_(options.queue_max) {
  CHECK(options.threads > 0);
  MutexLock lock(mutex_);
  threads_.reserve(options.threads);
  for (std::size_t i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

WorkerPool::~WorkerPool() { Stop(); }

bool WorkerPool::Submit(std::function<void()> task) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (stopping_ || tasks_.size() >= queue_max_) return false;
    tasks_.push_back(std::move(task));
    wake = workers_.Added();
  }
  if (wake) work_.NotifyOne();
  return true;
}

void WorkerPool::Drain() {
  MutexLock lock(mutex_);
  while (!tasks_.empty() || running_ > 0) idle_.Wait(mutex_);
}

void WorkerPool::Stop() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  work_.NotifyAll();
  for (std::thread& thread : threads) thread.join();
}

std::size_t WorkerPool::queued() const {
  MutexLock lock(mutex_);
  return tasks_.size();
}

void WorkerPool::Run() {
  for (;;) {
    std::function<void()> task;
    bool wake_next = false;
    {
      MutexLock lock(mutex_);
      while (tasks_.empty() && !stopping_) {
        workers_.BeginWait();
        work_.Wait(mutex_);
        workers_.EndWait();
      }
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
      ++running_;
      wake_next = workers_.Took(!tasks_.empty());
    }
    if (wake_next) work_.NotifyOne();
    task();
    task = nullptr;  // what it captured goes before Drain() returns
    MutexLock lock(mutex_);
    --running_;
    if (tasks_.empty() && running_ == 0) idle_.NotifyAll();
  }
}

}  // namespace postglass
