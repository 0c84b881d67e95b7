#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "store/embedded/deletions.h"
#include "store/embedded/manifest.h"
#include "store/embedded/segment/segment_file.h"

namespace postglass::store {

struct LiveSegment {
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const DeletedRows> deleted;  // null: none
  std::uint32_t deletions_version = 0;

  SegmentId id() const { return segment->segment_info().id; }

  std::uint32_t rows_deleted() const {
    return deleted == nullptr ? 0 : static_cast<std::uint32_t>(deleted->size());
  }
};

// The id in the name of a segment file; nothing for other names.
std::optional<SegmentId> ParseSegmentFileName(std::string_view name);

// The live segments and the manifest that names them. Of a change, the manifest is written first
// (WriteManifest, with I/O) and then taken over (Commit, without), so that the second step can lie
// under the store's lock together with the memtable's.
//
// Not thread-safe: one change at a time, Commit() and the readers under the store's lock.
class Catalog {
 public:
  using Segments = std::vector<LiveSegment>;

  struct Change {
    Manifest manifest;
    std::shared_ptr<const Segments> segments;
  };

  // Opens what the manifest in `dir` names. What cannot be read is left where it is, stays in the
  // manifest, and gets a sentence in `set_aside`; a lost manifest is made again from the segment
  // files. Leftovers of an unfinished change are removed. `fs` and `cache` must outlive it.
  // Errors: kUnsupported (another format), kIo and the like when `dir` itself does not work.
  static Result<Catalog> Open(FileSystem& fs,
                              const Path& dir,
                              BlockCache& cache,
                              std::vector<std::string>& set_aside);

  const Manifest& manifest() const { return manifest_; }

  const std::shared_ptr<const Segments>& segments() const { return segments_; }

  // Ids for segments to be written, one behind the other. Those of a failed attempt are not used
  // again while the process lives.
  SegmentId ReserveIds(std::uint64_t count);

  // The segments `removed` are gone, `added` are there. `sealed_through`: nothing, as it was.
  Change Replace(std::span<const SegmentId> removed,
                 Segments added,
                 std::optional<journal::Sequence> sealed_through = std::nullopt) const;
  // Requires: `changed` has the size of segments(); each with its new deletions.
  Change WithDeletions(Segments changed) const;

  void Commit(Change change);

 private:
  Catalog(FileSystem& fs, Path dir) : fs_(&fs), dir_(std::move(dir)) {}

  Status Load(BlockCache& cache, std::vector<std::string>& set_aside);
  Status Rebuild(const std::vector<std::string>& names,
                 BlockCache& cache,
                 std::vector<std::string>& set_aside);
  Status OpenSegments(BlockCache& cache, std::vector<std::string>& set_aside);
  Status RemoveLeftovers(const std::vector<std::string>& names);

  FileSystem* fs_;
  Path dir_;
  Manifest manifest_;
  SegmentId next_id_ = 1;
  std::shared_ptr<const Segments> segments_ = std::make_shared<const Segments>();
};

// Which of these segments are live when nothing but their footers is left to tell, and through
// which journal sequence they hold all events. See docs/format/segment.md, "A lost manifest".
struct Survivors {
  std::vector<SegmentId> live;  // ascending
  journal::Sequence sealed_through = 0;
};

Survivors SurvivorsOf(std::span<const SegmentInfo> segments);

// A segment that a seal wrote together with others, of which it is not the last, names itself as
// replaced.
bool IsLastOfSeal(const SegmentInfo& info);

}  // namespace postglass::store
