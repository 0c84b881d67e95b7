#include "store/embedded/merge_policy.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <tuple>

#include "store/embedded/day_split.h"

namespace postglass::store {

namespace {

// A closed day's segments become one when what the largest lacks is at least a quarter of it: every
// such merge makes it grow by so much, which bounds how often an event is written again.
constexpr std::uint64_t kLastMergeShare = 4;

struct GroupKey {
  std::uint32_t retention_class = 0;
  std::optional<std::int64_t> day;  // nothing: events of several days

  auto operator<=>(const GroupKey&) const = default;
};

using Group = std::vector<const SegmentSummary*>;

std::uint64_t LiveRows(const SegmentSummary& segment) {
  return segment.info.table.rows - segment.rows_deleted;
}

GroupKey KeyOf(const SegmentInfo& info) {
  const std::int64_t first = DayOf(info.table.timestamp_min_ms);
  const std::int64_t last = DayOf(info.table.timestamp_max_ms);
  return {info.retention_class, first == last ? std::optional(first) : std::nullopt};
}

std::uint64_t RowsOf(const Group& group) {
  std::uint64_t rows = 0;
  for (const SegmentSummary* segment : group) rows += LiveRows(*segment);
  return rows;
}

std::vector<SegmentId> IdsOf(const Group& group) {
  std::vector<SegmentId> ids;
  for (const SegmentSummary* segment : group) ids.push_back(segment->info.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Enough neighbours in size, the smallest first.
Group PickTier(const Group& by_rows, const MergePolicy& policy) {
  std::map<std::uint64_t, Group> tiers;
  for (const SegmentSummary* segment : by_rows) {
    Group& tier = tiers[(static_cast<std::uint64_t>(std::bit_width(LiveRows(*segment))) + 1) / 2];
    if (RowsOf(tier) + LiveRows(*segment) > policy.rows_max) continue;
    tier.push_back(segment);
    if (tier.size() >= policy.tier_segments) return tier;
  }
  return {};
}

Group PickLast(const Group& by_rows, const MergePolicy& policy) {
  Group merge;
  std::uint64_t rows = 0;
  for (const SegmentSummary* segment : by_rows) {
    if (rows + LiveRows(*segment) > policy.rows_max) break;
    merge.push_back(segment);
    rows += LiveRows(*segment);
  }
  if (merge.size() < 2) return {};
  const std::uint64_t largest = LiveRows(*merge.back());
  return kLastMergeShare * (rows - largest) >= largest ? merge : Group{};
}

}  // namespace

std::vector<SegmentId> PickMerge(std::span<const SegmentSummary> segments,
                                 std::uint64_t sealed_through,
                                 const std::set<SegmentId>& unmergeable,
                                 const MergePolicy& policy) {
  std::map<GroupKey, Group> groups;
  for (const SegmentSummary& segment : segments) {
    if (unmergeable.contains(segment.info.id)) continue;
    if (std::uint64_t{segment.rows_deleted} * policy.deleted_share >= segment.info.table.rows) {
      return {segment.info.id};
    }
    groups[KeyOf(segment.info)].push_back(&segment);
  }
  for (auto& [key, group] : groups) {
    std::sort(group.begin(), group.end(), [](const SegmentSummary* a, const SegmentSummary* b) {
      return std::tuple(LiveRows(*a), a->info.id) < std::tuple(LiveRows(*b), b->info.id);
    });
    if (Group tier = PickTier(group, policy); !tier.empty()) return IdsOf(tier);
    const bool closed =
        key.day && std::all_of(group.begin(), group.end(), [&](const SegmentSummary* segment) {
          return segment->info.sealed_through < sealed_through;
        });
    if (!closed) continue;
    if (Group last = PickLast(group, policy); !last.empty()) return IdsOf(last);
  }
  return {};
}

std::vector<SegmentId> PickExpired(std::span<const SegmentSummary> segments,
                                   std::int64_t now_ms,
                                   const RetentionPolicy& policy) {
  std::vector<const SegmentSummary*> by_age;
  for (const SegmentSummary& segment : segments) by_age.push_back(&segment);
  std::sort(by_age.begin(), by_age.end(), [](const SegmentSummary* a, const SegmentSummary* b) {
    return std::tuple(a->info.table.timestamp_max_ms, a->info.id) <
           std::tuple(b->info.table.timestamp_max_ms, b->info.id);
  });
  std::uint64_t bytes = 0;
  std::vector<const SegmentSummary*> kept;
  std::vector<SegmentId> expired;
  for (const SegmentSummary* segment : by_age) {
    const auto keep = policy.keep.find(segment->info.retention_class);
    const bool over =
        keep != policy.keep.end() &&
        segment->info.table.timestamp_max_ms <
            now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(keep->second).count();
    if (over) {
      expired.push_back(segment->info.id);
    } else {
      kept.push_back(segment);
      bytes += segment->info.file_bytes;
    }
  }
  for (const SegmentSummary* segment : kept) {
    if (policy.bytes_max == 0 || bytes <= policy.bytes_max) break;
    expired.push_back(segment->info.id);
    bytes -= segment->info.file_bytes;
  }
  return expired;
}

}  // namespace postglass::store
