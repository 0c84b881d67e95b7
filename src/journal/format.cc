#include "journal/format.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <limits>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace postglass::journal {
namespace {

constexpr std::string_view kFileMagic = "PGJOURNL";
constexpr std::string_view kFrameMagicBytes = "PGCF";
constexpr std::string_view kFileSuffix = ".journal";
constexpr std::size_t kChecksumOffset = 56;  // in both headers

// Where each field stands; docs/format/journal.md has the table.
enum FileField : std::size_t { kVersion = 8, kId = 16, kFirst = 24, kPrevious = 32, kCreated = 40 };

enum FrameField : std::size_t {
  kStored = 4,
  kRaw = 8,
  kCodec = 12,
  kFrameFirst = 16,
  kRecords = 24,
  kDurable = 32,
  kWritten = 40,
  kBodyChecksum = 48
};

// Little-endian on every machine.
template <class T>
void Store(char* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    at[i] = static_cast<char>((value >> (8 * i)) & 0xFF);
  }
}

template <class T>
T Load(const char* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(T{static_cast<unsigned char>(at[i])} << (8 * i)));
  }
  return value;
}

std::uint64_t FrameHeaderChecksum(const char* bytes, FileId id, std::uint64_t offset_bytes) {
  // An odd multiplier keeps (id, offset) pairs apart.
  return XXH3_64bits_withSeed(
      bytes, kChecksumOffset, id.value ^ (offset_bytes * 0x9E3779B97F4A7C15ULL));
}

template <class T>
bool ParseNumber(std::string_view text, int base, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value, base);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string FormatFileName(const FileName& name) {
  return fmt::format("{:020}-{:016x}{}", name.first_sequence, name.id.value, kFileSuffix);
}

std::optional<FileName> ParseFileName(std::string_view text) {
  FileName name;
  if (text.size() != 20 + 1 + 16 + kFileSuffix.size() || text[20] != '-' ||
      !text.ends_with(kFileSuffix) || !ParseNumber(text.substr(0, 20), 10, &name.first_sequence) ||
      !ParseNumber(text.substr(21, 16), 16, &name.id.value) || name.first_sequence == 0) {
    return std::nullopt;
  }
  return name;
}

std::array<char, kFileHeaderBytes> EncodeFileHeader(const FileHeader& header) {
  std::array<char, kFileHeaderBytes> bytes = {};
  std::copy(kFileMagic.begin(), kFileMagic.end(), bytes.begin());
  Store<std::uint32_t>(&bytes[kVersion], kFormatVersion);
  Store<std::uint64_t>(&bytes[kId], header.id.value);
  Store<std::uint64_t>(&bytes[kFirst], header.first_sequence);
  Store<std::uint64_t>(&bytes[kPrevious], header.previous_sequence);
  Store<std::uint64_t>(&bytes[kCreated], static_cast<std::uint64_t>(header.created_at.nanos));
  Store<std::uint64_t>(&bytes[kChecksumOffset], XXH3_64bits(bytes.data(), kChecksumOffset));
  return bytes;
}

Result<FileHeader> DecodeFileHeader(std::string_view bytes) {
  if (bytes.size() < kFileHeaderBytes || !bytes.starts_with(kFileMagic) ||
      Load<std::uint64_t>(&bytes[kChecksumOffset]) != XXH3_64bits(bytes.data(), kChecksumOffset)) {
    return Fail(ErrorCode::kCorruption, "file header fails its check");
  }
  const auto version = Load<std::uint32_t>(&bytes[kVersion]);
  if (version > kFormatVersion) {
    return Fail(
        ErrorCode::kUnsupported,
        fmt::format(
            "journal format version {}, this program knows up to {}", version, kFormatVersion));
  }
  FileHeader header{
      .id = {Load<std::uint64_t>(&bytes[kId])},
      .first_sequence = Load<std::uint64_t>(&bytes[kFirst]),
      .previous_sequence = Load<std::uint64_t>(&bytes[kPrevious]),
      .created_at = {static_cast<std::int64_t>(Load<std::uint64_t>(&bytes[kCreated]))}};
  if (header.first_sequence == 0 || header.previous_sequence >= header.first_sequence) {
    return Fail(ErrorCode::kCorruption, "file header has impossible sequences");
  }
  return header;
}

