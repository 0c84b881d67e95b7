#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/embedded/table/column.h"
#include "store/embedded/table/shape.h"

namespace postglass::store {

// Columns by how many values rows of each shape have of them. Those of one class have their values
// in the same places (Layout). Immutable, thread-safe.
class LayoutClasses {
 public:
  using ClassIndex = std::uint32_t;

  LayoutClasses(std::span<const Shape> shapes, std::size_t columns_count);

  std::size_t size() const { return first_column_.size(); }

  ClassIndex of_column(ColumnIndex column) const { return of_column_[column]; }

  // The first column of its class, which stands for all of them.
  ColumnIndex first_like(ColumnIndex column) const { return first_column_[of_column_[column]]; }

  struct Arity {
    ClassIndex of;
    std::uint32_t values;
  };

  // Those that are not zero, ascending by class.
  std::span<const Arity> of_shape(ShapeIndex shape) const {
    return std::span(arities_).subspan(begins_[shape], begins_[shape + 1] - begins_[shape]);
  }

 private:
  std::vector<ClassIndex> of_column_;
  std::vector<ColumnIndex> first_column_;
  std::vector<Arity> arities_;
  std::vector<std::uint32_t> begins_;  // by shape, and the end
};

// Where the values of a row stand among those of its columns, for all classes at once: counted from
// the nearest of some marks on. Thread-safe.
class ValuePlaces {
 public:
  // `classes` must outlive it. Requires: one shape a row, each below the shapes of the classes.
  ValuePlaces(const LayoutClasses& classes, std::span<const std::uint16_t> shape_of_row);

  // By class, the number of values in rows before this one, to out[0 … classes). Rows as above.
  void Before(RowIndex row,
              std::span<const std::uint16_t> shape_of_row,
              std::span<std::uint32_t> out) const;

  std::size_t memory_bytes() const { return marks_.size() * sizeof(marks_[0]); }

 private:
  // Adds the values of rows [begin, end).
  void Count(RowIndex begin,
             RowIndex end,
             std::span<const std::uint16_t> shape_of_row,
             std::span<std::uint32_t> out) const;

  const LayoutClasses& classes_;
  std::vector<std::uint32_t> marks_;  // one a class, for each mark
};

}  // namespace postglass::store
