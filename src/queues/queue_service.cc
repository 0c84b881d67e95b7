#include "queues/queue_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

#include "aws/policy.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "queues/limits.h"

namespace postglass::queues {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kTidyInterval{100};
constexpr int kRoundsPerSweep = 600;  // what is too old is looked for about once a minute

std::size_t BytesOf(const Message& message) {
  std::size_t bytes = message.body.size();
  for (const MessageAttribute& attribute : message.attributes) {
    bytes += attribute.name.size() + attribute.type.size() + attribute.value.size();
  }
  return bytes;
}

}  // namespace

QueueService::QueueService(Parts parts, Options options)
    : parts_(parts),
      options_(std::move(options)),
      handles_(parts.box.DeriveKey("queues/receipts")),
      sent_(parts.metrics.GetCounter("postglass_queues_sent_total", "Messages put into queues")),
      received_(parts.metrics.GetCounter("postglass_queues_received_total",
                                         "Messages given out, each time counted")),
      deleted_(
          parts.metrics.GetCounter("postglass_queues_deleted_total", "Messages deleted by handle")),
      dead_lettered_(
          parts.metrics.GetCounter("postglass_queues_dead_lettered_total",
                                   "Messages received too often, moved to a dead-letter queue")) {}

Result<std::unique_ptr<QueueService>> QueueService::Create(Parts parts,
                                                           Options options,
                                                           journal::Recovery* recovery) {
  std::unique_ptr<QueueService> service(new QueueService(parts, std::move(options)));
  ASSIGN_OR_RETURN(service->registry_,
                   QueueRegistry::Load(parts.settings, service->options_.account));
  journal::Options journal_options;
  journal_options.durability = service->options_.durability;
  journal_options.file_bytes_max = service->options_.file_bytes_max;
  journal_options.commit_spacing = service->options_.commit_spacing;
  journal_options.name = "queues";
  ASSIGN_OR_RETURN(
      auto journal,
      journal::Journal::Open(
          parts.fs, parts.clock, parts.metrics, service->options_.dir, journal_options, recovery));
  ASSIGN_OR_RETURN(
      service->store_,
      MessageStore::Open(
          std::move(journal), parts.box, parts.clock, parts.metrics, service->options_.store));
  std::set<std::string> uids;
  for (const auto& queue : service->registry_->List({}, {}, kQueuesMax)) uids.insert(queue->uid);
  if (const Status kept = service->store_->KeepOnly(uids); !kept) {
    log::Warn("queues", "messages of deleted queues not removed: {}", kept.error().message);
  }
  return service;
}

QueueService::~QueueService() {
  Stop();
  store_.reset();  // its last commits call back into this
}

void QueueService::Start() {
  thread_ = std::thread([this] { Run(); });
}

void QueueService::EndWaits() {
  std::list<Waiter> waiters;
  {
    MutexLock lock(mutex_);
    waits_ended_ = true;
    waiters.swap(waiters_);
  }
  for (Waiter& waiter : waiters) waiter.done(std::vector<Received>());
}

void QueueService::Stop() {
  EndWaits();
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
  if (store_) {
    if (const Status flushed = store_->Flush(); !flushed) {
      log::Warn("queues", "receives not written: {}", flushed.error().message);
    }
  }
}

void QueueService::Wake() {
  {
    MutexLock lock(mutex_);
    if (waiters_.empty()) return;  // nobody waits for messages
    woken_ = true;
  }
  wake_.NotifyOne();
}

Status QueueService::CreateQueue(std::string name, Attributes attributes, Attributes tags) {
  Queue queue;
  queue.arn = registry_->ArnOf(name);
  queue.name = std::move(name);
  queue.uid = parts_.random.Uuid();
  queue.created_at = queue.modified_at = parts_.clock.Now();
  queue.attributes = std::move(attributes);
  queue.tags = std::move(tags);
  return registry_->Put(std::move(queue));
}

Status QueueService::DeleteQueue(const Queue& queue) {
  RETURN_IF_ERROR(registry_->Remove(queue.name));
  // A crash in between: the next start removes what belongs to no queue.
  return store_->Purge(queue.uid);
}

Status QueueService::PurgeQueue(const Queue& queue) {
  {
    MutexLock lock(mutex_);
    const nanoseconds now = parts_.clock.Monotonic();
    std::erase_if(purged_, [now](const auto& each) { return now - each.second >= kPurgePause; });
    if (!purged_.emplace(queue.uid, now).second) {
      return Fail(ErrorCode::kUnavailable, "purged within the last 60 seconds");
    }
  }
  return store_->Purge(queue.uid);
}

