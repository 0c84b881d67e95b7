#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "query/measures.h"
#include "query/runner.h"
#include "query/search.h"
#include "query/time_zone.h"
#include "store/group.h"

namespace postglass::query {

// Datadog's: "the product of limits must not exceed 10000", "at most 100 buckets" of a histogram.
inline constexpr std::size_t kGroupLimitDefault = 10;
inline constexpr std::size_t kGroupLimitsProductMax = 10'000;
inline constexpr std::size_t kHistogramStepsMax = 100;
inline constexpr std::size_t kComputesMax = 32;
inline constexpr std::size_t kAggregatePageMax = 1'000;  // groups of one answer

struct AggregateRequest {
  struct Compute {
    AggregateFunction function;
    std::string metric;  // as FacetNamed(); not of count
    bool is_series = false;
    std::string interval;  // as ParseInterval(); empty: IntervalFor() the range
  };

  struct GroupBy {
    std::string facet;  // as FacetNamed()
    std::size_t limit = kGroupLimitDefault;
    std::optional<std::string> missing;
    bool total = false;
    std::optional<store::GroupBins> histogram;
    // By the key's text, or by a measure; without either by the first compute, highest first.
    enum class Sort { kDefault, kKey, kMeasure } sort = Sort::kDefault;
    AggregateFunction sort_function;
    std::string sort_metric;
    bool ascending = false;
  };

  std::string query = "*";
  std::string from = "now-15m";  // as ParseTime(); both ends inclusive
  std::string to = "now";
  std::vector<Compute> computes;  // none: count
  std::vector<GroupBy> group_by;
  std::string time_zone;  // as TimeZones::Find()
  std::string cursor;     // AggregateAnswer::next_cursor; empty: the first page
  std::stop_token stop;
};

struct AggregateAnswer {
  using Series = std::vector<std::pair<Timestamp, double>>;  // buckets with a value

  struct Bucket {
    std::vector<std::optional<std::string>> by;  // nothing: over all values
    // By compute: a number (nothing when there is none), or a series.
    std::vector<std::variant<std::optional<double>, Series>> computes;
  };

  std::vector<Bucket> buckets;
  std::string next_cursor;  // empty: that was all
  bool timed_out = false;   // `buckets` then lack what a warning says
  std::vector<SearchWarning> warnings;
  std::chrono::milliseconds elapsed{0};
};

using AggregateOutcome = std::variant<AggregateAnswer, SearchError>;

// Measures over groups of events: Datadog's log analytics. Thread-safe; blocks.
class AggregateService {
 public:
  // All must outlive the service.
  AggregateService(QueryRunner& runner, TimeZones& zones, const Clock& clock)
      : runner_(runner), zones_(zones), clock_(clock) {}

  AggregateOutcome Aggregate(const AggregateRequest& request);

 private:
  QueryRunner& runner_;
  TimeZones& zones_;
  const Clock& clock_;
};

}  // namespace postglass::query
