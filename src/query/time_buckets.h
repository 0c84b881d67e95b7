#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "query/time_zone.h"

// Time axes: where the buckets of a time series begin. Pure.

namespace postglass::query {

inline constexpr std::size_t kTimeBucketsMax = 10'000;
inline constexpr std::size_t kTimeBucketsWanted = 150;  // when no interval is given

// How long a bucket is: of the clock (a multiple of milliseconds) or of the calendar.
struct TimeInterval {
  enum class Kind { kClock, kDays, kWeeks, kMonths } kind = Kind::kClock;
  std::int64_t amount = 60'000;  // milliseconds, days, weeks (from Monday), months
  bool operator==(const TimeInterval&) const = default;
};

// "30s", "5m", "1h", "1d", "1w", "1M" (or "1mo"), "1y"; units ms s m h d w M mo y. Errors:
// kInvalidArgument.
Result<TimeInterval> ParseInterval(std::string_view text);

// A round interval that makes at most kTimeBucketsWanted buckets.
TimeInterval IntervalFor(std::chrono::milliseconds range);

// Borders, ascending, of the buckets that hold all of [from, to]: bucket i is [b[i], b[i + 1]).
// They are round on the clocks of the zone: hours at full hours, days at midnight, also when that
// day has 23 or 25 hours. An hour that clocks show twice is two. Errors: kLimit.
Result<std::vector<std::int64_t>> BucketBorders(Timestamp from,
                                                Timestamp to,
                                                const TimeInterval& interval,
                                                const TimeZone& zone);

}  // namespace postglass::query
