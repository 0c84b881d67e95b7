#include "journal/file_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/log.h"
#include "journal/journal_reader.h"

namespace postglass::journal {
namespace {

// One commit takes no more than this (or one call), which bounds its buffers and the time until
// the first of many waiting callers hears back.
constexpr std::uint64_t kCommitBytesMax = 8 << 20;

// A smaller file is not worth the syncs of beginning a new one.
constexpr std::uint64_t kTrimNewestBytesMin = 64 << 10;

constexpr std::uint64_t kCallOverheadBytes = 64;  // of a queued call, beside its payloads

std::uint64_t CallBytesMax(const Options& options) {
  return std::min(
      kFrameBodyBytesMax,
      std::max(options.record_bytes_max, options.queue_bytes_max) + kRecordOverheadBytes);
}

}  // namespace

FileJournal::FileJournal(FileSystem& fs,
                         const Clock& clock,
                         Metrics& metrics,
                         Path dir,
                         Options options,
                         std::unique_ptr<FileLock> lock,
                         std::unique_ptr<CursorStore> cursors,
                         std::vector<FileInfo> files,
                         FileAppender::Start start)
    : fs_(fs),
      clock_(clock),
      dir_(std::move(dir)),
      options_(std::move(options)),
      call_bytes_max_(CallBytesMax(options_)),
      metrics_(metrics, options_.name),
      lock_(std::move(lock)),
      cursors_(std::move(cursors)),
      files_(std::move(files)),
      appender_(fs, clock, metrics_, files_, dir_, options_, std::move(start)),
      durable_sequence_(appender_.next_sequence() - 1) {
  metrics_.size_bytes.Set(static_cast<double>(files_.size_bytes()));
  if (options_.access == Access::kReadWrite) thread_ = std::thread([this] { Run(); });
}

FileJournal::~FileJournal() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.NotifyOne();
  if (thread_.joinable()) thread_.join();
}

Result<std::uint64_t> FileJournal::CheckCall(const std::vector<std::string>& payloads) const {
  if (options_.access == Access::kReadOnly) {
    return Fail(ErrorCode::kPermissionDenied, "journal is open for reading only");
  }
  if (payloads.empty()) return Fail(ErrorCode::kInvalidArgument, "append of no record");
  std::uint64_t bytes = 0;
  for (const std::string& payload : payloads) {
    if (payload.size() > options_.record_bytes_max) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("record of {} bytes, at most {} are allowed",
                              payload.size(),
                              options_.record_bytes_max));
    }
    bytes += payload.size() + kRecordOverheadBytes;
  }
  if (bytes > call_bytes_max_) {
    return Fail(ErrorCode::kLimit,
                fmt::format("{} records of {} bytes in one call, at most {} are allowed",
                            payloads.size(),
                            bytes,
                            call_bytes_max_));
  }
  return bytes;
}

void FileJournal::AppendAsync(std::vector<std::string> payloads, Committed done) {
  Result<std::uint64_t> bytes = CheckCall(payloads);
  if (!bytes) return done(Fail(std::move(bytes.error())));
  bool full = false;
  bool wake = false;
  {
    MutexLock lock(mutex_);
    const std::uint64_t waiting = queue_bytes_ + *bytes + kCallOverheadBytes;
    // Alone, a call may be larger than the queue; otherwise it could never be taken.
    full = queue_bytes_ > 0 && waiting > options_.queue_bytes_max;
    if (!full) {
      queue_bytes_ = waiting;
      queue_.push_back({std::move(payloads), *bytes, std::move(done)});
      wake = std::exchange(idle_, false);
    }
  }
  if (wake) work_.NotifyOne();
  if (full) {
    metrics_.refused.Add();
    // NOLINTNEXTLINE(bugprone-use-after-move): moved only where there was room
    done(Fail(ErrorCode::kUnavailable, "journal: too much is waiting for the disk"));
  }
}

