#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "store/embedded/segment/segment_file.h"
#include "store/log_store.h"

// Looks at a store that nobody has open: every checksum of every file, and whether they agree.

namespace postglass::store {

struct StoreCheck {
  std::uint64_t segments = 0;  // those that the manifest names
  std::uint64_t events_sealed = 0;
  std::uint64_t events_in_journal = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> problems;       // one sentence each; empty: all is well
  std::vector<std::string> damaged_files;  // relative to the store's directory
  bool manifest_is_damaged = false;
};

// Changes nothing. Errors: kUnavailable (open elsewhere), kNotFound (no store), kUnsupported, kIo.
Result<StoreCheck> CheckStore(FileSystem& fs,
                              const Clock& clock,
                              const Path& dir,
                              const StoreProgress& progress = {});

struct StoreRepair {
  StoreCheck found;
  Path damaged_dir;               // where damaged files are now; empty: there were none
  std::vector<std::string> done;  // one sentence each
  std::vector<std::string> lost;  // events that are not in the store any more, and since when
};

// Moves damaged files to `<dir>/damaged-<n>`, makes a manifest of what is whole, and says what is
// lost by it. What is whole is not touched. Errors: as CheckStore(), kDiskFull.
Result<StoreRepair> RepairStore(FileSystem& fs,
                                const Clock& clock,
                                const Path& dir,
                                const StoreProgress& progress = {});

// What the segments are made of, parts of one name summed; beside a running store too.
struct StoreContents {
  std::uint64_t segments = 0;
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::vector<Segment::Part> parts;  // the largest first; distinct values summed as well
};

// Of all segments, or of one. Errors: kNotFound, kCorruption, kUnsupported, kIo.
Result<StoreContents> InspectStore(const FileSystem& fs,
                                   const Path& dir,
                                   std::optional<SegmentId> segment = std::nullopt);

}  // namespace postglass::store
