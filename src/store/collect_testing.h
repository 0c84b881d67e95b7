#pragma once

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

}  // namespace postglass::store
