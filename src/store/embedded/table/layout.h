#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "store/embedded/table/column.h"
#include "store/embedded/table/shape.h"

namespace postglass::store {

// Which rows a column's values belong to. Follows from the shapes; columns that are in the same
// shapes equally often share one.
class Layout {
 public:
  // How many values of the column a row of each shape has. Columns with equal arities have equal
  // layouts.
  static std::vector<std::uint32_t> Arities(std::span<const Shape> shapes, ColumnIndex column);

  static std::shared_ptr<const Layout> Make(std::span<const std::uint32_t> arities,
                                            std::span<const std::uint16_t> shape_of_row);
  // `shape_of_row` has one entry a row.
  static std::shared_ptr<const Layout> Make(std::span<const Shape> shapes,
                                            std::span<const std::uint16_t> shape_of_row,
                                            ColumnIndex column);

  // Exactly one value in every row: value i is of row i.
  bool is_identity() const { return identity_; }

  // At most one value in any row.
  bool is_single() const { return single_; }

  std::uint32_t values_count() const { return values_count_; }

  // Row of each value, ascending; empty when identity.
  std::span<const RowIndex> rows() const { return rows_; }

  RowIndex RowOf(ValueIndex value) const { return identity_ ? value : rows_[value]; }

  // The first value of a row that is not before `row`; values_count() when there is none.
  ValueIndex LowerBound(RowIndex row) const;

  std::size_t memory_bytes() const { return rows_.size() * sizeof(RowIndex); }

 private:
  bool identity_ = false;
  bool single_ = false;
  std::uint32_t values_count_ = 0;
  std::vector<RowIndex> rows_;
};

// By code, the number of rows that hold the value at least once. Requires: codes below
// `dictionary_size`, laid out by `layout`.
std::vector<std::uint32_t> CountRows(const Codes& codes,
                                     const Layout& layout,
                                     std::uint32_t dictionary_size);

}  // namespace postglass::store
