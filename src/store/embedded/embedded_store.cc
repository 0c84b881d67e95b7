#include "store/embedded/embedded_store.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/limits.h"
#include "store/embedded/query_run.h"
#include "store/embedded/unit_scanner.h"
#include "store/match.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

constexpr std::string_view kLog = "store";
// How often the background thread looks at what no event tells it: a full disk that has space
// again, a seal to repeat, events that have waited long.
constexpr std::chrono::seconds kLookAgain{1};

BlockInfo TimesOf(const RawBatch& batch) {
  BlockInfo times;
  times.timestamp_min_ms = batch.timestamp_min_ms;
  times.timestamp_max_ms = batch.timestamp_max_ms;
  times.ingested_min_ms = times.ingested_max_ms = batch.events.front().ingested_at_ms;
  for (const Event& event : batch.events) {
    times.ingested_min_ms = std::min(times.ingested_min_ms, event.ingested_at_ms);
    times.ingested_max_ms = std::max(times.ingested_max_ms, event.ingested_at_ms);
  }
  return times;
}

double UsedShare(const FileSystem::Space& space) {
  if (space.total_bytes == 0) return 0;
  return 1 - static_cast<double>(space.available_bytes) / static_cast<double>(space.total_bytes);
}

}  // namespace

EmbeddedStore::EmbeddedStore(FileSystem& fs,
                             const Clock& clock,
                             Metrics& metrics,
                             Path dir,
                             Options options,
                             Catalog catalog)
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
      damaged_blocks_(metrics.GetCounter("postglass_store_damaged_blocks_total",
                                         "Blocks that a query could not read.")),
      seals_(metrics.GetCounter("postglass_store_seals_total", "Segments sealed.")),
      filters_(options_.filter_cache_bytes),
      pool_({.threads = std::max<std::size_t>(options_.query_helpers, 1), .queue_max = 256}),
      catalog_(std::move(catalog)) {}

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::Open(
    FileSystem& fs, const Clock& clock, Metrics& metrics, const Path& dir, Options options) {
  // Before anything is looked at: what is a leftover to one process is another's segment half made.
  RETURN_IF_ERROR(fs.CreateDirectories(dir));
  ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, fs.Lock(dir / "lock"));
  std::vector<std::string> set_aside;
  ASSIGN_OR_RETURN(Catalog catalog, Catalog::Open(fs, dir / "segments", set_aside));
  std::unique_ptr<EmbeddedStore> store(
      new EmbeddedStore(fs, clock, metrics, dir, std::move(options), std::move(catalog)));
  store->lock_ = std::move(lock);
  RETURN_IF_ERROR(store->Start(std::move(set_aside)));
  return store;
}

Status EmbeddedStore::Start(std::vector<std::string> set_aside) {
  RETURN_IF_ERROR(fs_.CreateDirectories(dedup_dir_));
  const std::int64_t hour = HourOf(clock_.Now().millis());
  RETURN_IF_ERROR(RemoveOldKeyFiles(fs_, dedup_dir_, hour));
  ASSIGN_OR_RETURN(const KeyFilesReport keys, ReadKeyFiles(fs_, dedup_dir_));
  set_aside.insert(set_aside.end(), keys.damage.begin(), keys.damage.end());
  DedupWindow window(options_.dedup_keys_max);
  for (const SeenKey& seen : keys.keys) window.Insert(seen);

  // A journal that was lost begins anew, but not with numbers that stand for sealed records.
  journal::Options journal_options = options_.journal;
  {
    MutexLock lock(mutex_);
    journal_options.sequence_min = catalog_.manifest().sealed_through + 1;
  }
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(
      journal_,
      journal::Journal::Open(fs_, clock_, metrics_, dir_ / "journal", journal_options, &recovery));
  for (const std::string& sentence : recovery.set_aside) {
    set_aside.push_back("journal: " + sentence);
  }
  RETURN_IF_ERROR(Replay(window, set_aside));
  appender_ = std::make_unique<Appender>(
      clock_, metrics_, *journal_, std::move(window), [this](std::shared_ptr<const RawBatch> b) {
        MakeVisible(std::move(b));
      });
  {
    MutexLock lock(mutex_);
    for (const LiveSegment& live : *catalog_.segments()) {
      for (const BlockInfo& block : live.segment->info().blocks) NoteTimes(block);
    }
    for (const std::string& sentence : set_aside) {
      log::Error(kLog, "{}", sentence);
    }
    set_aside_ = std::move(set_aside);
    unsealed_since_ = clock_.Monotonic();
  }
  background_ = std::thread([this] { Background(); });
  return {};
}

