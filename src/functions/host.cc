#include "functions/host.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/policy.h"
#include "base/log.h"
#include "functions/in_process_sandbox.h"
#include "functions/process_sandbox.h"

namespace postglass::functions {
namespace {

constexpr std::chrono::seconds kLogInterval{10};
constexpr std::string_view kInvocationsTotal = "postglass_functions_invocations_total";
constexpr std::string_view kInvocationsHelp = "Invocations by function and what became of them";

// Whether SNS may invoke the function for this topic; empty when it may, else why not.
std::string WhyRefused(const Function& function, const std::string& topic_arn) {
  aws::PolicyRequest request;
  request.principal_service = "sns.amazonaws.com";
  request.action = "lambda:InvokeFunction";
  request.resource = function.arn;
  request.context.emplace("aws:SourceArn", topic_arn);
  if (!function.policy.empty()) {
    const aws::PolicyOutcome outcome = aws::EvaluatePolicy(function.policy, request);
    if (outcome.decision == aws::Decision::kAllowed) return {};
    if (outcome.decision == aws::Decision::kExplicitDeny) {
      return fmt::format(
          "the resource policy of function {} denies it to sns.amazonaws.com for {} "
          "(statement \"{}\")",
          function.name,
          topic_arn,
          outcome.statement_id);
    }
  }
  return fmt::format(
      "the resource policy of function {} gives sns.amazonaws.com no permission to invoke it for "
      "{}",
      function.name,
      topic_arn);
}

// {"Records":[…]} of the records from `begin` on, as many as fit; `begin` moves behind them.
std::string TakeEvent(std::span<const SnsRecord> records,
                      std::size_t records_max,
                      std::size_t& begin) {
  std::string event = R"({"Records":[)";
  const std::size_t first = begin;
  while (begin < records.size() && begin - first < records_max &&
         (begin == first || event.size() + records[begin].json.size() < Host::kBatchBytesMax)) {
    if (begin > first) event += ',';
    event += records[begin++].json;
  }
  event += "]}";
  return event;
}

bool NamesIntake(const forwarder::Environment& environment) {
  return environment.contains("DD_URL") || environment.contains("DD_SITE");
}

std::string_view ResultName(Host::Outcome::Kind kind) {
  switch (kind) {
    case Host::Outcome::Kind::kSucceeded:
      return "succeeded";
    case Host::Outcome::Kind::kFailed:
      return "failed";
    case Host::Outcome::Kind::kTimedOut:
      return "timed_out";
    case Host::Outcome::Kind::kThrottled:
      return "throttled";
  }
  return "failed";
}

}  // namespace

// Counts an invocation in progress against the reserved concurrency.
class Host::Slot {
 public:
  Slot(Host& host, const Function& function) : host_(host), name_(function.name) {
    MutexLock lock(host_.mutex_);
    Running& running = host_.running_[name_];
    taken_ = !function.reserved_concurrency || running.in_flight < *function.reserved_concurrency;
    if (taken_) ++running.in_flight;
  }

  ~Slot() {
    if (!taken_) return;
    MutexLock lock(host_.mutex_);
    --host_.running_[name_].in_flight;
  }

  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  bool taken() const { return taken_; }

