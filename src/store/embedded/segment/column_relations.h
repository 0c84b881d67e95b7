#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// How the codes of one column lean on another's.
struct CodesRelation {
  std::optional<ColumnIndex> same_as;        // equal layout, equal codes
  std::optional<ColumnIndex> determined_by;  // of the columns that determine it, one with fewest
                                             // values; it stores less than the codes would
};

// Compares all columns of a table, exactly. Errors: of the table.
Result<std::vector<CodesRelation>> FindRelations(const Table& table);

}  // namespace postglass::store
