#include "store/distinct_sketch.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace postglass::store {

namespace {

constexpr int kRegisterBits = 14;
constexpr int kRankBits = 64 - kRegisterBits;
constexpr std::size_t kRegisters = std::size_t{1} << kRegisterBits;
constexpr std::size_t kUnsortedMin = 16;

// Ertl's sigma and tau: the share of registers that are still empty, and of those that are full.
double Sigma(double x) {
  if (x == 1) return INFINITY;
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y /= 2;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void DistinctSketch::Add(std::uint64_t hash) {
  if (!registers_.empty()) {
    AddToRegisters(hash);
    return;
  }
  hashes_.push_back(hash);
  if (hashes_.size() >= std::max(kUnsortedMin, 2 * sorted_)) Compact();
}

void DistinctSketch::Merge(const DistinctSketch& other) {
  for (const std::uint64_t hash : other.hashes_) Add(hash);
  if (other.registers_.empty()) return;
  if (registers_.empty()) {
    registers_.resize(kRegisters);
    for (const std::uint64_t hash : hashes_) AddToRegisters(hash);
    hashes_ = {};
  }
  for (std::size_t i = 0; i < kRegisters; ++i) {
    registers_[i] = std::max(registers_[i], other.registers_[i]);
  }
}

void DistinctSketch::Compact() {
  std::sort(hashes_.begin() + static_cast<std::ptrdiff_t>(sorted_), hashes_.end());
  std::inplace_merge(
      hashes_.begin(), hashes_.begin() + static_cast<std::ptrdiff_t>(sorted_), hashes_.end());
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  sorted_ = hashes_.size();
  if (sorted_ <= kExactMax) return;
  registers_.resize(kRegisters);
  for (const std::uint64_t hash : hashes_) AddToRegisters(hash);
  hashes_ = {};
}

void DistinctSketch::AddToRegisters(std::uint64_t hash) {
  const std::size_t i = hash >> kRankBits;
  // The place of the first one bit in the rest; all zero: one more than there are bits.
  const auto rank =
      static_cast<std::uint8_t>(std::min(std::countl_zero(hash << kRegisterBits), kRankBits) + 1);
  registers_[i] = std::max(registers_[i], rank);
}

std::uint64_t DistinctSketch::Estimate() {
  if (registers_.empty()) Compact();
  if (registers_.empty()) return hashes_.size();
  constexpr double kM = kRegisters;
  std::array<std::uint32_t, kRankBits + 2> of_rank{};
  for (const std::uint8_t rank : registers_) ++of_rank[rank];
  double z = kM * Tau(1 - of_rank[kRankBits + 1] / kM);
  for (int k = kRankBits; k >= 1; --k) z = (z + of_rank[static_cast<std::size_t>(k)]) / 2;
  z += kM * Sigma(of_rank[0] / kM);
  return static_cast<std::uint64_t>(std::llround(kM * kM / (2 * std::log(2.0) * z)));
}

}  // namespace postglass::store
