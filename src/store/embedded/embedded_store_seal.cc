#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "store/embedded/day_split.h"
#include "store/embedded/embedded_store.h"
#include "store/embedded/key_files.h"
#include "store/embedded/limits.h"
#include "store/embedded/table/table_merge.h"

// From the memtable to segments: one thread makes tables, another seals them.

namespace postglass::store {

namespace {

constexpr std::string_view kLog = "store";
// How often the threads look at what no event tells them: a full disk that has space again, a seal
// to repeat, events that have waited long.
constexpr std::chrono::seconds kLookAgain{1};
// How long raw events gather before they become a table. Longer, and the queries' scan of them
// shows; shorter, and the fixed cost of a table does.
constexpr std::chrono::milliseconds kBuildDelay{40};

}  // namespace

void EmbeddedStore::BuildTables() {
  TableBuilder builder;
  while (true) {
    {
      MutexLock lock(mutex_);
      while (memtable_.raw_rows() == 0 && !stopping_) build_work_.WaitFor(mutex_, kLookAgain);
      const auto gathering = [&]() REQUIRES(mutex_) {
        return memtable_.raw_rows() < kBuildRowsMax && rows_built_ >= flush_goal_ && !stopping_;
      };
      if (gathering()) build_work_.WaitFor(mutex_, kBuildDelay);
      if (stopping_) return;
    }
    BuildNext(builder);
    MergeInMemory();
  }
}

void EmbeddedStore::BuildNext(TableBuilder& builder) {
  Memtable::Batches batches;
  {
    MutexLock lock(mutex_);
    batches = memtable_.NextToBuild();
  }
  if (batches.empty()) return;
  std::vector<const Event*> events;
  Memtable::Part part;
  for (const auto& batch : batches) {
    for (const Event& event : batch->events) events.push_back(&event);
    part.keys.insert(part.keys.end(), batch->keys.begin(), batch->keys.end());
  }
  part.last_sequence = batches.back()->sequence;
  part.table = builder.Build(events);
  MutexLock lock(mutex_);
  memtable_.Built(std::move(part), batches);
  rows_built_ += events.size();
  snapshot_.reset();
  seal_work_.NotifyOne();
}

void EmbeddedStore::MergeInMemory() {
  Memtable::Parts parts;
  {
    MutexLock lock(mutex_);
    parts = memtable_.NextToMerge();
  }
  if (parts.empty()) return;
  std::vector<MergeInput> inputs;
  Memtable::Part merged;
  for (const auto& part : parts) {
    inputs.push_back({part->table, nullptr});
    merged.keys.insert(merged.keys.end(), part->keys.begin(), part->keys.end());
  }
  merged.last_sequence = parts.back()->last_sequence;
  Result<std::shared_ptr<const MemoryTable>> table = MergeTables(inputs, stop_.get_token());
  if (!table) return;  // stopping: memory does not fail otherwise
  merged.table = std::move(*table);
  MutexLock lock(mutex_);
  memtable_.Merged(std::move(merged), parts);
  snapshot_.reset();
}

bool EmbeddedStore::MustSeal(std::uint64_t journal_bytes) {
  if (write_error_ || memtable_.table_rows() == 0) return false;
  if (rows_sealed_ < flush_goal_) return rows_built_ >= flush_goal_;
  return memtable_.table_rows() >= options_.seal_rows ||
         memtable_.table_bytes() >= options_.seal_bytes ||
         journal_bytes >= options_.seal_journal_bytes ||
         clock_.Monotonic() - unsealed_since_ >= options_.seal_idle;
}

void EmbeddedStore::SealInBackground() {
  bool failed = false;
  while (true) {
    if (journal_->health() == journal::Journal::Health::kDiskFull) appender_->Probe();
    const std::uint64_t journal_bytes = journal_->size_bytes();
    {
      MutexLock lock(mutex_);
      // A seal that failed is repeated after a while, not at once.
      const bool too_soon = failed && !seal_now_;
      if (!MustSeal(journal_bytes) || too_soon) {
        if (!stopping_) seal_work_.WaitFor(mutex_, kLookAgain);
        if (!stopping_ && !MustSeal(journal_bytes)) continue;
      }
      if (stopping_) return;
      seal_now_ = false;
    }
    failed = !Seal();
  }
}

void EmbeddedStore::NoteWriteError(const Error& error) {
  log::Error(kLog, "{}", error.message);
  MutexLock lock(mutex_);
  seal_error_ = error;
  ++seal_failures_;
  if (error.code != ErrorCode::kDiskFull) write_error_ = error;
  done_.NotifyAll();
}

Status EmbeddedStore::Seal() {
  MutexLock one_at_a_time(maintenance_);
  Memtable::Parts parts;
  {
    MutexLock lock(mutex_);
    parts = memtable_.BeginSeal();
  }
  if (parts.empty()) return {};
  if (Status sealed = SealParts(parts); !sealed) {
    {
      MutexLock lock(mutex_);
      memtable_.EndSeal(Memtable::Sealed::kNo);
    }
    NoteWriteError(sealed.error());
    return sealed;
  }
  parts.clear();
  ExpireKeys();
  // Millions of small strings were freed; without this the process keeps their pages.
  malloc_trim(0);
  return {};
}

// One segment a day, named by nothing yet. Those of a failed attempt are removed again.
Result<std::vector<SegmentId>> EmbeddedStore::WriteSegments(const Memtable::Parts& parts,
                                                            journal::Sequence sealed_through) {
  std::vector<std::shared_ptr<const Table>> tables;
  std::vector<SeenKey> keys;
  for (const auto& part : parts) {
    tables.push_back(part->table);
    keys.insert(keys.end(), part->keys.begin(), part->keys.end());
  }
  ASSIGN_OR_RETURN(const auto days, SplitByDay(tables, kSealDaysMax));
  SegmentId id = 0;
  {
    MutexLock lock(mutex_);
    id = catalog_->ReserveIds(days.size());
  }
  const SegmentId seal_id = id;
  std::vector<SegmentId> written;
  const auto write_all = [&]() -> Status {
    // The journal will no longer remember these keys. They come before the segments, so that
    // wherever rows are, their keys are.
    RETURN_IF_ERROR(WriteKeyFiles(fs_, dedup_dir_, seal_id, keys));
    for (const std::vector<MergeInput>& day : days) {
      NewSegment segment{.id = id++, .sealed_through = sealed_through, .replaces = {}};
      // Of a seal that was cut short only the last is missing for certain: the others say that
      // they are not it, for the day that the manifest is lost.
      if (&day != &days.back()) segment.replaces = {segment.id};
      std::shared_ptr<const Table> table = day.front().table;
      if (day.size() > 1 || day.front().rows != nullptr) {
        ASSIGN_OR_RETURN(table, MergeTables(day));
      }
      RETURN_IF_ERROR(WriteSegment(fs_, segments_dir_, segment, *table));
      written.push_back(segment.id);
    }
    return {};
  };
  if (Status status = write_all(); !status) {
    for (const SegmentId of_attempt : written) {
      static_cast<void>(fs_.Remove(segments_dir_ / SegmentFileName(of_attempt)).has_value());
    }
    RemoveKeyFiles(fs_, dedup_dir_, seal_id);
    return Fail(std::move(status.error()));
  }
  return written;
}

Status EmbeddedStore::SealParts(const Memtable::Parts& parts) {
  const journal::Sequence sealed_through = parts.back()->last_sequence;
  ASSIGN_OR_RETURN(const std::vector<SegmentId> ids, WriteSegments(parts, sealed_through));
  Catalog::Segments segments;
  std::uint64_t rows = 0;
  for (const SegmentId id : ids) {
    ASSIGN_OR_RETURN(std::shared_ptr<const Segment> segment,
                     Segment::Open(fs_, segments_dir_, id, cache_));
    rows += segment->info().rows;
    segments.push_back({std::move(segment), nullptr, 0});
  }
  Catalog::Change change;
  {
    MutexLock lock(mutex_);
    change = catalog_->Replace({}, std::move(segments), sealed_through);
  }
  RETURN_IF_ERROR(WriteManifest(fs_, segments_dir_, change.manifest));
  {
    MutexLock lock(mutex_);
    segments_gauge_.Set(static_cast<double>(change.segments->size()));
    catalog_->Commit(std::move(change));
    memtable_.EndSeal(Memtable::Sealed::kYes);
    snapshot_.reset();
    rows_sealed_ += rows;
    unsealed_since_ = clock_.Monotonic();
    seal_error_.reset();
    merge_due_ = true;
    merge_work_.NotifyAll();
    done_.NotifyAll();
  }
  seals_.Add();
  // Nothing is lost when this fails: the records are passed over at the next start.
  if (const Status trimmed = journal_->TrimBefore(sealed_through + 1); !trimmed) {
    log::Warn(kLog, "the journal could not be trimmed: {}", trimmed.error().message);
  }
  return {};
}

void EmbeddedStore::ExpireKeys() {
  const std::int64_t hour = HourOf(clock_.Now().millis());
  appender_->ExpireKeys(hour);
  if (const Status removed = RemoveOldKeyFiles(fs_, dedup_dir_, hour); !removed) {
    log::Warn(kLog, "old deduplication keys could not be removed: {}", removed.error().message);
  }
}

}  // namespace postglass::store
