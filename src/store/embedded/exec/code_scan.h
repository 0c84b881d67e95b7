#pragma once

#include <vector>

#include "store/embedded/exec/code_set.h"
#include "store/embedded/exec/row_bitmap.h"
#include "store/embedded/table/column.h"
#include "store/embedded/table/layout.h"

namespace postglass::store {

// Adds to `out` the rows in [begin, end) that hold a value with a code of the set.
void ScanCodes(const Codes& codes,
               const Layout& layout,
               const CodeSet& set,
               RowIndex begin,
               RowIndex end,
               RowBitmap& out);

// Whether one of the row's values has a code of the set; for few rows, where a scan is more work.
bool RowHoldsCode(const Codes& codes, const Layout& layout, const CodeSet& set, RowIndex row);

}  // namespace postglass::store
