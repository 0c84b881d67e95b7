#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/worker_pool.h"
#include "journal/journal.h"
#include "store/embedded/appender.h"
#include "store/embedded/catalog.h"
#include "store/embedded/exec/snapshot.h"
#include "store/embedded/memtable.h"
#include "store/embedded/merge_policy.h"
#include "store/embedded/segment/block_cache.h"
#include "store/embedded/table/table_builder.h"
#include "store/log_store.h"

namespace postglass::store {

// The store in one directory: journal/ for what came last, segments/ for what was sealed, dedup/
// for the keys of the last 72 hours. Formats: docs/format/segment.md.
//
// A batch is deduplicated, written as one journal record, then visible, then acknowledged. One
// thread makes tables of what gathers in memory, one seals them into segments, only then is the
// journal trimmed; one merges segments and drops those whose time has come, one looks for damage.
// Queries read snapshots and block nothing.
//
// Full disk: appends fail with kDiskFull until space is back; queries go on. A failed write or sync
// of any other kind makes it read-only until it is opened again, because the kernel may have
// dropped what it could not write. Thread-safe.
class EmbeddedStore final : public LogStore {
 public:
  struct Options {
    std::size_t seal_rows = 131'072;                         // in memory; then they are sealed
    std::size_t seal_bytes = 64 << 20;                       // the same, bytes of their tables
    std::uint64_t seal_journal_bytes = 256 << 20;            // or when the journal is so large
    std::chrono::seconds seal_idle = std::chrono::hours(1);  // or when the oldest waits so long
    std::size_t memtable_bytes_max = 128 << 20;  // in memory in all; above: kUnavailable
    std::size_t cache_bytes = 128 << 20;         // what was read of segments
    std::size_t dedup_keys_max = 24'000'000;     // at most 600 MB; above: oldest keys go early
    std::size_t query_helpers = 3;               // threads beside the caller's, for all queries
    double disk_warn_share = 0.80;               // of the disk used: Describe() says so
    double disk_stop_share = 0.90;               // appends fail with kDiskFull
    MergePolicy merge = {};
    RetentionPolicy retention = {};
    bool merge_in_background = true;                 // false: only Maintain() merges and drops
    std::uint64_t scrub_bytes_per_second = 1 << 20;  // 0: never looks for damage by itself
    journal::Options journal = {};
  };

  // Opens or makes the store in `dir` and replays the journal. Nothing unreadable stops it: what is
  // left out is named in Describe().set_aside. All arguments must outlive it.
  // Errors: kUnavailable (open elsewhere), kUnsupported (another format), kPermissionDenied,
  // kDiskFull, kIo.
  static Result<std::unique_ptr<EmbeddedStore>> Open(
      FileSystem& fs, const Clock& clock, Metrics& metrics, const Path& dir, Options options);

  // Acknowledges what is under way. What is in memory stays in the journal; Flush() first makes the
  // next start quicker.
  ~EmbeddedStore() override;

  void AppendAsync(std::vector<NewEvent> batch, Appended done) override;
  Result<RunReport> Run(const Plan& plan, Sink& sink) override;
  // Seals first, so that only segments hold rows to delete. Rows of damaged segments are not
  // deleted, nor are events appended meanwhile.
  Result<DeleteReport> Delete(const Plan& selection) override;
  using LogStore::Erase;
  // Hides with deletions, then writes each segment concerned anew without the rows and empties the
  // journal of what was sealed.
  Result<EraseReceipt> Erase(std::string_view address, const StoreProgress& progress) override;
  Description Describe() const override;
  Status Flush() override;

  // Merges and drops in the caller's thread until nothing is due. For tests and tools.
  Status Maintain();

 private:
  // What a merge makes of its inputs. A segment without rows is none.
  struct MergeOutcome {
    enum class Kind { kReplaced, kChangedMeanwhile } kind = Kind::kReplaced;
    std::uint64_t bytes_written = 0;
  };

  EmbeddedStore(FileSystem& fs, const Clock& clock, Metrics& metrics, Path dir, Options options);

  Status Start();
  Status Replay(DedupWindow& window, std::vector<std::string>& set_aside);

  Status MayAppend();
  Status CheckDisk() const EXCLUDES(mutex_);
  void MakeVisible(std::shared_ptr<const RawBatch> batch);
  void NoteDamage(const std::vector<std::string>& damage);
  std::shared_ptr<const Snapshot> TakeSnapshot() const EXCLUDES(mutex_);
  std::shared_ptr<const Catalog::Segments> LiveSegments() const EXCLUDES(mutex_);

