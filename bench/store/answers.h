#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/corpus/truth.h"
#include "store/plan.h"

namespace postglass::bench {

// Keeps what a plan answers; of rows only what checks need.
struct Answer final : store::Sink {
  std::vector<std::string> row_attributes;
  std::vector<std::int64_t> row_times_ms;
  std::uint64_t count = 0;
  std::map<std::size_t, std::vector<store::HistogramBucket>> histograms;
  std::map<std::size_t, std::vector<store::ValueCount>> top_values;
  std::map<std::size_t, std::vector<double>> percentiles;

  // Of the plan's i-th request; empty when the store did not answer it.
  std::span<const store::HistogramBucket> BucketsOf(std::size_t i) const;
  std::span<const store::ValueCount> ValuesOf(std::size_t i) const;
  std::span<const double> PercentilesOf(std::size_t i) const;

  void Rows(std::span<const store::Event> events) override;

  void Count(std::uint64_t n) override { count = n; }

  void Histogram(std::size_t i, std::span<const store::HistogramBucket> buckets) override;
  void TopValues(std::size_t i, std::span<const store::ValueCount> values) override;
  void Percentiles(std::size_t i, std::span<const double> values) override;
};

// Checks: empty when the answer is right, else what is wrong with it.
std::string CheckCount(std::uint64_t got, std::uint64_t expected, std::string_view what);
// So many rows, newest first, each with `needle` in its attributes.
std::string CheckRows(const Answer& answer, std::uint64_t expected, std::string_view needle);
// The first values of the expected ones.
std::string CheckValues(std::span<const store::ValueCount> got,
                        const Truth::Counts& expected,
                        std::size_t limit);

}  // namespace postglass::bench
