#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/result.h"

// Looks at a store that nobody has open: every checksum of every file, and whether they agree.

namespace postglass::store {

// Calls with the share done, 0 to 1, and what is being done.
using CheckProgress = std::function<void(double share, std::string_view step)>;

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
                              const CheckProgress& progress = {});

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
                                const CheckProgress& progress = {});

}  // namespace postglass::store
