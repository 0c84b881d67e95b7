#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "store/embedded/exec/row_bitmap.h"
#include "store/embedded/table/code_set.h"
#include "store/embedded/table/table.h"
#include "store/plan.h"

namespace postglass::store {

// Finds the rows of a table that hold one of some codes, of any of some columns. Columns that
// follow from one key are found by one scan of the key's codes. Not thread-safe; one scan, then
// gone.
class RowScan {
 public:
  // Rows in [begin, end). All must outlive it.
  RowScan(const Table& table, const Plan& plan, RowIndex begin, RowIndex end)
      : table_(table), plan_(plan), begin_(begin), end_(end) {}

  // Errors, here and below: of the table; kCancelled.
  Status Add(ColumnIndex column, CodeSet codes);
  // Adds the rows to `out`.
  Status Run(RowBitmap& out);

  std::uint64_t codes_scanned() const { return codes_scanned_; }

 private:
  // What is scanned for, and of which shapes rows are that count; empty: of all.
  struct Part {
    ColumnIndex column = 0;
    std::vector<bool> shapes;
    CodeSet codes;
  };

  std::vector<bool> ShapesWith(ColumnIndex column) const;
  Status ScanPart(const Part& part, RowBitmap& out);

  const Table& table_;
  const Plan& plan_;
  const RowIndex begin_;
  const RowIndex end_;
  std::vector<Part> parts_;
  std::uint64_t codes_scanned_ = 0;
};

}  // namespace postglass::store
