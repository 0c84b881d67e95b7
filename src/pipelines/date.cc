#include "pipelines/date.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string_view>

#include "base/encoding.h"
#include "base/time_format.h"

namespace postglass::pipelines {
namespace {

// Years 1..9999 in milliseconds: what an ISO date could say as well.
constexpr std::int64_t kEpochMillisMax = 253'402'300'799'999;
constexpr std::array<std::string_view, 12> kMonths = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t kDayMillis = 86'400'000;

std::optional<std::int64_t> Bounded(std::int64_t millis) {
  if (millis < -kEpochMillisMax || millis > kEpochMillisMax) return std::nullopt;
  return millis;
}

// RFC 3164 §4.1.2: "Mmm dd hh:mm:ss", the day padded with a blank, no year, no zone (UTC here).
std::optional<std::int64_t> ParseRfc3164(std::string_view text, Timestamp now) {
  if (text.size() != 15 || text[3] != ' ' || text[6] != ' ') return std::nullopt;
  for (std::size_t month = 0; month < kMonths.size(); ++month) {
    if (!EqualsIgnoreAsciiCase(text.substr(0, 3), kMonths[month])) continue;
    const std::string today = FormatIso8601Millis(now);
    int year = 1970;
    std::from_chars(today.data(), today.data() + 4, year);
    const char tens = text[4] == ' ' ? '0' : text[4];
    for (const int candidate : {year + 1, year, year - 1}) {
      const auto parsed = ParseIso8601(
          fmt::format("{:04}-{:02}-{}{}T{}Z", candidate, month + 1, tens, text[5], text.substr(7)));
      if (parsed && parsed->millis() <= now.millis() + kDayMillis) return parsed->millis();
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> ParseLogDate(const json::value& v, Timestamp now) {
  if (v.is_int64()) return Bounded(v.get_int64());
  if (v.is_double()) {
    const double millis = v.get_double();
    if (!(millis > -1e15 && millis < 1e15)) return std::nullopt;
    return Bounded(static_cast<std::int64_t>(millis));
  }
  if (!v.is_string()) return std::nullopt;
  const std::string_view text = TrimAscii(std::string_view(v.get_string()));
  std::int64_t millis = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), millis);
  // Fewer digits than 1973 has would be a year or a count, not milliseconds.
  if (error == std::errc() && end == text.data() + text.size() && text.size() >= 12) {
    return Bounded(millis);
  }
  if (const auto iso = ParseIso8601(text)) return iso->millis();
  return ParseRfc3164(text, now);
}

}  // namespace postglass::pipelines
