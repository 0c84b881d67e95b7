#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/embedded/table/table.h"
#include "store/types.h"

namespace postglass::store {

// Gives rows of a table back as the events they were, byte for byte. Reads of each column only what
// these rows need, columns one after another.
// Requires: rows of the table, in any order; the events come in the same order.
// Errors: of the table.
Result<std::vector<Event>> ReadRows(const Table& table, std::span<const RowIndex> rows);

}  // namespace postglass::store