Result<std::vector<std::string>> QueueService::Send(const Queue& queue,
                                                    std::vector<Outgoing> messages) {
  if (options_.may_take) RETURN_IF_ERROR(options_.may_take());
  if (store_->SizeOf(queue.uid) >= kMessagesPerQueueMax) {
    return Fail(ErrorCode::kLimit,
                fmt::format("{} holds {} messages, no more fit", queue.name, kMessagesPerQueueMax));
  }
  // AWS shows milliseconds.
  const Timestamp now = Timestamp::FromMillis(parts_.clock.Now().millis());
  std::vector<std::string> ids;
  std::vector<MessageStore::NewMessage> fresh;
  for (Outgoing& each : messages) {
    each.message.message_id = parts_.random.Uuid();
    each.message.sent_at = now;
    ids.push_back(each.message.message_id);
    const auto delay = each.delay.value_or(queue.Seconds("DelaySeconds"));
    fresh.push_back({std::move(each.message), now + delay});
  }
  std::promise<Status> durable;
  store_->AddAsync(queue.uid, std::move(fresh), [&durable](const Result<MessageNumber>& first) {
    durable.set_value(first ? Status() : Status(Fail(first.error())));
  });
  RETURN_IF_ERROR(durable.get_future().get());
  sent_.Add(static_cast<double>(ids.size()));
  Wake();
  return ids;
}

Status QueueService::SendFrom(std::string_view service,
                              const std::string& source_arn,
                              const std::string& queue_arn,
                              std::vector<Item> items) {
  const std::shared_ptr<const Queue> queue = registry_->FindByArn(queue_arn);
  if (!queue) return Fail(ErrorCode::kNotFound, fmt::format("there is no queue {}", queue_arn));
  const std::string& account = options_.account.account_id;
  const aws::PolicyOutcome outcome =
      queue->policy == nullptr
          ? aws::PolicyOutcome()
          : aws::EvaluatePolicy(
                *queue->policy,
                {.principal_service = std::string(service),
                 .principal_account = {},
                 .principal_arn = {},
                 .action = "sqs:SendMessage",
                 .resource = queue->arn,
                 .context = {{"aws:SourceAccount", account},
                             {"aws:SourceOwner", account},
                             {"aws:SourceArn", source_arn},
                             {"aws:PrincipalIsAWSService", "true"},
                             {"aws:SecureTransport", "true"},
                             {"aws:CurrentTime", FormatIso8601Millis(parts_.clock.Now())}}});
  if (outcome.decision != aws::Decision::kAllowed) {
    return Fail(
        ErrorCode::kPermissionDenied,
        fmt::format(
            "the policy of {} does not let {} send for {}", queue->arn, service, source_arn));
  }
  std::vector<Outgoing> messages;
  for (Item& item : items) {
    Outgoing out;
    out.message.body = std::move(item.body);
    out.message.attributes = std::move(item.attributes);
    out.message.sender_id = account;
    out.message.subscription_arn = std::move(item.subscription_arn);
    if (BytesOf(out.message) > static_cast<std::size_t>(queue->Setting("MaximumMessageSize"))) {
      return Fail(ErrorCode::kLimit, fmt::format("too large for {}", queue->arn));
    }
    messages.push_back(std::move(out));
  }
  const Result<std::vector<std::string>> sent = Send(*queue, std::move(messages));
  return sent ? Status() : Status(Fail(sent.error()));
}

bool QueueService::Bury(const Queue& queue, const MessageStore::Taken& taken) {
  if (!queue.redrive || taken.state.receives <= queue.redrive->receives_max) return false;
  const std::shared_ptr<const Queue> target = registry_->FindByArn(queue.redrive->target_arn);
  if (!target) return false;  // better given out once more than lost
  const Status moved =
      store_->Move(queue.uid, {taken.number}, target->uid, queue.arn, parts_.clock.Now());
  if (!moved) {
    log::Warn("queues", "dead letter of {} not moved: {}", queue.name, moved.error().message);
    return true;  // it is in flight and comes back
  }
  dead_lettered_.Add();
  Wake();
  return true;
}

