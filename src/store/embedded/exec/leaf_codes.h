#pragma once

#include "base/result.h"
#include "store/embedded/exec/condition.h"
#include "store/embedded/exec/field_columns.h"
#include "store/embedded/table/code_set.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// What a table knows of the words of a leaf's phrase; nothing of other leaves. Read once for all
// columns of the leaf.
class LeafWords {
 public:
  // Errors: of the table.
  static Result<LeafWords> Of(const Leaf& leaf, const Table& table);

  // Whether a word of the phrase is in no value of the column.
  bool RulesOut(ColumnIndex column) const;

  // By word of the phrase.
  const std::vector<Table::WordHits>& hits() const { return hits_; }

 private:
  std::vector<Table::WordHits> hits_;
};

// Runs a leaf's test once over the distinct values of one of its columns; the codes of those it is
// true of. By look-up where the order of the dictionary, its filter or its words allow it.
// Requires: the leaf is no kExists.
// Errors: of the table.
Result<CodeSet> CodesOfLeaf(const Leaf& leaf,
                            const LeafWords& words,
                            const FieldColumn& column,
                            const Table& table);

}  // namespace postglass::store
