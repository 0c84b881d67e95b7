#include "store/embedded/segment.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "store/coding.h"
#include "store/hash.h"
#include "store/embedded/limits.h"
#include "store/text.h"

namespace postglass::store {

namespace {

constexpr std::string_view kHeaderMagic = "PGLSSEG1";
constexpr std::string_view kTrailerMagic = "PGLSEND1";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kTrailerBytes = 40;
constexpr std::size_t kFooterHeadBytes = 8 + 8 + 4;
constexpr std::size_t kFooterBlockBytes = 8 + 4 + 4 * 8 + kSectionsCount * 16 + 8 + 4 + 8;
constexpr std::size_t kFooterBytesMax = std::size_t{kFooterBlockBytes} * kSegmentBlocksMax;

std::string EncodeHeader(SegmentId id) {
  std::string header(kHeaderMagic);
  PutFixed(header, kVersion);
  PutFixed(header, std::uint32_t{kTextRulesVersion});
  PutFixed(header, id);
  PutFixed(header, Hash64(header));
  return header;
}

std::string EncodeFooter(const SegmentInfo& info) {
  std::string footer;
  PutFixed(footer, info.id);
  PutFixed(footer, info.last_sequence);
  PutFixed(footer, static_cast<std::uint32_t>(info.blocks.size()));
  for (const BlockInfo& block : info.blocks) {
    PutFixed(footer, block.offset_bytes);
    PutFixed(footer, block.rows);
    PutFixed(footer, block.timestamp_min_ms);
    PutFixed(footer, block.timestamp_max_ms);
    PutFixed(footer, block.ingested_min_ms);
    PutFixed(footer, block.ingested_max_ms);
    for (const SectionInfo& section : block.sections) {
      PutFixed(footer, section.bytes);
      PutFixed(footer, section.raw_bytes);
      PutFixed(footer, section.checksum);
    }
    PutFixed(footer, block.filter_offset_bytes);
    PutFixed(footer, block.filter_bytes);
    PutFixed(footer, block.filter_checksum);
  }
  return footer;
}

std::string EncodeTrailer(std::uint64_t footer_offset_bytes, std::string_view footer) {
  std::string trailer;
  PutFixed(trailer, footer_offset_bytes);
  PutFixed(trailer, static_cast<std::uint32_t>(footer.size()));
  PutFixed(trailer, kVersion);
  PutFixed(trailer, Hash64(footer));
  PutFixed(trailer, Hash64(trailer));
  trailer += kTrailerMagic;
  return trailer;
}

BlockInfo TakeBlock(ByteReader& in) {
  BlockInfo block;
  block.offset_bytes = in.Fixed<std::uint64_t>();
  block.rows = in.Fixed<std::uint32_t>();
  block.timestamp_min_ms = in.Fixed<std::int64_t>();
  block.timestamp_max_ms = in.Fixed<std::int64_t>();
  block.ingested_min_ms = in.Fixed<std::int64_t>();
  block.ingested_max_ms = in.Fixed<std::int64_t>();
  for (SectionInfo& section : block.sections) {
    section.bytes = in.Fixed<std::uint32_t>();
    section.raw_bytes = in.Fixed<std::uint32_t>();
    section.checksum = in.Fixed<std::uint64_t>();
  }
  block.filter_offset_bytes = in.Fixed<std::uint64_t>();
  block.filter_bytes = in.Fixed<std::uint32_t>();
  block.filter_checksum = in.Fixed<std::uint64_t>();
  return block;
}

bool LiesInside(std::uint64_t offset, std::uint64_t bytes, std::uint64_t file_bytes) {
  return offset <= file_bytes && bytes <= file_bytes - offset;
}

bool IsPlausible(const BlockInfo& block, std::uint64_t file_bytes) {
  return block.rows > 0 && block.rows <= kBlockRowsMax &&
         block.timestamp_min_ms <= block.timestamp_max_ms &&
         block.ingested_min_ms <= block.ingested_max_ms &&
         LiesInside(block.offset_bytes, block.DataBytes(), file_bytes) &&
         LiesInside(block.filter_offset_bytes, block.filter_bytes, file_bytes);
}

Status WriteAll(FileSystem& fs,
                const Path& path,
                const SegmentInfo& info,
                std::span<const std::shared_ptr<const EncodedBlock>> blocks) {
  ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                   fs.OpenForWrite(path, FileSystem::WriteMode::kTruncate));
  RETURN_IF_ERROR(file->Append(EncodeHeader(info.id)));
  for (const auto& block : blocks) RETURN_IF_ERROR(file->Append(block->data));
  for (const auto& block : blocks) RETURN_IF_ERROR(file->Append(block->filter));
  const std::string footer = EncodeFooter(info);
  RETURN_IF_ERROR(file->Append(footer + EncodeTrailer(file->size(), footer)));
  RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

struct Trailer {
  std::uint64_t footer_offset_bytes = 0;
  std::uint32_t footer_bytes = 0;
  std::uint64_t footer_checksum = 0;
};

Result<Trailer> DecodeTrailer(std::string_view bytes) {
  ByteReader in(bytes);
  Trailer trailer;
  trailer.footer_offset_bytes = in.Fixed<std::uint64_t>();
  trailer.footer_bytes = in.Fixed<std::uint32_t>();
  const auto version = in.Fixed<std::uint32_t>();
  trailer.footer_checksum = in.Fixed<std::uint64_t>();
  const auto checksum = in.Fixed<std::uint64_t>();
  if (in.Take(kTrailerMagic.size()) != kTrailerMagic || !in.AtEnd()) {
    return Fail(ErrorCode::kCorruption, "the file does not end as a segment does");
  }
  if (checksum != Hash64(bytes.substr(0, 8 + 4 + 4 + 8))) {
    return Fail(ErrorCode::kCorruption, "the trailer fails its checksum");
  }
  if (version > kVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("segment version {}; this program knows {}", version, kVersion));
  }
  return trailer;
}

}  // namespace

