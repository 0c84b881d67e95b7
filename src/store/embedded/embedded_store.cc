#include "store/embedded/embedded_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/exec/run_plan.h"
#include "store/embedded/key_files.h"
#include "store/embedded/limits.h"

// Opening, appending, asking. The threads behind it: embedded_store_seal.cc, _merge.cc; removing
// events: _delete.cc.

namespace postglass::store {

namespace {

constexpr std::string_view kLog = "store";

double UsedShare(const FileSystem::Space& space) {
  if (space.total_bytes == 0) return 0;
  return 1 - static_cast<double>(space.available_bytes) / static_cast<double>(space.total_bytes);
}

// Earliest and latest of all tables that were added.
class Times {
 public:
  void Add(const TableInfo& info) {
    if (!all_) {
      all_ = info;
      return;
    }
    all_->timestamp_min_ms = std::min(all_->timestamp_min_ms, info.timestamp_min_ms);
    all_->timestamp_max_ms = std::max(all_->timestamp_max_ms, info.timestamp_max_ms);
    all_->ingested_min_ms = std::min(all_->ingested_min_ms, info.ingested_min_ms);
    all_->ingested_max_ms = std::max(all_->ingested_max_ms, info.ingested_max_ms);
  }

  void WriteTo(Description& description) const {
    if (!all_) return;
    description.first_timestamp_ms = all_->timestamp_min_ms;
    description.last_timestamp_ms = all_->timestamp_max_ms;
    description.first_ingested_ms = all_->ingested_min_ms;
    description.last_ingested_ms = all_->ingested_max_ms;
  }

 private:
  std::optional<TableInfo> all_;
};

}  // namespace

EmbeddedStore::EmbeddedStore(
    FileSystem& fs, const Clock& clock, Metrics& metrics, Path dir, Options options)
    : fs_(fs),
      clock_(clock),
      metrics_(metrics),
      dir_(std::move(dir)),
      segments_dir_(dir_ / "segments"),
      dedup_dir_(dir_ / "dedup"),
      options_(std::move(options)),
      segments_gauge_(metrics.GetGauge("postglass_store_segments", "Sealed segments.")),
      bytes_gauge_(metrics.GetGauge("postglass_store_bytes", "Bytes of segments and journal.")),
      disk_used_gauge_(metrics.GetGauge("postglass_store_disk_used_ratio",
                                        "Share of the store's disk that is used.")),
      damage_found_(metrics.GetCounter("postglass_store_damage_total",
                                       "Damages that a query or the scrubber met.")),
      seals_(metrics.GetCounter("postglass_store_seals_total", "Seals.")),
      merges_(metrics.GetCounter("postglass_store_merges_total", "Merges of segments.")),
      merged_events_(metrics.GetCounter("postglass_store_merged_events_total",
                                        "Events that merges wrote again.")),
      scrubbed_bytes_(metrics.GetCounter("postglass_store_scrubbed_bytes_total",
                                         "Bytes whose checksums the scrubber checked.")),
      cache_(options_.cache_bytes),
      pool_({.threads = std::max<std::size_t>(options_.query_helpers, 1), .queue_max = 256}) {}

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::Open(
    FileSystem& fs, const Clock& clock, Metrics& metrics, const Path& dir, Options options) {
  // Before anything is looked at: what is a leftover to one process is another's segment half made.
  RETURN_IF_ERROR(fs.CreateDirectories(dir));
  ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, fs.Lock(dir / "lock"));
  std::unique_ptr<EmbeddedStore> store(
      new EmbeddedStore(fs, clock, metrics, dir, std::move(options)));
  store->lock_ = std::move(lock);
  RETURN_IF_ERROR(store->Start());
  return store;
}

