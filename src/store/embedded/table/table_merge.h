#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "store/embedded/table/memory_table.h"

namespace postglass::store {

struct MergeInput {
  std::shared_ptr<const Table> table;
  // Rows to keep, ascending; null: all. For splitting by day and for dropping deleted rows.
  std::shared_ptr<const std::vector<RowIndex>> rows;
};

// One table of all rows of the inputs, without parsing an event again: dictionaries are merged in
// their order, codes are mapped, rows are merged by (timestamp, id). Values that no kept row has
// are gone from the result, in dictionaries and shapes. Memory: the result and one column's maps.
// Requires: at least one row kept, at most kTableRowsMax in all.
// Errors: of the inputs; kLimit when the result would have more shapes or columns than a table may
// (limits.h), or a column 4 GiB of distinct text; kCancelled (`stop`).
Result<std::shared_ptr<const MemoryTable>> MergeTables(std::span<const MergeInput> inputs,
                                                       std::stop_token stop = {});

}  // namespace postglass::store
