#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/log_store.h"

namespace postglass::store {

// Keeps all answers of a plan.
struct CollectingSink final : Sink {
  std::vector<Event> rows;
  std::optional<std::uint64_t> count;
  std::map<std::size_t, std::vector<HistogramBucket>> histograms;
  std::map<std::size_t, std::vector<ValueCount>> top_values;
  std::map<std::size_t, std::vector<double>> percentiles;
  std::map<std::size_t, std::uint64_t> cardinalities;
  std::map<std::size_t, std::vector<Group>> groups;

  void Rows(std::span<const Event> events) override {
    rows.insert(rows.end(), events.begin(), events.end());
  }

  void Count(std::uint64_t n) override { count = n; }

  void Histogram(std::size_t i, std::span<const HistogramBucket> buckets) override {
    histograms[i].assign(buckets.begin(), buckets.end());
  }

  void TopValues(std::size_t i, std::span<const ValueCount> values) override {
    top_values[i].assign(values.begin(), values.end());
  }

  void Percentiles(std::size_t i, std::span<const double> values) override {
    percentiles[i].assign(values.begin(), values.end());
  }

  void Cardinality(std::size_t i, std::uint64_t n) override { cardinalities[i] = n; }

  void Groups(std::size_t i, std::span<const Group> all) override {
    groups[i].assign(all.begin(), all.end());
  }
};

// Whether two stores give the same groups. Sums differ in the order of adding.
inline bool SameGroups(const std::vector<Group>& a, const std::vector<Group>& b) {
  const auto same_number = [](double x, double y) { return std::abs(x - y) <= 1e-9 * std::abs(y); };
  const auto same_point = [&](const MeasureValue::Point& p, const MeasureValue::Point& q) {
    return p.bucket == q.bucket && same_number(p.value, q.value);
  };
  const auto same_value = [&](const MeasureValue& x, const MeasureValue& y) {
    return x.value.has_value() == y.value.has_value() &&
           (!x.value || same_number(*x.value, *y.value)) &&
           std::equal(
               x.points.begin(), x.points.end(), y.points.begin(), y.points.end(), same_point);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const Group& x, const Group& y) {
    return x.key == y.key &&
           std::equal(
               x.values.begin(), x.values.end(), y.values.begin(), y.values.end(), same_value);
  });
}

}  // namespace postglass::store
