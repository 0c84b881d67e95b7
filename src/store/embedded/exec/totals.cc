#include "store/embedded/exec/totals.h"

#include <iterator>
#include <utility>

#include "store/embedded/exec/top_values.h"

namespace postglass::store {

namespace {

void MergeTotals(ValueTotals& into, ValueTotals&& from) {
  std::move(from.columns.begin(), from.columns.end(), std::back_inserter(into.columns));
  if (into.by_text.empty()) {
    into.by_text = std::move(from.by_text);
  } else {
    for (const auto& [text, count] : from.by_text) into.by_text[text] += count;
  }
}

}  // namespace

Totals::Totals(const CompiledPlan& compiled, MemoryBudget& budget)
    : plan_(*compiled.plan),
      budget_(budget),
      histograms_(plan_.histograms.size()),
      top_values_(plan_.top_values.size()),
      numbers_(plan_.percentiles.size()),
      distinct_(plan_.cardinalities.size()) {
  for (const CompiledGroups& groups : compiled.groups) groups_.emplace_back(groups, budget);
}

void Totals::Add(TableAnswer&& answer) {
  count_ += answer.count;
  for (std::size_t i = 0; i < histograms_.size(); ++i) histograms_[i].Add(answer.histograms[i]);
  for (std::size_t i = 0; i < top_values_.size(); ++i) {
    MergeTotals(top_values_[i], std::move(answer.top_values[i]));
  }
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    numbers_[i].Merge(std::move(answer.numbers[i]));
  }
  for (std::size_t i = 0; i < distinct_.size(); ++i) {
    MergeTotals(distinct_[i], std::move(answer.distinct[i]));
  }
  if (answer.groups.empty()) return;  // of no row
  for (std::size_t i = 0; i < groups_.size(); ++i) groups_[i].Add(answer.groups[i]);
}

void Totals::Add(const EventTotals& events) {
  count_ += events.count();
  for (std::size_t i = 0; i < histograms_.size(); ++i) events.AddHistogramTo(i, histograms_[i]);
  for (std::size_t i = 0; i < top_values_.size(); ++i) events.AddTopValuesTo(i, top_values_[i]);
  for (std::size_t i = 0; i < numbers_.size(); ++i) events.AddNumbersTo(i, numbers_[i]);
  for (std::size_t i = 0; i < distinct_.size(); ++i) events.AddDistinctTo(i, distinct_[i]);
  for (std::size_t i = 0; i < groups_.size(); ++i) events.AddGroupsTo(i, groups_[i]);
}

template <class T, class Ask>
Result<T> Totals::AskReadable(ValueTotals& totals, DamageList& damage, Ask ask) {
  while (true) {
    ASSIGN_OR_RETURN(TotalsAnswer<T> result, ask(totals));
    if (result.unreadable == nullptr) return std::move(result.answer);
    damage.Add(result.unreadable->table_name, result.error);
    std::erase_if(totals.columns, [table = result.unreadable->table](const ColumnCounts& column) {
      return column.table == table;
    });
  }
}

Status Totals::Send(Sink& sink, DamageList& damage) {
  RETURN_IF_ERROR(budget_.Check());
  if (plan_.count) sink.Count(count_);
  for (std::size_t i = 0; i < histograms_.size(); ++i) {
    sink.Histogram(i, histograms_[i].Take());
  }
  for (std::size_t i = 0; i < top_values_.size(); ++i) {
    using Values = std::vector<ValueCount>;
    ASSIGN_OR_RETURN(const Values values,
                     AskReadable<Values>(top_values_[i], damage, [&](const ValueTotals& totals) {
                       return TopValues(totals, plan_.top_values[i].limit, plan_, budget_);
                     }));
    sink.TopValues(i, values);
  }
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    sink.Percentiles(i, numbers_[i].Quantiles(plan_.percentiles[i].quantiles));
  }
  for (std::size_t i = 0; i < distinct_.size(); ++i) {
    ASSIGN_OR_RETURN(
        const std::uint64_t distinct,
        AskReadable<std::uint64_t>(distinct_[i], damage, [&](const ValueTotals& totals) {
          return CountDistinct(totals, plan_, budget_);
        }));
    sink.Cardinality(i, distinct);
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    RETURN_IF_ERROR(CheckStop(plan_));
    sink.Groups(i, groups_[i].Take());
  }
  return {};
}

}  // namespace postglass::store
