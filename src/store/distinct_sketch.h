#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace postglass::store {

// How many distinct values there are, from their hashes (Hash64): exact up to kExactMax, beyond it
// HyperLogLog with hashes of 64 bits, as HyperLogLog++ has it (Heule, Nunkesser, Hall, 2013), and
// with Ertl's estimator (arXiv:1702.01284), which needs no tables against bias. The result depends
// on the set of values alone. Takes up to 16 KiB, 32 while growing. Not thread-safe.
class DistinctSketch {
 public:
  static constexpr std::size_t kExactMax = 2'048;
  // One standard deviation of the relative error beyond kExactMax: 1.04 / sqrt(2^14).
  static constexpr double kStandardError = 0.0082;

  void Add(std::uint64_t hash);
  void Merge(const DistinctSketch& other);

  std::uint64_t Estimate();

  // Beside the object itself.
  std::size_t memory_bytes() const {
    return hashes_.capacity() * sizeof(std::uint64_t) + registers_.capacity();
  }

 private:
  void Compact();
  void AddToRegisters(std::uint64_t hash);

  std::vector<std::uint64_t> hashes_;    // of exact; the first `sorted_` ascending, no two equal
  std::size_t sorted_ = 0;               // the others as they came
  std::vector<std::uint8_t> registers_;  // empty: exact
};

}  // namespace postglass::store
