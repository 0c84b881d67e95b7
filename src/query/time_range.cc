#include "query/time_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>

#include "base/encoding.h"
#include "base/time_format.h"

namespace postglass::query {
namespace {

// Fewer digits than this are no epoch milliseconds: they would lie in January 1970.
constexpr std::size_t kEpochDigitsMin = 10;

// What a Timestamp can hold, with room for one more step of date math.
constexpr std::int64_t kMillisMax = 9'000'000'000'000;
constexpr std::int64_t kAmountMax = 100'000'000;
constexpr int kStepsMax = 16;

using Millis = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Millis>;

std::int64_t UnitMillis(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1'000;
  if (unit == "m") return 60'000;
  if (unit == "h") return 3'600'000;
  if (unit == "d") return 86'400'000;
  if (unit == "w") return 604'800'000;
  return 0;  // M and y have no fixed length
}

bool IsUnit(std::string_view unit) { return UnitMillis(unit) != 0 || unit == "M" || unit == "y"; }

// The same day of a month so many months away, or that month's last day.
Instant AddMonths(Instant at, int months) {
  namespace c = std::chrono;
  const auto day_start = c::floor<c::days>(at);
  const c::year_month_day date{day_start};
  const c::year_month month = date.year() / date.month() + c::months(months);
  const c::day last = (month / c::last).day();
  return Instant(c::sys_days(month / std::min(date.day(), last))) + (at - day_start);
}

Instant RoundDown(Instant at, std::string_view unit) {
  namespace c = std::chrono;
  const c::year_month_day date{c::floor<c::days>(at)};
  if (unit == "y") return Instant(c::sys_days(date.year() / 1 / 1));
  if (unit == "M") return Instant(c::sys_days(date.year() / date.month() / 1));
  if (unit == "w") {
    const auto day = c::floor<c::days>(at);
    return Instant(day - (c::weekday(day) - c::Monday));
  }
  const Millis step(UnitMillis(unit));
  const Millis since = at.time_since_epoch();
  Millis rest = since % step;
  if (rest.count() < 0) rest += step;
  return Instant(since - rest);
}

std::string_view TakeUnit(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && ((text[length] >= 'a' && text[length] <= 'z') ||
                                  (text[length] >= 'A' && text[length] <= 'Z'))) {
    ++length;
  }
  const std::string_view unit = text.substr(0, length);
  text.remove_prefix(length);
  return unit;
}

// The steps behind "now": {("+" | "-") digits unit | "/" unit}.
std::optional<Instant> ApplyMath(Instant at, std::string_view math) {
  for (int steps = 0; !math.empty(); ++steps) {
    if (steps == kStepsMax) return std::nullopt;
    const char sign = math.front();
    math.remove_prefix(1);
    if (sign == '/') {
      const std::string_view unit = TakeUnit(math);
      if (!IsUnit(unit)) return std::nullopt;
      at = RoundDown(at, unit);
      continue;
    }
    if (sign != '+' && sign != '-') return std::nullopt;
    std::int64_t amount = 0;
    const auto [end, error] = std::from_chars(math.data(), math.data() + math.size(), amount);
    if (error != std::errc() || math.front() == '-' || amount > kAmountMax) return std::nullopt;
    math.remove_prefix(static_cast<std::size_t>(end - math.data()));
    const std::string_view unit = TakeUnit(math);
    if (!IsUnit(unit)) return std::nullopt;
    if (sign == '-') amount = -amount;
    if (const std::int64_t millis = UnitMillis(unit); millis != 0) {
      if (std::abs(amount) > kMillisMax / millis) return std::nullopt;
      at += Millis(amount * millis);
    } else {
      const std::int64_t months = unit == "y" ? amount * 12 : amount;
      if (std::abs(months) > 3'600) return std::nullopt;
      at = AddMonths(at, static_cast<int>(months));
    }
    if (std::abs(at.time_since_epoch().count()) > kMillisMax) return std::nullopt;
  }
  return at;
}

}  // namespace

Result<Timestamp> ParseTime(std::string_view text, Timestamp now) {
  const std::string_view trimmed = TrimAscii(text);
  if (trimmed.starts_with("now")) {
    const auto at = ApplyMath(Instant(Millis(now.millis())), trimmed.substr(3));
    if (at) return Timestamp::FromMillis(at->time_since_epoch().count());
  } else if (trimmed.size() >= kEpochDigitsMin &&
             trimmed.find_first_not_of("0123456789") == std::string_view::npos) {
    std::int64_t millis = 0;
    const auto [end, error] =
        std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), millis);
    if (error == std::errc() && millis <= kMillisMax) return Timestamp::FromMillis(millis);
  } else if (const std::optional<Timestamp> at = ParseIso8601(trimmed)) {
    return *at;
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("\"{}\" is no time: expected ISO 8601, milliseconds since 1970, or now "
                          "with steps such as now-15m or now-1d/d",
                          trimmed.substr(0, 60)));
}

}  // namespace postglass::query
