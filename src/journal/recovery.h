#pragma once

#include <optional>
#include <vector>

#include "base/file_system.h"
#include "journal/file_set.h"
#include "journal/journal.h"

namespace postglass::journal {

// What the files of a journal hold, and what has to be done before more is appended. Nothing has
// been changed yet.
struct RecoveredFiles {
  std::vector<FileInfo> files;  // oldest first, those to remove left out
  Sequence last_sequence = 0;   // newest that was ever used, damaged ones included
  Recovery report;

  struct Cut {
    Path path;
    std::uint64_t size_bytes = 0;
  };

  std::optional<Cut> cut;        // a torn tail to cut from the newest file
  std::vector<Path> unfinished;  // files whose creation was interrupted: to be removed
  bool newest_is_clean = false;  // the newest file may be appended to
};

// Reads and checks every file in `dir`. The rule that tells a torn tail from damage is in
// docs/format/journal.md, "Recovery". Errors: kIo, kPermissionDenied, kUnsupported.
Result<RecoveredFiles> ReadFiles(const FileSystem& fs, const Path& dir);

// Cuts, removes, and makes durable what a killed process left in the page cache. Returns the newest
// file, positioned at its end; nothing when there is none.
Result<std::unique_ptr<WritableFile>> ApplyRecovery(FileSystem& fs,
                                                    const Path& dir,
                                                    const RecoveredFiles& recovered);

}  // namespace postglass::journal
