#pragma once

#include <vector>

#include "store/embedded/exec/row_bitmap.h"
#include "store/embedded/table/code_set.h"
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

}  // namespace postglass::store
