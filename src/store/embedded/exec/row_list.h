#pragma once

#include <cstdint>
#include <vector>

#include "base/mutex.h"
#include "store/embedded/exec/memory_budget.h"
#include "store/embedded/exec/selection.h"
#include "store/plan.h"

namespace postglass::store {

// A row of an answer before it is read: its place in the order, and where it is.
struct RowRef {
  RowCursor place;
  std::size_t unit = 0;   // the query's number of the table or of the raw events
  std::uint32_t row = 0;  // in it
};

// The first rows of an order, gathered by all threads of a query. Keeps one more than asked for, to
// know whether rows remain. Thread-safe.
class RowList {
 public:
  // `budget` must outlive it.
  RowList(const RowsRequest& request, MemoryBudget& budget);

  // Whether a row at this place would be taken now; a later answer may be no, never yes again.
  bool Wants(const RowCursor& place) const;
  // Whether any row of this time range could be taken.
  bool WantsRange(std::int64_t timestamp_min_ms, std::int64_t timestamp_max_ms) const;
  // Rows in any order.
  void Offer(std::vector<RowRef> rows);
  // The first of the selected rows of a table, as many as can be of use. Errors: of the table.
  Status OfferTable(TableSelector& selector, const RowSet& rows, std::size_t unit);

  // In order, without the one too many; `more` says whether there was one.
  std::vector<RowRef> Take(bool& more);

 private:
  const RowsRequest request_;
  MemoryBudget& budget_;
  mutable Mutex mutex_;
  std::vector<RowRef> rows_ GUARDED_BY(mutex_);  // in order
};

}  // namespace postglass::store
