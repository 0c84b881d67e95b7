#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"

// Backups of a whole data directory, taken while a server runs on it or not.
//
// A backup is a directory of its own, TO/<time, UTC>, that looks like the data directory, with a
// file SHA256SUMS that `sha256sum -c` understands. Files that never change (segments, keys) are
// hard links where the file system allows it: into the backup before, else into the data directory;
// so a backup costs what changed since the last one.
//
// What it holds is what was acknowledged when it began, in every stage: stages are copied in the
// order of the data, so an event that moves on meanwhile is there twice rather than not at all, and
// the deduplication keys make it once again. In the store segments and journal belong to one
// manifest: when it changes meanwhile, the store is copied again.

namespace postglass {

// Bytes of content that are done, of those that were found at the beginning.
using BackupProgress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

struct BackupReport {
  Path path;  // of the backup
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;         // of all files
  std::uint64_t copied_bytes = 0;  // of those that are no links
};

// Errors: kNotFound (no data directory at `data`), kUnavailable (the store changes faster than it
// can be copied), kDiskFull, kIo. An unfinished backup is removed, and so are those that a crash
// left.
Result<BackupReport> MakeBackup(FileSystem& fs,
                                const Clock& clock,
                                const Path& data,
                                const Path& to,
                                const BackupProgress& progress);

struct BackupCheck {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> wrong;  // one sentence each: missing, of another length or content
};

// Reads every file of a backup. Errors: kNotFound (no SHA256SUMS there), kCorruption (of it).
Result<BackupCheck> VerifyBackup(const FileSystem& fs,
                                 const Path& backup,
                                 const BackupProgress& progress);

// Makes `data` from a backup, whose every checksum must hold. `data` appears under its name once
// all is there. Errors: kAlreadyExists (`data` is there), kCorruption (the backup; names the file),
// kDiskFull, kIo.
Status RestoreBackup(FileSystem& fs,
                     const Path& backup,
                     const Path& data,
                     const BackupProgress& progress);

}  // namespace postglass
