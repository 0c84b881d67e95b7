#include "functions/async_queue.h"

#include <algorithm>

#include "base/log.h"

namespace postglass::functions {

AsyncQueue::AsyncQueue(Host& host, FunctionRegistry& registry, const Clock& clock)
    : host_(host), registry_(registry), clock_(clock) {
  thread_ = std::thread([this] { Run(); });
}

AsyncQueue::~AsyncQueue() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

bool AsyncQueue::Add(std::string function_name, std::string event) {
  MutexLock lock(mutex_);
  if (jobs_.size() >= kQueueMax) return false;
  jobs_.push_back({std::move(function_name), std::move(event), 0, clock_.Monotonic()});
  changed_.NotifyAll();
  return true;
}

void AsyncQueue::Run() {
  for (;;) {
    Job job;
    {
      MutexLock lock(mutex_);
      for (;;) {
        if (stopping_) return;
        const auto next = std::min_element(
            jobs_.begin(), jobs_.end(), [](const Job& a, const Job& b) { return a.due < b.due; });
        const auto now = clock_.Monotonic();
        if (next != jobs_.end() && next->due <= now) {
          job = std::move(*next);
          jobs_.erase(next);
          break;
        }
        if (next == jobs_.end()) {
          changed_.Wait(mutex_);
        } else {
          changed_.WaitFor(mutex_, next->due - now);
        }
      }
    }
    const auto function = registry_.Find(job.function_name);
    if (!function) continue;
    const Host::Outcome outcome = host_.Invoke(function, job.event);
    if (outcome.kind == Host::Outcome::Kind::kSucceeded) continue;
    if (++job.attempts == kAttemptsMax) {
      log::Error("functions", "{}: an asynchronous event is given up", job.function_name);
      continue;
    }
    job.due = clock_.Monotonic() + std::chrono::minutes(job.attempts);
    MutexLock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
}

}  // namespace postglass::functions
