#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/random_testing.h"
#include "store/distinct_sketch.h"
#include "store/hash.h"
#include "store/quantile_sketch.h"

namespace postglass::store {
namespace {

double WithRank(const std::vector<double>& sorted, double quantile) {
  return sorted[static_cast<std::size_t>(quantile * static_cast<double>(sorted.size() - 1))];
}

void ExpectNear(QuantileSketch& sketch, std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  for (const double quantile : {0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0}) {
    SCOPED_TRACE(testing::Message() << "quantile " << quantile << " of " << numbers.size());
    const double expected = WithRank(numbers, quantile);
    // A hair more than the stated error, for what the arithmetic itself rounds.
    EXPECT_NEAR(sketch.Quantile(quantile),
                expected,
                std::fabs(expected) * QuantileSketch::kRelativeError * (1 + 1e-9));
  }
}

TEST(QuantileSketch, KeepsItsErrorForEverySpread) {
  SeededRandom random(7);
  const auto unit = [&] { return static_cast<double>(random.Below(1 << 30)) / (1 << 30); };
  for (int spread = 0; spread < 5; ++spread) {
    for (const std::size_t n : {1U, 2U, 10U, 1000U, 50'000U}) {
      QuantileSketch sketch;
      std::vector<double> numbers;
      for (std::size_t i = 0; i < n; ++i) {
        double number = 0;
        if (spread == 0) number = unit() * 1000;
        if (spread == 1) number = std::exp(unit() * 40 - 20);
        if (spread == 2) number = unit() * 200 - 100;
        if (spread == 3) number = static_cast<double>(random.Below(5)) - 2;
        if (spread == 4) number = std::pow(unit(), -3) * (random.Below(2) == 0 ? 1 : -1);
        numbers.push_back(number);
        sketch.Add(number, 1);
      }
      ExpectNear(sketch, numbers);
    }
  }
}

TEST(QuantileSketch, KeepsItsErrorAtTheEndsOfDoubles) {
  QuantileSketch sketch;
  std::vector<double> numbers = {5e-324, 1e-308, -1.7e308, 1.7e308, 1, -1, 0};
  for (const double number : numbers) sketch.Add(number, 1);
  ExpectNear(sketch, numbers);
}

TEST(QuantileSketch, IsTheSameHoweverPartsAreMerged) {
  SeededRandom random(8);
  QuantileSketch whole;
  std::vector<QuantileSketch> parts(7);
  for (int i = 0; i < 5000; ++i) {
    const double number = static_cast<double>(random.Below(100'000)) - 5000;
    whole.Add(number, 3);
    parts[random.Below(parts.size())].Add(number, 3);
  }
  QuantileSketch merged;
  for (auto it = parts.rbegin(); it != parts.rend(); ++it) merged.Merge(*it);
  EXPECT_EQ(merged.count(), whole.count());
  for (double quantile = 0; quantile <= 1; quantile += 0.05) {
    EXPECT_EQ(merged.Quantile(quantile), whole.Quantile(quantile));
  }
}

TEST(DistinctSketch, IsExactWhileSmall) {
  for (const std::size_t n : {0U, 1U, 2U, 15U, 16U, 17U, 1000U, 2048U}) {
    DistinctSketch sketch;
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < n; ++i) sketch.Add(Hash64("value " + std::to_string(i)));
    }
    EXPECT_EQ(sketch.Estimate(), n);
  }
}

TEST(DistinctSketch, KeepsItsError) {
  double squares = 0;
  int runs = 0;
  for (const std::size_t n : {2'049U, 5'000U, 20'000U, 60'000U, 200'000U}) {
    for (int seed = 0; seed < 10; ++seed) {
      DistinctSketch sketch;
      for (std::size_t i = 0; i < n; ++i) {
        sketch.Add(Hash64(std::to_string(seed) + '/' + std::to_string(i)));
      }
      const double error = (static_cast<double>(sketch.Estimate()) - static_cast<double>(n)) /
                           static_cast<double>(n);
      EXPECT_LT(std::fabs(error), 5 * DistinctSketch::kStandardError) << n << " seed " << seed;
      squares += error * error;
      ++runs;
    }
  }
  EXPECT_LT(std::sqrt(squares / runs), 1.2 * DistinctSketch::kStandardError);
}

TEST(DistinctSketch, IsTheSameHoweverPartsAreMerged) {
  SeededRandom random(9);
  for (const std::uint64_t n : {100U, 3'000U, 30'000U}) {
    DistinctSketch whole;
    std::vector<DistinctSketch> parts(5);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t hash = Hash64(std::to_string(random.Below(n)));
      whole.Add(hash);
      parts[random.Below(i % 2 == 0 ? 1 : parts.size())].Add(hash);
    }
    DistinctSketch merged;
    for (DistinctSketch& part : parts) merged.Merge(part);
    EXPECT_EQ(merged.Estimate(), whole.Estimate());
    DistinctSketch backwards;
    for (auto it = parts.rbegin(); it != parts.rend(); ++it) backwards.Merge(*it);
    EXPECT_EQ(backwards.Estimate(), whole.Estimate());
  }
}

}  // namespace
}  // namespace postglass::store
