#include "store/embedded/manifest.h"

#include <fmt/format.h>

#include "store/coding.h"
#include "store/embedded/limits.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::string_view kMagic = "PGLSMAN1";
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kEntryBytes = 8 + 4 + 4 + 8 + 8;
constexpr std::size_t kChecksumBytes = 8;

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string bytes(kMagic);
  PutFixed(bytes, kVersion);
  PutFixed(bytes, manifest.sealed_through);
  PutFixed(bytes, manifest.next_segment_id);
  PutFixed(bytes, static_cast<std::uint32_t>(manifest.segments.size()));
  for (const Manifest::Entry& entry : manifest.segments) {
    PutFixed(bytes, entry.id);
    PutFixed(bytes, entry.deletions_version);
    PutFixed(bytes, entry.rows);
    PutFixed(bytes, entry.timestamp_min_ms);
    PutFixed(bytes, entry.timestamp_max_ms);
  }
  PutFixed(bytes, Hash64(bytes));
  return bytes;
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  if (bytes.size() < kChecksumBytes) return Fail(ErrorCode::kCorruption, "the file is too short");
  ByteReader in(bytes);
  if (in.Take(kMagic.size()) != kMagic) return Fail(ErrorCode::kCorruption, "wrong magic");
  const auto version = in.Fixed<std::uint32_t>();
  ByteReader end(bytes.substr(bytes.size() - kChecksumBytes));
  if (end.Fixed<std::uint64_t>() != Hash64(bytes.substr(0, bytes.size() - kChecksumBytes))) {
    return Fail(ErrorCode::kCorruption, "the checksum is wrong");
  }
  if (version > kVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the store was written by a newer Postglass (manifest version {}, "
                            "this one knows {}); install that one again",
                            version,
                            kVersion));
  }
  if (version < kVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the store has manifest version {} of a development build, which no "
                            "release can read; move the store's folder away to begin a new one",
                            version));
  }
  Manifest manifest;
  manifest.sealed_through = in.Fixed<std::uint64_t>();
  manifest.next_segment_id = in.Fixed<std::uint64_t>();
  const auto count = in.Fixed<std::uint32_t>();
  if (!in.ok() || count > kManifestSegmentsMax ||
      in.remaining() != count * kEntryBytes + kChecksumBytes) {
    return Fail(ErrorCode::kCorruption, "the size does not fit the segments");
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    Manifest::Entry entry;
    entry.id = in.Fixed<std::uint64_t>();
    entry.deletions_version = in.Fixed<std::uint32_t>();
    entry.rows = in.Fixed<std::uint32_t>();
    entry.timestamp_min_ms = in.Fixed<std::int64_t>();
    entry.timestamp_max_ms = in.Fixed<std::int64_t>();
    manifest.segments.push_back(entry);
  }
  return manifest;
}

Status WriteManifest(FileSystem& fs, const Path& dir, const Manifest& manifest) {
  return fs.WriteFileAtomically(dir / kManifestFileName, EncodeManifest(manifest));
}

Result<Manifest> ReadManifest(const FileSystem& fs, const Path& dir) {
  ASSIGN_OR_RETURN(const std::string bytes, fs.ReadFile(dir / kManifestFileName));
  return DecodeManifest(bytes);
}

}  // namespace postglass::store
