#include "functions/process_sandbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace postglass::functions {
namespace {

constexpr std::chrono::milliseconds kRestartPauseMin{100};
constexpr std::chrono::milliseconds kRestartPauseMax{10'000};
// next blocks a worker; the others are for an answer that overlaps and for strangers.
constexpr int kServerWorkers = 4;
constexpr std::chrono::milliseconds kDrainLimit{200};

}  // namespace

ProcessSandbox::ProcessSandbox(const Function& function,
                               Options options,
                               const Clock& clock,
                               Random& random)
    : name_(function.name),
      timeout_(std::chrono::seconds(function.timeout_seconds)),
      memory_megabytes_(function.memory_megabytes),
      options_(std::move(options)),
      api_(function.arn, clock, random) {}

Result<std::unique_ptr<ProcessSandbox>> ProcessSandbox::Create(const Function& function,
                                                               Options options,
                                                               const Clock& clock,
                                                               Random& random,
                                                               Metrics& metrics) {
  std::unique_ptr<ProcessSandbox> sandbox(
      new ProcessSandbox(function, std::move(options), clock, random));
  net::HttpServerOptions server_options;
  server_options.worker_threads = kServerWorkers;
  server_options.name = "runtime_api";
  RuntimeApi* api = &sandbox->api_;
  ASSIGN_OR_RETURN(sandbox->server_,
                   net::HttpServer::Create(
                       server_options,
                       [api](const net::HttpRequest& request) { return api->Handle(request); },
                       metrics));
  ASSIGN_OR_RETURN(sandbox->port_, sandbox->server_->Listen({"127.0.0.1", 0}, nullptr));
  sandbox->server_->Start();
  ProcessSandbox* self = sandbox.get();
  sandbox->supervisor_ = std::thread([self] { self->Supervise(); });
  return sandbox;
}

ProcessSandbox::~ProcessSandbox() {
  std::shared_ptr<ChildProcess> child;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    child = child_;
    changed_.NotifyAll();
  }
  api_.Stop();
  if (child) child->Kill();
  child.reset();
  if (supervisor_.joinable()) supervisor_.join();
  if (server_) server_->Drain(kDrainLimit);
}

Result<std::shared_ptr<ChildProcess>> ProcessSandbox::StartChild() {
  const std::string token = api_.StartSandbox();
  ChildProcess::Options child;
  child.program = options_.program;
  child.arguments = options_.arguments;
  child.environment = options_.environment;
  child.environment["AWS_LAMBDA_RUNTIME_API"] = fmt::format("127.0.0.1:{}/{}", port_, token);
  child.environment["AWS_LAMBDA_FUNCTION_NAME"] = name_;
  child.environment["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST";
  child.environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = std::to_string(memory_megabytes_);
  child.environment["TZ"] = ":UTC";
  child.on_line = options_.on_line;
  ASSIGN_OR_RETURN(auto started, ChildProcess::Start(std::move(child)));
  return std::shared_ptr<ChildProcess>(std::move(started));
}

void ProcessSandbox::Supervise() {
  std::chrono::milliseconds pause = kRestartPauseMin;
  for (;;) {
    auto child = StartChild();
    std::string end;
    if (child) {
      {
        MutexLock lock(mutex_);
        if (stopping_) return;  // the child ends with its last owner
        child_ = *child;
        answered_ = false;
      }
      end = fmt::format("the process ended with exit code {}", (*child)->Wait());
    } else {
      end = child.error().message;
    }
    api_.EndSandbox(end);
    MutexLock lock(mutex_);
    child_.reset();
    if (stopping_) return;
    pause = answered_ ? kRestartPauseMin : std::min(pause * 2, kRestartPauseMax);
    log::Warn("functions", "{}: {}; starting it anew", name_, end);
    changed_.WaitFor(mutex_, pause);
    if (stopping_) return;
  }
}

InvocationReply ProcessSandbox::Invoke(std::string event) {
  InvocationReply reply = api_.Invoke(std::move(event), timeout_);
  std::shared_ptr<ChildProcess> child;
  {
    MutexLock lock(mutex_);
    if (reply.succeeded) answered_ = true;
    if (reply.timed_out) child = child_;
  }
  // It may hang for good, and its late answer must not meet the next invocation.
  if (child) child->Kill();
  return reply;
}

}  // namespace postglass::functions