std::array<char, kFrameHeaderBytes> EncodeFrameHeader(const FrameHeader& header,
                                                      FileId id,
                                                      std::uint64_t offset_bytes) {
  std::array<char, kFrameHeaderBytes> bytes = {};
  std::copy(kFrameMagicBytes.begin(), kFrameMagicBytes.end(), bytes.begin());
  Store<std::uint32_t>(&bytes[kStored], header.stored_bytes);
  Store<std::uint32_t>(&bytes[kRaw], header.raw_bytes);
  Store<std::uint32_t>(&bytes[kCodec], static_cast<std::uint32_t>(header.codec));
  Store<std::uint64_t>(&bytes[kFrameFirst], header.first_sequence);
  Store<std::uint32_t>(&bytes[kRecords], header.records);
  Store<std::uint64_t>(&bytes[kDurable], header.durable_bytes);
  Store<std::uint64_t>(&bytes[kWritten], static_cast<std::uint64_t>(header.written_at.nanos));
  Store<std::uint64_t>(&bytes[kBodyChecksum], header.body_checksum);
  Store<std::uint64_t>(&bytes[kChecksumOffset],
                       FrameHeaderChecksum(bytes.data(), id, offset_bytes));
  return bytes;
}

std::optional<FrameHeader> DecodeFrameHeader(std::string_view bytes,
                                             FileId id,
                                             std::uint64_t offset_bytes) {
  if (bytes.size() < kFrameHeaderBytes || !bytes.starts_with(kFrameMagicBytes) ||
      Load<std::uint64_t>(&bytes[kChecksumOffset]) !=
          FrameHeaderChecksum(bytes.data(), id, offset_bytes)) {
    return std::nullopt;
  }
  const auto codec = Load<std::uint32_t>(&bytes[kCodec]);
  FrameHeader header{
      .stored_bytes = Load<std::uint32_t>(&bytes[kStored]),
      .raw_bytes = Load<std::uint32_t>(&bytes[kRaw]),
      .codec = static_cast<Codec>(codec),
      .records = Load<std::uint32_t>(&bytes[kRecords]),
      .first_sequence = Load<std::uint64_t>(&bytes[kFrameFirst]),
      .durable_bytes = Load<std::uint64_t>(&bytes[kDurable]),
      .written_at = {static_cast<std::int64_t>(Load<std::uint64_t>(&bytes[kWritten]))},
      .body_checksum = Load<std::uint64_t>(&bytes[kBodyChecksum])};
  const bool possible =
      codec <= static_cast<std::uint32_t>(Codec::kZstd) && header.raw_bytes <= kFrameBodyBytesMax &&
      header.stored_bytes <= header.raw_bytes &&
      header.records <= header.raw_bytes / kRecordOverheadBytes && header.first_sequence > 0 &&
      header.durable_bytes <= offset_bytes &&
      header.first_sequence < std::numeric_limits<Sequence>::max() - header.records;
  if (!possible) return std::nullopt;
  return header;
}

std::string_view FrameMagic() { return kFrameMagicBytes; }

std::uint64_t BodyChecksum(std::string_view stored, FileId id) {
  return XXH3_64bits_withSeed(stored.data(), stored.size(), id.value);
}

Status DecodeBody(const FrameHeader& header, std::string_view stored, FrameBody* body) {
  body->records.clear();
  if (header.codec == Codec::kNone) {
    body->raw.assign(stored);
  } else {
    body->raw.resize(header.raw_bytes);
    const std::size_t got =
        ZSTD_decompress(body->raw.data(), body->raw.size(), stored.data(), stored.size());
    if (ZSTD_isError(got) != 0 || got != header.raw_bytes) {
      return Fail(ErrorCode::kCorruption, "frame body does not decompress");
    }
  }
  if (body->raw.size() != header.raw_bytes ||
      header.records > header.raw_bytes / kRecordOverheadBytes) {
    return Fail(ErrorCode::kCorruption, "frame body has the wrong length");
  }
  std::string_view rest(body->raw);
  rest.remove_prefix(header.records * kRecordOverheadBytes);
  body->records.reserve(header.records);
  for (std::size_t i = 0; i < header.records; ++i) {
    const auto size = Load<std::uint32_t>(&body->raw[i * kRecordOverheadBytes]);
    if (size > rest.size()) {
      return Fail(ErrorCode::kCorruption, "frame body has impossible record lengths");
    }
    body->records.push_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  if (!rest.empty()) return Fail(ErrorCode::kCorruption, "frame body is longer than its records");
  return {};
}

}  // namespace postglass::journal
