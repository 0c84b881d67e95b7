#include "topics/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "topics/limits.h"

namespace postglass::topics {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kNever = nanoseconds::max();
// A worker looks at the clock this often even if nobody wakes it: clocks may be adjusted.
constexpr std::chrono::milliseconds kSleepMax{500};
constexpr std::chrono::seconds kUnreadableRetry{20};  // the disk failed, not the subscriber

std::string_view ResultName(DeliveryOutcome::Kind kind) {
  switch (kind) {
    case DeliveryOutcome::Kind::kDelivered:
      return "delivered";
    case DeliveryOutcome::Kind::kFailed:
      return "failed";
    case DeliveryOutcome::Kind::kRefused:
      return "refused";
    case DeliveryOutcome::Kind::kRejected:
      return "rejected";
    case DeliveryOutcome::Kind::kGone:
      return "gone";
  }
  return "";
}

bool ShouldRetry(DeliveryOutcome::Kind kind) {
  return kind == DeliveryOutcome::Kind::kFailed || kind == DeliveryOutcome::Kind::kRefused;
}

}  // namespace

Dispatcher::Dispatcher(
    Outbox& outbox, Deliverer& deliverer, const Clock& clock, Metrics& metrics, Options options)
    : outbox_(outbox),
      deliverer_(deliverer),
      clock_(clock),
      options_(options),
      pending_gauge_(
          metrics.GetGauge("postglass_topics_pending", "Deliveries that have yet to be made")) {
  // Looked up once: a look-up costs more than rendering a record.
  for (const Protocol protocol : kProtocols) {
    for (const DeliveryOutcome::Kind kind : {DeliveryOutcome::Kind::kDelivered,
                                             DeliveryOutcome::Kind::kFailed,
                                             DeliveryOutcome::Kind::kRefused,
                                             DeliveryOutcome::Kind::kRejected,
                                             DeliveryOutcome::Kind::kGone}) {
      attempts_[static_cast<std::size_t>(protocol)][static_cast<std::size_t>(kind)] =
          &metrics.GetCounter("postglass_topics_delivery_attempts_total",
                              "Attempts to deliver one message to one subscription",
                              {{"protocol", ProtocolName(protocol)}, {"result", ResultName(kind)}});
    }
  }
}

Dispatcher::~Dispatcher() { Stop(); }

Dispatcher::Kind Dispatcher::KindOf(const Target& target) {
  return IsHttp(target.protocol) ? Kind::kEndpoints : Kind::kFunctions;
}

void Dispatcher::MakeReady(Lane& lane, MessageNumber number, const Waiting& item) {
  if (lane.ready.insert(number).second && item.attempts == 0) ++lane.untried;
}

void Dispatcher::Enqueue(const std::vector<PendingDelivery>& deliveries) {
  std::array<bool, kKindsCount> wake{};
  {
    MutexLock lock(mutex_);
    for (const PendingDelivery& delivery : deliveries) {
      Lane& lane = lanes_[delivery.target.subscription_arn];
      lane.target = delivery.target;
      const auto [at, added] = lane.waiting.try_emplace(
          delivery.number,
          Waiting{delivery.target_index, delivery.attempts, delivery.published_at, {}});
      if (!added) continue;
      ++pending_;
      // Whoever serves a busy lane looks at it again by itself.
      const std::size_t kind = IndexOf(KindOf(delivery.target));
      if (!lane.busy && workers_[kind].Added()) wake[kind] = true;
      MakeReady(lane, delivery.number, at->second);
    }
    pending_gauge_.Set(static_cast<double>(pending_));
  }
  for (std::size_t kind = 0; kind < kKindsCount; ++kind) {
    if (wake[kind]) work_[kind].NotifyOne();
  }
}

bool Dispatcher::HasRoom(const Target& target) const {
  MutexLock lock(mutex_);
  const auto at = lanes_.find(target.subscription_arn);
  if (at == lanes_.end()) return true;
  return at->second.waiting.size() <
         (KindOf(target) == Kind::kFunctions ? kPendingPerFunctionMax : kPendingPerEndpointMax);
}

nanoseconds Dispatcher::LaneDue(const Lane& lane) const {
  if (lane.busy) return kNever;
  nanoseconds due = kNever;
  if (!lane.ready.empty()) {
    due = nanoseconds::min();
  } else if (!lane.delayed.empty()) {
    due = lane.delayed.begin()->first;
  }
  if (due == kNever || lane.failed_rounds == 0) return due;
  const nanoseconds gate = lane.untried > 0
                               ? std::min(lane.gate_until, lane.round_ended + kProbeInterval)
                               : lane.gate_until;
  return std::max(due, gate);
}

