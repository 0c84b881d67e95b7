#include "store/embedded/exec/row_list.h"

#include <algorithm>
#include <limits>

#include "store/plan_rules.h"

namespace postglass::store {

namespace {

constexpr std::size_t kRowsAnOffer = 16 << 10;

// "All rows" as the largest number must still have one above it.
RowsRequest Bounded(RowsRequest request) {
  request.limit = std::min(request.limit, std::numeric_limits<std::size_t>::max() - 1);
  return request;
}

// The rows of a table behind the cursor: rows are in order, so they are all on one side.
std::pair<RowIndex, RowIndex> BehindCursor(const RowKeys& keys,
                                           const RowsRequest& request,
                                           RowIndex begin,
                                           RowIndex end) {
  if (!request.after) return {begin, end};
  const auto place = [&](RowIndex row) { return RowCursor{keys.timestamp_ms(row), keys.id(row)}; };
  RowIndex row = std::clamp(keys.LowerBound(request.after->timestamp_ms), begin, end);
  if (request.order == Order::kNewestFirst) {
    while (row < end && Precedes(Order::kOldestFirst, place(row), *request.after)) ++row;
    return {begin, row};
  }
  while (row < end && !Precedes(Order::kOldestFirst, *request.after, place(row))) ++row;
  return {row, end};
}

}  // namespace

RowList::RowList(const RowsRequest& request, MemoryBudget& budget)
    : request_(Bounded(request)), budget_(budget) {}

bool RowList::Wants(const RowCursor& place) const {
  if (request_.after && !Precedes(request_.order, *request_.after, place)) return false;
  MutexLock lock(mutex_);
  return rows_.size() <= request_.limit || Precedes(request_.order, place, rows_.back().place);
}

bool RowList::WantsRange(std::int64_t timestamp_min_ms, std::int64_t timestamp_max_ms) const {
  const bool newest_first = request_.order == Order::kNewestFirst;
  if (request_.after) {
    const std::int64_t after_ms = request_.after->timestamp_ms;
    if (newest_first ? timestamp_min_ms > after_ms : timestamp_max_ms < after_ms) return false;
  }
  MutexLock lock(mutex_);
  if (rows_.size() <= request_.limit) return true;
  const std::int64_t last_ms = rows_.back().place.timestamp_ms;
  return newest_first ? timestamp_max_ms >= last_ms : timestamp_min_ms <= last_ms;
}

void RowList::Offer(std::vector<RowRef> rows) {
  if (rows.empty()) return;
  const auto before = [order = request_.order](const RowRef& a, const RowRef& b) {
    return Precedes(order, a.place, b.place);
  };
  std::sort(rows.begin(), rows.end(), before);
  MutexLock lock(mutex_);
  const std::size_t rows_before = rows_.size();
  // Tables come nearly in order, so the rows go to the end or near it.
  const auto place = std::upper_bound(rows_.begin(), rows_.end(), rows.front(), before);
  const auto moved_from = place - rows_.begin();
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  std::inplace_merge(rows_.begin() + moved_from,
                     rows_.begin() + static_cast<std::ptrdiff_t>(rows_before),
                     rows_.end(),
                     before);
  if (rows_.size() > request_.limit + 1) rows_.resize(request_.limit + 1);
  if (rows_.size() > rows_before) budget_.Add((rows_.size() - rows_before) * sizeof(RowRef));
}

Status RowList::OfferTable(TableSelector& selector, const RowSet& rows, std::size_t unit) {
  if (rows.kind == RowSet::Kind::kNone) return {};
  ASSIGN_OR_RETURN(const RowKeys* keys, selector.Keys());
  const auto [begin, end] = BehindCursor(*keys, request_, selector.begin(), selector.end());
  const std::size_t rows_max = request_.limit + 1;
  std::size_t offered = 0;
  std::vector<RowRef> refs;
  Status status;
  const auto take = [&](RowIndex row) {
    refs.push_back({{keys->timestamp_ms(row), keys->id(row)}, unit, row});
    if (++offered == rows_max) return false;
    if (refs.size() < kRowsAnOffer) return true;
    const RowCursor last = refs.back().place;
    Offer(std::exchange(refs, {}));
    status = CheckStop(selector.plan());
    if (status) status = budget_.Check();
    return status && Wants(last);
  };
  const bool backwards = request_.order == Order::kNewestFirst;
  const bool all = rows.kind == RowSet::Kind::kAll;
  if (backwards && all) {
    for (RowIndex row = end; row > begin && take(row - 1);) --row;
  } else if (backwards) {
    rows.some.ForEachBackwards(begin, end, take);
  } else if (all) {
    for (RowIndex row = begin; row < end && take(row);) ++row;
  } else {
    rows.some.ForEachForwards(begin, end, take);
  }
  Offer(std::move(refs));
  return status;
}

std::vector<RowRef> RowList::Take(bool& more) {
  MutexLock lock(mutex_);
  more = rows_.size() > request_.limit;
  if (more) rows_.pop_back();
  return std::move(rows_);
}

}  // namespace postglass::store
