#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/embedded/filter_keys.h"
#include "store/event_view.h"
#include "store/types.h"

// A block: up to kBlockRowsMax events in three sections that can be read alone, and a filter.
// Byte layout: docs/format/segment.md, "Block".

namespace postglass::store {

enum class Section { kKeys, kFields, kAttributes };
inline constexpr std::size_t kSectionsCount = 3;

struct SectionInfo {
  std::uint32_t bytes = 0;      // compressed
  std::uint32_t raw_bytes = 0;  // decompressed
  std::uint64_t checksum = 0;   // of the compressed bytes
};

// What the footer says of a block.
struct BlockInfo {
  std::uint64_t offset_bytes = 0;  // of the first section in the file
  std::uint32_t rows = 0;
  std::int64_t timestamp_min_ms = 0;
  std::int64_t timestamp_max_ms = 0;
  std::int64_t ingested_min_ms = 0;
  std::int64_t ingested_max_ms = 0;
  std::array<SectionInfo, kSectionsCount> sections;  // one behind the other
  std::uint64_t filter_offset_bytes = 0;
  std::uint32_t filter_bytes = 0;
  std::uint64_t filter_checksum = 0;

  const SectionInfo& section(Section s) const { return sections[static_cast<std::size_t>(s)]; }

  std::uint64_t SectionOffset(Section s) const;
  std::uint64_t DataBytes() const;
};

struct EncodedBlock {
  BlockInfo info;  // offsets are relative: 0
  std::string data;
  std::string filter;
};

// Encodes one block after another, keeping its buffers. Not thread-safe.
class BlockEncoder {
 public:
  // Requires: 1 to kBlockRowsMax events.
  EncodedBlock Encode(std::span<const Event* const> events);

 private:
  EventReader reader_;
  FilterKeys keys_;
};

// The rows of one block, as far as their sections were decoded. Buffers are reused from block to
// block; every view into it ends with the next Reset().
class DecodedBlock {
 public:
  void Reset(const BlockInfo& info);
  // Checks and decodes one section from its bytes in the file. Errors: kCorruption.
  Status Decode(Section section, std::string_view compressed);

  bool has(Section section) const { return has_[static_cast<std::size_t>(section)]; }

  std::uint32_t rows() const { return rows_; }

  const EventId& id(std::uint32_t row) const { return ids_[row]; }

  std::int64_t timestamp_ms(std::uint32_t row) const { return timestamps_ms_[row]; }

  std::int64_t ingested_at_ms(std::uint32_t row) const { return ingested_ms_[row]; }

  // Fields of sections that were not decoded are empty. Requires: kKeys was.
  EventView View(std::uint32_t row) const;

 private:
  Status DecodeKeys(std::string_view raw);
  Status DecodeFields(std::string_view raw);
  Status DecodeAttributes(std::string_view raw);

  static constexpr std::size_t kTextColumns = 5;  // message, status, service, source, host

  BlockInfo info_;
  std::uint32_t rows_ = 0;
  std::array<bool, kSectionsCount> has_{};
  std::array<std::string, kSectionsCount> raw_;
  std::vector<EventId> ids_;
  std::vector<std::int64_t> timestamps_ms_;
  std::vector<std::int64_t> ingested_ms_;
  std::array<std::vector<std::string_view>, kTextColumns> texts_;
  std::vector<std::string_view> tags_;
  std::vector<std::size_t> tag_ends_;
  std::vector<std::string_view> attributes_;
};

// A copy that lives on its own.
Event ToEvent(const EventView& view);

}  // namespace postglass::store
