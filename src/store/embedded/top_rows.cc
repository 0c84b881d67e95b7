#include "store/embedded/top_rows.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "store/embedded/batch_codec.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

RowCursor PlaceOf(const Event& event) { return {event.timestamp_ms, event.id}; }

// "All rows" as the largest number must still have one above it.
RowsRequest Bounded(RowsRequest request) {
  request.limit = std::min(request.limit, std::numeric_limits<std::size_t>::max() - 1);
  return request;
}

}  // namespace

TopRows::TopRows(const RowsRequest& request, MemoryBudget& budget)
    : request_(Bounded(request)), budget_(budget) {}

bool TopRows::Before(const Event& a, const Event& b) const {
  return Precedes(request_.order, PlaceOf(a), PlaceOf(b));
}

bool TopRows::Wants(const RowCursor& place) const {
  if (request_.after && !Precedes(request_.order, *request_.after, place)) return false;
  MutexLock lock(mutex_);
  return rows_.size() <= request_.limit || Precedes(request_.order, place, PlaceOf(rows_.back()));
}

bool TopRows::WantsRange(std::int64_t timestamp_min_ms, std::int64_t timestamp_max_ms) const {
  const bool newest_first = request_.order == Order::kNewestFirst;
  if (request_.after) {
    const std::int64_t after_ms = request_.after->timestamp_ms;
    if (newest_first ? timestamp_min_ms > after_ms : timestamp_max_ms < after_ms) return false;
  }
  MutexLock lock(mutex_);
  if (rows_.size() <= request_.limit) return true;
  const std::int64_t last_ms = rows_.back().timestamp_ms;
  return newest_first ? timestamp_max_ms >= last_ms : timestamp_min_ms <= last_ms;
}

void TopRows::Offer(std::vector<Event> rows) {
  const auto before = [this](const Event& a, const Event& b) { return Before(a, b); };
  std::sort(rows.begin(), rows.end(), before);
  for (const Event& row : rows) budget_.Add(ApproximateBytes(row));
  if (rows.empty()) return;
  MutexLock lock(mutex_);
  // Units come nearly in order, so the rows go to the end or near it.
  const auto place = std::upper_bound(rows_.begin(), rows_.end(), rows.front(), before);
  const auto moved_from = place - rows_.begin();
  const auto middle = static_cast<std::ptrdiff_t>(rows_.size());
  rows_.insert(
      rows_.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  std::inplace_merge(rows_.begin() + moved_from, rows_.begin() + middle, rows_.end(), before);
  while (rows_.size() > request_.limit + 1) {
    budget_.Remove(ApproximateBytes(rows_.back()));
    rows_.pop_back();
  }
}

std::vector<Event> TopRows::Take(bool& more) {
  MutexLock lock(mutex_);
  more = rows_.size() > request_.limit;
  if (more) rows_.pop_back();
  return std::move(rows_);
}

}  // namespace postglass::store