std::string SegmentFileName(SegmentId id) { return fmt::format("{:016x}.seg", id); }

std::optional<SegmentId> ParseSegmentFileName(std::string_view name) {
  constexpr std::size_t kDigits = 16;
  SegmentId id = 0;
  if (name.size() != kDigits + 4 || !name.ends_with(".seg")) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, id, 16);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return id;
}

Result<SegmentInfo> WriteSegment(FileSystem& fs,
                                 const Path& dir,
                                 SegmentId id,
                                 journal::Sequence last_sequence,
                                 std::span<const std::shared_ptr<const EncodedBlock>> blocks) {
  SegmentInfo info;
  info.id = id;
  info.last_sequence = last_sequence;
  std::uint64_t offset = kHeaderBytes;
  for (const auto& block : blocks) {
    info.blocks.push_back(block->info);
    info.blocks.back().offset_bytes = offset;
    info.rows += block->info.rows;
    offset += block->data.size();
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    info.blocks[i].filter_offset_bytes = offset;
    offset += blocks[i]->filter.size();
  }
  info.file_bytes = offset + kFooterHeadBytes + kFooterBlockBytes * blocks.size() + kTrailerBytes;

  const Path path = dir / SegmentFileName(id);
  const Path temporary = dir / (SegmentFileName(id) + ".tmp");
  Status written = WriteAll(fs, temporary, info, blocks);
  if (written) written = fs.Rename(temporary, path);
  if (!written) {
    // The error to report is the first; a file that stays is removed at the next start.
    static_cast<void>(fs.Remove(temporary).has_value());
    return Fail(std::move(written.error()));
  }
  // The rename alone is not durable, and the journal will be trimmed for this segment.
  RETURN_IF_ERROR(fs.SyncDirectory(dir));
  return info;
}

Result<SegmentInfo> DecodeSegmentFooter(std::string_view footer, std::uint64_t file_bytes) {
  ByteReader in(footer);
  SegmentInfo info;
  info.file_bytes = file_bytes;
  info.id = in.Fixed<std::uint64_t>();
  info.last_sequence = in.Fixed<std::uint64_t>();
  const auto blocks = in.Fixed<std::uint32_t>();
  if (!in.ok() || blocks > kSegmentBlocksMax || in.remaining() != blocks * kFooterBlockBytes) {
    return Fail(ErrorCode::kCorruption, "the footer's size does not fit its blocks");
  }
  for (std::uint32_t i = 0; i < blocks; ++i) {
    info.blocks.push_back(TakeBlock(in));
    if (!IsPlausible(info.blocks.back(), file_bytes)) {
      return Fail(ErrorCode::kCorruption, fmt::format("the footer's block {} cannot be", i));
    }
    info.rows += info.blocks.back().rows;
  }
  if (info.rows > std::numeric_limits<std::uint32_t>::max()) {
    return Fail(ErrorCode::kCorruption, "the footer claims too many rows");
  }
  return info;
}

