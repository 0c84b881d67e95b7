#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "store/embedded/segment/segment_file.h"

// What to merge and what to drop, from what is known of the live segments. Pure.

namespace postglass::store {

struct MergePolicy {
  // Segments of one day and class whose sizes are within a factor of four of each other are merged
  // when there are so many.
  std::size_t tier_segments = 4;
  // The result has no more rows: it is made in memory, about 500 bytes an event.
  std::uint64_t rows_max = 262'144;
  // Rewritten alone when at least one row in so many is deleted.
  std::uint32_t deleted_share = 8;
};

struct RetentionPolicy {
  // Days that segments of a class are kept after their last event; a class that is not here stays.
  std::map<std::uint32_t, std::chrono::hours> keep;
  std::uint64_t bytes_max = 0;  // of all segments; above, the oldest go. 0: no bound
};

struct SegmentSummary {
  SegmentInfo info;
  std::uint32_t rows_deleted = 0;
};

// The segments to merge next, empty when nothing is due. `sealed_through` of the whole store tells
// which days are closed: those that the last seal added nothing to. `unmergeable` are left out.
std::vector<SegmentId> PickMerge(std::span<const SegmentSummary> segments,
                                 std::uint64_t sealed_through,
                                 const std::set<SegmentId>& unmergeable,
                                 const MergePolicy& policy);

// The segments whose time has come.
std::vector<SegmentId> PickExpired(std::span<const SegmentSummary> segments,
                                   std::int64_t now_ms,
                                   const RetentionPolicy& policy);

}  // namespace postglass::store
