#include "store/embedded/deletions.h"

#include <fmt/format.h>

#include <charconv>

#include "store/coding.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::string_view kMagic = "PGLSDEL1";
constexpr std::string_view kMiddle = ".del-";
constexpr std::size_t kIdDigits = 16;
constexpr std::uint64_t kFileBytesMax = 1 << 30;

}  // namespace

std::string DeletionsFileName(SegmentId id, std::uint32_t version) {
  return fmt::format("{:016x}{}{}", id, kMiddle, version);
}

std::optional<DeletionsName> ParseDeletionsFileName(std::string_view name) {
  DeletionsName parsed;
  if (name.size() <= kIdDigits + kMiddle.size() ||
      name.substr(kIdDigits, kMiddle.size()) != kMiddle) {
    return std::nullopt;
  }
  const char* id_end = name.data() + kIdDigits;
  const char* end = name.data() + name.size();
  const auto id = std::from_chars(name.data(), id_end, parsed.id, 16);
  const auto version = std::from_chars(id_end + kMiddle.size(), end, parsed.version);
  if (id.ec != std::errc() || id.ptr != id_end || version.ec != std::errc() || version.ptr != end) {
    return std::nullopt;
  }
  return parsed;
}

Status WriteDeletions(
    FileSystem& fs, const Path& dir, SegmentId id, std::uint32_t version, const DeletedRows& rows) {
  std::string bytes(kMagic);
  PutFixed(bytes, id);
  PutFixed(bytes, static_cast<std::uint32_t>(rows.size()));
  for (const std::uint32_t row : rows) PutFixed(bytes, row);
  PutFixed(bytes, Hash64(bytes));
  return fs.WriteFileAtomically(dir / DeletionsFileName(id, version), bytes);
}

Result<DeletedRows> DecodeDeletions(std::string_view bytes, SegmentId id) {
  constexpr std::size_t kChecksumBytes = 8;
  if (bytes.size() < kChecksumBytes) return Fail(ErrorCode::kCorruption, "the file is too short");
  ByteReader in(bytes);
  const std::string_view magic = in.Take(kMagic.size());
  const auto stored_id = in.Fixed<std::uint64_t>();
  const auto count = in.Fixed<std::uint32_t>();
  if (magic != kMagic || stored_id != id ||
      in.remaining() != std::uint64_t{count} * 4 + kChecksumBytes) {
    return Fail(ErrorCode::kCorruption, "the header or the size is wrong");
  }
  DeletedRows rows;
  rows.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    rows.push_back(in.Fixed<std::uint32_t>());
    if (i > 0 && rows[i - 1] >= rows[i]) {
      return Fail(ErrorCode::kCorruption, "the rows do not ascend");
    }
  }
  if (in.Fixed<std::uint64_t>() != Hash64(bytes.substr(0, bytes.size() - kChecksumBytes))) {
    return Fail(ErrorCode::kCorruption, "the checksum is wrong");
  }
  return rows;
}

Result<DeletedRows> ReadDeletions(const FileSystem& fs,
                                  const Path& dir,
                                  SegmentId id,
                                  std::uint32_t version) {
  ASSIGN_OR_RETURN(const std::string bytes,
                   fs.ReadFile(dir / DeletionsFileName(id, version), kFileBytesMax));
  return DecodeDeletions(bytes, id);
}

}  // namespace postglass::store