Status EmbeddedStore::Replay(DedupWindow& window, std::vector<std::string>& set_aside) {
  MutexLock lock(mutex_);
  const journal::Sequence after =
      std::max(catalog_.manifest().sealed_through, journal_->first_sequence() - 1);
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
    std::shared_ptr<const RawBatch> batch = RawBatch::Make(record->sequence, std::move(*entries));
    for (const SeenKey& seen : batch->keys) window.Insert(seen);
    NoteTimes(TimesOf(*batch));
    rows_inserted_ += batch->events.size();
    memtable_.Insert(std::move(batch));
  }
}

EmbeddedStore::~EmbeddedStore() {
  if (appender_ != nullptr) appender_->Close();
  if (background_.joinable()) {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      work_.NotifyAll();
    }
    background_.join();
  }
  journal_.reset();
  appender_.reset();
}

void EmbeddedStore::NoteTimes(const BlockInfo& times) {
  if (!times_) {
    times_ = times;
    return;
  }
  times_->timestamp_min_ms = std::min(times_->timestamp_min_ms, times.timestamp_min_ms);
  times_->timestamp_max_ms = std::max(times_->timestamp_max_ms, times.timestamp_max_ms);
  times_->ingested_min_ms = std::min(times_->ingested_min_ms, times.ingested_min_ms);
  times_->ingested_max_ms = std::max(times_->ingested_max_ms, times.ingested_max_ms);
}

