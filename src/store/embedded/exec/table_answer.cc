#include "store/embedded/exec/table_answer.h"

#include <utility>

namespace postglass::store {

Result<TableAnswer> TableAnswer::Of(const CompiledPlan& compiled,
                                    TableSelector& selector,
                                    const std::shared_ptr<const Table>& table,
                                    const RowSet& rows,
                                    MemoryBudget& budget) {
  TableAnswer answer;
  if (rows.kind != RowSet::Kind::kNone) {
    answer.count =
        rows.kind == RowSet::Kind::kAll ? selector.end() - selector.begin() : rows.some.Count();
  }
  const Plan& plan = *compiled.plan;
  answer.histograms.resize(plan.histograms.size());
  answer.top_values.resize(plan.top_values.size());
  answer.numbers.resize(plan.percentiles.size());
  answer.distinct.resize(plan.cardinalities.size());
  if (answer.count == 0) return answer;
  for (std::size_t i = 0; i < plan.histograms.size(); ++i) {
    ASSIGN_OR_RETURN(
        answer.histograms[i],
        HistogramPart::Of(plan.histograms[i], compiled.splits[i], selector, rows, budget));
  }
  for (std::size_t i = 0; i < plan.top_values.size(); ++i) {
    RETURN_IF_ERROR(CheckStop(plan));
    RETURN_IF_ERROR(
        CountField(compiled.top_values[i], selector, table, rows, budget, answer.top_values[i]));
  }
  for (std::size_t i = 0; i < plan.percentiles.size(); ++i) {
    RETURN_IF_ERROR(CheckStop(plan));
    RETURN_IF_ERROR(answer.numbers[i].Count(compiled.percentiles[i], selector, rows, budget));
  }
  for (std::size_t i = 0; i < plan.cardinalities.size(); ++i) {
    RETURN_IF_ERROR(CheckStop(plan));
    RETURN_IF_ERROR(
        CountField(compiled.cardinalities[i], selector, table, rows, budget, answer.distinct[i]));
  }
  for (const CompiledGroups& groups : compiled.groups) {
    RETURN_IF_ERROR(CheckStop(plan));
    ASSIGN_OR_RETURN(GroupPart part, GroupPart::Of(groups, selector, rows, budget));
    answer.groups.push_back(std::move(part));
  }
  return answer;
}

}  // namespace postglass::store
