#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace postglass::store {

// Numbers pairs of small numbers in the order in which they come: an array when all possible pairs
// are few, else a hash table. Tuples are pairs of pairs. Not thread-safe.
class PairIds {
 public:
  PairIds() : slots_(kSlotsMin) {}

  // For pairs below these bounds, of which about `expected` come.
  PairIds(std::uint32_t first_max, std::uint32_t second_max, std::size_t expected);

  std::uint32_t Of(std::uint32_t first, std::uint32_t second) {
    if (!dense_.empty()) {
      std::uint32_t& id = dense_[std::size_t{first} * second_max_ + second];
      if (id == kNone) id = size_++;
      return id;
    }
    return OfHashed(std::uint64_t{first} << 32 | second);
  }

  std::uint32_t size() const { return size_; }

  std::size_t memory_bytes() const {
    return dense_.size() * sizeof(dense_[0]) + slots_.size() * sizeof(slots_[0]);
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t id = kNone;
  };

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr std::size_t kSlotsMin = 16;

  std::uint32_t OfHashed(std::uint64_t key);
  void Grow();

  std::uint32_t second_max_ = 0;
  std::uint32_t size_ = 0;
  std::vector<std::uint32_t> dense_;
  std::vector<Slot> slots_;  // a power of two of them
};

}  // namespace postglass::store