 private:
  Host& host_;
  const std::string name_;
  bool taken_ = false;
};

Host::Host(Options options,
           FunctionRegistry& registry,
           net::HttpClient& loopback,
           net::HttpClient& outside,
           const Clock& clock,
           Random& random,
           Metrics& metrics)
    : options_(std::move(options)),
      registry_(registry),
      loopback_(loopback),
      outside_(outside),
      clock_(clock),
      random_(random),
      metrics_(metrics),
      throttle_(clock, kLogInterval),
      pool_(std::make_unique<InstancePool>(
          clock,
          [this](const Function& function) { return MakeProcess(function); },
          options_.instances)) {}

Host::~Host() = default;

void Host::Forget(const std::string& name) {
  pool_->Forget(name);
  MutexLock lock(mutex_);
  const auto found = running_.find(name);
  if (found != running_.end() && found->second.in_flight == 0) running_.erase(found);
}

void Host::Interrupt() { pool_->Interrupt(); }

// The forwarder in this process trusts its caller; code of others may check.
bool Host::WantsSignature(const std::string& function_arn) const {
  const auto function = registry_.Find(function_arn);
  return function && !function->code.sha256.empty();
}

std::vector<InvokeResult> Host::InvokeFromSns(const std::string& function_arn,
                                              const std::string& topic_arn,
                                              std::span<const SnsRecord> records) {
  using Fate = InvokeResult::Outcome;
  const auto function = registry_.Find(function_arn);
  const std::string refused = function ? WhyRefused(*function, topic_arn)
                                       : fmt::format("there is no function {}", function_arn);
  if (!refused.empty()) {
    Report(function ? function->name : "unknown", "refused", refused);
    return std::vector<InvokeResult>(records.size(), {Fate::kRefused, refused});
  }
  std::vector<InvokeResult> results;
  results.reserve(records.size());
  for (std::size_t begin = 0; begin < records.size();) {
    std::string event = TakeEvent(records, function->builtin ? kBatchRecordsMax : 1, begin);
    const InvokeResult result = InvokeForSns(function, std::move(event));
    results.resize(begin, result);
  }
  return results;
}

InvokeResult Host::InvokeForSns(const std::shared_ptr<const Function>& function,
                                std::string event) {
  using Fate = InvokeResult::Outcome;
  if (take_async_ && function->owns_failures()) {
    const Status taken = take_async_(*function, std::move(event));
    return taken ? InvokeResult{} : InvokeResult{Fate::kFailed, taken.error().message};
  }
  const Outcome outcome = Invoke(function, std::move(event));
  if (outcome.kind == Outcome::Kind::kSucceeded) return {};
  return {outcome.hopeless ? Fate::kRejected : Fate::kFailed, outcome.reply.error_message};
}

Host::Outcome Host::Invoke(const std::shared_ptr<const Function>& function,
                           std::string event,
                           std::string request_id) {
  Outcome outcome;
  if (request_id.empty()) request_id = random_.Uuid();
  const Slot slot(*this, *function);
  const auto not_run = [&outcome](const Error& error) {
    if (error.code == ErrorCode::kLimit) {
      outcome.kind = Outcome::Kind::kThrottled;
      outcome.reply.error_type = "TooManyRequestsException";
    } else {
      outcome.hopeless =
          error.code == ErrorCode::kUnsupported || error.code == ErrorCode::kNotFound;
      outcome.reply.error_type = "Runtime.InvalidEntrypoint";
    }
    outcome.reply.error_message = error.message;
  };
  if (!slot.taken()) {
    not_run({ErrorCode::kLimit,
             fmt::format("function {} is throttled: its reserved concurrency is {}",
                         function->name,
                         *function->reserved_concurrency)});
  } else if (RunsHere(*function)) {
    const auto handler = HandlerOf(*function);
    if (handler) {
      RunIn(**handler, std::move(event), request_id, outcome);
    } else {
      not_run(handler.error());
    }
  } else {
    auto lease = pool_->Acquire(*function);
    if (lease) {
      RunIn(lease->sandbox(), std::move(event), request_id, outcome);
    } else {
      not_run(lease.error());
      if (options_.on_line && outcome.hopeless) {
        options_.on_line(function->name, request_id, lease.error().message);
      }
    }
  }
  if (outcome.kind == Outcome::Kind::kSucceeded && function->code.sha256.empty()) {
    KeepDeadLetters(*function, outcome.reply);
  }
  Report(function->name, ResultName(outcome.kind), outcome.reply.error_message);
  return outcome;
}

void Host::RunIn(Sandbox& sandbox,
                 std::string event,
                 const std::string& request_id,
                 Outcome& outcome) {
  outcome.reply = sandbox.Invoke(std::move(event), request_id);
  outcome.kind = outcome.reply.succeeded   ? Outcome::Kind::kSucceeded
                 : outcome.reply.timed_out ? Outcome::Kind::kTimedOut
                                           : Outcome::Kind::kFailed;
}

bool Host::RunsHere(const Function& function) const {
  return function.code.sha256.empty() && options_.mode == Mode::kInProcess;
}

forwarder::Environment Host::EnvironmentOf(const Function& function, bool& to_us) const {
  forwarder::Environment environment = function.environment;
  to_us = !NamesIntake(environment) && options_.intake_environment;
  if (!to_us) return environment;
  const bool finds_key =
      environment.contains("DD_API_KEY_SECRET_ARN") || environment.contains("DD_API_KEY_SSM_NAME");
  forwarder::Environment ours = options_.intake_environment();
  if (finds_key) ours.erase("DD_API_KEY");
  environment.merge(ours);
  return environment;
}

Result<std::shared_ptr<Sandbox>> Host::HandlerOf(const Function& function) {
  {
    MutexLock lock(mutex_);
    const Running& running = running_[function.name];
    if (running.handler && running.revision_id == function.revision_id) return running.handler;
  }
  bool to_us = false;
  forwarder::Environment environment = EnvironmentOf(function, to_us);
  // Nothing crosses a wire: compressing and inflating would cost more than all the rest.
  if (to_us) environment.emplace("DD_USE_COMPRESSION", "false");
  ASSIGN_OR_RETURN(auto made,
                   InProcessSandbox::Create(function, environment, to_us ? loopback_ : outside_));
  MutexLock lock(mutex_);
  Running& running = running_[function.name];
  running.revision_id = function.revision_id;
  running.handler = std::shared_ptr<Sandbox>(std::move(made));
  return running.handler;
}

Result<std::unique_ptr<Sandbox>> Host::MakeProcess(const Function& function) {
  ProcessSandbox::Options sandbox;
  bool to_us = false;
  forwarder::Environment environment = EnvironmentOf(function, to_us);
  if (function.code.sha256.empty()) {
    sandbox.launch.program = options_.program;
    sandbox.launch.arguments = options_.arguments;
    sandbox.launch.environment = std::move(environment);
    AddLambdaVariables(function, sandbox.launch.environment);
  } else {
    if (options_.code == nullptr) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("function {} has code of its own, which this server does not run: "
                              "functions.custom_code is false",
                              function.name));
    }
    const auto directory = options_.code->DirectoryOf(function.code);
    if (!directory) {
      return Fail(ErrorCode::kUnavailable,
                  fmt::format("function {}: {}", function.name, directory.error().message));
    }
    ASSIGN_OR_RETURN(sandbox.launch,
                     PlanLaunch(function,
                                options_.account,
                                *options_.fs,
                                *directory,
                                options_.python,
                                std::move(environment)));
  }
  if (options_.on_line) {
    sandbox.on_line = [on_line = options_.on_line, name = function.name](
                          const std::string& request_id, std::string_view line) {
      on_line(name, request_id, line);
    };
  }
  ASSIGN_OR_RETURN(auto made,
                   ProcessSandbox::Create(function, std::move(sandbox), clock_, random_, metrics_));
  return std::unique_ptr<Sandbox>(std::move(made));
}

