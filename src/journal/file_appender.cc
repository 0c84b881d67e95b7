#include "journal/file_appender.h"

#include <fmt/format.h>

#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace postglass::journal {
namespace {

// Body bytes gathered in one frame, as long as whole calls fit: what is read, decompressed and, in
// the worst case, lost together.
constexpr std::uint64_t kFrameBytesTarget = 256 << 10;
constexpr std::size_t kBufferBytesKept = 16 << 20;

}  // namespace

FileAppender::FileAppender(FileSystem& fs,
                           const Clock& clock,
                           JournalMetrics& metrics,
                           FileSet& files,
                           Path dir,
                           const Options& options,
                           Start start)
    : fs_(fs),
      clock_(clock),
      metrics_(metrics),
      files_(files),
      dir_(std::move(dir)),
      file_bytes_max_(options.file_bytes_max),
      durability_(options.durability),
      file_(std::move(start.file)),
      name_(start.name),
      durable_bytes_(file_ ? file_->size() : 0),
      last_sequence_(start.last_sequence),
      next_sequence_(start.next_sequence) {}

Status FileAppender::Commit(std::span<const Call> calls) {
  if (broken_) return Fail(ErrorCode::kIo, broken_reason_);
  RETURN_IF_ERROR(EnsureFile());
  const std::uint64_t begin_bytes = file_->size();
  const Timestamp now = clock_.Now();
  buffer_.clear();
  frames_.clear();
  for (const Call& call : calls) {
    if (encoder_.records() > 0 && encoder_.raw_bytes() + call.bytes > kFrameBytesTarget) {
      FinishFrame(begin_bytes, now);
    }
    for (const std::string& payload : call.payloads) encoder_.Add(payload);
  }
  FinishFrame(begin_bytes, now);

  if (Status status = file_->Append(buffer_); !status) {
    return Undo(std::move(status.error()), begin_bytes);
  }
  if (durability_ == Durability::kFsync) {
    if (Status status = Sync(*file_); !status) {
      // Never synced again (the kernel may have dropped the pages and would report success), and
      // never acknowledged: out with it before a restart finds it in the page cache.
      static_cast<void>(file_->Truncate(begin_bytes));
      return Break(std::move(status.error()));
    }
    durable_bytes_ = file_->size();
  }
  for (const Frame& frame : frames_) {
    files_.AddFrame(frame.first_sequence, frame.records, frame.offset_bytes, frame.end_bytes);
  }
  const Frame& last = frames_.back();
  metrics_.commits.Add();
  metrics_.records.Add(static_cast<double>(last.first_sequence + last.records - next_sequence_));
  metrics_.bytes.Add(static_cast<double>(buffer_.size()));
  next_sequence_ = last.first_sequence + last.records;
  last_sequence_ = next_sequence_ - 1;
  marked_ = false;
  if (buffer_.capacity() > kBufferBytesKept) std::string().swap(buffer_);
  return {};
}

void FileAppender::FinishFrame(std::uint64_t begin_bytes, Timestamp now) {
  Frame frame{.first_sequence = frames_.empty()
                                    ? next_sequence_
                                    : frames_.back().first_sequence + frames_.back().records,
              .records = encoder_.records(),
              .offset_bytes = begin_bytes + buffer_.size(),
              .end_bytes = 0};
  encoder_.Finish({.id = name_.id,
                   .offset_bytes = frame.offset_bytes,
                   .first_sequence = frame.first_sequence,
                   .durable_bytes = durable_bytes_,
                   .written_at = now},
                  &buffer_);
  frame.end_bytes = begin_bytes + buffer_.size();
  frames_.push_back(frame);
}

Status FileAppender::EnsureFile() {
  if (file_ && file_->size() < file_bytes_max_) return {};
  return Rotate();
}

Status FileAppender::Rotate() {
  if (broken_) return Fail(ErrorCode::kIo, broken_reason_);
  if (file_) {
    // The existence of the next file says that this one is durable; recovery relies on it.
    if (durable_bytes_ < file_->size()) {
      if (Status status = Sync(*file_); !status) return Break(std::move(status.error()));
    }
    if (Status status = file_->Close(); !status) return Break(std::move(status.error()));
    file_.reset();
  }
  const FileName name{next_sequence_, MakeId()};
  const Path path = dir_ / FormatFileName(name);
  Result<std::unique_ptr<WritableFile>> file = CreateFile(name, path);
  if (!file) {
    static_cast<void>(fs_.Remove(path));  // recovery removes it otherwise
    if (file.error().code == ErrorCode::kDiskFull) return Fail(std::move(file.error()));
    return Break(std::move(file.error()));
  }
  file_ = std::move(*file);
  name_ = name;
  durable_bytes_ = kFileHeaderBytes;
  marked_ = true;
  files_.Add({.name = name,
              .path = path,
              .previous_sequence = last_sequence_,
              .last_sequence = name.first_sequence - 1,
              .end_bytes = kFileHeaderBytes,
              .records = 0,
              .gaps = {},
              .index = {}});
  return {};
}

Result<std::unique_ptr<WritableFile>> FileAppender::CreateFile(const FileName& name,
                                                               const Path& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                   fs_.OpenForWrite(path, FileSystem::WriteMode::kCreateNew));
  const auto header = EncodeFileHeader({.id = name.id,
                                        .first_sequence = name.first_sequence,
                                        .previous_sequence = last_sequence_,
                                        .created_at = clock_.Now()});
  RETURN_IF_ERROR(file->Append({header.data(), header.size()}));
  // Synced before the first frame, so that a damaged header in front of frames is always damage.
  // Were the name not durable, a power cut would take acknowledged frames away with the file.
  if (Status status = Sync(*file); !status) {
    return Fail(ErrorCode::kIo, std::move(status.error().message));
  }
  RETURN_IF_ERROR(fs_.SyncDirectory(dir_));
  return file;
}

void FileAppender::Close() {
  if (!file_) return;
  const bool durable = !broken_ && (durable_bytes_ == file_->size() || Sync(*file_).has_value());
  if (durable && !marked_) {
    durable_bytes_ = file_->size();
    buffer_.clear();
    frames_.clear();
    FinishFrame(file_->size(), clock_.Now());
    // Not synced, not checked: only a hint for recovery, and cut like any torn tail if it is one.
    static_cast<void>(file_->Append(buffer_));
  }
  static_cast<void>(file_->Close());
  file_.reset();
}

Status FileAppender::Sync(WritableFile& file) {
  const auto begin = clock_.Monotonic();
  Status status = file.Sync();
  metrics_.fsyncs.Add();
  metrics_.fsync_seconds.Add(std::chrono::duration<double>(clock_.Monotonic() - begin).count());
  return status;
}

Status FileAppender::Undo(Error error, std::uint64_t size_bytes) {
  const Status truncated = file_->Truncate(size_bytes);
  if (error.code == ErrorCode::kDiskFull && truncated) return Fail(std::move(error));
  return Break(std::move(error));
}

Status FileAppender::Break(Error error) {
  broken_ = true;
  broken_reason_ = fmt::format("{}; read-only until it is opened again", error.message);
  return Fail(ErrorCode::kIo, broken_reason_);
}

FileId FileAppender::MakeId() {
  const std::string seed = fmt::format("{} {} {} {} {}",
                                       dir_.string(),
                                       next_sequence_,
                                       clock_.Now().nanos,
                                       clock_.Monotonic().count(),
                                       ++ids_made_);
  return {XXH3_64bits(seed.data(), seed.size())};
}

}  // namespace postglass::journal
