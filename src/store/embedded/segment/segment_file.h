#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "store/embedded/segment/block_cache.h"
#include "store/embedded/table/memory_table.h"
#include "store/embedded/table/table.h"

// One immutable file of events. Byte layout: docs/format/segment.md.

namespace postglass::store {

using SegmentId = std::uint64_t;

struct SegmentInfo {
  SegmentId id = 0;
  std::uint64_t file_bytes = 0;
  // All journal records up to here that belong to its day are in this and earlier segments.
  std::uint64_t sealed_through = 0;
  // Segments whose rows this one holds; they are dead once it is live.
  std::vector<SegmentId> replaces;
  std::uint32_t retention_class = 0;
  TableInfo table;
};

std::string SegmentFileName(SegmentId id);

struct NewSegment {
  SegmentId id = 0;
  std::uint64_t sealed_through = 0;
  std::vector<SegmentId> replaces;
  std::uint32_t retention_class = 0;
};

// Writes the table as `<dir>/<name>.tmp`, syncs, renames, syncs the directory: durable on OK.
// Errors: kDiskFull, kIo.
Status WriteSegment(FileSystem& fs, const Path& dir, const NewSegment& segment, const Table& table);

// A segment opened for reading: footer and shapes in memory, everything else through the cache.
class Segment final : public Table {
 public:
  // Reads and checks header, footer and trailer. `fs` and `cache` must outlive it.
  // Errors: kCorruption, kUnsupported (a newer format), kNotFound, kIo.
  static Result<std::shared_ptr<const Segment>> Open(const FileSystem& fs,
                                                     const Path& dir,
                                                     SegmentId id,
                                                     BlockCache& cache);
  ~Segment() override;

  const SegmentInfo& segment_info() const;

  // Every checksum, and whether counts and sizes agree: one sentence for each thing that is wrong.
  // Reads past the cache. `throttle` is called after each block with its bytes (scrubber).
  std::vector<std::string> Verify(const std::function<void(std::uint64_t)>& throttle = {}) const;

  // What the file is made of, for `postglass inspect`.
  struct Part {
    std::string name;      // "column @mail.messageId", "filter …", "keys"
    std::string encoding;  // "constant", "same as …", "determined by …", "16 bits", …
    std::uint64_t bytes = 0;
    std::uint32_t distinct = 0;
  };

  std::vector<Part> Inspect() const;

  const TableInfo& info() const override;
  std::string Name() const override;
  std::span<const ColumnInfo> columns() const override;
  std::span<const Shape> shapes() const override;
  Result<std::shared_ptr<const RowKeys>> Keys() const override;
  Result<std::shared_ptr<const std::vector<std::uint16_t>>> ShapeOfRow() const override;
  Result<std::shared_ptr<const Layout>> LayoutOf(ColumnIndex column) const override;
  Result<std::shared_ptr<const Codes>> CodesOf(ColumnIndex column) const override;
  Result<std::optional<KeyCodes>> KeysOf(ColumnIndex column, const CodeSet& codes) const override;
  Result<std::shared_ptr<const Dictionary>> DictionaryOf(ColumnIndex column) const override;
  Result<std::unique_ptr<RowsOfTable>> RowsAt(std::vector<RowIndex> rows) const override;
  Result<std::shared_ptr<const std::vector<std::uint32_t>>> CountsOf(
      ColumnIndex column) const override;
  Result<std::uint32_t> CountOf(ColumnIndex column, Code code) const override;
  Result<bool> MayHoldFolded(ColumnIndex column, std::string_view folded) const override;
  Result<WordHits> FindWord(std::string_view folded_word) const override;

 private:
  class Impl;
  class SegmentRows;
  explicit Segment(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace postglass::store
