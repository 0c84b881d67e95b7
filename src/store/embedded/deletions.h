#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "store/embedded/exec/snapshot.h"
#include "store/embedded/segment/segment_file.h"

// The deleted rows of one segment, in a file beside it that replaces the one before:
// "<id>.del-<n>". Which n counts is in the manifest. Byte layout: docs/format/segment.md,
// "Deletions".

namespace postglass::store {

std::string DeletionsFileName(SegmentId id, std::uint32_t version);

struct DeletionsName {
  SegmentId id = 0;
  std::uint32_t version = 0;
};

std::optional<DeletionsName> ParseDeletionsFileName(std::string_view name);

// Durable on OK, but unheard of until the manifest names the version.
Status WriteDeletions(
    FileSystem& fs, const Path& dir, SegmentId id, std::uint32_t version, const DeletedRows& rows);
Result<DeletedRows> ReadDeletions(const FileSystem& fs,
                                  const Path& dir,
                                  SegmentId id,
                                  std::uint32_t version);
Result<DeletedRows> DecodeDeletions(std::string_view bytes, SegmentId id);

}  // namespace postglass::store
