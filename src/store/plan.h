#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "store/group.h"
#include "store/predicate.h"
#include "store/types.h"

namespace postglass::store {

enum class Order { kNewestFirst, kOldestFirst };

// A place between two rows of the order (timestamp, id).
struct RowCursor {
  std::int64_t timestamp_ms = 0;
  EventId id;
  bool operator==(const RowCursor&) const = default;
};

// What an event is sorted by. Of several values it is the one that comes first in the order.
struct SortKey {
  enum class Kind { kNumber, kText, kMissing };
  Kind kind = Kind::kMissing;
  double number = 0;
  std::string text;
  bool operator==(const SortKey&) const = default;
};

struct RowsRequest {
  Order order = Order::kNewestFirst;
  std::size_t limit = 100;
  std::optional<RowCursor> after;  // rows strictly behind it in this order
  // Sorts by the values of this field instead: oldest first is ascending, numbers before texts, and
  // newest first the other way round. Events without a value come last in both; ties are in the
  // order of time. Not for the full text, timestamp, id and index.
  std::optional<Field> by = {};
  SortKey after_key = {};  // of `after`, when sorted by a field
};

// Counts by time bucket, aligned to multiples of the interval since 1970, or between borders; split
// by a field's values when it is given.
struct HistogramRequest {
  std::int64_t interval_ms = 60'000;
  std::optional<Field> split;
  // Ascending, no two equal; when there are any, the interval means nothing, bucket i is
  // [borders[i], borders[i + 1]), and events outside of all are in none.
  std::vector<std::int64_t> borders = {};
};

struct TopValuesRequest {
  Field field;
  std::size_t limit = 10;  // by count, then by value
};

struct PercentilesRequest {
  Field field;
  std::vector<double> quantiles;  // 0..1
};

struct CardinalityRequest {
  Field field;
};

// One selection, any number of answers about it from one pass.
struct Plan {
  Predicate where{MatchAll{}};
  std::int64_t from_ms = std::numeric_limits<std::int64_t>::min();           // timestamp, inclusive
  std::int64_t to_ms = std::numeric_limits<std::int64_t>::max();             // timestamp, exclusive
  std::int64_t ingested_from_ms = std::numeric_limits<std::int64_t>::min();  // inclusive

  std::optional<RowsRequest> rows;
  bool count = false;
  std::vector<HistogramRequest> histograms;
  std::vector<TopValuesRequest> top_values;
  std::vector<PercentilesRequest> percentiles;
  std::vector<CardinalityRequest> cardinalities;
  std::vector<GroupRequest> groups;

  std::stop_token stop;  // checked at least every 1,024 rows
  // When it is asked for, what was read so far is the answer (RunReport::partial). For answers that
  // are better late and incomplete than not at all; a store may go on to the end.
  std::stop_token enough;
  std::size_t memory_bytes_max = 256 << 20;  // kLimit above
  bool explain = false;  // RunReport::explain says of each table what became of it, and times
};

struct ValueCount {
  std::string value;
  std::uint64_t count = 0;
  bool operator==(const ValueCount&) const = default;
};

struct HistogramBucket {
  std::int64_t start_ms = 0;
  std::uint64_t count = 0;
  std::vector<ValueCount> split;
  bool operator==(const HistogramBucket&) const = default;
};

// Takes the answers. Calls come from one thread at a time, before Run() returns; the index is the
// request's place in the plan.
class Sink {
 public:
  virtual ~Sink() = default;

  virtual void Rows(std::span<const Event>) {}  // in order, possibly in several calls

  virtual void Count(std::uint64_t) {}

  virtual void Histogram(std::size_t, std::span<const HistogramBucket>) {}

  virtual void TopValues(std::size_t, std::span<const ValueCount>) {}

  virtual void Percentiles(std::size_t, std::span<const double>) {}

  virtual void Cardinality(std::size_t, std::uint64_t) {}

  virtual void Groups(std::size_t, std::span<const Group>) {}
};

struct RunReport {
  std::uint64_t events_scanned = 0;
  std::uint64_t events_matched = 0;
  bool more_rows = false;  // rows remain behind the last one given
  bool partial = false;    // Plan::enough cut the answer short
  std::int64_t complete_from_ms =
      0;  // of a partial answer: of events from here on nothing is missing
  std::vector<std::string> damage;  // "1 block of segment … could not be read: …"
  std::string explain;              // opaque, for people
  std::int64_t waited_us = 0;       // before it ran, by whoever made it wait
};

}  // namespace postglass::store
