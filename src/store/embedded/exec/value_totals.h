#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/embedded/exec/field_values.h"
#include "store/embedded/exec/memory_budget.h"

namespace postglass::store {

// How many selected events of one table hold each value of one column.
struct ColumnCounts {
  std::string table_name;  // for damage
  FieldColumn column;
  std::shared_ptr<const Table> table;  // keeps the dictionary's file open
  std::shared_ptr<const Dictionary> dictionary;
  Code begin = 0;
  Code end = 0;
  // One of the two: by code, or the codes that occur, ascending.
  std::shared_ptr<const std::vector<std::uint32_t>> dense;
  std::vector<std::pair<Code, std::uint32_t>> sparse;
  std::uint64_t used = 0;  // codes with a count

  std::uint32_t CountOf(Code code) const;

  // Calls `visit(code, count)` for the codes with a count, ascending.
  template <class F>
  void ForEach(F&& visit) const {
    if (dense == nullptr) {
      for (const auto& [code, count] : sparse) visit(code, count);
      return;
    }
    for (Code code = begin; code < end; ++code) {
      if ((*dense)[code] != 0) visit(code, (*dense)[code]);
    }
  }

  // The count of the value with this text. Errors: of the dictionary.
  Result<std::uint64_t> CountOfText(std::string_view text) const;

  // Whether the order of codes is the order of texts.
  bool in_text_order() const { return column.type == ValueType::kString; }
};

// How many selected events hold each value of a field, over all tables: by columns as they are
// stored, and by text what came from single events. The totals of a value are its sum over all.
struct ValueTotals {
  std::vector<ColumnCounts> columns;
  ValueCounts by_text;
};

// Counts a field in one table. Errors: of the table; kCancelled; kLimit.
Status CountField(const CompiledPlan::CountedField& field,
                  TableSelector& selector,
                  const std::shared_ptr<const Table>& table,
                  const RowSet& rows,
                  MemoryBudget& budget,
                  ValueTotals& totals);

// Adds to counts by text, within the budget.
void AddCount(ValueCounts& counts, std::string_view text, std::uint64_t n, MemoryBudget& budget);

}  // namespace postglass::store
