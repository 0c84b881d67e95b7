#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "journal/journal.h"

// The bytes of a journal file: docs/format/journal.md. Pure functions; every decoder checks
// lengths before it uses them and may be given any bytes.

namespace postglass::journal {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kFileHeaderBytes = 64;
inline constexpr std::size_t kFrameHeaderBytes = 64;
inline constexpr std::size_t kRecordOverheadBytes = 4;  // a record's length in the body

// The uncompressed body of one frame. What one call appends shares a frame, so this also bounds a
// call; and it bounds what a reader allocates for a frame that claims to be huge.
inline constexpr std::uint64_t kFrameBodyBytesMax = std::uint64_t{256} << 20;

// Tells files apart, so that a frame of one file is never taken for one of another. Part of every
// checksum.
struct FileId {
  std::uint64_t value = 0;
  auto operator<=>(const FileId&) const = default;
};

struct FileName {
  Sequence first_sequence = 0;
  FileId id;
  bool operator==(const FileName&) const = default;
};

// `<first sequence, 20 digits>-<id, 16 hex digits>.journal`: sorts by sequence, and carries enough
// to read the frames when the header is damaged.
std::string FormatFileName(const FileName& name);
std::optional<FileName> ParseFileName(std::string_view text);

struct FileHeader {
  FileId id;
  Sequence first_sequence = 0;     // of the first record of this file, written or not
  Sequence previous_sequence = 0;  // newest record of the files before, all durable; 0: none
  Timestamp created_at = {};
  bool operator==(const FileHeader&) const = default;
};

std::array<char, kFileHeaderBytes> EncodeFileHeader(const FileHeader& header);
// kCorruption; kUnsupported for an intact header of a newer version.
Result<FileHeader> DecodeFileHeader(std::string_view bytes);

enum class Codec : std::uint8_t { kNone = 0, kZstd = 1 };

struct FrameHeader {
  std::uint32_t stored_bytes = 0;  // body as it stands in the file
  std::uint32_t raw_bytes = 0;     // body once decompressed
  Codec codec = Codec::kNone;
  std::uint32_t records = 0;    // 0: a mark, which only says what is durable
  Sequence first_sequence = 0;  // of its first record; of the next one when it has none
  // Bytes of this file known durable when this was written: what is damaged before them was once
  // whole, what is damaged behind them may never have been.
  std::uint64_t durable_bytes = 0;
  Timestamp written_at = {};
  std::uint64_t body_checksum = 0;

  Sequence end_sequence() const { return first_sequence + records; }  // one past the last

  bool operator==(const FrameHeader&) const = default;
};

// `offset_bytes`, where the frame stands in its file, is part of the checksum.
std::array<char, kFrameHeaderBytes> EncodeFrameHeader(const FrameHeader& header,
                                                      FileId id,
                                                      std::uint64_t offset_bytes);
// Nothing when `bytes` does not begin with an intact frame header of this file at this place.
std::optional<FrameHeader> DecodeFrameHeader(std::string_view bytes,
                                             FileId id,
                                             std::uint64_t offset_bytes);
// The first four bytes of each frame, for finding the next one behind damage.
std::string_view FrameMagic();

std::uint64_t BodyChecksum(std::string_view stored, FileId id);

// The records of a frame whose checksum holds. kCorruption when the body is not one.
struct FrameBody {
  std::string raw;
  std::vector<std::string_view> records;  // into `raw`
};

Status DecodeBody(const FrameHeader& header, std::string_view stored, FrameBody* body);

}  // namespace postglass::journal
