#include "store/embedded/top_rows.h"

#include <algorithm>
#include <iterator>

#include "store/embedded/batch_codec.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

RowCursor PlaceOf(const Event& event) { return {event.timestamp_ms, event.id}; }

}  // namespace

TopRows::TopRows(const RowsRequest& request, MemoryBudget& budget)
    : request_(request), budget_(budget) {}

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
  std::vector<Event> merged;
  MutexLock lock(mutex_);
  merged.reserve(rows_.size() + rows.size());
  std::merge(std::make_move_iterator(rows_.begin()),
             std::make_move_iterator(rows_.end()),
             std::make_move_iterator(rows.begin()),
             std::make_move_iterator(rows.end()),
             std::back_inserter(merged),
             before);
  while (merged.size() > request_.limit + 1) {
    budget_.Remove(ApproximateBytes(merged.back()));
    merged.pop_back();
  }
  rows_ = std::move(merged);
}

std::vector<Event> TopRows::Take(bool& more) {
  MutexLock lock(mutex_);
  more = rows_.size() > request_.limit;
  if (more) rows_.pop_back();
  return std::move(rows_);
}

}  // namespace postglass::store