void FileJournal::Run() {
  std::vector<Call> calls;
  std::optional<std::chrono::nanoseconds> committed_at;
  for (;;) {
    Sequence rotate_for = 0;
    std::uint64_t begin_file = 0;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_ && rotate_for_ == 0 &&
             begin_file_wanted_ == begin_file_done_) {
        idle_ = true;
        work_.Wait(mutex_);
      }
      idle_ = false;
      if (committed_at && !stopping_ && rotate_for_ == 0) {
        const auto left = *committed_at + options_.commit_spacing - clock_.Monotonic();
        // Once, and woken by nobody but Stop() and a trim: the queue is looked at afterwards.
        if (left > std::chrono::nanoseconds(0)) work_.WaitFor(mutex_, left);
      }
      if (queue_.empty() && stopping_) break;
      calls.swap(queue_);
      rotate_for = std::exchange(rotate_for_, 0);
      begin_file = begin_file_wanted_ == begin_file_done_ ? 0 : begin_file_wanted_;
    }
    if (rotate_for > 0) RotateAndTrim(rotate_for);
    committed_at = clock_.Monotonic();
    CommitAll(calls);
    calls.clear();
    if (begin_file > 0) BeginFileNow(begin_file);
  }
  appender_.Close();
}

void FileJournal::CommitAll(std::vector<Call>& calls) {
  std::size_t begin = 0;
  while (begin < calls.size()) {
    std::uint64_t bytes = calls[begin].bytes;
    std::size_t end = begin + 1;
    while (end < calls.size() && bytes + calls[end].bytes <= kCommitBytesMax) {
      bytes += calls[end++].bytes;
    }
    CommitSome({&calls[begin], end - begin}, bytes + (end - begin) * kCallOverheadBytes);
    begin = end;
  }
}

void FileJournal::CommitSome(std::span<Call> calls, std::uint64_t bytes) {
  Sequence sequence = appender_.next_sequence();
  const Status status = appender_.Commit(calls);
  SetHealth(status);
  {
    MutexLock lock(mutex_);
    queue_bytes_ -= bytes;
    durable_sequence_ = appender_.next_sequence() - 1;
  }
  if (status) durable_.NotifyAll();
  metrics_.size_bytes.Set(static_cast<double>(files_.size_bytes()));
  for (Call& call : calls) {
    const Sequence first = sequence;
    sequence += call.payloads.size();
    if (status) {
      call.done(first);
    } else {
      call.done(Fail(status.error()));
    }
  }
}

void FileJournal::SetHealth(const Status& status) {
  if (!status) metrics_.failures.Add();
  const Health health = status               ? Health::kOk
                        : appender_.broken() ? Health::kFailed
                                             : Health::kDiskFull;
  {
    MutexLock lock(mutex_);
    if (health == health_) return;
    health_ = health;
    health_reason_ = status ? "" : fmt::format("{}: {}", options_.name, status.error().message);
  }
  metrics_.health.Set(static_cast<double>(health));
  if (status) {
    log::Info("journal", "{}: writes again", options_.name);
  } else {
    log::Error("journal", "{}: {}", options_.name, status.error().message);
  }
}

Sequence FileJournal::first_sequence() const {
  return files_.first_sequence().value_or(durable_sequence() + 1);
}

Sequence FileJournal::durable_sequence() const {
  MutexLock lock(mutex_);
  return durable_sequence_;
}

Result<std::unique_ptr<Journal::Reader>> FileJournal::Read(Sequence after) const {
  ASSIGN_OR_RETURN(std::optional<FileSet::Extent> first, files_.Find(after));
  return std::make_unique<JournalReader>(fs_, files_, metrics_.damaged, after, std::move(first));
}

