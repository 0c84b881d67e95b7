#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "store/embedded/exec/row_bitmap.h"
#include "store/embedded/table/column.h"

namespace postglass::store {

// Counters of narrow codes. Equal codes follow each other often, and then each addition to a
// counter waits for the one before; so four sets take turns.
class NarrowCounters {
 public:
  void Add(std::size_t turn, std::uint8_t code) { ++sets_[turn % kSets][code]; }

  // Adds to count_of, which may have fewer than 256 counters when there are fewer codes.
  void AddTo(std::uint32_t* count_of) const {
    for (std::size_t code = 0; code < sets_[0].size(); ++code) {
      const std::uint32_t count = sets_[0][code] + sets_[1][code] + sets_[2][code] + sets_[3][code];
      if (count != 0) count_of[code] += count;
    }
  }

  // From so many values on they are faster.
  static constexpr std::size_t kWorthwhile = 512;

 private:
  static constexpr std::size_t kSets = 4;

  std::array<std::array<std::uint32_t, 256>, kSets> sets_{};
};

// Adds to count_of the codes of values [begin, end).
template <class Container>
void CountCodes(const Container& codes, ValueIndex begin, ValueIndex end, std::uint32_t* count_of) {
  if constexpr (std::is_same_v<Container, Codes::Constant>) {
    *count_of += end - begin;
  } else {
    if constexpr (std::is_same_v<Container, Codes::Narrow>) {
      if (end - begin >= NarrowCounters::kWorthwhile) {
        NarrowCounters counters;
        for (; begin < end; ++begin) counters.Add(begin, codes[begin]);
        counters.AddTo(count_of);
      }
    }
    for (ValueIndex i = begin; i < end; ++i) ++count_of[codes[i]];
  }
}

// The same for those of rows [begin, end) that are in `rows`; value i is of row i.
template <class Container>
void CountCodesOfRows(const Container& codes,
                      const RowBitmap& rows,
                      RowIndex begin,
                      RowIndex end,
                      std::uint32_t* count_of) {
  if constexpr (std::is_same_v<Container, Codes::Narrow>) {
    if (end - begin >= NarrowCounters::kWorthwhile) {
      NarrowCounters counters;
      std::size_t turn = 0;
      rows.ForEach(begin, end, [&](RowIndex row) { counters.Add(turn++, codes[row]); });
      counters.AddTo(count_of);
      return;
    }
  }
  rows.ForEach(begin, end, [&](RowIndex row) { ++count_of[codes[row]]; });
}

}  // namespace postglass::store
