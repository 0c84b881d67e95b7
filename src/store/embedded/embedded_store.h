#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
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
#include "store/embedded/filter_cache.h"
#include "store/embedded/memtable.h"
#include "store/log_store.h"

namespace postglass::store {

// The store in one directory: journal/ for what came last, segments/ for what was sealed, dedup/
// for the keys of the last 72 hours. Formats: docs/format/segment.md.
//
// A batch is deduplicated, written as one journal record, then visible, then acknowledged. A thread
// in the background encodes what gathers in memory and seals it into segments; only then is the
// journal trimmed. Queries read snapshots and block nothing.
//
// Full disk: appends fail with kDiskFull until space is back; queries go on. A failed write or sync
// of any other kind makes it read-only until it is opened again, because the kernel may have
// dropped what it could not write. Thread-safe.
class EmbeddedStore final : public LogStore {
 public:
  struct Options {
    std::size_t seal_rows = 65'536;     // a segment is begun at so many encoded events
    std::size_t seal_bytes = 64 << 20;  // or so many encoded bytes
    std::chrono::seconds seal_idle = std::chrono::hours(1);  // or when the oldest waits so long
    std::size_t memtable_bytes_max = 256 << 20;              // not sealed; above: kUnavailable
    std::size_t filter_cache_bytes = 64 << 20;
    std::size_t dedup_keys_max = 24'000'000;  // at most 600 MB; above: oldest keys go early
    std::size_t query_helpers = 3;            // threads beside the caller's, for all queries
    double disk_warn_share = 0.80;            // of the disk used: Describe() says so
    double disk_stop_share = 0.90;            // appends fail with kDiskFull
    journal::Options journal = {};
  };

  // Opens or makes the store in `dir` and replays the journal. Nothing unreadable stops it: what is
  // left out is named in Describe().set_aside. All arguments must outlive it.
  // Errors: kUnavailable (open elsewhere), kUnsupported (a newer format), kPermissionDenied,
  // kDiskFull, kIo.
  static Result<std::unique_ptr<EmbeddedStore>> Open(
      FileSystem& fs, const Clock& clock, Metrics& metrics, const Path& dir, Options options);

  // Acknowledges what is under way. What is in memory stays in the journal; Flush() first makes the
  // next start quicker.
  ~EmbeddedStore() override;

  void AppendAsync(std::vector<NewEvent> batch, Appended done) override;
  Result<RunReport> Run(const Plan& plan, Sink& sink) override;
  // Seals first, so that only segments hold rows to delete. Rows that cannot be read are not
  // deleted, nor are events appended meanwhile.
  Result<DeleteReport> Delete(const Plan& selection) override;
  Description Describe() const override;
  Status Flush() override;

 private:
  // What the sealing thread shall do next.
  enum class Task { kWait, kEncode, kSeal };

  EmbeddedStore(FileSystem& fs,
                const Clock& clock,
                Metrics& metrics,
                Path dir,
                Options options,
                Catalog catalog);

  Status Start(std::vector<std::string> set_aside);
  Status Replay(DedupWindow& window, std::vector<std::string>& set_aside);

  Status MayAppend();
  Status CheckDisk() const EXCLUDES(mutex_);
  void MakeVisible(std::shared_ptr<const RawBatch> batch);
  void NoteTimes(const BlockInfo& times) REQUIRES(mutex_);
  void NoteDamage(const std::vector<std::string>& damage);
  std::shared_ptr<const Snapshot> TakeSnapshot() const;

  void Background();
  Task NextTask() REQUIRES(mutex_);
  void EncodeNext(BlockEncoder& encoder) EXCLUDES(mutex_);
  Status Seal() EXCLUDES(mutex_);
  Status SealChunks(const std::vector<std::shared_ptr<const Memtable::EncodedChunk>>& chunks);
  void ExpireKeys();
  // Remembers why writing ended for good, when it did.
  void NoteWriteError(const Error& error) EXCLUDES(mutex_);
  Result<DeleteReport> DeleteFromSegments(const Plan& selection);

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
  Counter& damaged_blocks_;
  Counter& seals_;
  mutable FilterCache filters_;
  WorkerPool pool_;

  // One seal or deletion at a time. Held during their I/O, unlike mutex_; taken before it.
  Mutex maintenance_;

  mutable Mutex mutex_;
  CondVar work_;  // for the background thread
  CondVar done_;  // for Flush()
  Catalog catalog_ GUARDED_BY(mutex_);
  Memtable memtable_ GUARDED_BY(mutex_);
  std::uint64_t rows_inserted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t rows_sealed_ GUARDED_BY(mutex_) = 0;  // of those
  std::uint64_t flush_goal_ GUARDED_BY(mutex_) = 0;   // of rows_inserted_
  bool seal_now_ GUARDED_BY(mutex_) = false;  // even when the last attempt failed a moment ago
  std::uint64_t seal_failures_ GUARDED_BY(mutex_) = 0;
  std::optional<Error> seal_error_ GUARDED_BY(mutex_);   // of the last seal; nothing: it worked
  std::optional<Error> write_error_ GUARDED_BY(mutex_);  // read-only until restart
  std::optional<BlockInfo> times_ GUARDED_BY(mutex_);    // earliest and latest of all events
  std::chrono::nanoseconds unsealed_since_ GUARDED_BY(mutex_){};
  std::vector<std::string> set_aside_ GUARDED_BY(mutex_);
  std::set<std::string> known_damage_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;

  // The journal ends before the appender, which takes its last callbacks.
  std::unique_ptr<Appender> appender_;
  std::unique_ptr<journal::Journal> journal_;
  std::thread background_;
};

}  // namespace postglass::store
