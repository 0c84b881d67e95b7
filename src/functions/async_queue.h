#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "functions/host.h"

namespace postglass::functions {

// Invocations of type Event by the Lambda API: taken at once, run in the background, tried again
// one and two minutes after a function error (AWS Lambda, "Asynchronous invocation"). In memory:
// what waits when the server ends is lost. Topics do not come this way; they keep and retry by
// themselves.
class AsyncQueue {
 public:
  static constexpr std::size_t kQueueMax = 1000;
  static constexpr int kAttemptsMax = 3;

  // Both must outlive the queue.
  AsyncQueue(Host& host, FunctionRegistry& registry, const Clock& clock);
  ~AsyncQueue();
  AsyncQueue(const AsyncQueue&) = delete;
  AsyncQueue& operator=(const AsyncQueue&) = delete;

  // False when the queue is full.
  bool Add(std::string function_name, std::string event);

 private:
  struct Job {
    std::string function_name;
    std::string event;
    int attempts = 0;
    std::chrono::nanoseconds due{0};
  };

  void Run();

  Host& host_;
  FunctionRegistry& registry_;
  const Clock& clock_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postglass::functions
