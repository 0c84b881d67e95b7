#include "store/embedded/exec/row_bitmap.h"

#include <algorithm>

namespace postglass::store {

void RowBitmap::SetRange(RowIndex begin, RowIndex end) {
  if (begin >= end) return;
  const std::size_t first = begin / kWordRows;
  const std::size_t last = (end - 1) / kWordRows;
  const std::uint64_t head = ~std::uint64_t{0} << (begin % kWordRows);
  const std::uint64_t tail = ~std::uint64_t{0} >> (kWordRows - 1 - (end - 1) % kWordRows);
  if (first == last) {
    words_[first] |= head & tail;
    return;
  }
  words_[first] |= head;
  std::fill(words_.begin() + static_cast<std::ptrdiff_t>(first) + 1,
            words_.begin() + static_cast<std::ptrdiff_t>(last),
            ~std::uint64_t{0});
  words_[last] |= tail;
}

void RowBitmap::KeepRange(RowIndex begin, RowIndex end) {
  if (begin >= end) {
    std::fill(words_.begin(), words_.end(), 0);
    return;
  }
  const std::size_t first = begin / kWordRows;
  const std::size_t last = (end - 1) / kWordRows;
  std::fill(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(first), 0);
  std::fill(words_.begin() + static_cast<std::ptrdiff_t>(last) + 1, words_.end(), 0);
  words_[first] &= ~std::uint64_t{0} << (begin % kWordRows);
  words_[last] &= ~std::uint64_t{0} >> (kWordRows - 1 - (end - 1) % kWordRows);
}

void RowBitmap::And(const RowBitmap& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
}

void RowBitmap::Or(const RowBitmap& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
}

void RowBitmap::Flip() {
  for (std::uint64_t& word : words_) word = ~word;
  KeepRange(0, rows_);
}

std::uint32_t RowBitmap::Count() const {
  std::uint32_t count = 0;
  for (const std::uint64_t word : words_) count += static_cast<std::uint32_t>(std::popcount(word));
  return count;
}

std::uint32_t RowBitmap::Count(RowIndex begin, RowIndex end) const {
  std::uint32_t count = 0;
  for (std::size_t w = begin / kWordRows; begin < end && w <= (end - 1) / kWordRows; ++w) {
    count += static_cast<std::uint32_t>(std::popcount(WordWithin(w, begin, end)));
  }
  return count;
}

bool RowBitmap::Any() const {
  return std::any_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word != 0; });
}

}  // namespace postglass::store
