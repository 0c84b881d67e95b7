#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/predicate.h"

// Groups of events and measures over each: what the analytics questions ask of a store.

namespace postglass::store {

inline constexpr std::size_t kGroupKeysMax = 4;
inline constexpr std::size_t kGroupMeasuresMax = 64;
inline constexpr std::size_t kGroupBinsMax = 10'000;
inline constexpr std::size_t kGroupSeriesMax = 64;
inline constexpr std::size_t kGroupBucketsMax = 10'000;  // of one series
// An event whose arrays put it into more groups than this ends the query (kLimit).
inline constexpr std::size_t kGroupsOfEventMax = 65'536;

// A function over the events of a group. A field's numbers are those that percentiles take: every
// element of an array, texts passed over. Distinct values are compared by text.
struct Measure {
  enum class Kind { kCount, kSum, kMin, kMax, kAverage, kQuantile, kDistinct };

  Kind kind = Kind::kCount;
  Field field;          // but for kCount
  double quantile = 0;  // of kQuantile: 0..1; within QuantileSketch::kRelativeError
  // Place in GroupRequest::series: one value for each bucket; nothing: one value.
  std::optional<std::uint32_t> series;

  bool operator==(const Measure&) const = default;
};

// Groups are ordered by a measure, highest first unless `ascending`, groups without a value last;
// or by the key's text (numbers by number when there are bins), smallest first when `ascending`.
// Ties are in ascending order of the key's text.
struct GroupOrder {
  std::optional<std::uint32_t> measure;  // place in GroupRequest::measures; without series
  bool ascending = false;
};

// Numbers by steps of `width` from `low` on; the key is the step's lower end. Numbers outside of
// low..high are no values; `high` itself belongs to the last step.
struct GroupBins {
  double low = 0;
  double high = 0;
  double width = 1;
};

struct GroupKey {
  Field field;
  std::size_t limit = 10;  // within each group of the keys before
  GroupOrder order;
  std::optional<GroupBins> bins;
  std::optional<std::string> missing;  // key of events without a value; nothing: these are left out
  bool total = false;                  // also one group over all values of this key
};

struct GroupRequest {
  std::vector<GroupKey> keys;  // none: one group of all, also when it is empty
  std::vector<Measure> measures;
  // Borders of time buckets, ascending: bucket i is [borders[i], borders[i + 1]).
  std::vector<std::vector<std::int64_t>> series;
};

struct MeasureValue {
  struct Point {
    std::uint32_t bucket = 0;
    double value = 0;
    bool operator==(const Point&) const = default;
  };

  std::optional<double> value;  // nothing: of no number
  std::vector<Point> points;    // of a series: buckets with a value, ascending
};

// An event is in the group of each combination of its keys' values, in each once.
struct Group {
  std::vector<std::optional<std::string>> key;  // nothing: over all values of that key
  std::vector<MeasureValue> values;             // by place in measures
};

}  // namespace postglass::store
