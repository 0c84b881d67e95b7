#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "store/embedded/dedup_window.h"

// Keys of sealed events on disk: one immutable file for each hour of each seal, removed when the
// hour is out of the window. Byte layout: docs/format/segment.md, "Deduplication keys".

namespace postglass::store {

// `seal_id` tells the files of different seals apart. Durable on OK.
Status WriteKeyFiles(FileSystem& fs,
                     const Path& dir,
                     std::uint64_t seal_id,
                     const std::vector<SeenKey>& keys);
// Those of a seal that failed.
void RemoveKeyFiles(FileSystem& fs, const Path& dir, std::uint64_t seal_id);

struct KeyFilesReport {
  std::vector<SeenKey> keys;
  std::vector<std::string> damage;         // one sentence a file that could not be read
  std::vector<std::string> damaged_files;  // their names
};

Result<KeyFilesReport> ReadKeyFiles(const FileSystem& fs, const Path& dir);
Result<std::vector<SeenKey>> DecodeKeyFile(std::string_view bytes);
bool IsKeyFileName(std::string_view name);
// Removes the files of hours that no event of `hour` or later can meet.
Status RemoveOldKeyFiles(FileSystem& fs, const Path& dir, std::int64_t hour);

}  // namespace postglass::store
