#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/result.h"
#include "store/event_reader.h"
#include "store/event_view.h"
#include "store/plan.h"

// What every store does the same way with a plan: docs/semantics.md. Pure.

namespace postglass::store {

// kInvalidArgument for what no store can answer: an interval below 1 ms, a quantile outside 0..1,
// values of the full-text field.
Status CheckPlan(const Plan& plan);

// Whether the event's times lie in the plan's ranges.
inline bool InTimeRange(const Plan& plan, std::int64_t timestamp_ms, std::int64_t ingested_at_ms) {
  return timestamp_ms >= plan.from_ms && timestamp_ms < plan.to_ms &&
         ingested_at_ms >= plan.ingested_from_ms;
}

// True when `a` comes before `b`.
inline bool Precedes(Order order, const RowCursor& a, const RowCursor& b) {
  if (a.timestamp_ms != b.timestamp_ms) {
    return (order == Order::kOldestFirst) == (a.timestamp_ms < b.timestamp_ms);
  }
  return order == Order::kOldestFirst ? a.id < b.id : b.id < a.id;
}

// Below 0 when `a` comes before `b`, 0 when their places decide.
int CompareKeys(Order order, const SortKey& a, const SortKey& b);

// The key of the event that the reader stands on.
SortKey SortKeyOf(EventReader& reader, const Field& field, Order order);

// Start of the bucket that holds the instant; before 1970 too.
std::int64_t BucketStart(std::int64_t timestamp_ms, std::int64_t interval_ms);

// The bucket of a histogram that holds the instant; nothing outside of all borders.
struct BucketSpan {
  std::int64_t start_ms = 0;
  std::optional<std::int64_t> end_ms;  // nothing: to the end of time
};

std::optional<BucketSpan> HistogramBucketOf(const HistogramRequest& request,
                                            std::int64_t timestamp_ms);

// By count, largest first, then by value; at most `limit`.
void SortTopValues(std::vector<ValueCount>& values,
                   std::size_t limit = std::numeric_limits<std::size_t>::max());

// Quantile by linear interpolation between the two nearest ranks; NaN when there is no value.
// Requires: `sorted` ascending.
double QuantileOfSorted(const std::vector<double>& sorted, double quantile);

}  // namespace postglass::store
