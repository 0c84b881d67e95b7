#pragma once

#include "base/result.h"
#include "store/embedded/exec/condition.h"
#include "store/embedded/exec/field_columns.h"
#include "store/embedded/table/code_set.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// Runs a leaf's test once over the distinct values of one of its columns; the codes of those it is
// true of. By look-up where the order of the dictionary, its filter or its words allow it.
// Requires: the leaf is no kExists.
// Errors: of the table.
Result<CodeSet> CodesOfLeaf(const Leaf& leaf, const FieldColumn& column, const Table& table);

}  // namespace postglass::store