void Host::Report(const std::string& function, std::string_view result, std::string_view cause) {
  metrics_
      .GetCounter(kInvocationsTotal, kInvocationsHelp, {{"function", function}, {"result", result}})
      .Add();
  if (result == "succeeded") return;
  std::uint64_t suppressed = 0;
  if (!throttle_.Allow(fmt::format("{} {} {}", function, result, cause), suppressed)) return;
  const std::string more =
      suppressed == 0 ? std::string() : fmt::format(" ({} times more since)", suppressed);
  log::Warn("functions", "{} {}: {}{}", function, result, cause, more);
}

void Host::KeepDeadLetters(const Function& function, const InvocationReply& reply) {
  if (reply.payload.find(R"("dead_letters":[)") == std::string::npos) return;
  metrics_
      .GetCounter("postglass_functions_dead_letters_total",
                  "Invocations some logs of which the intake refused for good",
                  {{"function", function.name}})
      .Add();
  log::Error("functions", "{}: the intake refused logs for good; they are kept", function.name);
  MutexLock lock(mutex_);
  if (dead_letters_.size() == kDeadLettersMax) dead_letters_.pop_front();
  dead_letters_.push_back({clock_.Now(), function.name, reply.payload});
}

std::vector<Host::DeadLetter> Host::DeadLetters() const {
  MutexLock lock(mutex_);
  return {dead_letters_.rbegin(), dead_letters_.rend()};
}

}  // namespace postglass::functions
