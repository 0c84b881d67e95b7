#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "journal/journal.h"
#include "store/embedded/segment/segment_file.h"

namespace postglass::store {

// The list of live segments. Replaced as a whole, so that a set of changes is there or not.
// Byte layout: docs/format/segment.md, "Manifest".
struct Manifest {
  struct Entry {
    SegmentId id = 0;
    std::uint32_t deletions_version = 0;  // 0: none deleted
    // What is lost with the file, for those who find it damaged.
    std::uint32_t rows = 0;
    std::int64_t timestamp_min_ms = 0;
    std::int64_t timestamp_max_ms = 0;
    bool operator==(const Entry&) const = default;
  };

  journal::Sequence sealed_through = 0;  // later journal records are replayed at start
  SegmentId next_segment_id = 1;
  std::vector<Entry> segments;

  bool operator==(const Manifest&) const = default;
};

inline constexpr std::string_view kManifestFileName = "MANIFEST";

std::string EncodeManifest(const Manifest& manifest);
// Errors: kCorruption; kUnsupported (a newer version, or the first, which was never released).
Result<Manifest> DecodeManifest(std::string_view bytes);

Status WriteManifest(FileSystem& fs, const Path& dir, const Manifest& manifest);
Result<Manifest> ReadManifest(const FileSystem& fs, const Path& dir);

}  // namespace postglass::store