Result<std::vector<QueueService::Received>> QueueService::TryReceive(
    const Queue& queue, const ReceiveRequest& request) {
  std::vector<Received> received;
  const Timestamp now = parts_.clock.Now();
  while (received.size() < request.count_max) {
    const std::vector<MessageStore::Taken> taken =
        store_->Take(queue.uid, request.count_max - received.size(), now, now + request.visibility);
    if (taken.empty()) break;
    for (const MessageStore::Taken& each : taken) {
      if (Bury(queue, each)) continue;
      Result<std::shared_ptr<const Message>> message = store_->Read(each.number);
      if (!message) {
        if (message.error().code == ErrorCode::kNotFound) continue;  // deleted meanwhile
        log::Error("queues", "a message of {}: {}", queue.name, message.error().message);
        continue;
      }
      received.push_back({std::move(*message),
                          each.state,
                          handles_.Make(queue.uid, {each.number, each.state.receives})});
    }
    // A visibility of nothing would give the same ones out again in this very call.
    if (request.visibility.count() == 0) break;
  }
  received_.Add(static_cast<double>(received.size()));
  return received;
}

void QueueService::Receive(std::shared_ptr<const Queue> queue,
                           ReceiveRequest request,
                           ReceiveDone done) {
  if (store_->WaitingOf(queue->uid) >= kInFlightMax &&
      store_->CountsOf(queue->uid, parts_.clock.Now()).in_flight >= kInFlightMax) {
    done(Fail(ErrorCode::kLimit, "too many messages are in flight"));
    return;
  }
  Result<std::vector<Received>> received = TryReceive(*queue, request);
  if (!received || !received->empty() || request.wait.count() == 0) {
    done(std::move(received));
    return;
  }
  {
    MutexLock lock(mutex_);
    if (!waits_ended_ && waiters_.size() < kWaitersMax) {
      const nanoseconds deadline = parts_.clock.Monotonic() + request.wait;
      waiters_.push_back({std::move(queue), request, deadline, std::move(done)});
      woken_ = true;  // a message may have come before it stood in the list
      done = nullptr;
    }
  }
  if (done) {
    done(std::vector<Received>());
    return;
  }
  wake_.NotifyOne();
}

void QueueService::ServeWaiters() {
  std::list<Waiter> waiters;
  {
    MutexLock lock(mutex_);
    woken_ = false;
    waiters.swap(waiters_);
  }
  std::set<std::string> empty;  // queues that have nothing in this round
  for (auto at = waiters.begin(); at != waiters.end();) {
    Result<std::vector<Received>> received = std::vector<Received>();
    if (!empty.contains(at->queue->uid)) {
      // Its settings may have changed meanwhile; a queue that is gone has no messages.
      const std::shared_ptr<const Queue> queue = registry_->Find(at->queue->name);
      received = TryReceive(queue ? *queue : *at->queue, at->request);
    }
    const bool nothing = received && received->empty();
    if (nothing && parts_.clock.Monotonic() < at->deadline) {
      empty.insert(at->queue->uid);
      ++at;
      continue;
    }
    at->done(std::move(received));
    at = waiters.erase(at);
  }
  {
    MutexLock lock(mutex_);
    if (!waits_ended_) {
      waiters_.splice(waiters_.begin(), waiters);  // before those who came meanwhile
    }
  }
  for (Waiter& waiter : waiters) waiter.done(std::vector<Received>());
}

std::vector<Status> QueueService::Delete(const Queue& queue,
                                         const std::vector<std::string>& handles) {
  std::vector<Status> outcomes(handles.size());
  std::vector<MessageNumber> numbers;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    const auto receipt = handles_.Read(queue.uid, handles[i]);
    if (!receipt) {
      outcomes[i] = Fail(ErrorCode::kInvalidArgument, "no receipt handle of this queue");
      continue;
    }
    const std::optional<MessageState> state = store_->StateOf(queue.uid, receipt->number);
    // Received again since: the other receiver has it now.
    if (state && state->receives == receipt->receives) numbers.push_back(receipt->number);
  }
  if (const Status removed = store_->Remove(queue.uid, numbers); !removed) {
    for (Status& outcome : outcomes) {
      if (outcome) outcome = Fail(removed.error());
    }
    return outcomes;
  }
  deleted_.Add(static_cast<double>(numbers.size()));
  return outcomes;
}

