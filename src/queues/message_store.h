#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/secret_box.h"
#include "journal/journal.h"
#include "queues/message_record.h"

namespace postglass::queues {

// Keeps the messages of all queues over restarts, in a journal whose records are sealed, and knows
// which are ready, delayed or in flight. Adding, removing and moving wait for the disk; that a
// message was received is written in groups a moment later, so a crash may give it out again.
// Thread-safe.
//
// Memory: some 300 bytes for each message, and up to Options::bodies_bytes_max of the newest
// bodies; the others are read from the journal again.
class MessageStore {
 public:
  struct Options {
    std::size_t bodies_bytes_max = 32u << 20;
    std::uint64_t disk_bytes_max = 8ull << 30;  // above: Add() fails with kUnavailable
    // Below this, dead space in the journal is not worth rewriting what is alive.
    std::uint64_t compact_bytes_min = 128u << 20;
    std::size_t compact_step_bytes = 16u << 20;  // rewritten in one Tidy()
  };

  // Reads the whole journal; what cannot be unsealed or decoded is left out and logged. The
  // references must outlive it.
  static Result<std::unique_ptr<MessageStore>> Open(std::unique_ptr<journal::Journal> journal,
                                                    const SecretBox& box,
                                                    const Clock& clock,
                                                    Metrics& metrics,
                                                    Options options);
  // Writes what has gathered.
  ~MessageStore();

  struct NewMessage {
    Message message;
    Timestamp visible_at;
  };

  // All of them or none. `done` gets the number of the first (the others follow) once they are
  // durable, from the journal's commit thread. Errors: kUnavailable above disk_bytes_max, those of
  // AppendAsync.
  using Added = std::function<void(Result<MessageNumber>)>;
  void AddAsync(const std::string& queue_uid, std::vector<NewMessage> messages, Added done);

  struct Taken {
    MessageNumber number = 0;
    MessageState state;  // as the receiver sees it, this receive counted
  };

  // Up to `count_max` ready messages, oldest first, in flight until `until` from now on.
  std::vector<Taken> Take(const std::string& queue_uid,
                          std::size_t count_max,
                          Timestamp now,
                          Timestamp until);
  // kNotFound once it is removed; kCorruption when its record is damaged.
  Result<std::shared_ptr<const Message>> Read(MessageNumber number);
  // Nothing when it is not in this queue (any more).
  std::optional<MessageState> StateOf(const std::string& queue_uid, MessageNumber number) const;
  // Another time to be visible again, for a message that is in flight; false when it is not there.
  bool SetVisibleAt(const std::string& queue_uid,
                    MessageNumber number,
                    Timestamp now,
                    Timestamp visible_at);
  // Waits until it is durable. Numbers that are not there are left out.
  Status Remove(const std::string& queue_uid, const std::vector<MessageNumber>& numbers);
  // Into another queue, ready at once and never received, by one write: it is in exactly one of
  // both whatever happens. `source_queue_arn` is put into the copy. Waits.
  Status Move(const std::string& from_uid,
              const std::vector<MessageNumber>& numbers,
              const std::string& to_uid,
              const std::string& source_queue_arn,
              Timestamp now);
  // Everything that is in the queue now. Waits.
  Status Purge(const std::string& queue_uid);
  // Queues that are not named lose their messages: what a crash left of deleted ones.
  Status KeepOnly(const std::set<std::string>& queue_uids);

  struct Counts {
    std::size_t visible = 0;
    std::size_t in_flight = 0;
    std::size_t delayed = 0;

    std::size_t all() const { return visible + in_flight + delayed; }
  };

  // Messages in all, and those delayed or in flight: cheap, unlike CountsOf().
  std::size_t SizeOf(const std::string& queue_uid) const;
  std::size_t WaitingOf(const std::string& queue_uid) const;
  // Those that fell due by `now` count as visible.
  Counts CountsOf(const std::string& queue_uid, Timestamp now) const;
  // Oldest first, without receiving them; those behind `after`.
  std::vector<Taken> Peek(const std::string& queue_uid,
                          MessageNumber after,
                          std::size_t count_max) const;
  // Sent before `sent_before`.
  std::vector<MessageNumber> OlderThan(const std::string& queue_uid, Timestamp sent_before) const;
  // When the next delayed or in-flight message of the queue becomes visible.
  std::optional<Timestamp> NextVisibleAt(const std::string& queue_uid) const;

  // Housekeeping, to be called every 100 ms or so from one thread: writes gathered changes,
  // rewrites old messages that pin the journal, removes files nobody needs.
  void Tidy();
  Status Flush();

  const journal::Journal& journal() const { return *journal_; }

 private:
  struct Entry {
    std::string queue_uid;
    journal::Sequence position = 0;          // of the newest copy
    std::size_t bytes = 0;                   // of the record
    std::shared_ptr<const Message> message;  // null: read it from `position`
    Timestamp sent_at;
    MessageState state;
    bool moving = false;  // on its way to another queue: nobody gets it
  };

  struct Lane {
    std::set<MessageNumber> all;
    std::set<MessageNumber> ready;
    std::set<std::pair<Timestamp, MessageNumber>> waiting;  // delayed and in flight
  };

  MessageStore(std::unique_ptr<journal::Journal> journal,
               const SecretBox& box,
               const Clock& clock,
               Metrics& metrics,
               Options options);

  Status Recover();
  void Insert(journal::Sequence position, std::size_t bytes, StoredMessage stored) REQUIRES(mutex_);
  void Forget(MessageNumber number) REQUIRES(mutex_);
  void Place(MessageNumber number, Entry& entry) REQUIRES(mutex_);
  void Unplace(MessageNumber number, const Entry& entry) REQUIRES(mutex_);
  void SetState(MessageNumber number, Entry& entry, const MessageState& state) REQUIRES(mutex_);
  void ApplyPurge(const std::string& queue_uid, MessageNumber up_to) REQUIRES(mutex_);
  static void WakeDue(Lane& lane, Timestamp now);
  Result<StoredMessage> ReadAt(journal::Sequence position);
  Status Commit(std::vector<std::string> payloads, Added apply);
  StateChanges TakeChanges();
  void PutBack(StateChanges changes, const Error& error);
  void Compact();
  std::string Seal(const StoreRecord& record) const;

  std::unique_ptr<journal::Journal> journal_;
  const SecretBox& box_;
  const Clock& clock_;
  const Options options_;
  Gauge& messages_gauge_;

  mutable Mutex mutex_;
  std::map<MessageNumber, Entry> entries_ GUARDED_BY(mutex_);
  std::map<journal::Sequence, MessageNumber> by_position_ GUARDED_BY(mutex_);
  std::map<std::string, Lane, std::less<>> lanes_ GUARDED_BY(mutex_);
  std::size_t bodies_bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t live_bytes_ GUARDED_BY(mutex_) = 0;
  StateChanges changes_ GUARDED_BY(mutex_);
  bool compacting_ GUARDED_BY(mutex_) = false;

  // Reading on from where the last read ended is cheap, opening a reader is not.
  Mutex reader_mutex_;
  std::unique_ptr<journal::Journal::Reader> reader_ GUARDED_BY(reader_mutex_);
  journal::Sequence reader_at_ GUARDED_BY(reader_mutex_) = 0;  // last sequence it gave
  journal::Sequence trimmed_before_ = 0;                       // of the thread that calls Tidy()
};

}  // namespace postglass::queues
