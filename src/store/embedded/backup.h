#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "store/embedded/manifest.h"

// Copies of a store's directory. A backup is a store: segments, their deletions, keys and a
// manifest, without a journal.

namespace postglass::store {

struct BackupReport {
  std::uint64_t segments = 0;
  std::uint64_t segments_linked = 0;  // hard links, no bytes copied
  std::uint64_t segments_copied = 0;
  std::uint64_t bytes_copied = 0;
  std::uint64_t events = 0;
  std::vector<std::string> problems;  // what the check of the copy found; empty: it is whole
};

using BackupProgress = std::function<void(double share, std::string_view step)>;

// Makes `target` hold what `manifest` names, of the store in `source`, whose files must stay
// meanwhile; then reads it again and checks it. What `target` has of an earlier backup of the same
// store is used. Errors: kAlreadyExists (`target` is something else), kDiskFull, kIo.
Result<BackupReport> CopyStore(FileSystem& fs,
                               const Path& source,
                               const Path& target,
                               const Manifest& manifest,
                               const BackupProgress& progress);

// Makes `target`, which must not exist or be empty, the store that `backup` holds; checks both.
// Errors: kNotFound (no backup), kAlreadyExists, kCorruption (the backup is damaged), kDiskFull,
// kIo.
Result<BackupReport> RestoreStore(FileSystem& fs,
                                  const Path& backup,
                                  const Path& target,
                                  const BackupProgress& progress);

}  // namespace postglass::store
