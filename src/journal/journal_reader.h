#pragma once

#include <memory>
#include <optional>

#include "base/file_system.h"
#include "base/metrics.h"
#include "journal/file_set.h"
#include "journal/frame_scanner.h"
#include "journal/journal.h"

namespace postglass::journal {

// Reads frame by frame through the files of a FileSet, never beyond what it says is durable.
class JournalReader final : public Journal::Reader {
 public:
  // All references must outlive the reader. `first`: where `after` was found.
  JournalReader(const FileSystem& fs,
                const FileSet& files,
                Counter& damaged,
                Sequence after,
                std::optional<FileSet::Extent> first)
      : fs_(fs), files_(files), damaged_(damaged), after_(after), next_(std::move(first)) {}

  Result<std::optional<Record>> Next() override;

 private:
  // Makes `body_` the next frame with records; false at the durable end.
  Result<bool> NextFrame();
  Result<bool> NextExtent();
  Status PassOver(const FrameScanner::Item& item);

  const FileSystem& fs_;
  const FileSet& files_;
  Counter& damaged_;
  Sequence after_;  // newest record handed out

  std::optional<FileSet::Extent> next_;  // found, not yet opened
  FileSet::Extent extent_;               // being read; default before the first
  std::unique_ptr<RandomAccessFile> file_;
  std::optional<FrameScanner> scanner_;
  int attempts_ = 0;  // failed reads of the frame that is next

  FrameHeader header_;
  FrameBody body_;
  std::size_t body_next_ = 0;  // record of `body_` to hand out next
};

}  // namespace postglass::journal
