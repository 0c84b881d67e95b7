#include "store/embedded/merge_policy.h"

#include <gtest/gtest.h>

#include "store/embedded/catalog.h"
#include "store/embedded/day_split.h"

namespace postglass::store {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

SegmentSummary OfDay(SegmentId id, std::int64_t day, std::uint32_t rows, std::uint64_t sealed) {
  SegmentSummary segment;
  segment.info.id = id;
  segment.info.file_bytes = 50 * std::uint64_t{rows};
  segment.info.sealed_through = sealed;
  segment.info.table.rows = rows;
  segment.info.table.timestamp_min_ms = day * kDayMs;
  segment.info.table.timestamp_max_ms = day * kDayMs + 1000;
  return segment;
}

std::vector<SegmentId> Pick(const std::vector<SegmentSummary>& segments, std::uint64_t sealed) {
  return PickMerge(segments, sealed, {}, MergePolicy());
}

using Ids = std::vector<SegmentId>;

TEST(PickMerge, TakesFourOfATierAndADay) {
  std::vector<SegmentSummary> segments;
  for (SegmentId id = 1; id <= 3; ++id) segments.push_back(OfDay(id, 7, 50'000, id));
  segments.push_back(OfDay(4, 8, 50'000, 9));
  EXPECT_EQ(Pick(segments, 3), Ids());
  segments.push_back(OfDay(5, 7, 60'000, 9));
  EXPECT_EQ(Pick(segments, 9), (Ids{1, 2, 3, 5}));
}

TEST(PickMerge, MakesNoSegmentTooLarge) {
  std::vector<SegmentSummary> segments;
  for (SegmentId id = 1; id <= 8; ++id) segments.push_back(OfDay(id, 7, 130'000, 9));
  EXPECT_EQ(Pick(segments, 9), Ids());
}

TEST(PickMerge, ClosesADayOnce) {
  const std::vector<SegmentSummary> segments = {
      OfDay(1, 7, 131'000, 1), OfDay(2, 7, 36'000, 2), OfDay(3, 8, 95'000, 2)};
  EXPECT_EQ(Pick(segments, 2), Ids());  // the last seal added to both days
  EXPECT_EQ(Pick(segments, 3), (Ids{1, 2}));
  // A trickle of late events does not rewrite the day again and again.
  EXPECT_EQ(Pick({OfDay(4, 7, 167'000, 2), OfDay(5, 7, 10, 3)}, 4), Ids());
}

TEST(PickMerge, RewritesWhatIsMuchDeleted) {
  std::vector<SegmentSummary> segments = {OfDay(1, 7, 1000, 1)};
  segments[0].rows_deleted = 124;
  EXPECT_EQ(Pick(segments, 1), Ids());
  segments[0].rows_deleted = 125;
  EXPECT_EQ(Pick(segments, 1), Ids{1});
  EXPECT_EQ(PickMerge(segments, 1, {1}, MergePolicy()), Ids());  // damaged
}

TEST(PickMerge, KeepsClassesApart) {
  std::vector<SegmentSummary> segments;
  for (SegmentId id = 1; id <= 4; ++id) {
    segments.push_back(OfDay(id, 7, 1000, 9));
    segments.back().info.retention_class = id == 4 ? 1 : 0;
  }
  EXPECT_EQ(Pick(segments, 9), Ids());
}

// However events come, each is written again a bounded number of times, and few segments stay.
TEST(PickMerge, HasBoundedAmplification) {
  std::vector<SegmentSummary> segments;
  std::uint64_t rows_in = 0;
  std::uint64_t rows_merged = 0;
  SegmentId next = 1;
  for (std::uint64_t seal = 1; seal <= 500; ++seal) {
    const auto rows = static_cast<std::uint32_t>(500 + 37 * (seal % 11));
    rows_in += rows;
    segments.push_back(OfDay(next++, static_cast<std::int64_t>(seal / 100), rows, seal));
    for (Ids picked = Pick(segments, seal); !picked.empty(); picked = Pick(segments, seal)) {
      SegmentSummary merged = OfDay(next++, 0, 0, 0);
      for (const SegmentSummary& segment : segments) {
        if (std::find(picked.begin(), picked.end(), segment.info.id) == picked.end()) continue;
        const std::uint32_t rows_before = merged.info.table.rows;
        merged.info.table = segment.info.table;
        merged.info.table.rows += rows_before;
        merged.info.sealed_through =
            std::max(merged.info.sealed_through, segment.info.sealed_through);
      }
      rows_merged += merged.info.table.rows;
      std::erase_if(segments, [&](const SegmentSummary& segment) {
        return std::find(picked.begin(), picked.end(), segment.info.id) != picked.end();
      });
      segments.push_back(merged);
    }
  }
  EXPECT_LE(rows_merged, 6 * rows_in);
  EXPECT_LE(segments.size(), 20U);
}

TEST(PickExpired, GoesByClassAndAge) {
  RetentionPolicy policy;
  policy.keep[0] = std::chrono::hours(24 * 3);
  const std::vector<SegmentSummary> segments = {
      OfDay(1, 10, 10, 1), OfDay(2, 6, 10, 1), OfDay(3, 7, 10, 1)};
  EXPECT_EQ(PickExpired(segments, 10 * kDayMs + 1000, policy), Ids{2});
  EXPECT_EQ(PickExpired(segments, 10 * kDayMs + 1001, policy), (Ids{2, 3}));
  EXPECT_EQ(PickExpired(segments, 10 * kDayMs, RetentionPolicy()), Ids());
}

TEST(PickExpired, DropsTheOldestAboveTheSizeCap) {
  RetentionPolicy policy;
  policy.bytes_max = 1000;
  const std::vector<SegmentSummary> segments = {
      OfDay(1, 10, 10, 1), OfDay(2, 6, 10, 1), OfDay(3, 7, 10, 1)};
  EXPECT_EQ(PickExpired(segments, 0, policy), Ids{2});
}

TEST(DayOf, RoundsTowardThePast) {
  EXPECT_EQ(DayOf(0), 0);
  EXPECT_EQ(DayOf(kDayMs - 1), 0);
  EXPECT_EQ(DayOf(kDayMs), 1);
  EXPECT_EQ(DayOf(-1), -1);
  EXPECT_EQ(DayOf(-kDayMs), -1);
  EXPECT_EQ(DayOf(-kDayMs - 1), -2);
}

SegmentInfo Footer(SegmentId id, std::uint64_t sealed_through, std::vector<SegmentId> replaces) {
  SegmentInfo info;
  info.id = id;
  info.sealed_through = sealed_through;
  info.replaces = std::move(replaces);
  return info;
}

TEST(Survivors, CountAMergeOrItsInputsNeverBoth) {
  const SegmentInfo a = Footer(1, 10, {});
  const SegmentInfo b = Footer(2, 20, {});
  const SegmentInfo merged = Footer(3, 20, {1, 2});
  const SegmentInfo again = Footer(4, 20, {3});
  EXPECT_EQ(SurvivorsOf(std::vector{a, b, merged}).live, (Ids{1, 2}));
  EXPECT_EQ(SurvivorsOf(std::vector{b, merged}).live, Ids{3});
  EXPECT_EQ(SurvivorsOf(std::vector{merged}).live, Ids{3});
  EXPECT_EQ(SurvivorsOf(std::vector{b, merged, again}).live, Ids{3});
  EXPECT_EQ(SurvivorsOf(std::vector{b, merged, again}).sealed_through, 20U);
}

// Of a seal of three days the last segment is missing: the journal has its events, all of them.
TEST(Survivors, LeaveOutASealThatWasCut) {
  const SegmentInfo before = Footer(1, 10, {});
  const SegmentInfo first = Footer(2, 20, {2});
  const SegmentInfo second = Footer(3, 20, {3});
  const SegmentInfo last = Footer(4, 20, {});
  const Survivors cut = SurvivorsOf(std::vector{before, first, second});
  EXPECT_EQ(cut.live, Ids{1});
  EXPECT_EQ(cut.sealed_through, 10U);
  const Survivors whole = SurvivorsOf(std::vector{before, first, second, last});
  EXPECT_EQ(whole.live, (Ids{1, 2, 3, 4}));
  EXPECT_EQ(whole.sealed_through, 20U);
}

}  // namespace
}  // namespace postglass::store
