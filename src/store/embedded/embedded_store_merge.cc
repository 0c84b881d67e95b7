#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "store/embedded/embedded_store.h"
#include "store/embedded/table/table_merge.h"

// Merging segments, dropping those whose time has come, looking for damage.

namespace postglass::store {

namespace {

constexpr std::string_view kLog = "store";
// Retention goes by the clock, not by events; a merge that failed is tried again.
constexpr std::chrono::seconds kLookAgain{60};
constexpr std::chrono::hours kScrubPause{24};  // between the end of one round and the next
// A merge reads each part of its inputs about once: it goes past the queries' cache.
constexpr std::size_t kMergeCacheBytes = 8 << 20;

bool IsDamage(const Error& error) {
  return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kNotFound;
}

std::vector<SegmentSummary> Summaries(const Catalog::Segments& segments) {
  std::vector<SegmentSummary> summaries;
  for (const LiveSegment& live : segments) {
    summaries.push_back({live.segment->segment_info(), live.rows_deleted()});
  }
  return summaries;
}

// Null: all.
std::shared_ptr<const std::vector<RowIndex>> RowsKept(const LiveSegment& live) {
  if (live.rows_deleted() == 0) return nullptr;
  auto kept = std::make_shared<std::vector<RowIndex>>();
  auto deleted = live.deleted->begin();
  for (RowIndex row = 0; row < live.segment->info().rows; ++row) {
    if (deleted != live.deleted->end() && *deleted == row) {
      ++deleted;
    } else {
      kept->push_back(row);
    }
  }
  return kept;
}

std::vector<LiveSegment> WithIds(const Catalog::Segments& segments,
                                 const std::vector<SegmentId>& ids) {
  std::vector<LiveSegment> found;
  for (const LiveSegment& live : segments) {
    if (std::find(ids.begin(), ids.end(), live.id()) != ids.end()) found.push_back(live);
  }
  return found;
}

std::string NamesOf(std::span<const LiveSegment> segments) {
  std::string names;
  for (const LiveSegment& live : segments) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", live.id());
  }
  return names;
}

}  // namespace

void EmbeddedStore::MergeInBackground() {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (!merge_due_ && !stopping_) merge_work_.WaitFor(mutex_, kLookAgain);
      if (stopping_) return;
      merge_due_ = false;
      if (write_error_) continue;
    }
    if (const Status status = Maintain(); !status && status.error().code != ErrorCode::kCancelled) {
      // What was there is still there; the next look tries again.
      log::Warn(kLog, "segments could not be merged: {}", status.error().message);
    }
  }
}

Status EmbeddedStore::Maintain() {
  for (bool did_something = true; did_something;) {
    did_something = false;
    RETURN_IF_ERROR(MaintainOnce(did_something));
  }
  return {};
}

Status EmbeddedStore::MaintainOnce(bool& did_something) {
  MutexLock one_at_a_time(merging_);
  RETURN_IF_ERROR(DropExpired(did_something));
  std::vector<LiveSegment> inputs;
  {
    MutexLock lock(mutex_);
    if (write_error_) return Fail(*write_error_);
    const std::vector<SegmentId> picked = PickMerge(Summaries(*catalog_->segments()),
                                                    catalog_->manifest().sealed_through,
                                                    unmergeable_,
                                                    options_.merge);
    inputs = WithIds(*catalog_->segments(), picked);
  }
  if (inputs.empty()) return {};
  did_something = true;
  const Result<MergeOutcome> outcome = MergeSegments(inputs, stop_.get_token());
  if (outcome) return {};
  if (!IsDamage(outcome.error())) return Fail(outcome.error());
  NoteDamage(
      {fmt::format("segments {} cannot be merged: {}", NamesOf(inputs), outcome.error().message)});
  MutexLock lock(mutex_);
  for (const LiveSegment& live : inputs) unmergeable_.insert(live.id());
  return {};
}

Result<EmbeddedStore::MergeOutcome> EmbeddedStore::MergeSegments(
    const std::vector<LiveSegment>& inputs, std::stop_token stop) {
  BlockCache cache(kMergeCacheBytes);
  std::vector<MergeInput> tables;
  NewSegment output;
  std::uint64_t rows = 0;
  for (const LiveSegment& live : inputs) {
    const SegmentInfo& info = live.segment->segment_info();
    output.replaces.push_back(info.id);
    output.sealed_through = std::max(output.sealed_through, info.sealed_through);
    output.retention_class = info.retention_class;
    if (live.rows_deleted() == info.table.rows) continue;
    ASSIGN_OR_RETURN(std::shared_ptr<const Segment> table,
                     Segment::Open(fs_, segments_dir_, info.id, cache));
    tables.push_back({std::move(table), RowsKept(live)});
    rows += info.table.rows - live.rows_deleted();
  }
  MergeOutcome outcome;
  Catalog::Segments added;
  if (!tables.empty()) {
    {
      MutexLock lock(mutex_);
      output.id = catalog_->ReserveIds(1);
    }
    ASSIGN_OR_RETURN(std::shared_ptr<const MemoryTable> merged,
                     MergeTables(tables, std::move(stop)));
    tables.clear();
    RETURN_IF_ERROR(WriteSegment(fs_, segments_dir_, output, *merged));
    merged.reset();
    ASSIGN_OR_RETURN(std::shared_ptr<const Segment> segment,
                     Segment::Open(fs_, segments_dir_, output.id, cache_));
    outcome.bytes_written = segment->segment_info().file_bytes;
    added.push_back({std::move(segment), nullptr, 0});
  }
  bool changed_meanwhile = false;
  RETURN_IF_ERROR(CommitReplacement(inputs, std::move(added), changed_meanwhile));
  if (changed_meanwhile) {
    outcome.kind = MergeOutcome::Kind::kChangedMeanwhile;
    if (output.id != 0) {
      static_cast<void>(fs_.Remove(segments_dir_ / SegmentFileName(output.id)).has_value());
    }
    return outcome;
  }
  merges_.Add();
  merged_events_.Add(static_cast<double>(rows));
  malloc_trim(0);
  return outcome;
}

