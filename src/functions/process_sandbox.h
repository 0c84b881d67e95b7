#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "functions/child_process.h"
#include "functions/function.h"
#include "functions/launch.h"
#include "functions/runtime_api.h"
#include "functions/sandbox.h"
#include "net/http_server.h"

namespace postglass::functions {

// Runs a function as a child process that is fed over a Runtime API of its own on 127.0.0.1. One
// invocation at a time, as in Lambda. Over when the process ends; it is killed when an invocation
// takes longer than the function's timeout.
class ProcessSandbox final : public Sandbox {
 public:
  static constexpr std::size_t kLogTailBytesMax = 4096;  // X-Amz-Log-Result's

  struct Options {
    Launch launch;
    // Each line it wrote and, as Lambda does, lines START, END and REPORT around an invocation.
    // `request_id` is empty for what came between two invocations. From any thread.
    std::function<void(const std::string& request_id, std::string_view line)> on_line;
  };

  // Returns at once: the program starts meanwhile. kUnavailable when no port can be had. All
  // references must outlive the sandbox.
  static Result<std::unique_ptr<ProcessSandbox>> Create(const Function& function,
                                                        Options options,
                                                        const Clock& clock,
                                                        Random& random,
                                                        Metrics& metrics);
  ~ProcessSandbox() override;

  InvocationReply Invoke(std::string event, const std::string& request_id) override;
  bool usable() const override;
  void Interrupt() override;

 private:
  ProcessSandbox(const Function& function, Options options, const Clock& clock, Random& random);
  void RunChild();
  Result<std::shared_ptr<ChildProcess>> StartChild();
  void TakeLine(std::string_view line);
  void Report(const std::string& request_id, std::chrono::nanoseconds took);

  const std::string name_;
  const std::chrono::milliseconds timeout_;
  const int memory_megabytes_;
  const Clock& clock_;
  Options options_;
  RuntimeApi api_;
  std::unique_ptr<net::HttpServer> server_;
  int port_ = 0;
  mutable Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool over_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<ChildProcess> child_ GUARDED_BY(mutex_);
  Mutex log_mutex_;
  std::string request_id_ GUARDED_BY(log_mutex_);  // of the invocation in progress
  std::string log_tail_ GUARDED_BY(log_mutex_);
  std::thread runner_;
};

}  // namespace postglass::functions
