#include "store/quantile_sketch.h"

#include <algorithm>
#include <cmath>

namespace postglass::store {

namespace {

// Bucket i holds numbers in (kGrowth^(i-1), kGrowth^i]; any of them is within kRelativeError of
// 2 · kGrowth^i / (kGrowth + 1).
constexpr double kGrowth =
    (1 + QuantileSketch::kRelativeError) / (1 - QuantileSketch::kRelativeError);

double Middle(std::int32_t bucket) {
  static const double log_growth = std::log(kGrowth);
  // In logarithms, for kGrowth^i may be more than a double holds.
  return std::exp(bucket * log_growth + std::log(2 / (kGrowth + 1)));
}

}  // namespace

QuantileSketch::Place QuantileSketch::PlaceOf(double number) {
  static const double per_bucket = 1 / std::log(kGrowth);
  if (number == 0) return {};
  return {static_cast<std::int32_t>(std::ceil(std::log(std::fabs(number)) * per_bucket)),
          number < 0 ? -1 : 1};
}

void QuantileSketch::AddTo(Buckets& buckets, std::int32_t index, std::uint64_t count) {
  const auto at = std::lower_bound(
      buckets.begin(), buckets.end(), index, [](const Bucket& bucket, std::int32_t wanted) {
        return bucket.index < wanted;
      });
  if (at != buckets.end() && at->index == index) {
    at->count += count;
  } else {
    buckets.insert(at, {index, count});
  }
}

void QuantileSketch::Add(double number, Place place, std::uint64_t count) {
  if (count == 0) return;
  min_ = count_ == 0 ? number : std::min(min_, number);
  max_ = count_ == 0 ? number : std::max(max_, number);
  count_ += count;
  if (place.sign == 0) {
    zeros_ += count;
  } else {
    AddTo(place.sign < 0 ? negative_ : positive_, place.bucket, count);
  }
}

void QuantileSketch::Merge(const QuantileSketch& other) {
  if (other.count_ == 0) return;
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
  count_ += other.count_;
  zeros_ += other.zeros_;
  for (const Bucket& bucket : other.positive_) AddTo(positive_, bucket.index, bucket.count);
  for (const Bucket& bucket : other.negative_) AddTo(negative_, bucket.index, bucket.count);
}

double QuantileSketch::Quantile(double quantile) const {
  const auto rank = static_cast<std::uint64_t>(quantile * static_cast<double>(count_ - 1));
  if (rank == 0) return min_;
  if (rank == count_ - 1) return max_;
  const auto within = [this](double number) { return std::clamp(number, min_, max_); };
  std::uint64_t behind = 0;
  for (auto it = negative_.rbegin(); it != negative_.rend(); ++it) {
    if ((behind += it->count) > rank) return within(-Middle(it->index));
  }
  if ((behind += zeros_) > rank) return within(0);
  for (const Bucket& bucket : positive_) {
    if ((behind += bucket.count) > rank) return within(Middle(bucket.index));
  }
  return max_;
}

std::size_t QuantileSketch::memory_bytes() const {
  return (positive_.capacity() + negative_.capacity()) * sizeof(Bucket);
}

}  // namespace postglass::store
