#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "store/embedded/table/column.h"

namespace postglass::store {

// One small number a place, and which of those with the same number each is: counted from the
// nearest of some marks on, so that it takes little more than a byte a place. Immutable,
// thread-safe.
class LengthRanks {
 public:
  LengthRanks() = default;
  // Requires: below 2^16 each.
  explicit LengthRanks(const std::vector<Code>& lengths);

  std::uint32_t size() const { return static_cast<std::uint32_t>(lengths_.size()); }

  std::uint32_t length_of(std::size_t i) const { return lengths_[i]; }

  // The number of places before it that have the same length.
  std::uint32_t RankOf(std::size_t i) const;

  const Codes& lengths() const { return lengths_; }

  // The distinct lengths, ascending.
  std::span<const std::uint32_t> distinct() const { return distinct_; }

  std::size_t memory_bytes() const {
    return lengths_.memory_bytes() + marks_.size() * sizeof(marks_[0]);
  }

 private:
  Codes lengths_;
  std::vector<std::uint32_t> distinct_;
  std::size_t stride_ = 0;            // places a mark
  std::vector<std::uint32_t> marks_;  // one a distinct length, for each `stride_` places
};

}  // namespace postglass::store
