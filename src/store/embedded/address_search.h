#pragma once

#include <vector>

#include "base/result.h"
#include "store/address_pattern.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// The rows of a table that hold the address in a value, a key, a tag or the text of attributes,
// ascending. Looks at every distinct value once. Errors: of the table.
Result<std::vector<RowIndex>> FindAddress(const Table& table, const AddressPattern& pattern);

}  // namespace postglass::store
