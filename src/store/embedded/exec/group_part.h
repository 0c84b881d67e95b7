#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "store/embedded/exec/compiled_groups.h"
#include "store/embedded/exec/measure_states.h"
#include "store/embedded/exec/memory_budget.h"
#include "store/embedded/exec/selection.h"

namespace postglass::store {

// Groups of one request with what is gathered for their measures; of one table, or of all.
struct GroupPart {
  struct Cell {
    std::uint32_t group = 0;
    std::uint32_t bucket = 0;
  };

  struct Set {
    std::uint32_t groups = 0;
    // Places in texts: those of group i are at i times the number of the set's keys.
    std::vector<std::uint32_t> keys;
    std::vector<std::vector<Cell>> series;  // by series: the cells that hold an event
    // By accumulator; its cells are the groups, or those of its series.
    std::vector<MeasureStates> states;
  };

  std::vector<std::deque<std::string>> texts;  // by key
  std::vector<Set> sets;                       // by place in CompiledGroups::sets
  std::size_t bytes = 0;                       // that it holds of the budget

  // One table's part, from its columns. Errors: of the table; kCancelled; kLimit.
  static Result<GroupPart> Of(const CompiledGroups& compiled,
                              TableSelector& selector,
                              const RowSet& rows,
                              MemoryBudget& budget);
};

}  // namespace postglass::store