Status QueueService::ChangeVisibility(const Queue& queue,
                                      const std::string& handle,
                                      std::chrono::seconds visibility) {
  const auto receipt = handles_.Read(queue.uid, handle);
  if (!receipt) return Fail(ErrorCode::kInvalidArgument, "no receipt handle of this queue");
  const std::optional<MessageState> state = store_->StateOf(queue.uid, receipt->number);
  if (!state) return Fail(ErrorCode::kNotFound, "the message is gone");
  const Timestamp now = parts_.clock.Now();
  if (state->receives != receipt->receives ||
      !store_->SetVisibleAt(queue.uid, receipt->number, now, now + visibility)) {
    return Fail(ErrorCode::kUnavailable, "the message is not in flight");
  }
  if (visibility.count() == 0) Wake();
  return {};
}

MessageStore::Counts QueueService::CountsOf(const Queue& queue) const {
  return store_->CountsOf(queue.uid, parts_.clock.Now());
}

std::vector<QueueService::Received> QueueService::Peek(const Queue& queue, std::size_t count_max) {
  std::vector<Received> seen;
  for (const MessageStore::Taken& each : store_->Peek(queue.uid, 0, count_max)) {
    Result<std::shared_ptr<const Message>> message = store_->Read(each.number);
    if (message) seen.push_back({std::move(*message), each.state, {}});
  }
  return seen;
}

Result<std::string> QueueService::StartMove(const Queue& source,
                                            std::string destination_arn,
                                            std::int64_t per_second) {
  Move move;
  move.task.handle = Base64UrlEncode(fmt::format("{}/{}", source.arn, parts_.random.Uuid()));
  move.task.source_arn = source.arn;
  move.task.destination_arn = std::move(destination_arn);
  move.task.per_second = per_second;
  move.task.to_move = CountsOf(source).all();
  move.task.started_at = parts_.clock.Now();
  move.source_name = source.name;
  move.started = parts_.clock.Monotonic();
  std::string handle = move.task.handle;
  {
    MutexLock lock(mutex_);
    std::size_t kept = 0;
    for (const Move& other : moves_) {
      if (other.task.source_arn != source.arn) continue;
      ++kept;
      if (other.task.state == MoveTask::State::kRunning) {
        return Fail(ErrorCode::kAlreadyExists, "a task of this queue is running");
      }
    }
    if (kept >= kMoveTasksKept) {
      const auto oldest =
          std::find_if(moves_.rbegin(), moves_.rend(), [&source](const Move& other) {
            return other.task.source_arn == source.arn;
          });
      moves_.erase(std::next(oldest).base());
    }
    moves_.push_front(std::move(move));
    woken_ = true;
  }
  wake_.NotifyOne();
  return handle;
}

Result<std::size_t> QueueService::CancelMove(const std::string& handle) {
  MutexLock lock(mutex_);
  for (Move& move : moves_) {
    if (move.task.handle != handle || move.task.state != MoveTask::State::kRunning) continue;
    move.task.state = MoveTask::State::kCancelled;
    return move.task.moved;
  }
  return Fail(ErrorCode::kNotFound, "no such task is running");
}

std::vector<QueueService::MoveTask> QueueService::MoveTasks(const std::string& source_arn,
                                                            std::size_t count_max) const {
  std::vector<MoveTask> tasks;
  MutexLock lock(mutex_);
  for (const Move& move : moves_) {
    if (move.task.source_arn == source_arn && tasks.size() < count_max) tasks.push_back(move.task);
  }
  return tasks;
}

// Sends a topic's dead letter to its subscription, or puts the message into `groups` by the queue
// it goes to. `moved` counts what was sent.
Status QueueService::Route(const Move& move,
                           const Queue& source,
                           MessageNumber number,
                           MoveGroups& groups,
                           std::size_t& moved) {
  const Result<std::shared_ptr<const Message>> message = store_->Read(number);
  if (!message) {
    if (message.error().code == ErrorCode::kNotFound) return {};
    return Fail(message.error());
  }
  if (move.task.destination_arn.empty() && !(*message)->subscription_arn.empty()) {
    if (!redeliver_) return Fail(ErrorCode::kUnsupported, "no topics to send it to");
    RETURN_IF_ERROR(redeliver_(**message));
    ++moved;
    return store_->Remove(source.uid, {number});
  }
  const std::string& to =
      move.task.destination_arn.empty() ? (*message)->source_queue_arn : move.task.destination_arn;
  const std::shared_ptr<const Queue> target = registry_->FindByArn(to);
  if (!target) {
    return Fail(ErrorCode::kNotFound,
                to.empty() ? std::string("a message did not come from another queue")
                           : fmt::format("there is no queue {}", to));
  }
  groups[target->uid].push_back(number);
  return {};
}

