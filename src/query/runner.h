#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "store/log_store.h"

namespace postglass::query {

// The one way from questions to the store: bounds how many run at once, how many wait, and how long
// each may take. Thread-safe; Run() blocks. Owns one thread, which watches the deadlines.
class QueryRunner {
 public:
  struct Options {
    std::size_t concurrent_max = 4;
    std::size_t waiting_max = 64;
    std::chrono::milliseconds wait_max{5'000};
    std::chrono::milliseconds timeout{30'000};
  };

  // All must outlive the runner.
  QueryRunner(store::LogStore& store, const Clock& clock, Metrics& metrics, Options options);
  // Requires: no Run() in progress.
  ~QueryRunner();
  QueryRunner(const QueryRunner&) = delete;
  QueryRunner& operator=(const QueryRunner&) = delete;

  // `plan.stop` stays the caller's way to end it. What the sink got before an error is right and in
  // order. Errors: kUnavailable (too many at once: try again), kTimeout, kCancelled (plan.stop),
  // else as LogStore::Run.
  Result<store::RunReport> Run(store::Plan plan, store::Sink& sink) {
    return Run(std::move(plan), sink, options_.timeout);
  }

  // The same for answers that may be partial (RunReport::partial): shortly before the time is over,
  // what there is then is the answer.
  Result<store::RunReport> RunAsFarAsItGets(store::Plan plan, store::Sink& sink);

  // The same within less time (and less waiting), for what is welcome only when it is quick.
  Result<store::RunReport> Run(store::Plan plan,
                               store::Sink& sink,
                               std::chrono::nanoseconds at_most);

  const store::LogStore& store() const { return store_; }

 private:
  struct Deadline {
    std::chrono::nanoseconds at;  // Clock::Monotonic
    std::stop_source stop;
    bool passed = false;
  };

  Result<store::RunReport> RunWithin(store::Plan plan,
                                     store::Sink& sink,
                                     std::chrono::nanoseconds limit,
                                     std::optional<std::chrono::nanoseconds> enough_after);

  bool Enter(std::chrono::nanoseconds wait_max);
  void Leave();
  void Watch();

  store::LogStore& store_;
  const Clock& clock_;
  const Options options_;
  Counter& runs_;
  Counter& rejected_;
  Counter& timeouts_;

  Mutex mutex_;
  CondVar freed_;    // a place became free
  CondVar changed_;  // deadlines_ or stopping_
  std::size_t running_ GUARDED_BY(mutex_) = 0;
  std::size_t waiting_ GUARDED_BY(mutex_) = 0;
  std::list<Deadline> deadlines_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread watcher_;
};

}  // namespace postglass::query
