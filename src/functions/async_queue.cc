#include "functions/async_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "base/time_format.h"

namespace postglass::functions {
namespace {

constexpr std::string_view kLane = "invocations";
constexpr std::string_view kFunctionAttribute = "function";
constexpr std::uint64_t kFileBytesMax = 16u << 20;
constexpr int kRetriesDefault = 2;  // Lambda's MaximumRetryAttempts
constexpr std::chrono::seconds kEventAgeDefault{21'600};
constexpr std::chrono::seconds kThrottlePauseMin{1};
constexpr std::chrono::seconds kThrottlePauseMax{300};
constexpr std::chrono::seconds kDeliverPause{30};  // a destination that does not take it
// Longer than any invocation takes (900 s and the wait for a sandbox).
constexpr std::chrono::minutes kAtWorkMax{20};
// Longer than any pause of ours: what is invisible for longer was at work when the server ended.
constexpr std::chrono::minutes kPauseMax{6};
constexpr std::chrono::milliseconds kRound{200};
constexpr std::chrono::seconds kIdleWait{1};
constexpr std::size_t kPeekMax = 1000;
constexpr std::size_t kErrorMessageBytesMax = 1024;  // Lambda's ErrorMessage attribute

std::string FunctionOf(const queues::Message& event) {
  for (const queues::MessageAttribute& attribute : event.attributes) {
    if (attribute.name == kFunctionAttribute) return attribute.value;
  }
  return {};
}

json::value PayloadOf(const std::string& text) {
  auto parsed = json::Parse(text);
  if (parsed) return *std::move(parsed);
  return json::value(text);
}

// AWS Lambda, "Adding a destination", the invocation record.
std::string InvocationRecord(const Function& function,
                             const queues::Message& event,
                             const Host::Outcome& outcome,
                             std::string_view condition,
                             std::uint32_t invocations,
                             Timestamp now) {
  json::object record{{"version", "1.0"}, {"timestamp", FormatIso8601Millis(now)}};
  record["requestContext"] = json::object{{"requestId", event.message_id},
                                          {"functionArn", function.arn + ":$LATEST"},
                                          {"condition", condition},
                                          {"approximateInvokeCount", invocations}};
  record["requestPayload"] = PayloadOf(event.body);
  json::object context{{"statusCode", 200}, {"executedVersion", "$LATEST"}};
  if (outcome.kind == Host::Outcome::Kind::kSucceeded) {
    record["responsePayload"] = PayloadOf(outcome.reply.payload);
  } else {
    context["functionError"] = "Unhandled";
    record["responsePayload"] =
        outcome.reply.payload.empty()
            ? json::value(json::object{{"errorMessage", outcome.reply.error_message},
                                       {"errorType", outcome.reply.error_type}})
            : PayloadOf(outcome.reply.payload);
  }
  record["responseContext"] = std::move(context);
  return json::Serialize(record);
}

AsyncQueue::Parcel DeadLetter(const Function& function,
                              const queues::Message& event,
                              const Host::Outcome& outcome) {
  AsyncQueue::Parcel parcel;
  parcel.target_arn = function.dead_letter_arn;
  parcel.body = event.body;
  const bool throttled = outcome.kind == Host::Outcome::Kind::kThrottled;
  parcel.attributes = {
      {"ErrorCode", "Number", throttled ? "429" : "200"},
      {"ErrorMessage", "String", outcome.reply.error_message.substr(0, kErrorMessageBytesMax)},
      {"RequestID", "String", event.message_id}};
  return parcel;
}

}  // namespace

Result<std::unique_ptr<AsyncQueue>> AsyncQueue::Create(Parts parts,
                                                       Options options,
                                                       journal::Recovery* recovery) {
  std::unique_ptr<AsyncQueue> queue(new AsyncQueue(parts, std::move(options)));
  journal::Options journal_options;
  journal_options.durability = queue->options_.durability;
  journal_options.file_bytes_max = kFileBytesMax;
  journal_options.name = "invocations";
  ASSIGN_OR_RETURN(
      auto journal,
      journal::Journal::Open(
          parts.fs, parts.clock, parts.metrics, queue->options_.dir, journal_options, recovery));
  ASSIGN_OR_RETURN(queue->store_,
                   queues::MessageStore::Open(
                       std::move(journal), parts.box, parts.clock, queue->store_metrics_, {}));
  queue->WakeInterrupted();
  return queue;
}

AsyncQueue::~AsyncQueue() { Stop(); }

void AsyncQueue::Start() {
  for (std::size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { RunWorker(); });
  }
  threads_.emplace_back([this] { RunKeeper(); });
}

void AsyncQueue::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// What was at work when the server ended is due at once.
void AsyncQueue::WakeInterrupted() {
  const Timestamp now = parts_.clock.Now();
  queues::MessageNumber after = 0;
  for (;;) {
    const auto some = store_->Peek(std::string(kLane), after, kPeekMax);
    if (some.empty()) return;
    for (const auto& taken : some) {
      after = taken.number;
      if (taken.state.visible_at <= now + kPauseMax) continue;
      store_->SetVisibleAt(std::string(kLane), taken.number, now, now);
    }
  }
}

std::size_t AsyncQueue::size() const { return store_->SizeOf(std::string(kLane)); }

Result<std::string> AsyncQueue::Add(const Function& function, std::string event) {
  if (size() >= kEventsMax) {
    return Fail(ErrorCode::kLimit, fmt::format("{} events wait already", kEventsMax));
  }
  const Timestamp now = parts_.clock.Now();
  queues::MessageStore::NewMessage added;
  added.message.message_id = parts_.random.Uuid();
  added.message.body = std::move(event);
  added.message.attributes = {{std::string(kFunctionAttribute), "String", function.name}};
  added.message.sent_at = now;
  added.visible_at = now;
  const std::string request_id = added.message.message_id;

  struct Durable {
    Mutex mutex;
    CondVar changed;
    std::optional<Status> status GUARDED_BY(mutex);
  };

  const auto durable = std::make_shared<Durable>();
  std::vector<queues::MessageStore::NewMessage> messages;
  messages.push_back(std::move(added));
  store_->AddAsync(
      std::string(kLane), std::move(messages), [durable](Result<queues::MessageNumber> number) {
        MutexLock lock(durable->mutex);
        durable->status = number ? Status() : Status(Fail(number.error()));
        durable->changed.NotifyAll();
      });
  {
    MutexLock lock(durable->mutex);
    while (!durable->status) durable->changed.Wait(durable->mutex);
    RETURN_IF_ERROR(*durable->status);
  }
  MutexLock lock(mutex_);
  changed_.NotifyOne();
  return request_id;
}

bool AsyncQueue::RunOne() {
  const Timestamp now = parts_.clock.Now();
  const auto taken = store_->Take(std::string(kLane), 1, now, now + kAtWorkMax);
  if (taken.empty()) return false;
  Run(taken.front());
  return true;
}

void AsyncQueue::RunWorker() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
    }
    if (RunOne()) continue;
    const auto next = store_->NextVisibleAt(std::string(kLane));
    MutexLock lock(mutex_);
    if (stopping_) return;
    std::chrono::nanoseconds wait = kIdleWait;
    if (next) wait = std::clamp<std::chrono::nanoseconds>(*next - parts_.clock.Now(), kRound, wait);
    changed_.WaitFor(mutex_, wait);
  }
}