std::optional<Dispatcher::Batch> Dispatcher::TakeBatch(Kind kind, nanoseconds* next_due) {
  const nanoseconds now = clock_.Monotonic();
  *next_due = kNever;
  std::string& last = last_served_[IndexOf(kind)];
  // Two walks, behind the lane served last and up to it, so that a busy one does not starve others.
  const auto split = lanes_.upper_bound(last);
  auto found = lanes_.end();
  for (const auto& [from, to] :
       {std::pair(split, lanes_.end()), std::pair(lanes_.begin(), split)}) {
    for (auto at = from; at != to && found == lanes_.end(); ++at) {
      if (KindOf(at->second.target) != kind) continue;
      const nanoseconds due = LaneDue(at->second);
      if (due <= now) found = at;
      *next_due = std::min(*next_due, due);
    }
  }
  if (found == lanes_.end()) return std::nullopt;

  last = found->first;
  Lane& lane = found->second;
  lane.busy = true;
  while (!lane.delayed.empty() && lane.delayed.begin()->first <= now) {
    const MessageNumber number = lane.delayed.begin()->second;
    lane.delayed.erase(lane.delayed.begin());
    MakeReady(lane, number, lane.waiting.at(number));
  }
  Batch batch;
  batch.lane = found->first;
  batch.target = lane.target;
  const std::size_t size_max = kind == Kind::kFunctions ? kBatchRecordsMax : 1;
  while (!lane.ready.empty() && batch.numbers.size() < size_max) {
    const MessageNumber number = *lane.ready.begin();
    lane.ready.erase(lane.ready.begin());
    const Waiting& item = lane.waiting.at(number);
    if (item.attempts == 0) --lane.untried;
    batch.numbers.push_back(number);
    batch.items.push_back(item);
  }
  return batch;
}

void Dispatcher::ReadMessages(Batch& batch) {
  std::size_t bytes = 0;
  std::vector<MessageNumber> numbers;
  std::vector<Waiting> items;
  std::size_t taken = 0;
  for (; taken < batch.numbers.size(); ++taken) {
    const MessageNumber number = batch.numbers[taken];
    Result<std::shared_ptr<const Message>> message = outbox_.Read(number);
    if (message) {
      const std::size_t size = (*message)->body.size();
      if (bytes + size > kBatchBytesMax && !numbers.empty()) break;
      bytes += size;
      numbers.push_back(number);
      items.push_back(batch.items[taken]);
      batch.messages.push_back(std::move(*message));
      continue;
    }
    const bool lost = message.error().code == ErrorCode::kCorruption;
    if (lost) {
      outbox_.Settle(number,
                     batch.items[taken].target_index,
                     {TargetState::Phase::kDead,
                      batch.items[taken].attempts,
                      message.error().message,
                      clock_.Now()});
      log::Error("topics", "message {} cannot be delivered: {}", number, message.error().message);
    }
    MutexLock lock(mutex_);
    Lane& lane = lanes_.at(batch.lane);
    if (lost || message.error().code == ErrorCode::kNotFound) {
      pending_ -= lane.waiting.erase(number);
    } else {
      Waiting& item = lane.waiting.at(number);
      item.due = clock_.Monotonic() + kUnreadableRetry;
      lane.delayed.emplace(item.due, number);
    }
  }
  MutexLock lock(mutex_);
  Lane& lane = lanes_.at(batch.lane);
  for (; taken < batch.numbers.size(); ++taken) {
    MakeReady(lane, batch.numbers[taken], batch.items[taken]);
  }
  batch.numbers = std::move(numbers);
  batch.items = std::move(items);
}

