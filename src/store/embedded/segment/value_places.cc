#include "store/embedded/segment/value_places.h"

#include <algorithm>
#include <map>
#include <utility>

namespace postglass::store {

namespace {

constexpr RowIndex kRowsAMark = 256;

}  // namespace

LayoutClasses::LayoutClasses(std::span<const Shape> shapes, std::size_t columns_count) {
  using Arities = std::vector<std::pair<ShapeIndex, std::uint32_t>>;
  std::vector<Arities> of_columns(columns_count);
  for (ShapeIndex s = 0; s < shapes.size(); ++s) {
    for (const ColumnIndex column : shapes[s].columns) {
      Arities& of = of_columns[column];
      if (of.empty() || of.back().first != s) of.emplace_back(s, 0);
      ++of.back().second;
    }
  }
  std::map<Arities, ClassIndex> seen;
  std::vector<std::vector<Arity>> of_shapes(shapes.size());
  for (ColumnIndex column = 0; column < columns_count; ++column) {
    const auto [place, is_new] =
        seen.emplace(std::move(of_columns[column]), static_cast<ClassIndex>(seen.size()));
    of_column_.push_back(place->second);
    if (!is_new) continue;
    first_column_.push_back(column);
    for (const auto& [shape, values] : place->first) {
      of_shapes[shape].push_back({place->second, values});
    }
  }
  begins_.push_back(0);
  for (const std::vector<Arity>& of : of_shapes) {
    arities_.insert(arities_.end(), of.begin(), of.end());
    begins_.push_back(static_cast<std::uint32_t>(arities_.size()));
  }
}

ValuePlaces::ValuePlaces(const LayoutClasses& classes, std::span<const std::uint16_t> shape_of_row)
    : classes_(classes) {
  const auto rows = static_cast<RowIndex>(shape_of_row.size());
  std::vector<std::uint32_t> before(classes.size());
  for (RowIndex mark = 0;; mark += kRowsAMark) {
    marks_.insert(marks_.end(), before.begin(), before.end());
    if (rows - mark < kRowsAMark) break;
    Count(mark, mark + kRowsAMark, shape_of_row, before);
  }
}

void ValuePlaces::Before(RowIndex row,
                         std::span<const std::uint16_t> shape_of_row,
                         std::span<std::uint32_t> out) const {
  const RowIndex mark = row / kRowsAMark;
  const auto counted = std::span(marks_).subspan(mark * classes_.size(), classes_.size());
  std::copy(counted.begin(), counted.end(), out.begin());
  Count(mark * kRowsAMark, row, shape_of_row, out);
}

void ValuePlaces::Count(RowIndex begin,
                        RowIndex end,
                        std::span<const std::uint16_t> shape_of_row,
                        std::span<std::uint32_t> out) const {
  // Rows of one shape together: there are far fewer shapes than rows among them.
  std::vector<std::pair<std::uint16_t, std::uint32_t>> shapes;
  for (const std::uint16_t shape : shape_of_row.subspan(begin, end - begin)) {
    const auto found =
        std::find_if(shapes.begin(), shapes.end(), [&](const auto& s) { return s.first == shape; });
    if (found != shapes.end()) {
      ++found->second;
    } else {
      shapes.emplace_back(shape, 1);
    }
  }
  for (const auto& [shape, rows] : shapes) {
    for (const LayoutClasses::Arity& arity : classes_.of_shape(shape)) {
      out[arity.of] += rows * arity.values;
    }
  }
}

}  // namespace postglass::store
