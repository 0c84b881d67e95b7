#include "store/embedded/exec/code_scan.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

// The loop that a query spends most of its time in. Values are tested 64 at a time into bytes, by
// loops without branches that the compiler turns into vector instructions, and the bytes are then
// packed into the bits of one word.

namespace postglass::store {

namespace {

constexpr std::size_t kBlock = RowBitmap::kWordRows;
constexpr std::size_t kComparedCodesMax = 4;  // more of them are looked up in a table

using Hits = std::array<std::uint8_t, kBlock>;  // 0 or 1

std::uint64_t PackHits(const Hits& hits) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < kBlock; i += 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, hits.data() + i, 8);
    // Moves the lowest bit of byte k to bit 56 + k.
    word |= ((bytes * 0x0102040810204080) >> 56) << i;
  }
  return word;
}

// Gives the values in [begin, end) that `is_hit` holds for: `use(first, word)` with the hits among
// the 64 values from `first` on. `first` is a multiple of 64.
template <class T, class IsHit, class Use>
void ForEachHitWord(const T* values, std::size_t begin, std::size_t end, IsHit is_hit, Use use) {
  std::size_t i = begin;
  while (i < end) {
    const std::size_t first = i / kBlock * kBlock;
    std::uint64_t word = 0;
    if (i == first && first + kBlock <= end) {
      Hits hits;
      for (std::size_t k = 0; k < kBlock; ++k) hits[k] = is_hit(values[first + k]) ? 1 : 0;
      word = PackHits(hits);
      i = first + kBlock;
    } else {
      for (; i < end && i < first + kBlock; ++i) {
        word |= static_cast<std::uint64_t>(is_hit(values[i])) << (i - first);
      }
    }
    if (word != 0) use(first, word);
  }
}

template <class T, class Use>
void ForEachHitWordOf(
    const CodeSet& set, const T* values, std::size_t begin, std::size_t end, Use use) {
  if (set.is_range()) {
    const auto low = static_cast<T>(set.begin());
    const auto last = static_cast<T>(set.end() - 1 - set.begin());
    const auto is_hit = [low, last](T v) { return static_cast<T>(v - low) <= last; };
    const auto is_equal = [low](T v) { return v == low; };
    if (last == 0) {
      ForEachHitWord(values, begin, end, is_equal, use);
    } else {
      ForEachHitWord(values, begin, end, is_hit, use);
    }
    return;
  }
  if (set.size() <= kComparedCodesMax) {
    std::array<T, kComparedCodesMax> wanted;
    wanted.fill(static_cast<T>(set.codes()[0]));
    for (std::size_t i = 0; i < set.size(); ++i) wanted[i] = static_cast<T>(set.codes()[i]);
    const auto is_hit = [wanted](T v) {
      return static_cast<bool>(static_cast<int>(v == wanted[0]) | static_cast<int>(v == wanted[1]) |
                               static_cast<int>(v == wanted[2]) | static_cast<int>(v == wanted[3]));
    };
    ForEachHitWord(values, begin, end, is_hit, use);
    return;
  }
  // Codes below begin() wrap around to beyond the table.
  std::vector<std::uint8_t> table(set.end() - set.begin() + 1);
  for (const Code code : set.codes()) table[code - set.begin()] = 1;
  const Code low = set.begin();
  const auto size = static_cast<Code>(table.size() - 1);
  const auto is_hit = [low, size, &table](T v) {
    const Code place = static_cast<Code>(v) - low;
    return table[place < size ? place : size] != 0;
  };
  ForEachHitWord(values, begin, end, is_hit, use);
}

}  // namespace

void ScanCodes(const Codes& codes,
               const Layout& layout,
               const CodeSet& set,
               RowIndex begin,
               RowIndex end,
               RowBitmap& out) {
  if (set.empty() || begin >= end) return;
  const std::size_t first = layout.LowerBound(begin);
  const std::size_t last = layout.LowerBound(end);
  const std::span<const RowIndex> rows = layout.rows();
  codes.Visit([&](const auto& values) {
    using Container = std::decay_t<decltype(values)>;
    if constexpr (std::is_same_v<Container, Codes::Constant>) {
      if (!set.Contains(0)) return;
      if (layout.is_identity()) {
        out.SetRange(begin, end);
      } else {
        for (std::size_t i = first; i < last; ++i) out.Set(rows[i]);
      }
    } else if (layout.is_identity()) {
      const std::span<std::uint64_t> words = out.words();
      ForEachHitWordOf(set, values.data(), first, last, [&](std::size_t i, std::uint64_t word) {
        words[i / kBlock] |= word;
      });
    } else {
      ForEachHitWordOf(set, values.data(), first, last, [&](std::size_t i, std::uint64_t word) {
        for (; word != 0; word &= word - 1) {
          out.Set(rows[i + static_cast<std::size_t>(std::countr_zero(word))]);
        }
      });
    }
  });
}

}  // namespace postglass::store
