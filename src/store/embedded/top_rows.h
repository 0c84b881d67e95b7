#pragma once

#include <cstdint>
#include <vector>

#include "base/mutex.h"
#include "store/embedded/memory_budget.h"
#include "store/plan.h"

namespace postglass::store {

// The first rows of an order, gathered by all threads of a query. Keeps one more than asked for, to
// know whether rows remain. Thread-safe.
class TopRows {
 public:
  // `budget` must outlive it.
  TopRows(const RowsRequest& request, MemoryBudget& budget);

  // Whether a row at this place would be taken now; a later answer may be no, never yes again.
  bool Wants(const RowCursor& place) const;
  // Whether any row of this time range could be taken.
  bool WantsRange(std::int64_t timestamp_min_ms, std::int64_t timestamp_max_ms) const;
  // Requires: within a call, rows in any order.
  void Offer(std::vector<Event> rows);
  // In order, without the one too many; `more` says whether there was one.
  std::vector<Event> Take(bool& more);

 private:
  bool Before(const Event& a, const Event& b) const;

  const RowsRequest request_;
  MemoryBudget& budget_;
  mutable Mutex mutex_;
  std::vector<Event> rows_ GUARDED_BY(mutex_);  // in order
};

}  // namespace postglass::store
