#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "store/embedded/exec/memory_budget.h"
#include "store/embedded/exec/selection.h"

namespace postglass::store {

// All numbers of a field in the selected events, each as often as it occurs; for percentiles.
class NumberTotals {
 public:
  // Counts the field in one table. Errors: of the table; kCancelled; kLimit.
  Status Count(const CompiledPlan::CountedField& field,
               TableSelector& selector,
               const RowSet& rows,
               MemoryBudget& budget);

  void Add(double number, std::uint64_t count) { numbers_.emplace_back(number, count); }

  void Merge(NumberTotals&& other);

  // QuantileOfSorted() of each of `quantiles`.
  std::vector<double> Quantiles(const std::vector<double>& quantiles);

 private:
  Status CountColumn(const FieldColumn& column,
                     TableSelector& selector,
                     const RowSet& rows,
                     MemoryBudget& budget);

  std::vector<std::pair<double, std::uint64_t>> numbers_;
};

}  // namespace postglass::store
