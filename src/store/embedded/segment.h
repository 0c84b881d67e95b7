#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "journal/journal.h"
#include "store/embedded/block.h"

// Immutable files of sealed events. Byte layout, versions and a worked example:
// docs/format/segment.md.

namespace postglass::store {

using SegmentId = std::uint64_t;

std::string SegmentFileName(SegmentId id);
// The id in the name of a segment file; nothing for other names.
std::optional<SegmentId> ParseSegmentFileName(std::string_view name);

struct SegmentInfo {
  SegmentId id = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t rows = 0;
  journal::Sequence last_sequence = 0;  // all journal records up to it lie in segments
  std::vector<BlockInfo> blocks;
};

// Writes the blocks as one segment in `dir`: temporary name, sync, rename, sync of the directory;
// durable on OK. Errors: kIo, kDiskFull; the temporary file is then removed where that works.
Result<SegmentInfo> WriteSegment(FileSystem& fs,
                                 const Path& dir,
                                 SegmentId id,
                                 journal::Sequence last_sequence,
                                 std::span<const std::shared_ptr<const EncodedBlock>> blocks);

// An open segment. Immutable, thread-safe.
class Segment {
 public:
  // Reads and checks header, trailer and footer, not the blocks. Errors: kCorruption,
  // kUnsupported (newer version), kNotFound, kIo.
  static Result<std::shared_ptr<const Segment>> Open(const FileSystem& fs,
                                                     const Path& dir,
                                                     SegmentId id);
  // The same of a file that is open already.
  static Result<std::shared_ptr<const Segment>> FromFile(std::unique_ptr<RandomAccessFile> file,
                                                         SegmentId id);

  const SegmentInfo& info() const { return info_; }

  // Number of the block's first row within the segment.
  std::uint32_t FirstRow(std::size_t block) const { return first_rows_[block]; }

  // The bytes of a section as they lie in the file; DecodedBlock checks them.
  Status ReadSection(std::size_t block, Section section, std::string& out) const;

  // All filters, one behind the other. A filter that fails its check is left empty: it then says
  // "may contain" to everything. `damaged` counts those.
  struct Filters {
    std::string bytes;
    std::vector<std::string_view> by_block;
    std::uint32_t damaged = 0;
  };

  Result<std::shared_ptr<const Filters>> ReadFilters() const;

 private:
  Segment(std::unique_ptr<RandomAccessFile> file, SegmentInfo info);

  std::unique_ptr<RandomAccessFile> file_;
  SegmentInfo info_;
  std::vector<std::uint32_t> first_rows_;
};

// A decoder of Open(), apart for the fuzzer. `file_bytes` bounds what the footer may point at.
Result<SegmentInfo> DecodeSegmentFooter(std::string_view footer, std::uint64_t file_bytes);

}  // namespace postglass::store
