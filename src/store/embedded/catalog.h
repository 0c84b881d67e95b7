#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "store/embedded/manifest.h"
#include "store/embedded/snapshot.h"

namespace postglass::store {

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
  // files. Leftovers of an unfinished change are removed. `fs` must outlive it.
  // Errors: kUnsupported (a newer format), kIo and the like when `dir` itself does not work.
  static Result<Catalog> Open(FileSystem& fs, const Path& dir, std::vector<std::string>& set_aside);

  const Manifest& manifest() const { return manifest_; }

  const std::shared_ptr<const Segments>& segments() const { return segments_; }

  Change WithSegment(LiveSegment added, journal::Sequence sealed_through) const;
  // Requires: `changed` has the size of segments(); each with its new deletions.
  Change WithDeletions(Segments changed) const;

  void Commit(Change change);

 private:
  Catalog(FileSystem& fs, Path dir) : fs_(&fs), dir_(std::move(dir)) {}

  Status Load(std::vector<std::string>& set_aside);
  Status Rebuild(const std::vector<std::string>& names, std::vector<std::string>& set_aside);
  Status OpenSegments(std::vector<std::string>& set_aside);
  Status RemoveLeftovers(const std::vector<std::string>& names);

  FileSystem* fs_;
  Path dir_;
  Manifest manifest_;
  std::shared_ptr<const Segments> segments_ = std::make_shared<const Segments>();
};

}  // namespace postglass::store
