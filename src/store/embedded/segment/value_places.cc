#include "store/embedded/segment/value_places.h"

#include <algorithm>
#include <map>

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
  const std::size_t rows = shape_of_row.size();
  marks_.resize((rows / kRowsAMark + 1) * classes.size());
  for (std::size_t mark = 1; mark <= rows / kRowsAMark; ++mark) {
    Before(static_cast<RowIndex>(mark * kRowsAMark - 1),
           shape_of_row,
           std::span(marks_).subspan(mark * classes.size(), classes.size()));
    // Before() counts from the mark before; the row in front of this one is added.
    for (const LayoutClasses::Arity& arity :
         classes.of_shape(shape_of_row[mark * kRowsAMark - 1])) {
      marks_[mark * classes.size() + arity.of] += arity.values;
    }
  }
}

void ValuePlaces::Before(RowIndex row,
                         std::span<const std::uint16_t> shape_of_row,
                         std::span<std::uint32_t> out) const {
  const std::size_t mark = row / kRowsAMark;
  std::copy_n(marks_.begin() + static_cast<std::ptrdiff_t>(mark * classes_.size()),
              classes_.size(),
              out.begin());
  // Rows of one shape are counted first: there are far fewer shapes than rows among them.
  std::vector<std::pair<std::uint16_t, std::uint32_t>> shapes;
  for (std::size_t i = mark * kRowsAMark; i < row; ++i) {
    const std::uint16_t shape = shape_of_row[i];
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
