#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/embedded/block.h"
#include "store/embedded/deletions.h"
#include "store/embedded/memtable.h"
#include "store/embedded/segment.h"

namespace postglass::store {

struct LiveSegment {
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const DeletedRows> deleted;  // null: none
  std::uint32_t deletions_version = 0;
};

// All events of one moment. Holding it keeps files open and memory alive; it never changes.
struct Snapshot {
  std::shared_ptr<const std::vector<LiveSegment>> segments;
  std::vector<std::shared_ptr<const EncodedBlock>> blocks;
  std::vector<std::shared_ptr<const RawBatch>> batches;
};

// A piece of a snapshot that one thread scans at a time: a block of a segment, a block in memory,
// or a run of raw batches.
struct ScanUnit {
  const LiveSegment* segment = nullptr;  // with `block`
  std::size_t block = 0;
  const EncodedBlock* memory_block = nullptr;
  std::size_t batches_begin = 0;  // of Snapshot::batches, when neither of the above
  std::size_t batches_end = 0;

  std::uint64_t rows = 0;
  std::int64_t timestamp_min_ms = 0;
  std::int64_t timestamp_max_ms = 0;
  std::int64_t ingested_min_ms = 0;
  std::int64_t ingested_max_ms = 0;
  bool has_deletions = false;

  const BlockInfo* info() const {
    if (segment != nullptr) return &segment->segment->info().blocks[block];
    return memory_block != nullptr ? &memory_block->info : nullptr;
  }

  std::string Name() const;  // for damage reports
};

// All units of the snapshot, which must outlive them.
std::vector<ScanUnit> UnitsOf(const Snapshot& snapshot);

}  // namespace postglass::store