bool FileJournal::WaitFor(Sequence after,
                          std::stop_token stop,
                          std::chrono::milliseconds limit) const {
  const std::stop_callback wake(stop, [this] {
    MutexLock lock(mutex_);  // or the wake-up could fall between the check and the wait
    durable_.NotifyAll();
  });
  const auto begin = clock_.Monotonic();
  MutexLock lock(mutex_);
  for (;;) {
    if (durable_sequence_ > after) return true;
    const auto left = limit - (clock_.Monotonic() - begin);
    if (stop.stop_requested() || left <= std::chrono::nanoseconds(0)) return false;
    if (!durable_.WaitFor(mutex_, left)) return durable_sequence_ > after;
  }
}

Result<Sequence> FileJournal::LoadCursor(std::string_view name) const {
  return cursors_->Get(name);
}

Status FileJournal::SaveCursor(std::string_view name, Sequence sequence) {
  if (options_.access == Access::kReadOnly) {
    return Fail(ErrorCode::kPermissionDenied, "journal is open for reading only");
  }
  return cursors_->Save(name, sequence);
}

Status FileJournal::TrimBefore(Sequence keep_from) {
  if (options_.access == Access::kReadOnly) {
    return Fail(ErrorCode::kPermissionDenied, "journal is open for reading only");
  }
  RETURN_IF_ERROR(RemoveFilesBefore(keep_from));
  if (files_.NewestIsBefore(keep_from, kTrimNewestBytesMin)) {
    {
      MutexLock lock(mutex_);
      rotate_for_ = std::max(rotate_for_, keep_from);
      idle_ = false;
    }
    work_.NotifyOne();
  }
  return {};
}

Result<Sequence> FileJournal::BeginFile() {
  if (options_.access == Access::kReadOnly) {
    return Fail(ErrorCode::kPermissionDenied, "journal is open for reading only");
  }
  MutexLock lock(mutex_);
  const std::uint64_t turn = ++begin_file_wanted_;
  idle_ = false;
  work_.NotifyOne();
  while (begin_file_done_ < turn) file_begun_.Wait(mutex_);
  return file_begins_at_;
}

void FileJournal::BeginFileNow(std::uint64_t wanted) {
  Status status;
  if (files_.NewestIsBefore(std::numeric_limits<Sequence>::max(), 0)) status = appender_.Rotate();
  if (!status) SetHealth(status);
  MutexLock lock(mutex_);
  begin_file_done_ = wanted;
  if (status) {
    file_begins_at_ = durable_sequence_ + 1;
  } else {
    file_begins_at_ = Fail(std::move(status.error()));
  }
  file_begun_.NotifyAll();
}

void FileJournal::RotateAndTrim(Sequence keep_from) {
  if (!files_.NewestIsBefore(keep_from, kTrimNewestBytesMin)) return;
  Status status = appender_.Rotate();
  if (status) {
    status = RemoveFilesBefore(keep_from);
  } else {
    SetHealth(status);
  }
  if (!status) log::Warn("journal", "{}: trim: {}", options_.name, status.error().message);
}

Status FileJournal::RemoveFilesBefore(Sequence keep_from) {
  MutexLock lock(trim_mutex_);
  std::optional<Path> path = files_.OldestBefore(keep_from);
  if (!path) return {};
  RETURN_IF_ERROR(cursors_->Sync());
  for (; path; path = files_.OldestBefore(keep_from)) {
    if (Status status = fs_.Remove(*path); !status && status.error().code != ErrorCode::kNotFound) {
      return status;
    }
    // One at a time, oldest first: after a power cut the files that are left have no hole.
    RETURN_IF_ERROR(fs_.SyncDirectory(dir_));
    files_.RemoveOldest();
  }
  metrics_.size_bytes.Set(static_cast<double>(files_.size_bytes()));
  return {};
}

Journal::Health FileJournal::health() const {
  MutexLock lock(mutex_);
  return health_;
}

std::string FileJournal::health_reason() const {
  MutexLock lock(mutex_);
  return health_reason_;
}

}  // namespace postglass::journal
