#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aws/service.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/secret_box.h"
#include "base/settings.h"
#include "queues/message_store.h"
#include "queues/queue_registry.h"
#include "queues/queue_sender.h"
#include "queues/receipt_handle.h"

namespace postglass::queues {

// The queues as one part: what topics send to and the SQS API (SqsApi) serves. One thread answers
// those who wait for messages, moves dead letters back and tidies up. Thread-safe.
class QueueService final : public QueueSender {
 public:
  struct Parts {  // all must outlive the service
    Settings& settings;
    FileSystem& fs;
    const Clock& clock;
    Random& random;
    Metrics& metrics;
    const SecretBox& box;
  };

  struct Options {
    Path dir;  // of the journal
    aws::Account account;
    journal::Durability durability = journal::Durability::kFsync;
    std::uint64_t file_bytes_max = 64u << 20;     // of one journal file; the least that is trimmed
    std::chrono::milliseconds commit_spacing{0};  // of the journal
    MessageStore::Options store = {};
    // Asked before messages are taken; its error refuses them (a full disk). Empty: never refused.
    // Thread-safe, quick.
    std::function<Status()> may_take = {};
  };

  // `recovery` says what the journal found. Nobody who waits is answered before Start().
  static Result<std::unique_ptr<QueueService>> Create(Parts parts,
                                                      Options options,
                                                      journal::Recovery* recovery = nullptr);
  ~QueueService() override;

  void Start();
  // Answers all who wait with nothing; from now on nobody waits. For a server that shuts its doors.
  void EndWaits();
  void Stop();  // EndWaits() and joins

  QueueRegistry& registry() { return *registry_; }

  // A queue of this name that has no messages yet. Errors: those of QueueRegistry::Put.
  Status CreateQueue(std::string name, Attributes attributes, Attributes tags);
  Status DeleteQueue(const Queue& queue);
  // kUnavailable: one was made in the last minute.
  Status PurgeQueue(const Queue& queue);

  struct Outgoing {
    Message message;                            // id and time are set by Send()
    std::optional<std::chrono::seconds> delay;  // the queue's own when there is none
  };

  // All or nothing; waits until durable; gives the message ids. kLimit: the queue is full.
  Result<std::vector<std::string>> Send(const Queue& queue, std::vector<Outgoing> messages);

  Status SendFrom(std::string_view service,
                  const std::string& source_arn,
                  const std::string& queue_arn,
                  std::vector<Item> items) override;

  struct Received {
    std::shared_ptr<const Message> message;
    MessageState state;
    std::string receipt_handle;
  };

  struct ReceiveRequest {
    std::size_t count_max = 1;
    std::chrono::seconds visibility{30};
    std::chrono::seconds wait{0};
  };

  // `done` is called once: in this call when there are messages or nobody may wait, else from the
  // service's thread. What was received too often goes to the dead-letter queue instead.
  // kLimit: too many are in flight.
  using ReceiveDone = std::function<void(Result<std::vector<Received>>)>;
  void Receive(std::shared_ptr<const Queue> queue, ReceiveRequest request, ReceiveDone done);

  // Of each handle: OK also when the message is gone or was received again since; kInvalidArgument
  // when it is no handle of this queue; else the disk's error, the same for all.
  std::vector<Status> Delete(const Queue& queue, const std::vector<std::string>& handles);
  // kInvalidArgument (no handle), kNotFound (gone), kUnavailable (not in flight any more).
  Status ChangeVisibility(const Queue& queue,
                          const std::string& handle,
                          std::chrono::seconds visibility);

  MessageStore::Counts CountsOf(const Queue& queue) const;
  // For the operator: without receiving them, oldest first; handles are empty.
  std::vector<Received> Peek(const Queue& queue, std::size_t count_max);

  // Sending dead letters back, to where they came from or to one queue.
  struct MoveTask {
    enum class State { kRunning, kCompleted, kCancelled, kFailed };
    std::string handle;
    std::string source_arn;
    std::string destination_arn;  // empty: where each came from
    std::int64_t per_second = 0;  // 0: as fast as it goes
    State state = State::kRunning;
    std::size_t moved = 0;
    std::size_t to_move = 0;  // when it began
    std::string failure;
    Timestamp started_at;
  };

  // kAlreadyExists: one is running. Tasks are forgotten by a restart; what they moved stays moved.
  Result<std::string> StartMove(const Queue& source,
                                std::string destination_arn,
                                std::int64_t per_second);
  // How many it had moved. kNotFound: no such task is running.
  Result<std::size_t> CancelMove(const std::string& handle);
  std::vector<MoveTask> MoveTasks(const std::string& source_arn, std::size_t count_max) const;

  // Delivers a topic's dead letter to its subscription again; set before Start().
  void SetRedelivery(std::function<Status(const Message&)> redeliver) {
    redeliver_ = std::move(redeliver);
  }

  struct Health {
    bool writable = true;
    std::string reason;  // why not
  };

  Health health() const;

  // For tests, instead of Start(): one round of the thread.
  void RunOnce();

 private:
  struct Waiter {
    std::shared_ptr<const Queue> queue;
    ReceiveRequest request;
    std::chrono::nanoseconds deadline{0};  // monotonic
    ReceiveDone done;
  };

  struct Move {
    MoveTask task;
    std::string source_name;
    MessageNumber after = 0;
    std::chrono::nanoseconds started{0};  // monotonic
  };

  QueueService(Parts parts, Options options);
  void Run();
  void ServeWaiters();
  void StepMoves();
  void StepMove(Move& move);
  using MoveGroups = std::map<std::string, std::vector<MessageNumber>>;  // by queue uid
  Status Route(const Move& move,
               const Queue& source,
               MessageNumber number,
               MoveGroups& groups,
               std::size_t& moved);
  void Sweep();
  std::chrono::nanoseconds SleepTime();
  Result<std::vector<Received>> TryReceive(const Queue& queue, const ReceiveRequest& request);
  // What may not be given out any more, to the dead-letter queue; true when it went there.
  bool Bury(const Queue& queue, const MessageStore::Taken& taken);
  void Wake();

  const Parts parts_;
  const Options options_;
  const ReceiptHandles handles_;
  Counter& sent_;
  Counter& received_;
  Counter& deleted_;
  Counter& dead_lettered_;
  std::unique_ptr<QueueRegistry> registry_;
  std::unique_ptr<MessageStore> store_;
  std::function<Status(const Message&)> redeliver_;

  mutable Mutex mutex_;
  CondVar wake_;
  bool woken_ GUARDED_BY(mutex_) = false;
  bool waits_ended_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::list<Waiter> waiters_ GUARDED_BY(mutex_);  // who came first is served first
  std::map<std::string, std::chrono::nanoseconds> purged_ GUARDED_BY(mutex_);  // by queue uid
  std::deque<Move> moves_ GUARDED_BY(mutex_);                                  // newest first
  int round_ = 0;                                                              // of the thread
  std::thread thread_;
};

}  // namespace postglass::queues
