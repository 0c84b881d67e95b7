#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "functions/sandbox.h"
#include "net/http.h"

namespace postglass::functions {

// The host's side of the Lambda Runtime API for one sandbox: invocations go in by Invoke(), a child
// process takes and answers them over HTTP, one at a time. Thread-safe.
//
// Every sandbox gets a token of its own as the first part of the path (it is part of
// AWS_LAMBDA_RUNTIME_API), so that no other process of the machine can take events, and a long poll
// that a dead child left behind takes none.
class RuntimeApi {
 public:
  static constexpr std::size_t kResponseBytesMax = 6 << 20;  // above: 413
  static constexpr std::chrono::seconds kQueueWaitMax{60};   // for a child to take it
  static constexpr std::size_t kQueueMax = 256;

  RuntimeApi(std::string function_arn, const Clock& clock, Random& random)
      : function_arn_(std::move(function_arn)), clock_(clock), random_(random) {}

  // Begins a new sandbox and returns its token; the one before is over.
  std::string StartSandbox();
  // The child has ended: what it was working on, what waits and what comes until the next
  // StartSandbox() fails with `reason`. The first reason stays.
  void EndSandbox(std::string_view reason);
  // Nothing is taken or waited for any more.
  void Stop();

  // The handler of the HTTP server; blocks in `next`.
  net::HttpResponse Handle(const net::HttpRequest& request);
  // Blocks until the child answered, or `timeout` passed since it took the event.
  // `request_id` empty: one is made up.
  InvocationReply Invoke(std::string event,
                         std::chrono::milliseconds timeout,
                         std::string request_id = {});

 private:
  struct Invocation {
    std::string request_id;
    std::string event;
    std::chrono::milliseconds timeout{0};
    bool taken = false;
    bool done = false;
    InvocationReply reply;
  };

  net::HttpResponse Next(std::string_view token);
  net::HttpResponse Finish(std::string_view token,
                           std::string_view request_id,
                           InvocationReply reply);
  void FailCurrent(std::string_view type, std::string_view reason) REQUIRES(mutex_);

  const std::string function_arn_;
  const Clock& clock_;
  Random& random_;
  Mutex mutex_;
  CondVar changed_;
  std::string token_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;  // its sandbox; no other was begun
  std::string end_reason_ GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Invocation>> waiting_ GUARDED_BY(mutex_);
  std::shared_ptr<Invocation> current_ GUARDED_BY(mutex_);
};

}  // namespace postglass::functions