Status EmbeddedStore::Start() {
  std::vector<std::string> set_aside;
  ASSIGN_OR_RETURN(Catalog catalog, Catalog::Open(fs_, segments_dir_, cache_, set_aside));
  RETURN_IF_ERROR(fs_.CreateDirectories(dedup_dir_));
  const std::int64_t hour = HourOf(clock_.Now().millis());
  RETURN_IF_ERROR(RemoveOldKeyFiles(fs_, dedup_dir_, hour));
  ASSIGN_OR_RETURN(const KeyFilesReport keys, ReadKeyFiles(fs_, dedup_dir_));
  set_aside.insert(set_aside.end(), keys.damage.begin(), keys.damage.end());
  DedupWindow window(options_.dedup_keys_max);
  for (const SeenKey& seen : keys.keys) window.Insert(seen);

  // A journal that was lost begins anew, but not with numbers that stand for sealed records.
  journal::Options journal_options = options_.journal;
  journal_options.sequence_min = catalog.manifest().sealed_through + 1;
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(
      journal_,
      journal::Journal::Open(fs_, clock_, metrics_, dir_ / "journal", journal_options, &recovery));
  for (const std::string& sentence : recovery.set_aside) {
    set_aside.push_back("journal: " + sentence);
  }
  {
    MutexLock lock(mutex_);
    catalog_.emplace(std::move(catalog));
  }
  RETURN_IF_ERROR(Replay(window, set_aside));
  appender_ = std::make_unique<Appender>(
      clock_, metrics_, *journal_, std::move(window), [this](std::shared_ptr<const RawBatch> b) {
        MakeVisible(std::move(b));
      });
  {
    MutexLock lock(mutex_);
    for (const std::string& sentence : set_aside) log::Error(kLog, "{}", sentence);
    set_aside_ = std::move(set_aside);
    unsealed_since_ = clock_.Monotonic();
  }
  builder_ = std::thread([this] { BuildTables(); });
  sealer_ = std::thread([this] { SealInBackground(); });
  if (options_.merge_in_background) merger_ = std::thread([this] { MergeInBackground(); });
  if (options_.scrub_bytes_per_second > 0) scrubber_ = std::thread([this] { Scrub(); });
  return {};
}

Status EmbeddedStore::Replay(DedupWindow& window, std::vector<std::string>& set_aside) {
  MutexLock lock(mutex_);
  const journal::Sequence after =
      std::max(catalog_->manifest().sealed_through, journal_->first_sequence() - 1);
  ASSIGN_OR_RETURN(const std::unique_ptr<journal::Journal::Reader> reader, journal_->Read(after));
  while (true) {
    ASSIGN_OR_RETURN(std::optional<journal::Record> record, reader->Next());
    if (!record) return {};
    Result<std::vector<NewEvent>> entries = DecodeBatch(record->payload);
    if (!entries) {
      set_aside.push_back(fmt::format(
          "journal record {} is left out: {}", record->sequence, entries.error().message));
      continue;
    }
    if (entries->empty()) continue;
    const std::size_t bytes = ApproximateBytes(*entries);
    std::shared_ptr<const RawBatch> batch =
        RawBatch::Make(record->sequence, std::move(*entries), bytes);
    for (const SeenKey& seen : batch->keys) window.Insert(seen);
    rows_inserted_ += batch->events.size();
    memtable_.Insert(std::move(batch));
  }
}

EmbeddedStore::~EmbeddedStore() {
  if (appender_ != nullptr) appender_->Close();
  stop_.request_stop();
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    build_work_.NotifyAll();
    seal_work_.NotifyAll();
    merge_work_.NotifyAll();
  }
  for (std::thread* thread : {&builder_, &sealer_, &merger_, &scrubber_}) {
    if (thread->joinable()) thread->join();
  }
  journal_.reset();
  appender_.reset();
}

void EmbeddedStore::MakeVisible(std::shared_ptr<const RawBatch> batch) {
  MutexLock lock(mutex_);
  if (memtable_.rows() == 0) unsealed_since_ = clock_.Monotonic();
  const bool was_empty = memtable_.raw_rows() == 0;
  rows_inserted_ += batch->events.size();
  memtable_.Insert(std::move(batch));
  snapshot_.reset();
  if (was_empty || memtable_.raw_rows() >= kBuildRowsMax) build_work_.NotifyOne();
}

Status EmbeddedStore::CheckDisk() const {
  const Result<FileSystem::Space> space = fs_.DiskSpace(dir_);
  if (!space) return {};  // a disk that does not say how full it is will say when it is
  const double used = UsedShare(*space);
  disk_used_gauge_.Set(used);
  if (used < options_.disk_stop_share) return {};
  const double stop_bytes =
      (1 - options_.disk_stop_share) * static_cast<double>(space->total_bytes);
  return Fail(ErrorCode::kDiskFull,
              fmt::format("the disk of {} is {:.0f} % full; events are taken again below {:.0f} %, "
                          "{:.0f} MB have to be freed",
                          dir_.string(),
                          100 * used,
                          100 * options_.disk_stop_share,
                          (stop_bytes - static_cast<double>(space->available_bytes)) / 1e6));
}

