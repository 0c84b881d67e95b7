#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/secret_box.h"
#include "journal/journal.h"
#include "topics/outbox_record.h"

namespace postglass::topics {

// A message that could not be delivered to one subscription.
struct DeadLetter {
  MessageNumber number = 0;
  std::uint32_t target_index = 0;
  std::string message_id;
  std::string topic_arn;
  Target target;
  std::uint32_t attempts = 0;
  std::string reason;  // one line
  Timestamp since;
};

// A delivery that has yet to be made.
struct PendingDelivery {
  MessageNumber number = 0;
  std::uint32_t target_index = 0;
  Target target;
  std::uint32_t attempts = 0;
  Timestamp published_at;
};

// Keeps messages and what became of each target, over restarts, in a journal whose records are
// sealed. Publishing waits for the disk; outcomes are written in groups now and then, so a crash
// may bring a delivered message back with the same message id. Thread-safe.
//
// Memory: per open message some 300 bytes, and up to Options::bodies_bytes_max of the oldest
// bodies; the others are read from the journal again.
class Outbox {
 public:
  struct Options {
    std::size_t bodies_bytes_max = 32u << 20;
    std::uint64_t disk_bytes_max = 8ull << 30;  // above: Add() fails with kUnavailable
    // Below this, dead space in the journal is not worth rewriting what is alive.
    std::uint64_t compact_bytes_min = 128u << 20;
    std::size_t compact_step_bytes = 16u << 20;  // rewritten in one Tidy()
    std::size_t dead_letters_max = 10'000;
    std::size_t dead_letter_bytes_max = 256u << 20;
  };

  // Reads the whole journal; what cannot be unsealed or decoded is left out and logged. The
  // references must outlive it.
  static Result<std::unique_ptr<Outbox>> Open(std::unique_ptr<journal::Journal> journal,
                                              const SecretBox& box,
                                              Metrics& metrics,
                                              Options options);
  // Writes the outcomes that have gathered.
  ~Outbox();

  // What was pending when it was opened, oldest first.
  std::vector<PendingDelivery> Pending() const;

  // `done` gets the message's number once it is durable, from the journal's commit thread; it may
  // call Settle() and Read(). Errors: kUnavailable above disk_bytes_max, those of AppendAsync.
  using Added = std::function<void(Result<MessageNumber>)>;
  void Add(Message message, std::vector<Target> targets, Added done);

  // Unknown once all targets are settled (kNotFound).
  Result<std::shared_ptr<const Message>> Read(MessageNumber number);

  // Records the state of one target; kDone of the last one forgets the message.
  void Settle(MessageNumber number, std::uint32_t target_index, TargetState state);

  // Newest first.
  std::vector<DeadLetter> DeadLetters(std::size_t count_max) const;
  std::size_t dead_letters() const;
  // Makes dead letters pending again with no attempts counted; returns them for delivery. Nothing
  // given: all of them.
  std::vector<PendingDelivery> Redrive(std::optional<std::pair<MessageNumber, std::uint32_t>> one);

  // Housekeeping, to be called every 100 ms or so from one thread: writes gathered outcomes,
  // rewrites old messages that pin the journal, removes files nobody needs.
  void Tidy();
  // Writes gathered outcomes and waits until they are durable.
  Status Flush();

  std::size_t open_messages() const;
  std::optional<Timestamp> oldest() const;  // when the oldest pending message was published

  const journal::Journal& journal() const { return *journal_; }

 private:
  struct Entry {
    journal::Sequence position = 0;          // of the newest copy
    std::size_t bytes = 0;                   // of the record
    std::shared_ptr<const Message> message;  // null: read it from `position`
    std::string message_id;
    std::string topic_arn;
    Timestamp published_at;
    std::vector<Target> targets;
    std::vector<TargetState> states;
    std::uint32_t open_targets = 0;  // pending or dead
  };

  using DeadKey = std::pair<MessageNumber, std::uint32_t>;

  Outbox(std::unique_ptr<journal::Journal> journal,
         const SecretBox& box,
         Metrics& metrics,
         Options options);

  Status Recover();
  void Insert(journal::Sequence position, std::size_t bytes, StoredMessage stored) REQUIRES(mutex_);
  void Apply(const StateChange& change) REQUIRES(mutex_);
  void Forget(MessageNumber number) REQUIRES(mutex_);
  void DropBody(Entry& entry) REQUIRES(mutex_);
  void BoundDeadLetters() REQUIRES(mutex_);
  DeadLetter DeadLetterOf(const DeadKey& key) const REQUIRES(mutex_);
  StateChanges TakeChanges();
  void PutBack(StateChanges changes, const Error& error);
  Result<StoredMessage> ReadAt(journal::Sequence position);
  void Compact();
  std::string Seal(std::string_view record) const;

  std::unique_ptr<journal::Journal> journal_;
  const SecretBox& box_;
  const Options options_;
  Gauge& dead_letters_gauge_;
  Counter& dead_letters_dropped_;

  mutable Mutex mutex_;
  std::map<MessageNumber, Entry> entries_ GUARDED_BY(mutex_);
  std::map<journal::Sequence, MessageNumber> by_position_ GUARDED_BY(mutex_);
  std::deque<DeadKey> dead_ GUARDED_BY(mutex_);  // oldest first
  std::size_t dead_bytes_ GUARDED_BY(mutex_) = 0;
  std::size_t bodies_bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t live_bytes_ GUARDED_BY(mutex_) = 0;
  StateChanges changes_ GUARDED_BY(mutex_);

  // Reading on from where the last read ended is cheap, opening a reader is not.
  Mutex reader_mutex_;
  std::unique_ptr<journal::Journal::Reader> reader_ GUARDED_BY(reader_mutex_);
  journal::Sequence reader_at_ GUARDED_BY(reader_mutex_) = 0;  // last sequence it gave

  bool compacting_ GUARDED_BY(mutex_) = false;
  journal::Sequence trimmed_before_ = 0;  // of the thread that calls Tidy()
};

}  // namespace postglass::topics