void EmbeddedStore::MakeVisible(std::shared_ptr<const RawBatch> batch) {
  const BlockInfo times = TimesOf(*batch);
  MutexLock lock(mutex_);
  if (memtable_.rows() == 0) unsealed_since_ = clock_.Monotonic();
  NoteTimes(times);
  rows_inserted_ += batch->events.size();
  memtable_.Insert(std::move(batch));
  if (NextTask() != Task::kWait) work_.NotifyAll();
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
  if (in_flight + memtable_.raw_bytes() + memtable_.encoded_bytes() > options_.memtable_bytes_max) {
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
  auto snapshot = std::make_shared<Snapshot>();
  MutexLock lock(mutex_);
  snapshot->segments = catalog_.segments();
  for (const auto& chunk : memtable_.encoded()) {
    snapshot->blocks.insert(snapshot->blocks.end(), chunk->blocks.begin(), chunk->blocks.end());
  }
  snapshot->batches = memtable_.RawBatches();
  return snapshot;
}

Result<RunReport> EmbeddedStore::Run(const Plan& plan, Sink& sink) {
  const std::shared_ptr<const Snapshot> snapshot = TakeSnapshot();
  Result<RunReport> report =
      RunPlan(*snapshot, plan, sink, filters_, pool_, options_.query_helpers);
  if (report && !report->damage.empty()) NoteDamage(report->damage);
  return report;
}

void EmbeddedStore::NoteDamage(const std::vector<std::string>& damage) {
  MutexLock lock(mutex_);
  for (const std::string& sentence : damage) {
    if (known_damage_.size() >= kSetAsideMax || !known_damage_.insert(sentence).second) continue;
    damaged_blocks_.Add();
    log::Error(kLog, "{}", sentence);
    set_aside_.push_back(sentence);
  }
}

EmbeddedStore::Task EmbeddedStore::NextTask() {
  const bool flushing = rows_sealed_ < flush_goal_;
  const bool idle =
      memtable_.rows() > 0 && clock_.Monotonic() - unsealed_since_ >= options_.seal_idle;
  if (flushing || idle) memtable_.CloseOpenChunk();
  if (memtable_.NextToEncode() != nullptr) return Task::kEncode;
  if (write_error_ || memtable_.encoded_rows() == 0) return Task::kWait;
  const bool full = memtable_.encoded_rows() >= options_.seal_rows ||
                    memtable_.encoded_bytes() >= options_.seal_bytes;
  return flushing || idle || full ? Task::kSeal : Task::kWait;
}

void EmbeddedStore::Background() {
  BlockEncoder encoder;
  bool seal_failed = false;
  while (true) {
    Task task = Task::kWait;
    {
      MutexLock lock(mutex_);
      task = NextTask();
      // A seal that failed is repeated after a while, not at once.
      const bool too_soon = task == Task::kSeal && seal_failed && !seal_now_;
      if (task == Task::kWait || too_soon) {
        if (!stopping_) work_.WaitFor(mutex_, kLookAgain);
        task = NextTask();
      }
      if (stopping_) return;
      if (task == Task::kSeal) seal_now_ = false;
    }
    if (journal_->health() == journal::Journal::Health::kDiskFull) appender_->Probe();
    if (task == Task::kEncode) {
      EncodeNext(encoder);
    } else if (task == Task::kSeal) {
      seal_failed = !Seal();
    }
  }
}

void EmbeddedStore::EncodeNext(BlockEncoder& encoder) {
  std::shared_ptr<const Memtable::Chunk> chunk;
  {
    MutexLock lock(mutex_);
    chunk = memtable_.NextToEncode();
  }
  if (chunk == nullptr) return;
  Memtable::EncodedChunk encoded = EncodeChunk(*chunk, encoder);
  MutexLock lock(mutex_);
  memtable_.Encoded(std::move(encoded));
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
  std::vector<std::shared_ptr<const Memtable::EncodedChunk>> chunks;
  {
    MutexLock lock(mutex_);
    chunks.assign(memtable_.encoded().begin(), memtable_.encoded().end());
  }
  if (chunks.empty()) return {};
  if (Status sealed = SealChunks(chunks); !sealed) {
    NoteWriteError(sealed.error());
    return sealed;
  }
  chunks.clear();
  ExpireKeys();
  // Millions of small strings were freed; without this the process keeps their pages.
  malloc_trim(0);
  return {};
}

Status EmbeddedStore::SealChunks(
    const std::vector<std::shared_ptr<const Memtable::EncodedChunk>>& chunks) {
  std::vector<std::shared_ptr<const EncodedBlock>> blocks;
  std::vector<SeenKey> keys;
  std::size_t rows = 0;
  for (const auto& chunk : chunks) {
    blocks.insert(blocks.end(), chunk->blocks.begin(), chunk->blocks.end());
    keys.insert(keys.end(), chunk->keys.begin(), chunk->keys.end());
    rows += chunk->rows;
  }
  const journal::Sequence sealed_through = chunks.back()->last_sequence;
  SegmentId id = 0;
  {
    MutexLock lock(mutex_);
    id = catalog_.manifest().next_segment_id;
  }
  // The journal will no longer remember these keys. They come before the segment, so that wherever
  // its rows are, their keys are.
  RETURN_IF_ERROR(WriteKeyFiles(fs_, dedup_dir_, id, std::move(keys)));
  RETURN_IF_ERROR(WriteSegment(fs_, segments_dir_, id, sealed_through, blocks));
  ASSIGN_OR_RETURN(std::shared_ptr<const Segment> segment, Segment::Open(fs_, segments_dir_, id));
  Catalog::Change change;
  {
    MutexLock lock(mutex_);
    change = catalog_.WithSegment({std::move(segment), nullptr, 0}, sealed_through);
  }
  RETURN_IF_ERROR(WriteManifest(fs_, segments_dir_, change.manifest));
  std::size_t segments_count = 0;
  {
    MutexLock lock(mutex_);
    segments_count = change.segments->size();
    catalog_.Commit(std::move(change));
    memtable_.DropEncoded(chunks.size());
    rows_sealed_ += rows;
    unsealed_since_ = clock_.Monotonic();
    seal_error_.reset();
    done_.NotifyAll();
  }
  seals_.Add();
  segments_gauge_.Set(static_cast<double>(segments_count));
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

Status EmbeddedStore::Flush() {
  MutexLock lock(mutex_);
  const std::uint64_t goal = rows_inserted_;
  const std::uint64_t failures_before = seal_failures_;
  flush_goal_ = std::max(flush_goal_, goal);
  seal_now_ = true;
  work_.NotifyAll();
  while (rows_sealed_ < goal) {
    if (write_error_) return Fail(*write_error_);
    if (seal_failures_ > failures_before && seal_error_) return Fail(*seal_error_);
    done_.Wait(mutex_);
  }
  return {};
}

Result<DeleteReport> EmbeddedStore::Delete(const Plan& selection) {
  RETURN_IF_ERROR(Flush());
  MutexLock one_at_a_time(maintenance_);
  Result<DeleteReport> report = DeleteFromSegments(selection);
  if (!report && (report.error().code == ErrorCode::kIo)) NoteWriteError(report.error());
  return report;
}

Result<DeleteReport> EmbeddedStore::DeleteFromSegments(const Plan& selection) {
  ASSIGN_OR_RETURN(const Matcher matcher, Matcher::Compile(selection.where));
  const std::shared_ptr<const Snapshot> snapshot = TakeSnapshot();
  const KeyCondition condition = KeyCondition::For(selection.where);
  UnitScanner scanner(
      *snapshot, selection, matcher, condition, filters_, UnitScanner::Need::kNothing);
  std::map<SegmentId, DeletedRows> found;
  DeleteReport report;
  for (const ScanUnit& unit : UnitsOf(*snapshot)) {
    if (unit.segment == nullptr || !UnitScanner::InTime(unit, selection)) continue;
    const Segment& segment = *unit.segment->segment;
    DeletedRows rows;
    const auto outcome = scanner.Scan(unit, [&](std::uint32_t row, EventReader&) {
      rows.push_back(segment.FirstRow(unit.block) + row);
      return true;
    });
    if (!outcome && outcome.error().code == ErrorCode::kCancelled) return Fail(outcome.error());
    if (!outcome) {
      NoteDamage({fmt::format("{} could not be read: {}", unit.Name(), outcome.error().message)});
    }
    report.events_deleted += rows.size();
    DeletedRows& of_segment = found[segment.info().id];
    of_segment.insert(of_segment.end(), rows.begin(), rows.end());
  }
  if (report.events_deleted == 0) return report;

  Catalog::Segments changed = *snapshot->segments;
  std::vector<Path> replaced;
  for (LiveSegment& live : changed) {
    const SegmentId id = live.segment->info().id;
    DeletedRows& rows = found[id];
    if (rows.empty()) continue;
    if (live.deleted != nullptr) {
      rows.insert(rows.end(), live.deleted->begin(), live.deleted->end());
      replaced.push_back(segments_dir_ / DeletionsFileName(id, live.deletions_version));
    }
    std::sort(rows.begin(), rows.end());
    ++live.deletions_version;
    RETURN_IF_ERROR(WriteDeletions(fs_, segments_dir_, id, live.deletions_version, rows));
    live.deleted = std::make_shared<const DeletedRows>(std::move(rows));
  }
  Catalog::Change change;
  {
    MutexLock lock(mutex_);
    change = catalog_.WithDeletions(std::move(changed));
  }
  RETURN_IF_ERROR(WriteManifest(fs_, segments_dir_, change.manifest));
  {
    MutexLock lock(mutex_);
    catalog_.Commit(std::move(change));
  }
  for (const Path& path : replaced) {
    // A file that stays is a leftover that the next start removes.
    static_cast<void>(fs_.Remove(path).has_value());
  }
  return report;
}

Description EmbeddedStore::Describe() const {
  Description description;
  const Status disk = CheckDisk();
  const journal::Journal::Health health = journal_->health();
  description.bytes_on_disk = journal_->size_bytes();
  MutexLock lock(mutex_);
  description.events = memtable_.rows();
  for (const LiveSegment& live : *catalog_.segments()) {
    description.events += live.segment->info().rows;
    if (live.deleted != nullptr) description.events -= live.deleted->size();
    description.bytes_on_disk += live.segment->info().file_bytes;
  }
  description.segments = catalog_.segments()->size();
  if (times_) {
    description.first_timestamp_ms = times_->timestamp_min_ms;
    description.last_timestamp_ms = times_->timestamp_max_ms;
    description.first_ingested_ms = times_->ingested_min_ms;
    description.last_ingested_ms = times_->ingested_max_ms;
  }
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
