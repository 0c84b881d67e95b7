#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "store/embedded/memory_budget.h"
#include "store/event_reader.h"
#include "store/plan.h"

namespace postglass::store {

struct TextHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

using ValueCounts = std::unordered_map<std::string, std::uint64_t, TextHash, std::equal_to<>>;
using ValueSet = std::unordered_set<std::string, TextHash, std::equal_to<>>;

// All answers of a plan but its rows, over the events seen so far. Each thread of a query has its
// own; they are merged at the end. Not thread-safe.
class Aggregates {
 public:
  // Both must outlive it.
  Aggregates(const Plan& plan, MemoryBudget& budget);

  // Counts the event that the reader stands on.
  void Add(EventReader& reader);

  // Counts events of which nothing but the number is asked.
  void AddUnseen(std::uint64_t events) { count_ += events; }

  void Merge(Aggregates&& other);
  void Send(Sink& sink);

  std::uint64_t count() const { return count_; }

  // Whether Add() looks at more than the times.
  static bool ReadFields(const Plan& plan);
  // Whether anything but the number of events is asked.
  static bool OnlyCounts(const Plan& plan);

 private:
  struct Bucket {
    std::uint64_t count = 0;
    ValueCounts split;
  };

  void CountValues(EventReader& reader, const Field& field, ValueCounts& counts);
  // Each distinct value of the field once.
  template <class F>
  void ForEachDistinct(EventReader& reader, const Field& field, F&& use);
  static std::vector<ValueCount> Sorted(const ValueCounts& counts, std::size_t limit);

  const Plan& plan_;
  MemoryBudget& budget_;
  std::uint64_t count_ = 0;
  std::vector<std::map<std::int64_t, Bucket>> histograms_;
  std::vector<ValueCounts> top_values_;
  std::vector<std::vector<double>> numbers_;  // of percentiles
  std::vector<ValueSet> distinct_;            // of cardinalities
  std::vector<std::string> values_;           // scratch of ForEachDistinct
};

}  // namespace postglass::store