Status EmbeddedStore::CommitReplacement(std::span<const LiveSegment> removed,
                                        Catalog::Segments added,
                                        bool& changed_meanwhile) {
  MutexLock one_at_a_time(maintenance_);
  std::vector<SegmentId> ids;
  for (const LiveSegment& live : removed) ids.push_back(live.id());
  Catalog::Change change;
  {
    MutexLock lock(mutex_);
    // Rows that were deleted since would be back with the merge; it is made again instead.
    const std::vector<LiveSegment> now = WithIds(*catalog_->segments(), ids);
    changed_meanwhile =
        now.size() != removed.size() ||
        !std::all_of(now.begin(), now.end(), [&](const LiveSegment& live) {
          return std::any_of(removed.begin(), removed.end(), [&](const LiveSegment& old) {
            return old.id() == live.id() && old.deletions_version == live.deletions_version;
          });
        });
    if (changed_meanwhile) return {};
    change = catalog_->Replace(ids, std::move(added));
  }
  if (Status written = WriteManifest(fs_, segments_dir_, change.manifest); !written) {
    // Which of the two manifests is on the disk is not known: the files of both stay.
    if (written.error().code != ErrorCode::kDiskFull) NoteWriteError(written.error());
    return written;
  }
  {
    MutexLock lock(mutex_);
    segments_gauge_.Set(static_cast<double>(change.segments->size()));
    catalog_->Commit(std::move(change));
    snapshot_.reset();
  }
  if (const Status status = RemoveSegmentFiles(removed); !status) {
    // Leftovers that the next start removes.
    log::Warn(kLog, "replaced segments could not be removed: {}", status.error().message);
  }
  return {};
}

// Running queries have the files open. Deletions go after the segments are gone for certain: rows
// hidden by them must not show again, should the manifest be lost in between.
Status EmbeddedStore::RemoveSegmentFiles(std::span<const LiveSegment> removed) {
  for (const LiveSegment& live : removed) {
    RETURN_IF_ERROR(fs_.Remove(segments_dir_ / SegmentFileName(live.id())));
  }
  RETURN_IF_ERROR(fs_.SyncDirectory(segments_dir_));
  for (const LiveSegment& live : removed) {
    if (live.deletions_version == 0) continue;
    RETURN_IF_ERROR(
        fs_.Remove(segments_dir_ / DeletionsFileName(live.id(), live.deletions_version)));
  }
  return {};
}

Status EmbeddedStore::DropExpired(bool& did_something) {
  std::vector<LiveSegment> expired;
  {
    const std::shared_ptr<const Catalog::Segments> segments = LiveSegments();
    expired = WithIds(*segments,
                      PickExpired(Summaries(*segments), clock_.Now().millis(), options_.retention));
  }
  if (expired.empty()) return {};
  bool changed_meanwhile = false;
  RETURN_IF_ERROR(CommitReplacement(expired, {}, changed_meanwhile));
  did_something = true;
  if (changed_meanwhile) return {};
  std::uint64_t events = 0;
  for (const LiveSegment& live : expired) events += live.segment->info().rows;
  log::Info(kLog, "retention: {} segments with {} events were removed", expired.size(), events);
  return {};
}

void EmbeddedStore::Scrub() {
  const std::uint64_t rate = options_.scrub_bytes_per_second;
  std::set<SegmentId> done;  // of this round
  while (true) {
    std::shared_ptr<const Segment> next;
    for (const LiveSegment& live : *LiveSegments()) {
      if (next == nullptr && !done.contains(live.id())) next = live.segment;
    }
    if (next == nullptr) {
      done.clear();
      MutexLock lock(mutex_);
      const std::chrono::nanoseconds until = clock_.Monotonic() + kScrubPause;
      while (!stopping_ && clock_.Monotonic() < until) merge_work_.WaitFor(mutex_, kLookAgain);
      if (stopping_) return;
      continue;
    }
    bool stopped = false;
    const std::vector<std::string> damage = next->Verify([&](std::uint64_t bytes) {
      scrubbed_bytes_.Add(static_cast<double>(bytes));
      std::chrono::nanoseconds rest(std::chrono::nanoseconds::rep(bytes * 1'000'000'000 / rate));
      MutexLock lock(mutex_);
      while (!stopping_ && rest.count() > 0) {
        // Whatever else happens wakes this up early; a scrubber need not be exact.
        rest = merge_work_.WaitFor(mutex_, rest) ? rest / 2 : std::chrono::nanoseconds(0);
      }
      stopped = stopping_;
    });
    if (stopped) return;
    if (!damage.empty()) NoteDamage(damage);
    done.insert(next->segment_info().id);
  }
}

}  // namespace postglass::store
