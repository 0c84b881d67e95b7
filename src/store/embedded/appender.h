#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "journal/journal.h"
#include "store/embedded/dedup_window.h"
#include "store/embedded/raw_batch.h"
#include "store/log_store.h"

namespace postglass::store {

// The way of a batch: deduplicated, one journal record, visible, acknowledged.
//
// Keys of batches that are under way are reserved in the window. A batch that meets a reserved key
// waits, whole, for what becomes of the other one: when that fails, this one must be stored.
// Waiting batches reserve nothing, so they cannot wait for each other.
//
// Thread-safe. A thread of its own makes batches visible, in the order of the journal, and calls
// back.
class Appender {
 public:
  using Visible = std::function<void(std::shared_ptr<const RawBatch>)>;

  // `visible` is called before a batch is acknowledged. All must outlive it, but for the journal,
  // see Close().
  Appender(const Clock& clock,
           Metrics& metrics,
           journal::Journal& journal,
           DedupWindow window,
           Visible visible);
  // Requires: Close(), and then the journal gone: its last callbacks come from its destructor.
  ~Appender();

  void Append(std::vector<NewEvent> batch, LogStore::Appended done);
  // The answer to a batch that is not even tried.
  void Refuse(Error error, LogStore::Appended done);
  // Appends a record without events, unless one is under way, to learn whether the journal works.
  void Probe();
  // Later batches are refused; nothing touches the journal any more when it returns.
  void Close();

  // Bytes of batches that are not visible yet.
  std::size_t in_flight_bytes() const { return in_flight_bytes_.load(); }

  void ExpireKeys(std::int64_t hour);

 private:
  struct Batch {
    std::vector<NewEvent> entries;
    LogStore::Appended done;
    AppendResult result;
    std::size_t bytes = 0;
    bool admitted = false;  // its keys are reserved
    std::chrono::nanoseconds started{};
  };

  struct Completion {
    std::shared_ptr<Batch> batch;
    Result<journal::Sequence> sequence;
  };

  // False when the batch was parked.
  bool Admit(Batch& batch) REQUIRES(mutex_);
  void Begin(std::shared_ptr<Batch> batch);
  void Complete(std::shared_ptr<Batch> batch, Result<journal::Sequence> sequence);
  void Run();
  void Finish(Completion completion);

  const Clock& clock_;
  journal::Journal* const journal_;
  const Visible visible_;
  Counter& events_;
  Counter& duplicates_;
  Counter& append_seconds_sum_;
  Counter& append_seconds_count_;
  std::atomic<std::size_t> in_flight_bytes_ = 0;
  std::atomic<bool> probing_ = false;

  mutable Mutex mutex_;
  CondVar changed_;
  DedupWindow window_ GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Batch>> parked_ GUARDED_BY(mutex_);
  std::deque<Completion> completions_ GUARDED_BY(mutex_);
  int begins_running_ GUARDED_BY(mutex_) = 0;  // calls into the journal
  bool closed_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postglass::store
