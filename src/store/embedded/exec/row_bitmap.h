#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "store/embedded/table/column.h"

namespace postglass::store {

// A set of rows of one table, a bit each. Bits behind the last row are zero.
class RowBitmap {
 public:
  static constexpr std::uint32_t kWordRows = 64;

  RowBitmap() = default;  // of no rows

  explicit RowBitmap(std::uint32_t rows)
      : rows_(rows), words_((rows + kWordRows - 1) / kWordRows) {}

  std::uint32_t rows() const { return rows_; }

  std::span<std::uint64_t> words() { return words_; }

  void Set(RowIndex row) { words_[row / kWordRows] |= Bit(row); }

  void Reset(RowIndex row) { words_[row / kWordRows] &= ~Bit(row); }

  bool Test(RowIndex row) const { return (words_[row / kWordRows] & Bit(row)) != 0; }

  void SetRange(RowIndex begin, RowIndex end);
  // Empties everything outside of [begin, end).
  void KeepRange(RowIndex begin, RowIndex end);

  // Requires for both: as many rows.
  void And(const RowBitmap& other);
  void Or(const RowBitmap& other);
  // Every row that is not in, comes in, and the other way round.
  void Flip();

  std::uint32_t Count() const;
  std::uint32_t Count(RowIndex begin, RowIndex end) const;
  bool Any() const;

  // Calls `visit(row)` for the rows in [begin, end), ascending.
  template <class F>
  void ForEach(RowIndex begin, RowIndex end, F&& visit) const {
    for (std::size_t w = begin / kWordRows; begin < end && w <= (end - 1) / kWordRows; ++w) {
      const auto first = static_cast<RowIndex>(w * kWordRows);
      for (std::uint64_t rest = WordWithin(w, begin, end); rest != 0; rest &= rest - 1) {
        visit(first + static_cast<RowIndex>(std::countr_zero(rest)));
      }
    }
  }

  // The same until `visit` returns false.
  template <class F>
  void ForEachForwards(RowIndex begin, RowIndex end, F&& visit) const {
    for (std::size_t w = begin / kWordRows; begin < end && w <= (end - 1) / kWordRows; ++w) {
      const auto first = static_cast<RowIndex>(w * kWordRows);
      for (std::uint64_t rest = WordWithin(w, begin, end); rest != 0; rest &= rest - 1) {
        if (!visit(first + static_cast<RowIndex>(std::countr_zero(rest)))) return;
      }
    }
  }

  // The same descending, until `visit` returns false.
  template <class F>
  void ForEachBackwards(RowIndex begin, RowIndex end, F&& visit) const {
    if (begin >= end) return;
    for (std::size_t w = (end - 1) / kWordRows + 1; w-- > begin / kWordRows;) {
      const auto first = static_cast<RowIndex>(w * kWordRows);
      for (std::uint64_t rest = WordWithin(w, begin, end); rest != 0;) {
        const auto top = static_cast<RowIndex>(63 - std::countl_zero(rest));
        if (!visit(first + top)) return;
        rest &= ~(std::uint64_t{1} << top);
      }
    }
  }

 private:
  static std::uint64_t Bit(RowIndex row) { return std::uint64_t{1} << (row % kWordRows); }

  // The word without its bits outside of [begin, end).
  std::uint64_t WordWithin(std::size_t w, RowIndex begin, RowIndex end) const {
    std::uint64_t word = words_[w];
    if (w == begin / kWordRows) word &= ~std::uint64_t{0} << (begin % kWordRows);
    if (w == end / kWordRows) word &= Bit(end) - 1;
    return word;
  }

  std::uint32_t rows_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace postglass::store