// Settles each message of the batch; a null due time means that nothing is owed any more.
void Dispatcher::Finish(Batch& batch) {
  const RetrySchedule schedule = deliverer_.ScheduleOf(batch.target);
  const Timestamp wall = clock_.Now();
  bool any_success = false;
  bool any_failure = false;
  std::vector<std::optional<std::chrono::milliseconds>> delays(batch.numbers.size());
  std::vector<DeliveryReport> reports;
  for (std::size_t i = 0; i < batch.numbers.size(); ++i) {
    DeliveryOutcome& outcome = batch.outcomes[i];
    Waiting& item = batch.items[i];
    attempts_[static_cast<std::size_t>(batch.target.protocol)]
             [static_cast<std::size_t>(outcome.kind)]
                 ->Add();
    ++item.attempts;
    TargetState state{TargetState::Phase::kDone, item.attempts, {}, {}};
    if (ShouldRetry(outcome.kind)) {
      any_failure = true;
      delays[i] = schedule.DelayBefore(static_cast<int>(item.attempts));
      const bool too_old =
          !IsHttp(batch.target.protocol) && wall - item.published_at > kFunctionRetention;
      if (too_old) delays[i].reset();
      state.phase = delays[i] ? TargetState::Phase::kPending : TargetState::Phase::kDead;
    } else if (outcome.kind == DeliveryOutcome::Kind::kRejected) {
      state.phase = TargetState::Phase::kDead;
    } else {
      any_success = any_success || outcome.kind == DeliveryOutcome::Kind::kDelivered;
    }
    if (state.phase == TargetState::Phase::kDead ||
        outcome.kind == DeliveryOutcome::Kind::kDelivered) {
      reports.push_back(
          {batch.messages[i],
           state.phase != TargetState::Phase::kDead,
           item.attempts,
           std::chrono::duration_cast<std::chrono::milliseconds>(wall - item.published_at),
           outcome.reason});
    }
    if (state.phase == TargetState::Phase::kDead) {
      if (deliverer_.Bury(batch.target, *batch.messages[i])) {
        state.phase = TargetState::Phase::kDone;
      } else {
        state.reason = std::move(outcome.reason);
        state.since = wall;
      }
    }
    outbox_.Settle(batch.numbers[i], item.target_index, std::move(state));
  }
  if (!reports.empty()) deliverer_.Report(batch.target, reports);

  MutexLock lock(mutex_);
  const nanoseconds now = clock_.Monotonic();
  Lane& lane = lanes_.at(batch.lane);
  for (std::size_t i = 0; i < batch.numbers.size(); ++i) {
    if (!delays[i]) {
      pending_ -= lane.waiting.erase(batch.numbers[i]);
      continue;
    }
    Waiting& item = lane.waiting.at(batch.numbers[i]);
    item.attempts = batch.items[i].attempts;
    item.due = now + *delays[i];
    lane.delayed.emplace(item.due, batch.numbers[i]);
  }
  if (any_success) {
    if (lane.failed_rounds > 0) {
      // It works again: what waited for its next try need not wait any longer.
      for (const auto& [due, number] : std::exchange(lane.delayed, {})) {
        MakeReady(lane, number, lane.waiting.at(number));
      }
    }
    lane.failed_rounds = 0;
  } else if (any_failure) {
    ++lane.failed_rounds;
    lane.round_ended = now;
    lane.gate_until = now + schedule.DelayBefore(lane.failed_rounds).value_or(schedule.delay_max);
  }
  lane.busy = false;
  if (lane.waiting.empty()) lanes_.erase(batch.lane);
  pending_gauge_.Set(static_cast<double>(pending_));
}

void Dispatcher::Process(Batch& batch) {
  ReadMessages(batch);
  if (!batch.messages.empty()) {
    batch.outcomes = deliverer_.Deliver(batch.target, batch.messages);
    // A deliverer that answers for fewer than it was given has not delivered the rest.
    batch.outcomes.resize(batch.messages.size(),
                          {DeliveryOutcome::Kind::kFailed, "no outcome was reported"});
  }
  Finish(batch);
}

std::size_t Dispatcher::RunDue() {
  std::size_t attempted = 0;
  for (const Kind kind : {Kind::kFunctions, Kind::kEndpoints}) {
    while (true) {
      std::optional<Batch> batch;
      {
        MutexLock lock(mutex_);
        nanoseconds ignored;
        batch = TakeBatch(kind, &ignored);
      }
      if (!batch) break;
      Process(*batch);
      attempted += batch->messages.size();
    }
  }
  return attempted;
}

void Dispatcher::Run(Kind kind) {
  const std::size_t index = IndexOf(kind);
  while (true) {
    std::optional<Batch> batch;
    bool wake_next = false;
    {
      MutexLock lock(mutex_);
      nanoseconds next_due{0};
      while (!stopping_ && !(batch = TakeBatch(kind, &next_due))) {
        const nanoseconds wait =
            next_due == kNever
                ? nanoseconds(kSleepMax)
                : std::clamp<nanoseconds>(next_due - clock_.Monotonic(), nanoseconds(0), kSleepMax);
        workers_[index].BeginWait();
        work_[index].WaitFor(mutex_, wait);
        workers_[index].EndWait();
      }
      if (stopping_) return;
      // The lane this worker had before may have more, or one for which it waited falls due while
      // it is busy: the next worker has to look at them. A lone lane needs nobody else, and waking
      // one for each message would cost more than the message does.
      wake_next = workers_[index].Took(lanes_.size() > 1);
    }
    if (wake_next) work_[index].NotifyOne();
    Process(*batch);
  }
}

void Dispatcher::Start() {
  for (int i = 0; i < options_.function_threads; ++i) {
    threads_.emplace_back([this] { Run(Kind::kFunctions); });
  }
  for (int i = 0; i < options_.http_threads; ++i) {
    threads_.emplace_back([this] { Run(Kind::kEndpoints); });
  }
}

void Dispatcher::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  for (CondVar& work : work_) work.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::size_t Dispatcher::pending() const {
  MutexLock lock(mutex_);
  return pending_;
}

}  // namespace postglass::topics
