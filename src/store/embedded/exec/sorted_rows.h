#pragma once

#include <cstdint>
#include <vector>

#include "base/mutex.h"
#include "store/embedded/exec/memory_budget.h"
#include "store/embedded/exec/row_list.h"
#include "store/embedded/exec/selection.h"
#include "store/event_reader.h"
#include "store/plan.h"

namespace postglass::store {

// The first rows in the order of a field's values, gathered by all threads of a query: what
// RowList is for the order of time. Keeps one more than asked for, and of a table four bytes a
// selected row while it is looked at. Thread-safe.
class SortedRows {
 public:
  // Requires: request.by. Both must outlive it.
  SortedRows(const RowsRequest& request, MemoryBudget& budget);

  // The first of the selected rows of a table. `field` is request.by. Errors: of the table;
  // kCancelled; kLimit.
  Status OfferTable(TableSelector& selector,
                    const CountedField& field,
                    const RowSet& rows,
                    std::size_t unit);
  // The event that the reader stands on.
  void OfferEvent(EventReader& reader, std::size_t unit, std::uint32_t row);

  // In order, without the one too many; `more` says whether there was one.
  std::vector<RowRef> Take(bool& more);

 private:
  struct Row {
    SortKey key;
    RowRef ref;
  };

  bool Before(const Row& a, const Row& b) const;
  // Strictly behind the cursor.
  bool IsBehind(const SortKey& key, const RowCursor& place) const;
  void Offer(std::vector<Row> rows);

  const RowsRequest& request_;
  MemoryBudget& budget_;
  Mutex mutex_;
  std::vector<Row> rows_ GUARDED_BY(mutex_);  // in order
};

}  // namespace postglass::store
