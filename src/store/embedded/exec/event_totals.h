#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "store/embedded/exec/group_totals.h"
#include "store/embedded/exec/histogram_totals.h"
#include "store/embedded/exec/memory_budget.h"
#include "store/embedded/exec/number_totals.h"
#include "store/embedded/exec/value_totals.h"
#include "store/event_reader.h"
#include "store/plan.h"

namespace postglass::store {

using ValueSet = std::unordered_set<std::string, TextHash, std::equal_to<>>;

// All answers of a plan but its rows, over events that are in no column: raw ones and those of
// opaque rows. Each thread of a query has its own; they are merged at the end. Not thread-safe.
class EventTotals {
 public:
  // Both must outlive it.
  EventTotals(const CompiledPlan& compiled, MemoryBudget& budget);

  // Counts the event that the reader stands on. Errors: kLimit.
  Status Add(EventReader& reader);

  void Merge(EventTotals&& other);

  std::uint64_t count() const { return count_; }

  // These add the answer to a request, by its place in the plan.
  void AddHistogramTo(std::size_t i, HistogramTotals& totals) const;
  void AddTopValuesTo(std::size_t i, ValueTotals& totals) const;
  void AddNumbersTo(std::size_t i, NumberTotals& totals) const;
  void AddDistinctTo(std::size_t i, ValueTotals& totals) const;
  void AddGroupsTo(std::size_t i, GroupTotals& totals) const;

 private:
  struct Bucket {
    std::uint64_t count = 0;
    ValueCounts split;
  };

  void CountValues(EventReader& reader, const Field& field, ValueCounts& counts);
  // Each distinct value of the field once.
  template <class F>
  void ForEachDistinct(EventReader& reader, const Field& field, F&& use);

  const Plan& plan_;
  MemoryBudget& budget_;
  std::uint64_t count_ = 0;
  std::vector<std::map<std::int64_t, Bucket>> histograms_;
  std::vector<ValueCounts> top_values_;
  std::vector<std::vector<double>> numbers_;  // of percentiles
  std::vector<ValueSet> distinct_;            // of cardinalities
  std::vector<GroupTotals> groups_;
  std::vector<std::string> values_;  // scratch of ForEachDistinct
};

}  // namespace postglass::store
