#include "functions/process_sandbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace postglass::functions {
namespace {

// next blocks a worker; the others are for an answer that overlaps and for strangers.
constexpr int kServerWorkers = 3;
constexpr std::chrono::milliseconds kDrainLimit{200};

double Millis(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; }

}  // namespace

ProcessSandbox::ProcessSandbox(const Function& function,
                               Options options,
                               const Clock& clock,
                               Random& random)
    : name_(function.name),
      timeout_(std::chrono::seconds(function.timeout_seconds)),
      memory_megabytes_(function.memory_megabytes),
      clock_(clock),
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
  sandbox->runner_ = std::thread([self] { self->RunChild(); });
  return sandbox;
}

void ProcessSandbox::Interrupt() {
  std::shared_ptr<ChildProcess> child;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    child = child_;
  }
  api_.Stop();
  if (child) child->Kill();
}

ProcessSandbox::~ProcessSandbox() {
  Interrupt();
  if (runner_.joinable()) runner_.join();
  if (server_) server_->Drain(kDrainLimit);
}

Result<std::shared_ptr<ChildProcess>> ProcessSandbox::StartChild() {
  const std::string token = api_.StartSandbox();
  ChildProcess::Options child;
  child.program = options_.launch.program;
  child.arguments = options_.launch.arguments;
  child.environment = options_.launch.environment;
  child.environment["AWS_LAMBDA_RUNTIME_API"] = fmt::format("127.0.0.1:{}/{}", port_, token);
  child.directory = options_.launch.directory;
  child.limits = options_.launch.limits;
  child.on_line = [this](std::string_view line) { TakeLine(line); };
  ASSIGN_OR_RETURN(auto started, ChildProcess::Start(std::move(child)));
  return std::shared_ptr<ChildProcess>(std::move(started));
}

// On the one thread that may start the child: the kernel ends it with this thread.
void ProcessSandbox::RunChild() {
  auto child = StartChild();
  std::string end;
  if (child) {
    {
      MutexLock lock(mutex_);
      if (stopping_) return;  // the child ends with its last owner
      child_ = *child;
    }
    end = fmt::format("the process ended with exit code {}", (*child)->Wait());
    (*child)->Drain();
  } else {
    end = child.error().message;
  }
  bool stopping = false;
  {
    MutexLock lock(mutex_);
    over_ = true;
    child_.reset();
    stopping = stopping_;
  }
  api_.EndSandbox(end);
  if (!stopping) log::Info("functions", "{}: {}", name_, end);
}

bool ProcessSandbox::usable() const {
  MutexLock lock(mutex_);
  return !over_ && !stopping_;
}

void ProcessSandbox::TakeLine(std::string_view line) {
  std::string request_id;
  {
    MutexLock lock(log_mutex_);
    request_id = request_id_;
    if (!request_id.empty()) {
      log_tail_.append(line.substr(0, kLogTailBytesMax));
      log_tail_ += '\n';
      if (log_tail_.size() > kLogTailBytesMax) {
        log_tail_.erase(0, log_tail_.size() - kLogTailBytesMax);
      }
    }
  }
  if (options_.on_line) options_.on_line(request_id, line);
}

void ProcessSandbox::Report(const std::string& request_id, std::chrono::nanoseconds took) {
  std::uint64_t peak_bytes = 0;
  {
    MutexLock lock(mutex_);
    if (child_) peak_bytes = child_->PeakMemoryBytes();
  }
  TakeLine(fmt::format("END RequestId: {}", request_id));
  TakeLine(
      fmt::format("REPORT RequestId: {}\tDuration: {:.2f} ms\tBilled Duration: {} ms\tMemory Size: "
                  "{} MB\tMax Memory Used: {} MB\t",
                  request_id,
                  Millis(took),
                  static_cast<std::int64_t>(Millis(took)) + 1,
                  memory_megabytes_,
                  (peak_bytes + (1 << 20) - 1) >> 20));
}

InvocationReply ProcessSandbox::Invoke(std::string event, const std::string& request_id) {
  {
    MutexLock lock(log_mutex_);
    request_id_ = request_id;
    log_tail_.clear();
  }
  TakeLine(fmt::format("START RequestId: {} Version: $LATEST", request_id));
  const std::chrono::nanoseconds begin = clock_.Monotonic();
  InvocationReply reply = api_.Invoke(std::move(event), timeout_, request_id);
  const std::chrono::nanoseconds took = clock_.Monotonic() - begin;
  std::shared_ptr<ChildProcess> child;
  {
    MutexLock lock(mutex_);
    child = child_;
  }
  // What it wrote before it answered belongs to this invocation.
  if (child) child->Drain();
  if (reply.timed_out) {
    TakeLine(fmt::format("{} {}", request_id, reply.error_message));
  } else if (!reply.succeeded && reply.payload.empty()) {
    TakeLine(fmt::format(
        "RequestId: {} Error: {} {}", request_id, reply.error_message, reply.error_type));
  }
  Report(request_id, took);
  // It may hang for good, and its late answer must not meet the next invocation.
  if (child && !reply.succeeded && reply.payload.empty()) {
    {
      MutexLock lock(mutex_);
      over_ = true;
    }
    child->Kill();
  }
  MutexLock lock(log_mutex_);
  request_id_.clear();
  reply.log_tail = std::move(log_tail_);
  log_tail_.clear();
  return reply;
}

}  // namespace postglass::functions
