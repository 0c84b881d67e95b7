#include "journal/frame_scanner.h"

#include <algorithm>
#include <span>

namespace postglass::journal {
namespace {

constexpr std::size_t kReadAheadBytes = 256 << 10;  // one sequential read
constexpr std::size_t kPieceBytes = 4096;           // granularity around a bad sector

}  // namespace

FrameScanner::FrameScanner(const RandomAccessFile& file,
                           FileId id,
                           std::uint64_t offset_bytes,
                           std::uint64_t end_bytes,
                           Sequence expected)
    : file_(file),
      id_(id),
      offset_bytes_(offset_bytes),
      end_bytes_(end_bytes),
      expected_(expected),
      behind_damage_(true) {}

std::optional<FrameScanner::Item> FrameScanner::Next() {
  if (offset_bytes_ >= end_bytes_) return std::nullopt;
  unreadable_ = false;
  Item item;
  item.offset_bytes = offset_bytes_;
  // A read may go wrong on its way; what is wrong on the disk is wrong the second time too.
  for (int attempt = 0; attempt < 2 && !item.intact; ++attempt) {
    if (attempt > 0) buffer_.clear();
    item.header = HeaderAt(offset_bytes_);
    if (!item.header) continue;
    item.body = View(offset_bytes_ + kFrameHeaderBytes, item.header->stored_bytes);
    item.intact = BodyIntact(*item.header, item.body);
  }
  if (!item.header) {
    item.body = {};
    item.end_bytes = FindFrame(offset_bytes_ + 1);
  } else {
    item.end_bytes =
        std::min(end_bytes_, offset_bytes_ + kFrameHeaderBytes + item.header->stored_bytes);
    expected_ = item.header->end_sequence();
  }
  behind_damage_ = !item.header;
  item.unreadable = unreadable_;
  offset_bytes_ = item.end_bytes;
  return item;
}

void FrameScanner::Retry(const Item& item) {
  offset_bytes_ = item.offset_bytes;
  buffer_.clear();
  behind_damage_ = true;
  if (item.header) expected_ = item.header->first_sequence;
}

bool FrameScanner::BodyIntact(const FrameHeader& header, std::string_view body) const {
  return body.size() == header.stored_bytes && BodyChecksum(body, id_) == header.body_checksum;
}

std::optional<FrameHeader> FrameScanner::HeaderAt(std::uint64_t offset) {
  const auto header = DecodeFrameHeader(View(offset, kFrameHeaderBytes), id_, offset);
  if (!header || header->first_sequence < expected_) return std::nullopt;
  if (!behind_damage_ && header->first_sequence != expected_) return std::nullopt;
  return header;
}

// Where the next intact header stands, or the end.
std::uint64_t FrameScanner::FindFrame(std::uint64_t from) {
  behind_damage_ = true;
  while (from < end_bytes_) {
    // All that is buffered from here on, at least a header: a file full of false magics is still
    // read once.
    static_cast<void>(View(from, kFrameHeaderBytes));
    const std::string_view window =
        std::string_view(buffer_).substr(static_cast<std::size_t>(from - buffer_offset_));
    const std::size_t at = window.find(FrameMagic());
    if (at == std::string_view::npos) {
      // The magic may lie across the border of two windows.
      const std::size_t step = window.size() > FrameMagic().size()
                                   ? window.size() - (FrameMagic().size() - 1)
                                   : window.size();
      from += step;
      if (step == 0) break;
      continue;
    }
    from += at;
    if (HeaderAt(from)) return from;
    ++from;
  }
  return end_bytes_;
}

std::string_view FrameScanner::View(std::uint64_t offset, std::size_t size) {
  if (offset >= end_bytes_) return {};
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_bytes_ - offset));
  const bool buffered = offset >= buffer_offset_ &&
                        offset + size <= buffer_offset_ + buffer_.size() && !buffer_.empty();
  if (!buffered) Fill(offset, size);
  return std::string_view(buffer_).substr(static_cast<std::size_t>(offset - buffer_offset_), size);
}

void FrameScanner::Fill(std::uint64_t offset, std::size_t size) {
  size = static_cast<std::size_t>(
      std::min<std::uint64_t>(std::max(size, kReadAheadBytes), end_bytes_ - offset));
  buffer_offset_ = offset;
  buffer_.resize(size);
  const Result<std::size_t> got = file_.Read(offset, buffer_);
  if (!got) {
    FillInPieces(offset);
  } else if (*got < size) {
    // Shorter than it was: what is missing cannot be checked.
    std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(*got), buffer_.end(), '\0');
  }
}

void FrameScanner::FillInPieces(std::uint64_t offset) {
  for (std::size_t at = 0; at < buffer_.size(); at += kPieceBytes) {
    const std::span<char> piece(buffer_.data() + at, std::min(kPieceBytes, buffer_.size() - at));
    const Result<std::size_t> got = file_.Read(offset + at, piece);
    if (!got) unreadable_ = true;
    const std::size_t good = got.value_or(0);
    std::fill(piece.begin() + static_cast<std::ptrdiff_t>(good), piece.end(), '\0');
  }
}

}  // namespace postglass::journal
