#include "bench/store/answers.h"

#include <fmt/format.h>

#include <algorithm>

namespace postglass::bench {

namespace {

template <class T>
std::span<const T> ListOf(const std::map<std::size_t, std::vector<T>>& lists, std::size_t i) {
  const auto found = lists.find(i);
  return found == lists.end() ? std::span<const T>() : std::span<const T>(found->second);
}

}  // namespace

std::span<const store::HistogramBucket> Answer::BucketsOf(std::size_t i) const {
  return ListOf(histograms, i);
}

std::span<const store::ValueCount> Answer::ValuesOf(std::size_t i) const {
  return ListOf(top_values, i);
}

std::span<const double> Answer::PercentilesOf(std::size_t i) const {
  return ListOf(percentiles, i);
}

void Answer::Rows(std::span<const store::Event> events) {
  for (const store::Event& event : events) {
    row_attributes.push_back(event.attributes);
    row_times_ms.push_back(event.timestamp_ms);
  }
}

void Answer::Histogram(std::size_t i, std::span<const store::HistogramBucket> buckets) {
  histograms[i].assign(buckets.begin(), buckets.end());
}

void Answer::TopValues(std::size_t i, std::span<const store::ValueCount> values) {
  top_values[i].assign(values.begin(), values.end());
}

void Answer::Percentiles(std::size_t i, std::span<const double> values) {
  percentiles[i].assign(values.begin(), values.end());
}

std::string CheckCount(std::uint64_t got, std::uint64_t expected, std::string_view what) {
  if (got == expected) return {};
  return fmt::format("{}: {} instead of {}", what, got, expected);
}

std::string CheckRows(const Answer& answer, std::uint64_t expected, std::string_view needle) {
  if (answer.row_times_ms.size() != expected) {
    return CheckCount(answer.row_times_ms.size(), expected, "rows");
  }
  if (!std::is_sorted(answer.row_times_ms.rbegin(), answer.row_times_ms.rend())) {
    return "rows are not newest first";
  }
  for (const std::string& attributes : answer.row_attributes) {
    if (attributes.find(needle) == std::string::npos) {
      return fmt::format("a row without {}: {}", needle, attributes.substr(0, 200));
    }
  }
  return {};
}

std::string CheckValues(std::span<const store::ValueCount> got,
                        const Truth::Counts& expected,
                        std::size_t limit) {
  const std::size_t size = std::min(limit, expected.size());
  if (got.size() != size) return CheckCount(got.size(), size, "values");
  for (std::size_t i = 0; i < size; ++i) {
    if (got[i].value == expected[i].first && got[i].count == expected[i].second) continue;
    return fmt::format("value {}: {} ({}) instead of {} ({})",
                       i,
                       got[i].value,
                       got[i].count,
                       expected[i].first,
                       expected[i].second);
  }
  return {};
}

}  // namespace postglass::bench
