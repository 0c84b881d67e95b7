#pragma once

#include <functional>
#include <map>
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
#include "functions/runtime_api.h"
#include "functions/sandbox.h"
#include "net/http_server.h"

namespace postglass::functions {

// Runs a function as a child process that is fed over a Runtime API of its own on 127.0.0.1. The
// child is started anew when it ends, with growing pauses while it answers nothing, and killed when
// an invocation takes longer than the function's timeout. One invocation at a time, as in Lambda.
class ProcessSandbox final : public Sandbox {
 public:
  struct Options {
    std::string program;
    std::vector<std::string> arguments;
    std::map<std::string, std::string, std::less<>> environment;  // of the function
    std::function<void(std::string_view line)> on_line;           // its stdout and stderr
  };

  // kUnavailable when no port can be had. All references must outlive the sandbox.
  static Result<std::unique_ptr<ProcessSandbox>> Create(const Function& function,
                                                        Options options,
                                                        const Clock& clock,
                                                        Random& random,
                                                        Metrics& metrics);
  ~ProcessSandbox() override;

  InvocationReply Invoke(std::string event) override;

 private:
  ProcessSandbox(const Function& function, Options options, const Clock& clock, Random& random);
  void Supervise();
  Result<std::shared_ptr<ChildProcess>> StartChild();

  const std::string name_;
  const std::chrono::milliseconds timeout_;
  const int memory_megabytes_;
  Options options_;
  RuntimeApi api_;
  std::unique_ptr<net::HttpServer> server_;
  int port_ = 0;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool answered_ GUARDED_BY(mutex_) = false;  // since the child was started
  std::shared_ptr<ChildProcess> child_ GUARDED_BY(mutex_);
  std::thread supervisor_;
};

}  // namespace postglass::functions