  // embedded_store_seal.cc
  void BuildTables();
  void BuildNext(TableBuilder& builder) EXCLUDES(mutex_);
  void MergeInMemory() EXCLUDES(mutex_);
  void SealInBackground();
  bool MustSeal(std::uint64_t journal_bytes) REQUIRES(mutex_);
  Status Seal() EXCLUDES(mutex_);
  Status SealParts(const Memtable::Parts& parts);
  Result<std::vector<SegmentId>> WriteSegments(const Memtable::Parts& parts,
                                               journal::Sequence sealed_through);
  void ExpireKeys();
  // Remembers why writing ended for good, when it did.
  void NoteWriteError(const Error& error) EXCLUDES(mutex_);

  // embedded_store_merge.cc
  void MergeInBackground();
  Status MaintainOnce(bool& did_something) EXCLUDES(mutex_);
  Status DropExpired(bool& did_something) EXCLUDES(mutex_);
  // Requires: merging_ held.
  Result<MergeOutcome> MergeSegments(const std::vector<LiveSegment>& inputs, std::stop_token stop);
  Status CommitReplacement(std::span<const LiveSegment> removed,
                           Catalog::Segments added,
                           bool& changed_meanwhile) EXCLUDES(mutex_);
  Status RemoveSegmentFiles(std::span<const LiveSegment> removed);

  // embedded_store_delete.cc
  struct Deletion {
    LiveSegment live;
    DeletedRows rows;  // to be hidden, ascending
  };

  // Hides rows; those that are hidden already do not matter. Requires: maintenance_ held.
  Result<std::uint64_t> HideRows(const std::vector<Deletion>& deletions);

  Status EmptyJournalBefore(journal::Sequence keep_from);

  void Scrub();

  FileSystem& fs_;
  const Clock& clock_;
  Metrics& metrics_;
  const Path dir_;
  const Path segments_dir_;
  const Path dedup_dir_;
  const Options options_;
  std::unique_ptr<FileLock> lock_;
  Gauge& segments_gauge_;
  Gauge& bytes_gauge_;
  Gauge& disk_used_gauge_;
  Counter& damage_found_;
  Counter& seals_;
  Counter& merges_;
  Counter& merged_events_;
  Counter& scrubbed_bytes_;
  mutable BlockCache cache_;
  WorkerPool pool_;

  // One merge or erasure at a time, taken before maintenance_.
  Mutex merging_;
  // One change of the manifest at a time. Held during its I/O, unlike mutex_; taken before it.
  Mutex maintenance_;

  mutable Mutex mutex_;
  CondVar build_work_;
  CondVar seal_work_;
  CondVar merge_work_;  // for merging and scrubbing
  CondVar done_;        // for Flush()
  std::optional<Catalog> catalog_ GUARDED_BY(mutex_);
  Memtable memtable_ GUARDED_BY(mutex_);
  mutable std::shared_ptr<const Snapshot> snapshot_ GUARDED_BY(mutex_);  // null: changed since
  std::uint64_t rows_inserted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t rows_built_ GUARDED_BY(mutex_) = 0;   // of those
  std::uint64_t rows_sealed_ GUARDED_BY(mutex_) = 0;  // of those
  std::uint64_t flush_goal_ GUARDED_BY(mutex_) = 0;   // of rows_inserted_
  bool seal_now_ GUARDED_BY(mutex_) = false;  // even when the last attempt failed a moment ago
  std::uint64_t seal_failures_ GUARDED_BY(mutex_) = 0;
  std::optional<Error> seal_error_ GUARDED_BY(mutex_);   // of the last seal; nothing: it worked
  std::optional<Error> write_error_ GUARDED_BY(mutex_);  // read-only until restart
  std::chrono::nanoseconds unsealed_since_ GUARDED_BY(mutex_){};
  bool merge_due_ GUARDED_BY(mutex_) = true;
  std::set<SegmentId> unmergeable_ GUARDED_BY(mutex_);  // damaged; until restart
  std::vector<std::string> set_aside_ GUARDED_BY(mutex_);
  std::set<std::string> known_damage_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::stop_source stop_;  // of merges and scrubbing

  // The journal ends before the appender, which takes its last callbacks.
  std::unique_ptr<Appender> appender_;
  std::unique_ptr<journal::Journal> journal_;
  std::thread builder_;
  std::thread sealer_;
  std::thread merger_;
  std::thread scrubber_;
};

}  // namespace postglass::store