Status EmbeddedStore::MayAppend() {
  RETURN_IF_ERROR(CheckDisk());
  const std::size_t in_flight = appender_->in_flight_bytes();
  MutexLock lock(mutex_);
  if (write_error_) return Fail(*write_error_);
  if (in_flight + memtable_.raw_bytes() + memtable_.table_bytes() > options_.memtable_bytes_max) {
    if (seal_error_) return Fail(*seal_error_);
    return Fail(ErrorCode::kUnavailable, "the store is busy sealing; try again");
  }
  return {};
}

void EmbeddedStore::AppendAsync(std::vector<NewEvent> batch, Appended done) {
  if (Status status = MayAppend(); !status) {
    appender_->Refuse(std::move(status.error()), std::move(done));
    return;
  }
  appender_->Append(std::move(batch), std::move(done));
}

std::shared_ptr<const Snapshot> EmbeddedStore::TakeSnapshot() const {
  MutexLock lock(mutex_);
  if (snapshot_ == nullptr) {
    auto snapshot = std::make_shared<Snapshot>();
    for (const LiveSegment& live : *catalog_->segments()) {
      snapshot->tables.push_back({live.segment, live.deleted});
    }
    memtable_.AddTo(*snapshot);
    snapshot_ = std::move(snapshot);
  }
  return snapshot_;
}

std::shared_ptr<const Catalog::Segments> EmbeddedStore::LiveSegments() const {
  MutexLock lock(mutex_);
  return catalog_->segments();
}

Result<RunReport> EmbeddedStore::Run(const Plan& plan, Sink& sink) {
  const std::shared_ptr<const Snapshot> snapshot = TakeSnapshot();
  Result<RunReport> report =
      RunPlan(*snapshot, plan, sink, pool_, options_.query_helpers, kWorkBeforeHelp, &clock_);
  if (report && !report->damage.empty()) NoteDamage(report->damage);
  return report;
}

void EmbeddedStore::NoteDamage(const std::vector<std::string>& damage) {
  MutexLock lock(mutex_);
  for (const std::string& sentence : damage) {
    if (known_damage_.size() >= kSetAsideMax || !known_damage_.insert(sentence).second) continue;
    damage_found_.Add();
    log::Error(kLog, "{}", sentence);
    set_aside_.push_back(sentence);
  }
}

Status EmbeddedStore::Flush() {
  MutexLock lock(mutex_);
  const std::uint64_t goal = rows_inserted_;
  const std::uint64_t failures_before = seal_failures_;
  flush_goal_ = std::max(flush_goal_, goal);
  seal_now_ = true;
  build_work_.NotifyAll();
  seal_work_.NotifyAll();
  while (rows_sealed_ < goal) {
    if (write_error_) return Fail(*write_error_);
    if (seal_failures_ > failures_before && seal_error_) return Fail(*seal_error_);
    done_.Wait(mutex_);
  }
  return {};
}

Description EmbeddedStore::Describe() const {
  Description description;
  const Status disk = CheckDisk();
  const journal::Journal::Health health = journal_->health();
  description.bytes_on_disk = journal_->size_bytes();
  MutexLock lock(mutex_);
  description.events = memtable_.rows();
  Times times;
  for (const LiveSegment& live : *catalog_->segments()) {
    description.events += live.segment->info().rows - live.rows_deleted();
    description.bytes_on_disk += live.segment->segment_info().file_bytes;
    times.Add(live.segment->info());
  }
  description.segments = catalog_->segments()->size();
  memtable_.ForEachInfo([&](const TableInfo& info) { times.Add(info); });
  times.WriteTo(description);
  if (write_error_) {
    description.reason = write_error_->message + "; read-only until restart";
  } else if (health == journal::Journal::Health::kFailed) {
    description.reason = journal_->health_reason() + "; read-only until restart";
  } else if (health == journal::Journal::Health::kDiskFull) {
    description.reason = journal_->health_reason();
  } else if (!disk) {
    description.reason = disk.error().message;
  }
  description.writable = description.reason.empty();
  if (description.writable) {
    if (seal_error_) {
      description.reason = seal_error_->message;
    } else if (disk_used_gauge_.value() >= options_.disk_warn_share) {
      description.reason =
          fmt::format("the disk of {} is {:.0f} % full; events are refused at {:.0f} %",
                      dir_.string(),
                      100 * disk_used_gauge_.value(),
                      100 * options_.disk_stop_share);
    }
  }
  description.set_aside = set_aside_;
  bytes_gauge_.Set(static_cast<double>(description.bytes_on_disk));
  segments_gauge_.Set(static_cast<double>(description.segments));
  return description;
}

}  // namespace postglass::store
