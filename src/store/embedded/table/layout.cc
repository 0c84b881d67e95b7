#include "store/embedded/table/layout.h"

#include <algorithm>

namespace postglass::store {

std::vector<std::uint32_t> Layout::Arities(std::span<const Shape> shapes, ColumnIndex column) {
  std::vector<std::uint32_t> arities;
  arities.reserve(shapes.size());
  for (const Shape& shape : shapes) {
    arities.push_back(
        static_cast<std::uint32_t>(std::count(shape.columns.begin(), shape.columns.end(), column)));
  }
  return arities;
}

std::shared_ptr<const Layout> Layout::Make(std::span<const std::uint32_t> arities,
                                           std::span<const std::uint16_t> shape_of_row) {
  auto layout = std::make_shared<Layout>();
  layout->single_ = std::all_of(arities.begin(), arities.end(), [](auto n) { return n <= 1; });
  // Shapes that no row has do not count against the identity.
  std::uint64_t values_count = 0;
  bool identity = true;
  for (const std::uint16_t shape : shape_of_row) {
    values_count += arities[shape];
    identity = identity && arities[shape] == 1;
  }
  layout->values_count_ = static_cast<std::uint32_t>(values_count);
  layout->identity_ = identity;
  if (identity) {
    layout->single_ = true;
    return layout;
  }
  layout->rows_.reserve(values_count);
  for (RowIndex row = 0; row < shape_of_row.size(); ++row) {
    for (std::uint32_t n = arities[shape_of_row[row]]; n > 0; --n) layout->rows_.push_back(row);
  }
  return layout;
}

std::shared_ptr<const Layout> Layout::Make(std::span<const Shape> shapes,
                                           std::span<const std::uint16_t> shape_of_row,
                                           ColumnIndex column) {
  return Make(Arities(shapes, column), shape_of_row);
}

ValueIndex Layout::LowerBound(RowIndex row) const {
  if (identity_) return std::min(row, values_count_);
  return static_cast<ValueIndex>(std::lower_bound(rows_.begin(), rows_.end(), row) - rows_.begin());
}

std::vector<std::uint32_t> CountRows(const Codes& codes,
                                     const Layout& layout,
                                     std::uint32_t dictionary_size) {
  std::vector<std::uint32_t> counts(dictionary_size);
  codes.Visit([&](const auto& values) {
    if (layout.is_identity() || layout.is_single()) {
      for (std::size_t i = 0; i < values.size(); ++i) ++counts[values[i]];
      return;
    }
    constexpr RowIndex kNoRow = ~RowIndex{0};
    std::vector<RowIndex> last_row(dictionary_size, kNoRow);
    const std::span<const RowIndex> rows = layout.rows();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Code code = values[i];
      if (last_row[code] == rows[i]) continue;
      last_row[code] = rows[i];
      ++counts[code];
    }
  });
  return counts;
}

}  // namespace postglass::store