void AsyncQueue::RunKeeper() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) changed_.WaitFor(mutex_, kRound);
      if (stopping_) return;
    }
    store_->Tidy();
  }
}

void AsyncQueue::Run(const queues::MessageStore::Taken& taken) {
  const auto event = store_->Read(taken.number);
  if (!event) {
    log::Error("functions", "an asynchronous event is lost: {}", event.error().message);
    return Finish(taken.number, {});
  }
  std::vector<Parcel> parcels;
  {
    MutexLock lock(mutex_);
    const auto trouble = troubles_.find(taken.number);
    if (trouble != troubles_.end()) parcels = std::move(trouble->second.parcels);
  }
  if (!parcels.empty()) return Finish(taken.number, std::move(parcels));
  const std::string name = FunctionOf(**event);
  const auto function = parts_.registry.Find(name);
  if (!function) {
    Count(name, "dropped");
    log::Error("functions", "{}: an event is dropped, the function is not there any more", name);
    return Finish(taken.number, {});
  }
  const auto& config = function->event_invoke;
  const std::chrono::seconds age_max = config && config->event_age_max_seconds
                                           ? std::chrono::seconds(*config->event_age_max_seconds)
                                           : kEventAgeDefault;
  if (parts_.clock.Now() - (*event)->sent_at > age_max) {
    Host::Outcome expired;
    expired.reply.error_type = "EventAgeExceeded";
    expired.reply.error_message = fmt::format("the event is older than {} s", age_max.count());
    return Settle(taken, **event, *function, expired, "EventAgeExceeded");
  }
  const Host::Outcome outcome = parts_.host.Invoke(function, (*event)->body, (*event)->message_id);
  if (outcome.kind == Host::Outcome::Kind::kSucceeded) {
    return Settle(taken, **event, *function, outcome, "Success");
  }
  if (outcome.kind == Host::Outcome::Kind::kThrottled) {
    // Reserved concurrency 0 says: not at all. Lambda sends such events on at once.
    if (function->reserved_concurrency == 0) {
      return Settle(taken, **event, *function, outcome, "RetriesExhausted");
    }
    const std::uint32_t doublings = std::min<std::uint32_t>(taken.state.receives, 9);
    return Postpone(taken.number,
                    std::min(kThrottlePauseMin * (1 << doublings), kThrottlePauseMax));
  }
  {
    MutexLock lock(mutex_);
    // Killed because the server ends: that is not the function's failure.
    if (stopping_) return;
  }
  int errors = 0;
  {
    MutexLock lock(mutex_);
    errors = ++troubles_[taken.number].errors;
  }
  const int retries_max = config && config->retries_max ? *config->retries_max : kRetriesDefault;
  if (outcome.hopeless || errors > retries_max) {
    return Settle(taken, **event, *function, outcome, "RetriesExhausted");
  }
  Postpone(taken.number, options_.retry_pause * errors);
}

