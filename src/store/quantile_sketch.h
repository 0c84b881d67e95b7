#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace postglass::store {

// Quantiles of any number of numbers, by counts in buckets whose borders grow by a fixed factor
// (DDSketch, Masson, Rim and Lee, VLDB 2019). Nothing is collapsed: the error holds for every
// quantile, and the result depends on the numbers alone, not on their order or on how sketches of
// parts were merged. Takes 16 bytes a bucket in use; 1 to 1,000 are 346 buckets. Not thread-safe.
class QuantileSketch {
 public:
  // An answer is within this share of the number that has the quantile's rank.
  static constexpr double kRelativeError = 0.01;

  // Which bucket a number falls into: the costly part of adding, for numbers that come again and
  // again. Requires: finite.
  struct Place {
    std::int32_t bucket = 0;
    std::int32_t sign = 0;  // -1, 0, 1
  };

  static Place PlaceOf(double number);

  void Add(double number, std::uint64_t count) { Add(number, PlaceOf(number), count); }

  void Add(double number, Place place, std::uint64_t count);
  void Merge(const QuantileSketch& other);

  // Near the number with rank floor(quantile · (count - 1)) of the ascending numbers. Requires:
  // count() > 0, quantile within 0..1.
  double Quantile(double quantile) const;

  std::uint64_t count() const { return count_; }

  // Beside the object itself.
  std::size_t memory_bytes() const;

 private:
  struct Bucket {
    std::int32_t index = 0;
    std::uint64_t count = 0;
  };

  using Buckets = std::vector<Bucket>;  // ascending by index

  static void AddTo(Buckets& buckets, std::int32_t index, std::uint64_t count);

  Buckets positive_;
  Buckets negative_;  // of the numbers without their sign
  std::uint64_t zeros_ = 0;
  std::uint64_t count_ = 0;
  double min_ = 0;
  double max_ = 0;
};

}  // namespace postglass::store
