#include "store/embedded/exec/number_totals.h"

#include <algorithm>
#include <cmath>

#include "store/embedded/exec/code_count.h"

namespace postglass::store {

namespace {

using Numbers = std::vector<std::pair<double, std::uint64_t>>;

// Sorts what consists of some sorted runs, one a column.
void MergeRuns(Numbers& numbers) {
  std::vector<std::ptrdiff_t> ends;
  for (auto at = numbers.begin(); at != numbers.end();) {
    at = std::is_sorted_until(at, numbers.end());
    ends.push_back(at - numbers.begin());
  }
  while (ends.size() > 1) {
    std::vector<std::ptrdiff_t> merged;
    for (std::size_t i = 0; i < ends.size(); i += 2) {
      const auto begin = numbers.begin() + (i == 0 ? 0 : ends[i - 1]);
      if (i + 1 < ends.size()) {
        std::inplace_merge(begin, numbers.begin() + ends[i], numbers.begin() + ends[i + 1]);
      }
      merged.push_back(ends[std::min(i + 1, ends.size() - 1)]);
    }
    ends = std::move(merged);
  }
}

}  // namespace

Status NumberTotals::Count(const CompiledPlan::CountedField& field,
                           TableSelector& selector,
                           const RowSet& rows,
                           MemoryBudget& budget) {
  if (KeyFieldOf(field.field) == KeyField::kTimestamp) {
    ASSIGN_OR_RETURN(const RowKeys* keys, selector.Keys());
    const auto add = [&](RowIndex row) {
      const auto number = static_cast<double>(keys->timestamp_ms(row));
      if (numbers_.empty() || numbers_.back().first != number) numbers_.emplace_back(number, 0);
      ++numbers_.back().second;
    };
    if (rows.kind == RowSet::Kind::kSome) {
      rows.some.ForEach(selector.begin(), selector.end(), add);
    } else {
      for (RowIndex row = selector.begin(); row < selector.end(); ++row) add(row);
    }
    budget.Add(numbers_.size() * sizeof(numbers_[0]));
    return budget.Check();
  }
  for (const FieldColumn& column : ColumnsOf(field.field, field.prefix, selector.table())) {
    const bool is_number = column.type == ValueType::kInteger || column.type == ValueType::kDouble;
    if (!is_number || column.text_only) continue;
    RETURN_IF_ERROR(CheckStop(selector.plan()));
    RETURN_IF_ERROR(CountColumn(column, selector, rows, budget));
  }
  return {};
}

Status NumberTotals::CountColumn(const FieldColumn& column,
                                 TableSelector& selector,
                                 const RowSet& rows,
                                 MemoryBudget& budget) {
  const Table& table = selector.table();
  ASSIGN_OR_RETURN(const auto dictionary, table.DictionaryOf(column.column));
  ASSIGN_OR_RETURN(const auto layout, table.LayoutOf(column.column));
  std::shared_ptr<const std::vector<std::uint32_t>> counts;
  if (selector.IsWhole(rows) && layout->is_single()) {  // a row has one value, so rows are values
    ASSIGN_OR_RETURN(counts, table.CountsOf(column.column));
  } else {
    ASSIGN_OR_RETURN(const auto codes, table.CodesOf(column.column));
    auto counted = std::make_shared<std::vector<std::uint32_t>>(dictionary->size());
    const ValueIndex first = layout->LowerBound(selector.begin());
    const ValueIndex last = layout->LowerBound(selector.end());
    codes->Visit([&](const auto& code_of) {
      if (rows.kind == RowSet::Kind::kAll) {
        CountCodes(code_of, first, last, counted->data());
        return;
      }
      for (ValueIndex i = first; i < last; ++i) {
        if (rows.some.Test(layout->RowOf(i))) {
          ++(*counted)[code_of[i]];
        }
      }
    });
    counts = std::move(counted);
  }
  const auto add_all = [&](const auto& numbers) {
    for (std::size_t code = 0; code < numbers.size(); ++code) {
      if ((*counts)[code] != 0) Add(static_cast<double>(numbers[code]), (*counts)[code]);
    }
  };
  const std::size_t before = numbers_.size();
  if (column.type == ValueType::kInteger) {
    ASSIGN_OR_RETURN(const auto integers, dictionary->Integers());
    add_all(integers);
  } else {
    ASSIGN_OR_RETURN(const auto doubles, dictionary->Doubles());
    add_all(doubles);
  }
  budget.Add((numbers_.size() - before) * sizeof(numbers_[0]));
  return budget.Check();
}

void NumberTotals::Merge(NumberTotals&& other) {
  if (numbers_.empty()) {
    numbers_ = std::move(other.numbers_);
  } else {
    numbers_.insert(numbers_.end(), other.numbers_.begin(), other.numbers_.end());
  }
}

std::vector<double> NumberTotals::Quantiles(const std::vector<double>& quantiles) {
  MergeRuns(numbers_);
  std::vector<std::uint64_t> behind;  // the number of values up to and with each
  behind.reserve(numbers_.size());
  std::uint64_t total = 0;
  for (const auto& [number, count] : numbers_) behind.push_back(total += count);
  const auto at_rank = [&](std::uint64_t rank) {
    const auto at = std::upper_bound(behind.begin(), behind.end(), rank);
    return numbers_[static_cast<std::size_t>(at - behind.begin())].first;
  };
  std::vector<double> answers;
  for (const double quantile : quantiles) {
    if (total == 0) {
      answers.push_back(std::nan(""));
      continue;
    }
    // As QuantileOfSorted() has it, to the bit.
    const double rank = quantile * static_cast<double>(total - 1);
    const auto below = static_cast<std::uint64_t>(rank);
    if (below + 1 >= total) {
      answers.push_back(numbers_.back().first);
      continue;
    }
    const double share = rank - static_cast<double>(below);
    const double low = at_rank(below);
    answers.push_back(low + (at_rank(below + 1) - low) * share);
  }
  return answers;
}

}  // namespace postglass::store
