#include "functions/runtime_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/json.h"

namespace postglass::functions {
namespace {

constexpr std::size_t kMessageBytesMax = 4096;
constexpr std::size_t kErrorBytesMax = 256 << 10;
constexpr std::string_view kBase = "/2018-06-01/runtime/";

net::HttpResponse ErrorReply(int status, std::string_view type, std::string_view message) {
  return net::JsonResponse(
      status, json::Serialize(json::object{{"errorType", type}, {"errorMessage", message}}));
}

// Of a text from outside, for the log: bounded, valid, without line ends.
std::string OneLine(std::string_view text) {
  std::string line = ToValidUtf8(text.substr(0, kMessageBytesMax));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

// The error document of a function; what is missing in it is filled from the header.
InvocationReply ErrorOf(const net::HttpRequest& request) {
  InvocationReply reply;
  reply.error_type = request.headers.Get("Lambda-Runtime-Function-Error-Type");
  if (const auto body = json::ParseObject(request.body)) {
    reply.error_message = json::GetStringOr(*body, "errorMessage", "");
    reply.error_type = json::GetStringOr(*body, "errorType", reply.error_type);
    // As it stands: the caller sees the function's own stack trace.
    if (request.body.size() <= kErrorBytesMax) reply.payload = request.body;
  }
  if (reply.error_type.empty()) reply.error_type = "Function.Unknown";
  reply.error_message = OneLine(reply.error_message);
  if (reply.error_message.empty()) reply.error_message = "the function reported an error";
  return reply;
}

}  // namespace

std::string RuntimeApi::StartSandbox() {
  std::string token = random_.Hex(16);
  MutexLock lock(mutex_);
  FailCurrent("Runtime.ExitError", "the sandbox was started anew");
  token_ = token;
  ended_ = false;
  changed_.NotifyAll();
  return token;
}

void RuntimeApi::EndSandbox(std::string_view reason) {
  MutexLock lock(mutex_);
  if (!ended_) end_reason_ = reason;
  ended_ = true;
  FailCurrent("Runtime.ExitError", reason);
  // Those that wait fail as well: if the child cannot even start they would wait for their whole
  // time, and whoever sent them tries again anyway.
  for (const auto& invocation : waiting_) {
    invocation->taken = true;
    invocation->done = true;
    invocation->reply.error_type = "Runtime.ExitError";
    invocation->reply.error_message = reason;
  }
  waiting_.clear();
  token_.clear();
  changed_.NotifyAll();
}

void RuntimeApi::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

void RuntimeApi::FailCurrent(std::string_view type, std::string_view reason) {
  if (!current_) return;
  current_->reply.error_type = type;
  current_->reply.error_message = reason;
  current_->done = true;
  current_.reset();
}

InvocationReply RuntimeApi::Invoke(std::string event,
                                   std::chrono::milliseconds timeout,
                                   std::string request_id) {
  const auto failed = [](std::string type, std::string message, bool timed_out) {
    InvocationReply reply;
    reply.timed_out = timed_out;
    reply.error_type = std::move(type);
    reply.error_message = std::move(message);
    return reply;
  };
  auto invocation = std::make_shared<Invocation>();
  invocation->request_id = request_id.empty() ? random_.Uuid() : std::move(request_id);
  invocation->event = std::move(event);
  invocation->timeout = timeout;

  MutexLock lock(mutex_);
  if (stopped_) return failed("Runtime.Stopped", "the host is stopping", false);
  if (ended_) return failed("Runtime.ExitError", end_reason_, false);
  if (waiting_.size() == kQueueMax) {
    return failed("Runtime.Overloaded", "too many invocations are waiting", false);
  }
  waiting_.push_back(invocation);
  changed_.NotifyAll();
  auto deadline = clock_.Monotonic() + kQueueWaitMax;
  while (!invocation->taken && !stopped_) {
    const auto left = deadline - clock_.Monotonic();
    if (left <= std::chrono::nanoseconds::zero()) break;
    changed_.WaitFor(mutex_, left);
  }
  if (!invocation->taken) {
    std::erase(waiting_, invocation);
    return failed("Runtime.Unavailable", "no sandbox took the invocation", false);
  }
  deadline = clock_.Monotonic() + timeout;
  while (!invocation->done && !stopped_) {
    const auto left = deadline - clock_.Monotonic();
    if (left <= std::chrono::nanoseconds::zero()) break;
    changed_.WaitFor(mutex_, left);
  }
  if (invocation->done) return std::move(invocation->reply);
  if (current_ == invocation) current_.reset();
  if (stopped_) return failed("Runtime.Stopped", "the host is stopping", false);
  return failed("Sandbox.Timedout",
                fmt::format("Task timed out after {:.2f} seconds",
                            static_cast<double>(timeout.count()) / 1e3),
                true);
}

net::HttpResponse RuntimeApi::Handle(const net::HttpRequest& request) {
  std::string_view path = request.path();
  if (!path.empty()) path.remove_prefix(1);
  const std::string_view token = path.substr(0, path.find('/'));
  path.remove_prefix(token.size());
  {
    MutexLock lock(mutex_);
    if (token_.empty() || !ConstantTimeEquals(token, token_)) {
      return ErrorReply(403, "InvalidToken", "not the sandbox of this function");
    }
  }
  if (!path.starts_with(kBase)) return ErrorReply(404, "InvalidPath", "no such call");
  path.remove_prefix(kBase.size());
  if (request.method == "GET" && path == "invocation/next") return Next(token);
  if (request.method != "POST") return ErrorReply(404, "InvalidPath", "no such call");
  if (path == "init/error") {
    EndSandbox(ErrorOf(request).error_message);
    return net::JsonResponse(202, R"({"status":"OK"})");
  }
  constexpr std::string_view kInvocation = "invocation/";
  if (!path.starts_with(kInvocation)) return ErrorReply(404, "InvalidPath", "no such call");
  path.remove_prefix(kInvocation.size());
  const std::size_t slash = path.find('/');
  const std::string_view request_id = path.substr(0, slash);
  const std::string_view call = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  if (call == "error") return Finish(token, request_id, ErrorOf(request));
  if (call != "response") return ErrorReply(404, "InvalidPath", "no such call");
  InvocationReply reply;
  if (request.body.size() > kResponseBytesMax) {
    reply.error_type = "Function.ResponseSizeTooLarge";
    reply.error_message = fmt::format("the response has {} bytes", request.body.size());
    Finish(token, request_id, std::move(reply));
    return ErrorReply(413, "RequestEntityTooLarge", "the response is too large");
  }
  reply.succeeded = true;
  reply.payload = request.body;
  return Finish(token, request_id, std::move(reply));
}

net::HttpResponse RuntimeApi::Next(std::string_view token) {
  MutexLock lock(mutex_);
  while (!stopped_ && token_ == token && waiting_.empty()) changed_.Wait(mutex_);
  if (stopped_ || token_ != token) return ErrorReply(410, "SandboxEnded", "this sandbox is over");
  // A program that asks again without having answered has given up the event before.
  FailCurrent("Runtime.NoResponse", "the function asked for the next event without an answer");
  current_ = std::move(waiting_.front());
  waiting_.pop_front();
  current_->taken = true;
  changed_.NotifyAll();
  net::HttpResponse response = net::JsonResponse(200, current_->event);
  response.headers.Add("Lambda-Runtime-Aws-Request-Id", current_->request_id);
  response.headers.Add("Lambda-Runtime-Deadline-Ms",
                       fmt::format("{}", clock_.Now().millis() + current_->timeout.count()));
  response.headers.Add("Lambda-Runtime-Invoked-Function-Arn", function_arn_);
  response.headers.Add("Lambda-Runtime-Trace-Id",
                       fmt::format("Root=1-{:08x}-{};Parent={};Sampled=0",
                                   clock_.Now().millis() / 1000,
                                   random_.Hex(12),
                                   random_.Hex(8)));
  return response;
}

net::HttpResponse RuntimeApi::Finish(std::string_view token,
                                     std::string_view request_id,
                                     InvocationReply reply) {
  MutexLock lock(mutex_);
  if (token_ != token || !current_ || current_->request_id != request_id) {
    return ErrorReply(400, "InvalidRequestID", "this invocation is over");
  }
  current_->reply = std::move(reply);
  current_->done = true;
  current_.reset();
  changed_.NotifyAll();
  return net::JsonResponse(202, R"({"status":"OK"})");
}

}  // namespace postglass::functions
