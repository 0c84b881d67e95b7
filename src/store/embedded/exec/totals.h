#pragma once

#include <vector>

#include "base/result.h"
#include "store/embedded/exec/damage_list.h"
#include "store/embedded/exec/event_totals.h"
#include "store/embedded/exec/table_answer.h"

namespace postglass::store {

// All answers of a plan but the rows, over all tables and single events. Not thread-safe.
class Totals {
 public:
  // Both must outlive it.
  Totals(const CompiledPlan& compiled, MemoryBudget& budget);

  void AddCount(std::uint64_t events) { count_ += events; }

  void Add(TableAnswer&& answer);
  void Add(const EventTotals& events);

  std::uint64_t count() const { return count_; }

  // Tables whose dictionaries turn out to be unreadable are left out of the answer and named.
  // Errors: kCancelled; kLimit.
  Status Send(Sink& sink, DamageList& damage);

 private:
  template <class T, class Ask>
  Result<T> AskReadable(ValueTotals& totals, DamageList& damage, Ask ask);

  const Plan& plan_;
  MemoryBudget& budget_;
  std::uint64_t count_ = 0;
  std::vector<HistogramTotals> histograms_;
  std::vector<ValueTotals> top_values_;
  std::vector<NumberTotals> numbers_;
  std::vector<ValueTotals> distinct_;
  std::vector<GroupTotals> groups_;
};

}  // namespace postglass::store