Segment::Segment(std::unique_ptr<RandomAccessFile> file, SegmentInfo info)
    : file_(std::move(file)), info_(std::move(info)) {
  std::uint32_t row = 0;
  for (const BlockInfo& block : info_.blocks) {
    first_rows_.push_back(row);
    row += block.rows;
  }
}

Result<std::shared_ptr<const Segment>> Segment::Open(const FileSystem& fs,
                                                     const Path& dir,
                                                     SegmentId id) {
  ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                   fs.OpenForRead(dir / SegmentFileName(id)));
  return FromFile(std::move(file), id);
}

Result<std::shared_ptr<const Segment>> Segment::FromFile(std::unique_ptr<RandomAccessFile> file,
                                                         SegmentId id) {
  ASSIGN_OR_RETURN(const std::uint64_t file_bytes, file->Size());
  if (file_bytes < kHeaderBytes + kFooterHeadBytes + kTrailerBytes) {
    return Fail(ErrorCode::kCorruption, fmt::format("the file has only {} bytes", file_bytes));
  }
  std::string bytes(kTrailerBytes, '\0');
  RETURN_IF_ERROR(file->ReadExactly(file_bytes - kTrailerBytes, bytes));
  ASSIGN_OR_RETURN(const Trailer trailer, DecodeTrailer(bytes));
  if (trailer.footer_bytes > kFooterBytesMax ||
      !LiesInside(trailer.footer_offset_bytes, trailer.footer_bytes, file_bytes)) {
    return Fail(ErrorCode::kCorruption, "the trailer points outside the file");
  }
  bytes.resize(kHeaderBytes);
  RETURN_IF_ERROR(file->ReadExactly(0, bytes));
  if (bytes != EncodeHeader(id)) {
    return Fail(ErrorCode::kCorruption, fmt::format("the header is not that of segment {}", id));
  }
  bytes.resize(trailer.footer_bytes);
  RETURN_IF_ERROR(file->ReadExactly(trailer.footer_offset_bytes, bytes));
  if (Hash64(bytes) != trailer.footer_checksum) {
    return Fail(ErrorCode::kCorruption, "the footer fails its checksum");
  }
  ASSIGN_OR_RETURN(SegmentInfo info, DecodeSegmentFooter(bytes, file_bytes));
  if (info.id != id) return Fail(ErrorCode::kCorruption, "the footer is of another segment");
  return std::shared_ptr<const Segment>(new Segment(std::move(file), std::move(info)));
}

Status Segment::ReadSection(std::size_t block, Section section, std::string& out) const {
  const BlockInfo& info = info_.blocks[block];
  out.resize(info.section(section).bytes);
  return file_->ReadExactly(info.SectionOffset(section), out);
}

Result<std::shared_ptr<const Segment::Filters>> Segment::ReadFilters() const {
  auto filters = std::make_shared<Filters>();
  if (info_.blocks.empty()) return std::shared_ptr<const Filters>(filters);
  // The writer puts them one behind the other; a footer that says otherwise costs a large read at
  // most, never a wrong filter, for each is checked.
  const std::uint64_t begin = info_.blocks.front().filter_offset_bytes;
  const std::uint64_t end =
      info_.blocks.back().filter_offset_bytes + info_.blocks.back().filter_bytes;
  if (end < begin || end > info_.file_bytes) {
    return Fail(ErrorCode::kCorruption, "the filters do not follow each other");
  }
  filters->bytes.resize(end - begin);
  RETURN_IF_ERROR(file_->ReadExactly(begin, filters->bytes));
  for (const BlockInfo& block : info_.blocks) {
    std::string_view filter;
    if (block.filter_offset_bytes >= begin &&
        LiesInside(block.filter_offset_bytes, block.filter_bytes, end)) {
      filter = std::string_view(filters->bytes)
                   .substr(block.filter_offset_bytes - begin, block.filter_bytes);
    }
    if (Hash64(filter) != block.filter_checksum) {
      filter = {};
      ++filters->damaged;
    }
    filters->by_block.push_back(filter);
  }
  return std::shared_ptr<const Filters>(filters);
}

}  // namespace postglass::store
