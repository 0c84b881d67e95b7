#include "base/time_format.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

namespace postglass {
namespace {

constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
  int year, month, day, hour, minute, second, millis, weekday;
};

Civil ToCivil(Timestamp t) {
  using namespace std::chrono;
  const std::int64_t all_millis = t.millis();
  const sys_time<milliseconds> at{milliseconds(all_millis)};
  const auto midnight = floor<days>(at);
  const year_month_day date{midnight};
  const hh_mm_ss<milliseconds> time{at - midnight};
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(time.hours().count()),
          static_cast<int>(time.minutes().count()),
          static_cast<int>(time.seconds().count()),
          static_cast<int>(time.subseconds().count()),
          static_cast<int>(weekday(midnight).c_encoding())};
}

// Reads exactly `digits` decimal digits from the front of `text`.
std::optional<int> TakeDigits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Timestamp> FromCivil(
    int year, int month, int day, int hour, int minute, int second, std::int64_t nanos) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year),
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 1678 || year > 2261) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::int64_t seconds_since =
      std::int64_t{sys_days(date).time_since_epoch().count()} * std::int64_t{86'400} +
      std::int64_t{hour} * std::int64_t{3'600} + std::int64_t{minute} * 60 + second;
  return Timestamp{seconds_since * 1'000'000'000 + nanos};
}

}  // namespace

std::string FormatIso8601Millis(Timestamp t) {
  const Civil c = ToCivil(t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                     c.year,
                     c.month,
                     c.day,
                     c.hour,
                     c.minute,
                     c.second,
                     c.millis);
}

std::string FormatHttpDate(Timestamp t) {
  const Civil c = ToCivil(t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<std::size_t>(c.weekday)],
                     c.day,
                     kMonths[static_cast<std::size_t>(c.month - 1)],
                     c.year,
                     c.hour,
                     c.minute,
                     c.second);
}

std::string FormatMailDate(Timestamp t) {
  std::string text = FormatHttpDate(t);
  text.replace(text.size() - 3, 3, "+0000");
  return text;
}

std::string FormatCompactUtc(Timestamp t) {
  const Civil c = ToCivil(t);
  return fmt::format(
      "{:04}{:02}{:02}T{:02}{:02}{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

std::optional<Timestamp> ParseIso8601(std::string_view text) {
  const auto year = TakeDigits(text, 4);
  if (!year || !Take(text, '-')) return std::nullopt;
  const auto month = TakeDigits(text, 2);
  if (!month || !Take(text, '-')) return std::nullopt;
  const auto day = TakeDigits(text, 2);
  if (!day) return std::nullopt;
  if (text.empty()) return FromCivil(*year, *month, *day, 0, 0, 0, 0);
  if (!Take(text, 'T') && !Take(text, 't') && !Take(text, ' ')) return std::nullopt;
  const auto hour = TakeDigits(text, 2);
  if (!hour || !Take(text, ':')) return std::nullopt;
  const auto minute = TakeDigits(text, 2);
  if (!minute) return std::nullopt;
  int second = 0;
  std::int64_t nanos = 0;
  if (Take(text, ':')) {
    const auto parsed = TakeDigits(text, 2);
    if (!parsed) return std::nullopt;
    second = *parsed;
    if (Take(text, '.') || Take(text, ',')) {
      std::int64_t unit = 100'000'000;
      bool any = false;
      while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        nanos += (text.front() - '0') * unit;
        unit /= 10;
        any = true;
        text.remove_prefix(1);
      }
      if (!any) return std::nullopt;
    }
  }
  int offset_minutes = 0;
  if (!text.empty() && !Take(text, 'Z') && !Take(text, 'z')) {
    const int sign = text.front() == '-' ? -1 : 1;
    if (!Take(text, '+') && !Take(text, '-')) return std::nullopt;
    const auto hours = TakeDigits(text, 2);
    Take(text, ':');
    const auto minutes = text.empty() ? std::optional<int>(0) : TakeDigits(text, 2);
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    offset_minutes = sign * (*hours * 60 + *minutes);
  }
  if (!text.empty()) return std::nullopt;
  auto at = FromCivil(*year, *month, *day, *hour, *minute, second, nanos);
  if (at) at->nanos -= std::int64_t{offset_minutes} * 60'000'000'000;
  return at;
}

std::optional<Timestamp> ParseCompactUtc(std::string_view text) {
  const auto year = TakeDigits(text, 4);
  const auto month = year ? TakeDigits(text, 2) : std::nullopt;
  const auto day = month ? TakeDigits(text, 2) : std::nullopt;
  if (!day || !Take(text, 'T')) return std::nullopt;
  const auto hour = TakeDigits(text, 2);
  const auto minute = hour ? TakeDigits(text, 2) : std::nullopt;
  const auto second = minute ? TakeDigits(text, 2) : std::nullopt;
  if (!second || text != "Z") return std::nullopt;
  return FromCivil(*year, *month, *day, *hour, *minute, *second, 0);
}

}  // namespace postglass
