#include "query/time_buckets.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace postglass::query {

namespace {

namespace c = std::chrono;

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kAmountMax = 1'000'000;

std::int64_t FloorTo(std::int64_t value, std::int64_t step) {
  const std::int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

// Milliseconds of a zone's clocks, counted as if they were UTC.
class Clocks {
 public:
  explicit Clocks(const TimeZone& zone) : zone_(zone) {}

  std::int64_t OffsetMs(std::int64_t utc_ms) const {
    return std::int64_t{zone_.OffsetAt(FloorTo(utc_ms, 1'000) / 1'000)} * 1'000;
  }

  std::int64_t LocalOf(std::int64_t utc_ms) const { return utc_ms + OffsetMs(utc_ms); }

  std::int64_t UtcOf(std::int64_t local_ms) const {
    const std::int64_t whole = FloorTo(local_ms, 1'000);
    return zone_.UtcOf(whole / 1'000) * 1'000 + (local_ms - whole);
  }

 private:
  const TimeZone& zone_;
};

std::int64_t MonthStart(std::int64_t months_since_1970) {
  const std::int64_t year = FloorTo(months_since_1970, 12) / 12;
  const auto month = static_cast<unsigned>(months_since_1970 - year * 12 + 1);
  const c::sys_days day = c::year(static_cast<int>(1970 + year)) / c::month(month) / 1;
  return day.time_since_epoch().count() * kDayMs;
}

std::int64_t MonthsSince1970(std::int64_t local_ms) {
  const c::year_month_day date{c::sys_days(c::days(FloorTo(local_ms, kDayMs) / kDayMs))};
  return (static_cast<int>(date.year()) - 1970) * std::int64_t{12} +
         static_cast<unsigned>(date.month()) - 1;
}

// The round time at or before `local_ms`, `steps` intervals later.
std::int64_t RoundLocal(std::int64_t local_ms, const TimeInterval& interval, std::int64_t steps) {
  switch (interval.kind) {
    case TimeInterval::Kind::kClock:
      return FloorTo(local_ms, interval.amount) + steps * interval.amount;
    case TimeInterval::Kind::kDays: {
      const std::int64_t length = interval.amount * kDayMs;
      return FloorTo(local_ms, length) + steps * length;
    }
    case TimeInterval::Kind::kWeeks: {
      constexpr std::int64_t kFirstMonday = 4 * kDayMs;  // 5 January 1970
      const std::int64_t length = interval.amount * 7 * kDayMs;
      return FloorTo(local_ms - kFirstMonday, length) + kFirstMonday + steps * length;
    }
    case TimeInterval::Kind::kMonths:
      return MonthStart(FloorTo(MonthsSince1970(local_ms), interval.amount) +
                        steps * interval.amount);
  }
  return local_ms;
}

std::int64_t NextBorder(std::int64_t border, const TimeInterval& interval, const Clocks& clocks) {
  if (interval.kind == TimeInterval::Kind::kClock) {
    const std::int64_t next = border + interval.amount;
    const std::int64_t shift = clocks.OffsetMs(next) - clocks.OffsetMs(border);
    // Clocks that were set by whole intervals are still round; and what they show twice is two.
    if (shift % interval.amount == 0) return next;
  }
  const std::int64_t next = clocks.UtcOf(RoundLocal(clocks.LocalOf(border), interval, 1));
  return next > border ? next : clocks.UtcOf(RoundLocal(clocks.LocalOf(border), interval, 2));
}

}  // namespace

Result<TimeInterval> ParseInterval(std::string_view text) {
  using Kind = TimeInterval::Kind;
  const auto bad = [&] {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("\"{}\" is no interval: expected a number and a unit of ms, s, m, h, d, "
                    "w, M or y, such as 5m",
                    text.substr(0, 60)));
  };
  std::int64_t amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || amount < 1 || amount > kAmountMax) return bad();
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit == "ms") return TimeInterval{Kind::kClock, amount};
  if (unit == "s") return TimeInterval{Kind::kClock, amount * 1'000};
  if (unit == "m") return TimeInterval{Kind::kClock, amount * 60'000};
  if (unit == "h") return TimeInterval{Kind::kClock, amount * 3'600'000};
  if (unit == "d" && amount <= 3'660) return TimeInterval{Kind::kDays, amount};
  if (unit == "w" && amount <= 520) return TimeInterval{Kind::kWeeks, amount};
  if ((unit == "M" || unit == "mo") && amount <= 1'200) return TimeInterval{Kind::kMonths, amount};
  if (unit == "y" && amount <= 100) return TimeInterval{Kind::kMonths, amount * 12};
  return bad();
}

TimeInterval IntervalFor(std::chrono::milliseconds range) {
  using Kind = TimeInterval::Kind;
  constexpr std::array<std::int64_t, 18> kSeconds = {1,
                                                     2,
                                                     5,
                                                     10,
                                                     15,
                                                     30,
                                                     60,
                                                     120,
                                                     300,
                                                     600,
                                                     900,
                                                     1'800,
                                                     3'600,
                                                     7'200,
                                                     10'800,
                                                     14'400,
                                                     21'600,
                                                     43'200};
  constexpr auto kWanted = static_cast<std::int64_t>(kTimeBucketsWanted);
  for (const std::int64_t seconds : kSeconds) {
    if (range.count() <= seconds * 1'000 * kWanted) return {Kind::kClock, seconds * 1'000};
  }
  if (range.count() <= kDayMs * kWanted) return {Kind::kDays, 1};
  if (range.count() <= 7 * kDayMs * kWanted) return {Kind::kWeeks, 1};
  for (const std::int64_t months : {1, 3, 6, 12}) {
    if (range.count() <= months * 28 * kDayMs * kWanted) return {Kind::kMonths, months};
  }
  return {Kind::kMonths, (range.count() / kWanted / (365 * kDayMs) + 1) * 12};
}

Result<std::vector<std::int64_t>> BucketBorders(Timestamp from,
                                                Timestamp to,
                                                const TimeInterval& interval,
                                                const TimeZone& zone) {
  const Clocks clocks(zone);
  // Where clocks were just set, a round time may lie behind the beginning.
  std::int64_t border = clocks.UtcOf(RoundLocal(clocks.LocalOf(from.millis()), interval, 0));
  if (border > from.millis()) {
    border = clocks.UtcOf(RoundLocal(clocks.LocalOf(from.millis()), interval, -1));
  }
  // And of two equal times the second may be the one.
  for (std::int64_t next = NextBorder(border, interval, clocks);
       next <= from.millis() && next > border;
       next = NextBorder(border, interval, clocks)) {
    border = next;
  }
  std::vector<std::int64_t> borders = {border};
  while (borders.back() <= to.millis()) {
    if (borders.size() > kTimeBucketsMax) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("the interval makes more than {} buckets", kTimeBucketsMax));
    }
    borders.push_back(NextBorder(borders.back(), interval, clocks));
  }
  return borders;
}

}  // namespace postglass::query