void AsyncQueue::Settle(const queues::MessageStore::Taken& taken,
                        const queues::Message& event,
                        const Function& function,
                        const Host::Outcome& outcome,
                        std::string_view condition) {
  const bool succeeded = outcome.kind == Host::Outcome::Kind::kSucceeded;
  Count(function.name,
        succeeded                         ? "succeeded"
        : condition == "RetriesExhausted" ? "exhausted"
                                          : "expired");
  std::vector<Parcel> parcels;
  std::string destination;
  if (function.event_invoke) {
    destination =
        succeeded ? function.event_invoke->on_success_arn : function.event_invoke->on_failure_arn;
  }
  if (!destination.empty()) {
    parcels.push_back(
        {destination,
         InvocationRecord(
             function, event, outcome, condition, taken.state.receives, parts_.clock.Now()),
         {}});
  }
  if (!succeeded) {
    if (!function.dead_letter_arn.empty()) parcels.push_back(DeadLetter(function, event, outcome));
    log::Error("functions",
               "{}: the event {} is given up ({}): {}{}",
               function.name,
               event.message_id,
               condition,
               outcome.reply.error_message,
               parcels.empty() ? "; there is no destination and no dead-letter queue for it" : "");
  }
  Finish(taken.number, std::move(parcels));
}

void AsyncQueue::Finish(queues::MessageNumber number, std::vector<Parcel> parcels) {
  while (!parcels.empty()) {
    const Status delivered =
        deliver_ ? deliver_(parcels.back())
                 : Status(Fail(ErrorCode::kUnsupported, "there is nobody to deliver it"));
    if (!delivered) {
      log::Warn("functions",
                "{} does not take an event, tried again: {}",
                parcels.back().target_arn,
                delivered.error().message);
      {
        MutexLock lock(mutex_);
        troubles_[number].parcels = std::move(parcels);
      }
      return Postpone(number, kDeliverPause);
    }
    parcels.pop_back();
  }
  {
    MutexLock lock(mutex_);
    troubles_.erase(number);
  }
  if (const Status removed = store_->Remove(std::string(kLane), {number}); !removed) {
    log::Warn("functions", "an event may run again: {}", removed.error().message);
  }
}

void AsyncQueue::Postpone(queues::MessageNumber number, std::chrono::nanoseconds pause) {
  const Timestamp now = parts_.clock.Now();
  store_->SetVisibleAt(std::string(kLane), number, now, now + pause);
}

void AsyncQueue::Count(const std::string& function, std::string_view result) {
  parts_.metrics
      .GetCounter("postglass_functions_async_events_total",
                  "Asynchronous events by function and what became of them",
                  {{"function", function}, {"result", result}})
      .Add();
}

}  // namespace postglass::functions
