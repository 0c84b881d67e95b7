#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "journal/file_set.h"
#include "journal/frame_encoder.h"
#include "journal/journal.h"
#include "journal/journal_metrics.h"

namespace postglass::journal {

// One AppendAsync() that waits for its commit.
struct Call {
  std::vector<std::string> payloads;
  std::uint64_t bytes = 0;  // what they take in a frame
  Journal::Committed done;
};

// Writes frames to the newest file and begins new ones. Belongs to the commit thread.
class FileAppender {
 public:
  struct Start {
    std::unique_ptr<WritableFile> file;  // newest file when it may be continued, else nothing
    FileName name;                       // of that file
    Sequence last_sequence = 0;          // newest that was ever used
    Sequence next_sequence = 1;          // of the next record
  };

  // References must outlive it. `options` as given to Open().
  FileAppender(FileSystem& fs,
               const Clock& clock,
               JournalMetrics& metrics,
               FileSet& files,
               Path dir,
               const Options& options,
               Start start);

  // Writes the records of all calls, syncs once (kFsync) and publishes them in `files`. All or
  // nothing. Errors: kDiskFull (may be tried again); kIo, after which broken() holds.
  Status Commit(std::span<const Call> calls);
  // Begins a new file. The same errors.
  Status Rotate();
  // Leaves a mark that all is durable, so that later damage to the last frame is told from a torn
  // tail, and closes.
  void Close();

  Sequence next_sequence() const { return next_sequence_; }

  bool broken() const { return broken_; }

 private:
  struct Frame {
    Sequence first_sequence = 0;
    std::uint32_t records = 0;
    std::uint64_t offset_bytes = 0;
    std::uint64_t end_bytes = 0;
  };

  Status EnsureFile();
  Result<std::unique_ptr<WritableFile>> CreateFile(const FileName& name, const Path& path);
  Status Sync(WritableFile& file);
  void FinishFrame(std::uint64_t begin_bytes, Timestamp now);
  // Takes back what a failed commit wrote and decides whether more may be tried.
  Status Undo(Error error, std::uint64_t size_bytes);
  Status Break(Error error);
  FileId MakeId();

  FileSystem& fs_;
  const Clock& clock_;
  JournalMetrics& metrics_;
  FileSet& files_;
  const Path dir_;
  const std::uint64_t file_bytes_max_;
  const Durability durability_;

  std::unique_ptr<WritableFile> file_;  // nothing: the next commit begins one
  FileName name_;
  std::uint64_t durable_bytes_ = 0;  // of file_
  Sequence last_sequence_;           // newest that was ever used
  Sequence next_sequence_;
  bool marked_ = true;  // the file ends with a mark or has nothing to mark
  bool broken_ = false;
  std::string broken_reason_;
  std::uint64_t ids_made_ = 0;

  FrameEncoder encoder_;
  std::string buffer_;         // frames of one commit
  std::vector<Frame> frames_;  // in buffer_
};

}  // namespace postglass::journal
