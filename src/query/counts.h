#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "query/runner.h"
#include "store/plan.h"

namespace postglass::query {

// Which events are counted.
struct CountScope {
  store::Predicate where{store::MatchAll{}};
  std::string from = "now-24h";  // as ParseTime; both ends inclusive
  std::string to = "now";
};

struct TopAnswer {
  struct Values {
    std::string field;                      // as asked: "@bounce.bounceType", "service"
    std::vector<store::ValueCount> values;  // most frequent first
  };

  Timestamp from;
  Timestamp to;
  std::uint64_t matched = 0;
  std::vector<Values> fields;
  std::vector<std::string> damage;
};

struct HistogramAnswer {
  Timestamp from;
  Timestamp to;
  std::uint64_t matched = 0;
  std::chrono::milliseconds interval{0};
  std::string split;  // as asked; empty: none
  // Oldest first, the empty ones left out; they begin at multiples of the interval since 1970.
  std::vector<store::HistogramBucket> buckets;
  std::vector<std::string> damage;
};

// Counting for people: top values of fields, events over time. Thread-safe; blocks.
class CountService {
 public:
  static constexpr std::size_t kFieldsMax = 50;
  static constexpr std::size_t kValuesMax = 1'000;
  static constexpr std::size_t kBucketsMax = 10'000;

  // Both must outlive it.
  CountService(QueryRunner& runner, const Clock& clock) : runner_(runner), clock_(clock) {}

  // Of 1..kFieldsMax fields the `limit` (1..kValuesMax) most frequent values. Errors:
  // kInvalidArgument, and those of QueryRunner::Run.
  Result<TopAnswer> Top(const CountScope& scope,
                        const std::vector<std::string>& fields,
                        std::size_t limit);
  // `interval` as "30s" "5m" "1h" "1d"; empty: one that gives at most 60 buckets. Errors as Top().
  Result<HistogramAnswer> Histogram(const CountScope& scope,
                                    std::string_view interval,
                                    std::string_view split);

 private:
  QueryRunner& runner_;
  const Clock& clock_;
};

// {"from","to","matched","fields":[{"field","values":[{"value","count"}]}],"damage"}
std::string TopJson(const TopAnswer& answer);
// {"from","to","matched","interval_ms",["split"],"buckets":[{"start","count",["split":[…]]}],"damage"}
std::string HistogramJson(const HistogramAnswer& answer);

}  // namespace postglass::query
