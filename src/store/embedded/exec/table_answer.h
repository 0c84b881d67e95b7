#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "store/embedded/exec/group_part.h"
#include "store/embedded/exec/histogram_totals.h"
#include "store/embedded/exec/memory_budget.h"
#include "store/embedded/exec/number_totals.h"
#include "store/embedded/exec/selection.h"
#include "store/embedded/exec/value_totals.h"

namespace postglass::store {

// One table's part of all answers but the rows, from its columns. It is added to the others' only
// when all of it could be read.
struct TableAnswer {
  std::uint64_t count = 0;
  std::vector<HistogramPart> histograms;
  std::vector<ValueTotals> top_values;
  std::vector<NumberTotals> numbers;
  std::vector<ValueTotals> distinct;
  std::vector<GroupPart> groups;  // none when no row is selected

  // Errors: of the table; kCancelled; kLimit.
  static Result<TableAnswer> Of(const CompiledPlan& compiled,
                                TableSelector& selector,
                                const std::shared_ptr<const Table>& table,
                                const RowSet& rows,
                                MemoryBudget& budget);
};

}  // namespace postglass::store
