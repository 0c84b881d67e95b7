#include "store/embedded/appender.h"

#include <utility>

#include "store/embedded/batch_codec.h"
#include "store/embedded/limits.h"

namespace postglass::store {

Appender::Appender(const Clock& clock,
                   Metrics& metrics,
                   journal::Journal& journal,
                   DedupWindow window,
                   Visible visible)
    : clock_(clock),
      journal_(&journal),
      visible_(std::move(visible)),
      events_(metrics.GetCounter("postglass_store_events_total", "Events stored.")),
      duplicates_(metrics.GetCounter("postglass_store_duplicates_total",
                                     "Events left out because their key was seen before.")),
      append_seconds_sum_(metrics.GetCounter("postglass_store_append_seconds_sum",
                                             "Time from append to acknowledgement.")),
      append_seconds_count_(
          metrics.GetCounter("postglass_store_append_seconds_count", "Batches acknowledged.")),
      window_(std::move(window)),
      thread_([this] { Run(); }) {}

Appender::~Appender() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Appender::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  while (begins_running_ > 0) changed_.Wait(mutex_);
}

void Appender::ExpireKeys(std::int64_t hour) {
  MutexLock lock(mutex_);
  window_.Expire(hour);
}

void Appender::Append(std::vector<NewEvent> entries, LogStore::Appended done) {
  auto batch = std::make_shared<Batch>();
  batch->entries = std::move(entries);
  batch->done = std::move(done);
  batch->started = clock_.Monotonic();
  batch->bytes = ApproximateBytes(batch->entries);
  in_flight_bytes_ += batch->bytes;
  if (batch->bytes > kBatchRawBytesMax || batch->entries.size() > kBatchRowsMax) {
    Complete(std::move(batch), Fail(ErrorCode::kLimit, "the batch is too large"));
    return;
  }
  Begin(std::move(batch));
}

void Appender::Refuse(Error error, LogStore::Appended done) {
  auto batch = std::make_shared<Batch>();
  batch->done = std::move(done);
  batch->started = clock_.Monotonic();
  Complete(std::move(batch), Fail(std::move(error)));
}

void Appender::Probe() {
  if (probing_.exchange(true)) return;
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    ++begins_running_;
  }
  journal_->AppendAsync({EncodeProbe()}, [this](const Result<journal::Sequence>&) {
    probing_ = false;  // the journal's health says how it went
  });
  MutexLock lock(mutex_);
  --begins_running_;
  changed_.NotifyAll();
}

bool Appender::Admit(Batch& batch) {
  for (const NewEvent& entry : batch.entries) {
    if (entry.dedup_key) window_.Prefetch(*entry.dedup_key);
  }
  for (const NewEvent& entry : batch.entries) {
    if (entry.dedup_key && window_.IsReserved(*entry.dedup_key)) return false;
  }
  batch.admitted = true;
  std::vector<bool>& was_duplicate = batch.result.was_duplicate;
  was_duplicate.reserve(batch.entries.size());
  for (const NewEvent& entry : batch.entries) {
    // Reserved by now means: by this batch.
    const bool duplicate =
        entry.dedup_key && !window_.Reserve({*entry.dedup_key, HourOf(entry.event.ingested_at_ms)});
    was_duplicate.push_back(duplicate);
    ++(duplicate ? batch.result.duplicates : batch.result.stored);
  }
  if (batch.result.duplicates > 0) {
    std::vector<NewEvent> kept;
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      if (!was_duplicate[i]) kept.push_back(std::move(batch.entries[i]));
    }
    batch.entries = std::move(kept);
  }
  return true;
}

void Appender::Begin(std::shared_ptr<Batch> batch) {
  {
    MutexLock lock(mutex_);
    if (closed_) {
      completions_.push_back(
          {std::move(batch), Fail(ErrorCode::kUnavailable, "the store is closing")});
      changed_.NotifyAll();
      return;
    }
    if (!Admit(*batch)) {
      parked_.push_back(std::move(batch));
      return;
    }
    ++begins_running_;
  }
  if (batch->entries.empty()) {
    Complete(std::move(batch), journal::Sequence{0});
  } else {
    // The journal keeps the order of sequence in its callbacks, and Complete() keeps it too.
    std::vector<std::string> payloads;
    payloads.push_back(EncodeBatch(batch->entries, batch->bytes));
    journal_->AppendAsync(std::move(payloads), [this, batch](Result<journal::Sequence> sequence) {
      Complete(batch, std::move(sequence));
    });
  }
  MutexLock lock(mutex_);
  --begins_running_;
  changed_.NotifyAll();
}

void Appender::Complete(std::shared_ptr<Batch> batch, Result<journal::Sequence> sequence) {
  MutexLock lock(mutex_);
  completions_.push_back({std::move(batch), std::move(sequence)});
  changed_.NotifyAll();
}

void Appender::Run() {
  while (true) {
    std::deque<Completion> completions;
    std::deque<std::shared_ptr<Batch>> parked;
    {
      MutexLock lock(mutex_);
      while (completions_.empty() && !stopping_) changed_.Wait(mutex_);
      if (completions_.empty()) return;
      completions.swap(completions_);
    }
    for (Completion& completion : completions) Finish(std::move(completion));
    {
      // A batch parks only while another holds a key, and each of those passes through here.
      MutexLock lock(mutex_);
      parked.swap(parked_);
    }
    for (std::shared_ptr<Batch>& batch : parked) Begin(std::move(batch));
  }
}

void Appender::Finish(Completion completion) {
  Batch& batch = *completion.batch;
  std::shared_ptr<const RawBatch> visible;
  if (completion.sequence && !batch.entries.empty()) {
    visible = RawBatch::Make(*completion.sequence, std::exchange(batch.entries, {}), batch.bytes);
    visible_(visible);
  }
  {
    MutexLock lock(mutex_);
    if (visible != nullptr) {
      for (const SeenKey& seen : visible->keys) window_.Prefetch(seen.key);
      for (const SeenKey& seen : visible->keys) window_.Insert(seen);
    } else if (batch.admitted) {
      for (const NewEvent& entry : batch.entries) {
        if (entry.dedup_key) window_.Release(*entry.dedup_key);
      }
    }
  }
  in_flight_bytes_ -= batch.bytes;
  if (completion.sequence) {
    events_.Add(static_cast<double>(batch.result.stored));
    duplicates_.Add(static_cast<double>(batch.result.duplicates));
    append_seconds_sum_.Add(
        std::chrono::duration<double>(clock_.Monotonic() - batch.started).count());
    append_seconds_count_.Add();
    batch.done(std::move(batch.result));
  } else {
    batch.done(Fail(std::move(completion.sequence.error())));
  }
}

}  // namespace postglass::store
