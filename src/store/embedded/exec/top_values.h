#pragma once

#include <string>
#include <vector>

#include "store/embedded/exec/value_totals.h"

namespace postglass::store {

// What came out of totals, or the table whose dictionary could not be read: the answer is then to
// be asked for again without that table's counts.
template <class T>
struct TotalsAnswer {
  T answer{};
  const ColumnCounts* unreadable = nullptr;
  Error error;
};

// The `limit` values with the highest totals, highest first, equal ones in order of their bytes.
// Exact, and without looking at most values: of a value that is rare in every table the total
// cannot be among the highest.
// Errors: kCancelled; kLimit.
Result<TotalsAnswer<std::vector<ValueCount>>> TopValues(const ValueTotals& totals,
                                                        std::size_t limit,
                                                        const Plan& plan,
                                                        MemoryBudget& budget);

// The number of distinct values.
Result<TotalsAnswer<std::uint64_t>> CountDistinct(const ValueTotals& totals,
                                                  const Plan& plan,
                                                  MemoryBudget& budget);

}  // namespace postglass::store
