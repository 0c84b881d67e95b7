#include "store/embedded/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "store/coding.h"
#include "store/compress.h"
#include "store/hash.h"
#include "store/embedded/key_filter.h"
#include "store/embedded/limits.h"

namespace postglass::store {

namespace {

constexpr int kSectionLevel = 3;
constexpr std::string Event::*kTextFields[] = {
    &Event::message, &Event::status, &Event::service, &Event::source, &Event::host};
constexpr std::string_view kSectionNames[] = {"keys", "fields", "attributes"};

std::string EncodeKeys(std::span<const Event* const> events) {
  std::string raw;
  for (const Event* event : events) {
    raw.append(reinterpret_cast<const char*>(event->id.bytes.data()), event->id.bytes.size());
  }
  // Differences wrap, so that any two instants have one.
  const auto put_deltas = [&](std::int64_t Event::*field) {
    std::uint64_t last = 0;
    for (const Event* event : events) {
      const auto value = static_cast<std::uint64_t>(event->*field);
      PutVarint(raw, ZigZag(static_cast<std::int64_t>(value - last)));
      last = value;
    }
  };
  put_deltas(&Event::timestamp_ms);
  put_deltas(&Event::ingested_at_ms);
  return raw;
}

std::string EncodeFields(std::span<const Event* const> events) {
  std::string raw;
  for (const auto field : kTextFields) {
    for (const Event* event : events) PutVarint(raw, (event->*field).size());
    for (const Event* event : events) raw += event->*field;
  }
  for (const Event* event : events) {
    PutVarint(raw, event->tags.size());
    for (const std::string& tag : event->tags) PutBytes(raw, tag);
  }
  return raw;
}

std::string EncodeAttributes(std::span<const Event* const> events) {
  std::string raw;
  for (const Event* event : events) PutVarint(raw, event->attributes.size());
  for (const Event* event : events) raw += event->attributes;
  return raw;
}

tl::unexpected<Error> Damaged(Section section, std::string_view what) {
  return Fail(ErrorCode::kCorruption,
              fmt::format("section {} {}", kSectionNames[static_cast<std::size_t>(section)], what));
}

// A column as it was put: all lengths, then all bytes.
bool TakeColumn(ByteReader& in,
                std::uint32_t rows,
                std::vector<std::uint64_t>& lengths,
                std::vector<std::string_view>& column) {
  lengths.clear();
  for (std::uint32_t i = 0; i < rows; ++i) lengths.push_back(in.Varint());
  column.clear();
  for (const std::uint64_t length : lengths) column.push_back(in.Take(length));
  return in.ok();
}

}  // namespace

std::uint64_t BlockInfo::SectionOffset(Section s) const {
  std::uint64_t offset = offset_bytes;
  for (std::size_t i = 0; i < static_cast<std::size_t>(s); ++i) offset += sections[i].bytes;
  return offset;
}

std::uint64_t BlockInfo::DataBytes() const {
  std::uint64_t bytes = 0;
  for (const SectionInfo& section : sections) bytes += section.bytes;
  return bytes;
}

EncodedBlock BlockEncoder::Encode(std::span<const Event* const> events) {
  CHECK(!events.empty() && events.size() <= kBlockRowsMax);
  EncodedBlock block;
  BlockInfo& info = block.info;
  info.rows = static_cast<std::uint32_t>(events.size());
  info.timestamp_min_ms = info.timestamp_max_ms = events[0]->timestamp_ms;
  info.ingested_min_ms = info.ingested_max_ms = events[0]->ingested_at_ms;
  for (const Event* event : events) {
    info.timestamp_min_ms = std::min(info.timestamp_min_ms, event->timestamp_ms);
    info.timestamp_max_ms = std::max(info.timestamp_max_ms, event->timestamp_ms);
    info.ingested_min_ms = std::min(info.ingested_min_ms, event->ingested_at_ms);
    info.ingested_max_ms = std::max(info.ingested_max_ms, event->ingested_at_ms);
    reader_.Reset(*event);
    keys_.Add(reader_);
  }
  const std::array<std::string, kSectionsCount> raws = {
      EncodeKeys(events), EncodeFields(events), EncodeAttributes(events)};
  for (std::size_t i = 0; i < kSectionsCount; ++i) {
    const std::string frame = Compress(raws[i], kSectionLevel);
    info.sections[i] = {static_cast<std::uint32_t>(frame.size()),
                        static_cast<std::uint32_t>(raws[i].size()),
                        Hash64(frame)};
    block.data += frame;
  }
  block.filter = BuildKeyFilter(keys_.Take());
  info.filter_bytes = static_cast<std::uint32_t>(block.filter.size());
  info.filter_checksum = Hash64(block.filter);
  return block;
}

void DecodedBlock::Reset(const BlockInfo& info) {
  info_ = info;
  rows_ = info.rows;
  has_ = {};
}

Status DecodedBlock::Decode(Section section, std::string_view compressed) {
  const auto index = static_cast<std::size_t>(section);
  const SectionInfo& expected = info_.sections[index];
  if (compressed.size() != expected.bytes || Hash64(compressed) != expected.checksum) {
    return Damaged(section, "fails its checksum");
  }
  if (expected.raw_bytes > kSectionRawBytesMax) return Damaged(section, "claims too many bytes");
  std::string& raw = raw_[index];
  // Room for the parser to read ahead behind the last row.
  raw.reserve(expected.raw_bytes + kJsonPaddingBytes);
  RETURN_IF_ERROR(Decompress(compressed, expected.raw_bytes, raw));
  switch (section) {
    case Section::kKeys:
      RETURN_IF_ERROR(DecodeKeys(raw));
      break;
    case Section::kFields:
      RETURN_IF_ERROR(DecodeFields(raw));
      break;
    case Section::kAttributes:
      RETURN_IF_ERROR(DecodeAttributes(raw));
      break;
  }
  has_[index] = true;
  return {};
}

Status DecodedBlock::DecodeKeys(std::string_view raw) {
  ByteReader in(raw);
  ids_.clear();
  timestamps_ms_.clear();
  ingested_ms_.clear();
  const std::string_view ids = in.Take(std::uint64_t{rows_} * sizeof(EventId::bytes));
  if (!in.ok()) return Damaged(Section::kKeys, "is too short");
  ids_.resize(rows_);
  for (std::uint32_t i = 0; i < rows_; ++i) {
    std::memcpy(
        ids_[i].bytes.data(), ids.data() + i * sizeof(EventId::bytes), sizeof(EventId::bytes));
  }
  for (std::vector<std::int64_t>* column : {&timestamps_ms_, &ingested_ms_}) {
    std::uint64_t last = 0;
    for (std::uint32_t i = 0; i < rows_; ++i) {
      last += static_cast<std::uint64_t>(UnZigZag(in.Varint()));
      column->push_back(static_cast<std::int64_t>(last));
    }
  }
  return in.AtEnd() ? Status() : Damaged(Section::kKeys, "does not end with its last row");
}

Status DecodedBlock::DecodeFields(std::string_view raw) {
  ByteReader in(raw);
  std::vector<std::uint64_t> lengths;
  for (std::vector<std::string_view>& column : texts_) {
    if (!TakeColumn(in, rows_, lengths, column)) return Damaged(Section::kFields, "is too short");
  }
  tags_.clear();
  tag_ends_.clear();
  for (std::uint32_t i = 0; i < rows_; ++i) {
    const std::uint64_t count = in.Varint();
    for (std::uint64_t t = 0; t < count && in.ok(); ++t) tags_.push_back(in.Bytes());
    tag_ends_.push_back(tags_.size());
  }
  return in.AtEnd() ? Status() : Damaged(Section::kFields, "does not end with its last row");
}

Status DecodedBlock::DecodeAttributes(std::string_view raw) {
  ByteReader in(raw);
  std::vector<std::uint64_t> lengths;
  if (!TakeColumn(in, rows_, lengths, attributes_) || !in.AtEnd()) {
    return Damaged(Section::kAttributes, "does not end with its last row");
  }
  return {};
}

EventView DecodedBlock::View(std::uint32_t row) const {
  EventView view;
  view.id = ids_[row];
  view.timestamp_ms = timestamps_ms_[row];
  view.ingested_at_ms = ingested_ms_[row];
  if (has(Section::kFields)) {
    view.message = texts_[0][row];
    view.status = texts_[1][row];
    view.service = texts_[2][row];
    view.source = texts_[3][row];
    view.host = texts_[4][row];
    const std::size_t begin = row == 0 ? 0 : tag_ends_[row - 1];
    view.tags = std::span(tags_).subspan(begin, tag_ends_[row] - begin);
  }
  if (has(Section::kAttributes)) {
    view.attributes = attributes_[row];
    view.attributes_padded = true;
  }
  return view;
}

Event ToEvent(const EventView& view) {
  Event event;
  event.id = view.id;
  event.timestamp_ms = view.timestamp_ms;
  event.ingested_at_ms = view.ingested_at_ms;
  event.message = view.message;
  event.status = view.status;
  event.service = view.service;
  event.source = view.source;
  event.host = view.host;
  event.tags.assign(view.tags.begin(), view.tags.end());
  event.attributes = view.attributes;
  return event;
}

}  // namespace postglass::store
