#include "store/embedded/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "store/embedded/limits.h"

namespace postglass::store {

namespace {

void SetTimes(ScanUnit& unit, const BlockInfo& info) {
  unit.rows = info.rows;
  unit.timestamp_min_ms = info.timestamp_min_ms;
  unit.timestamp_max_ms = info.timestamp_max_ms;
  unit.ingested_min_ms = info.ingested_min_ms;
  unit.ingested_max_ms = info.ingested_max_ms;
}

bool HasDeletions(const LiveSegment& live, std::size_t block) {
  if (live.deleted == nullptr) return false;
  const std::uint32_t first = live.segment->FirstRow(block);
  const auto next = std::lower_bound(live.deleted->begin(), live.deleted->end(), first);
  return next != live.deleted->end() && *next < first + live.segment->info().blocks[block].rows;
}

}  // namespace

std::string ScanUnit::Name() const {
  if (segment == nullptr) return "a block in memory";
  return fmt::format("block {} of segment {}", block, segment->segment->info().id);
}

std::vector<ScanUnit> UnitsOf(const Snapshot& snapshot) {
  std::vector<ScanUnit> units;
  for (const LiveSegment& live : *snapshot.segments) {
    for (std::size_t i = 0; i < live.segment->info().blocks.size(); ++i) {
      ScanUnit unit;
      unit.segment = &live;
      unit.block = i;
      unit.has_deletions = HasDeletions(live, i);
      SetTimes(unit, live.segment->info().blocks[i]);
      units.push_back(unit);
    }
  }
  for (const auto& block : snapshot.blocks) {
    ScanUnit unit;
    unit.memory_block = block.get();
    SetTimes(unit, block->info);
    units.push_back(unit);
  }
  for (std::size_t i = 0; i < snapshot.batches.size();) {
    ScanUnit unit;
    unit.batches_begin = i;
    unit.timestamp_min_ms = std::numeric_limits<std::int64_t>::max();
    unit.timestamp_max_ms = std::numeric_limits<std::int64_t>::min();
    // Not known of raw batches: may be any.
    unit.ingested_min_ms = std::numeric_limits<std::int64_t>::min();
    unit.ingested_max_ms = std::numeric_limits<std::int64_t>::max();
    while (i < snapshot.batches.size() && unit.rows < kBlockRowsTarget) {
      const RawBatch& batch = *snapshot.batches[i++];
      unit.rows += batch.events.size();
      unit.timestamp_min_ms = std::min(unit.timestamp_min_ms, batch.timestamp_min_ms);
      unit.timestamp_max_ms = std::max(unit.timestamp_max_ms, batch.timestamp_max_ms);
    }
    unit.batches_end = i;
    units.push_back(unit);
  }
  return units;
}

}  // namespace postglass::store