void QueueService::StepMove(Move& move) {
  const std::shared_ptr<const Queue> source = registry_->Find(move.source_name);
  const Timestamp now = parts_.clock.Now();
  std::size_t allowed = kMovedPerStep;
  if (move.task.per_second > 0) {
    const std::int64_t seconds =
        std::chrono::duration_cast<std::chrono::seconds>(parts_.clock.Monotonic() - move.started)
            .count() +
        1;
    const auto due = static_cast<std::size_t>(seconds * move.task.per_second);
    allowed = std::min(allowed, due - std::min(due, move.task.moved));
    if (allowed == 0) return;
  }
  const std::vector<MessageStore::Taken> seen =
      source ? store_->Peek(source->uid, move.after, allowed) : std::vector<MessageStore::Taken>();
  if (seen.empty()) move.task.state = MoveTask::State::kCompleted;
  MoveGroups groups;
  Status stepped;
  for (const MessageStore::Taken& each : seen) {
    move.after = each.number;
    if (each.state.visible_at > now) continue;  // somebody has it
    stepped = Route(move, *source, each.number, groups, move.task.moved);
    if (!stepped) break;
  }
  // One write for all that go to one queue.
  for (const auto& [uid, numbers] : groups) {
    const Status moved = store_->Move(source->uid, numbers, uid, "", now);
    if (moved) {
      move.task.moved += numbers.size();
    } else if (stepped) {
      stepped = moved;
    }
  }
  if (!stepped) {
    move.task.state = MoveTask::State::kFailed;
    move.task.failure = stepped.error().message;
  }
}

void QueueService::StepMoves() {
  std::vector<Move> running;
  {
    MutexLock lock(mutex_);
    for (const Move& move : moves_) {
      if (move.task.state == MoveTask::State::kRunning) running.push_back(move);
    }
  }
  for (Move& move : running) {
    StepMove(move);
    MutexLock lock(mutex_);
    for (Move& kept : moves_) {
      if (kept.task.handle != move.task.handle) continue;
      // Cancelled meanwhile stays cancelled.
      if (kept.task.state != MoveTask::State::kRunning) move.task.state = kept.task.state;
      kept = move;
      if (move.task.state == MoveTask::State::kRunning && move.task.per_second == 0) woken_ = true;
    }
  }
}

void QueueService::Sweep() {
  const Timestamp now = parts_.clock.Now();
  for (const auto& queue : registry_->List({}, {}, kQueuesMax)) {
    const std::vector<MessageNumber> old =
        store_->OlderThan(queue->uid, now - queue->Seconds("MessageRetentionPeriod"));
    if (old.empty()) continue;
    if (const Status removed = store_->Remove(queue->uid, old); !removed) {
      log::Warn("queues", "old messages of {} stay: {}", queue->name, removed.error().message);
      continue;
    }
    log::Info(
        "queues", "{}: {} messages were kept as long as they may be", queue->name, old.size());
  }
}

void QueueService::RunOnce() {
  ServeWaiters();
  StepMoves();
  store_->Tidy();
  if (++round_ % kRoundsPerSweep == 0) Sweep();
}

// Until somebody who waits has to be answered: a message falls due or the wait is over.
nanoseconds QueueService::SleepTime() {
  nanoseconds sleep = kTidyInterval;
  std::set<std::string> uids;
  {
    MutexLock lock(mutex_);
    const nanoseconds now = parts_.clock.Monotonic();
    for (const Waiter& waiter : waiters_) {
      sleep = std::min(sleep, waiter.deadline - now);
      uids.insert(waiter.queue->uid);
    }
  }
  const Timestamp now = parts_.clock.Now();
  for (const std::string& uid : uids) {
    if (const auto due = store_->NextVisibleAt(uid)) sleep = std::min(sleep, *due - now);
  }
  return std::max(sleep, nanoseconds(0));
}

void QueueService::Run() {
  while (true) {
    const nanoseconds sleep = SleepTime();
    {
      MutexLock lock(mutex_);
      if (!stopping_ && !woken_) wake_.WaitFor(mutex_, sleep);
      if (stopping_) return;
    }
    RunOnce();
  }
}

QueueService::Health QueueService::health() const {
  return {store_->journal().health() == journal::Journal::Health::kOk,
          store_->journal().health_reason()};
}

}  // namespace postglass::queues
