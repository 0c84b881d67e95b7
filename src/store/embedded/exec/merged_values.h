#pragma once

#include <optional>
#include <string_view>

#include "store/embedded/exec/value_totals.h"
#include "store/function_ref.h"

namespace postglass::store {

// The column whose dictionary could not be read.
struct MergeFailure {
  const ColumnCounts* column = nullptr;
  Error error;
};

// Visits every value of a field with its total, in any order: a merge of the sorted dictionaries,
// which needs no memory by value; only what is in no order of texts is gathered first.
// Errors: kCancelled; kLimit. A dictionary's error is the result.
Result<std::optional<MergeFailure>> ForEachMergedValue(
    const ValueTotals& totals,
    const Plan& plan,
    MemoryBudget& budget,
    FunctionRef<void(std::string_view text, std::uint64_t total)> visit);

}  // namespace postglass::store
