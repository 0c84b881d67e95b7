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
  std::shared_ptr<const std::vector<std::uint32_t>> counts;  // by code
  std::uint64_t used = 0;                                    // codes with a count

  std::uint32_t CountOf(Code code) const;

  // Calls `visit(code, count)` for the codes with at least this count, ascending; `visit` may raise
  // `count_min`. Fast where few have it. Requires: count_min > 0.
  template <class F>
  void ForEachAbove(std::uint32_t& count_min, F&& visit) const {
    constexpr Code kBlock = 64;
    const std::uint32_t* const all = counts->data();
    for (Code first = begin; first < end; first += std::min(kBlock, end - first)) {
      const Code last = first + std::min(kBlock, end - first);
      if (last - first == kBlock && MaxOfBlock(all + first) < count_min) continue;
      for (Code code = first; code < last; ++code) {
        if (all[code] >= count_min) visit(code, all[code]);
      }
    }
  }

  // The same for all codes with a count.
  template <class F>
  void ForEach(F&& visit) const {
    for (Code code = begin; code < end; ++code) {
      if ((*counts)[code] != 0) visit(code, (*counts)[code]);
    }
  }

  // The count of the value with this text. Errors: of the dictionary.
  Result<std::uint64_t> CountOfText(std::string_view text) const;

  // Whether the order of codes is the order of texts.
  bool in_text_order() const { return column.type == ValueType::kString; }

  // Of 64 counts; a loop without branches, for vector instructions.
  static std::uint32_t MaxOfBlock(const std::uint32_t* counts);
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
