#include "query/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>

namespace postglass::query {

namespace {

constexpr std::size_t kFileBytesMax = 256 << 10;
constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kZonesMax = 600;  // the database has about as many names
constexpr std::size_t kHeaderBytes = 44;
constexpr std::int64_t kDayS = 86'400;
constexpr std::int32_t kOffsetMaxS = 26 * 3'600;  // what RFC 8536 allows

std::int64_t BigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  if (bytes.size() == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  return static_cast<std::int64_t>(value);
}

struct Header {
  std::size_t isut = 0;
  std::size_t isstd = 0;
  std::size_t leaps = 0;
  std::size_t times = 0;
  std::size_t types = 0;
  std::size_t chars = 0;

  std::size_t BodyBytes(std::size_t time_bytes) const {
    return times * (time_bytes + 1) + types * 6 + chars + leaps * (time_bytes + 4) + isstd + isut;
  }
};

std::optional<Header> ReadHeader(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with("TZif") || bytes[4] < '2') {
    return std::nullopt;
  }
  const auto count = [&](std::size_t i) {
    return static_cast<std::size_t>(
        static_cast<std::uint32_t>(BigEndian(bytes.substr(20 + 4 * i, 4))));
  };
  const Header header{count(0), count(1), count(2), count(3), count(4), count(5)};
  for (std::size_t i = 0; i < 6; ++i) {
    if (count(i) > kFileBytesMax) return std::nullopt;
  }
  return header;
}

// Reads a POSIX TZ text from the front.
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool TakeName() {
    if (Take('<')) {
      const std::size_t end = rest_.find('>');
      if (end == rest_.npos) return false;
      rest_.remove_prefix(end + 1);
      return true;
    }
    const std::size_t end = std::min(rest_.find_first_of("+-,0123456789"), rest_.size());
    rest_.remove_prefix(end);
    return end >= 3;
  }

  bool TakeNumber(int& out) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    if (error != std::errc() || rest_.front() == '-') return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return out <= 1'000;
  }

  // [+-]hours[:minutes[:seconds]]
  bool TakeTime(std::int32_t& seconds) {
    const bool negative = Take('-');
    if (!negative) Take('+');
    int part = 0;
    if (!TakeNumber(part)) return false;
    seconds = part * 3'600;
    for (const int unit : {60, 1}) {
      if (!Take(':')) break;
      if (!TakeNumber(part)) return false;
      seconds += part * unit;
    }
    if (negative) seconds = -seconds;
    return std::abs(seconds) <= 7 * kDayS;
  }

  bool TakeDay(TimeZone::RuleDay& day) {
    using Kind = TimeZone::RuleDay::Kind;
    if (Take('M')) {
      day.kind = Kind::kMonthWeekDay;
      if (!TakeNumber(day.month) || !Take('.') || !TakeNumber(day.week) || !Take('.') ||
          !TakeNumber(day.day)) {
        return false;
      }
      if (day.month < 1 || day.month > 12 || day.week < 1 || day.week > 5 || day.day > 6) {
        return false;
      }
    } else {
      day.kind = Take('J') ? Kind::kJulian : Kind::kZeroBased;
      if (!TakeNumber(day.day) || day.day > 365) return false;
    }
    return !Take('/') || TakeTime(day.time_s);
  }

 private:
  std::string_view rest_;
};

// Seconds since 1970 of the change, on the clock that shows `offset_s`.
std::int64_t ChangeInYear(const TimeZone::RuleDay& day,
                          std::chrono::year year,
                          std::int32_t offset_s) {
  namespace c = std::chrono;
  using Kind = TimeZone::RuleDay::Kind;
  c::sys_days date;
  if (day.kind == Kind::kMonthWeekDay) {
    const c::weekday weekday(static_cast<unsigned>(day.day));
    const c::month month(static_cast<unsigned>(day.month));
    date = day.week == 5 ? c::sys_days(year / month / weekday[c::last])
                         : c::sys_days(year / month / weekday[static_cast<unsigned>(day.week)]);
  } else {
    date = c::sys_days(year / 1 / 1) + c::days(day.day);
    // Julian days count from 1 and never 29 February.
    if (day.kind == Kind::kJulian && !(year.is_leap() && day.day >= 60)) date -= c::days(1);
  }
  return date.time_since_epoch().count() * kDayS + day.time_s - offset_s;
}

}  // namespace

std::optional<TimeZone::Rule> TimeZone::Rule::Parse(std::string_view posix_tz) {
  RuleReader reader(posix_tz);
  Rule rule;
  if (!reader.TakeName() || !reader.TakeTime(rule.standard_s)) return std::nullopt;
  rule.standard_s = -rule.standard_s;  // POSIX counts westwards
  if (reader.at_end()) return rule;
  rule.has_summer = true;
  if (!reader.TakeName()) return std::nullopt;
  rule.summer_s = rule.standard_s + 3'600;
  if (!reader.Take(',')) {
    if (!reader.TakeTime(rule.summer_s) || !reader.Take(',')) return std::nullopt;
    rule.summer_s = -rule.summer_s;
  }
  if (!reader.TakeDay(rule.summer_begins) || !reader.Take(',') ||
      !reader.TakeDay(rule.summer_ends) || !reader.at_end()) {
    return std::nullopt;
  }
  return rule;
}

std::int32_t TimeZone::Rule::OffsetAt(std::int64_t utc_s) const {
  if (!has_summer) return standard_s;
  namespace c = std::chrono;
  const auto day = c::floor<c::days>(c::sys_seconds(c::seconds(utc_s + standard_s)));
  const c::year year = c::year_month_day(day).year();
  const std::int64_t begins = ChangeInYear(summer_begins, year, standard_s);
  const std::int64_t ends = ChangeInYear(summer_ends, year, summer_s);
  const bool is_summer = begins < ends ? utc_s >= begins && utc_s < ends
                                       : utc_s >= begins || utc_s < ends;  // south of the equator
  return is_summer ? summer_s : standard_s;
}

TimeZone TimeZone::Fixed(std::int32_t offset_s) {
  TimeZone zone;
  zone.first_offset_s_ = offset_s;
  return zone;
}

Result<TimeZone> TimeZone::FromTzif(std::string_view bytes) {
  const auto corrupt = [] { return Fail(ErrorCode::kCorruption, "not a time zone file"); };
  if (bytes.size() > kFileBytesMax) return corrupt();
  const std::optional<Header> old = ReadHeader(bytes);
  if (!old || bytes.size() < kHeaderBytes + old->BodyBytes(4)) return corrupt();
  bytes.remove_prefix(kHeaderBytes + old->BodyBytes(4));
  const std::optional<Header> header = ReadHeader(bytes);
  if (!header || header->types == 0 || bytes.size() < kHeaderBytes + header->BodyBytes(8)) {
    return corrupt();
  }
  const std::string_view times = bytes.substr(kHeaderBytes);
  const std::string_view type_of = times.substr(header->times * 8);
  const std::string_view types = type_of.substr(header->times);
  const auto offset_of = [&](std::size_t type) {
    return static_cast<std::int32_t>(BigEndian(types.substr(type * 6, 4)));
  };
  TimeZone zone;
  for (std::size_t type = 0; type < header->types; ++type) {
    if (std::abs(std::int64_t{offset_of(type)}) > kOffsetMaxS) return corrupt();
  }
  zone.first_offset_s_ = offset_of(0);
  for (std::size_t i = 0; i < header->times; ++i) {
    const auto type = static_cast<unsigned char>(type_of[i]);
    const std::int64_t at = BigEndian(times.substr(i * 8, 8));
    if (type >= header->types || (i > 0 && at <= zone.changes_.back().at_s)) return corrupt();
    zone.changes_.push_back({at, offset_of(type)});
  }
  std::string_view footer = bytes.substr(kHeaderBytes + header->BodyBytes(8));
  if (footer.size() < 2 || footer.front() != '\n') return corrupt();
  footer = footer.substr(1, footer.find('\n', 1) - 1);
  if (!footer.empty()) {
    zone.rule_ = Rule::Parse(footer);
    if (!zone.rule_) return corrupt();
  }
  return zone;
}

std::int32_t TimeZone::OffsetAt(std::int64_t utc_s) const {
  const auto behind = std::upper_bound(
      changes_.begin(), changes_.end(), utc_s, [](std::int64_t at, const Change& change) {
        return at < change.at_s;
      });
  if (behind == changes_.end() && rule_) return rule_->OffsetAt(utc_s);
  return behind == changes_.begin() ? first_offset_s_ : std::prev(behind)->offset_s;
}

std::int64_t TimeZone::UtcOf(std::int64_t local_s) const {
  // No zone changes twice within two days, so the offset is one of these.
  const std::int64_t early = local_s - OffsetAt(local_s - kDayS);
  const std::int64_t late = local_s - OffsetAt(local_s + kDayS);
  const bool early_is = early + OffsetAt(early) == local_s;
  const bool late_is = late + OffsetAt(late) == local_s;
  if (early_is && late_is) return std::min(early, late);
  return late_is ? late : early;
}

Result<std::shared_ptr<const TimeZone>> TimeZones::Find(std::string_view name) {
  const auto unknown = [&] {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("unknown time zone \"{}\"", name.substr(0, kNameBytesMax)));
  };
  if (name.empty() || name == "UTC" || name == "GMT" || name == "Z") {
    return std::make_shared<const TimeZone>(TimeZone::Fixed(0));
  }
  std::string_view distance = name;
  if (distance.starts_with("UTC") || distance.starts_with("GMT")) distance.remove_prefix(3);
  if (!distance.empty() && (distance.front() == '+' || distance.front() == '-')) {
    RuleReader reader(distance);
    std::int32_t offset = 0;
    if (!reader.TakeTime(offset) || !reader.at_end() || std::abs(offset) > kOffsetMaxS) {
      return unknown();
    }
    return std::make_shared<const TimeZone>(TimeZone::Fixed(offset));
  }
  // A name of the database and nothing else: no way out of its directory.
  const auto is_part_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '-' || c == '+';
  };
  if (name.size() > kNameBytesMax || name.front() == '/' ||
      !std::all_of(name.begin(), name.end(), is_part_of_name)) {
    return unknown();
  }
  {
    MutexLock lock(mutex_);
    if (const auto known = read_.find(name); known != read_.end()) return known->second;
  }
  const Result<std::string> bytes =
      files_.ReadFile(fmt::format("{}/{}", directory_, name), kFileBytesMax);
  if (!bytes) return unknown();
  ASSIGN_OR_RETURN(TimeZone zone, TimeZone::FromTzif(*bytes));
  auto read = std::make_shared<const TimeZone>(std::move(zone));
  MutexLock lock(mutex_);
  if (read_.size() < kZonesMax) read_.emplace(name, read);
  return read;
}

}  // namespace postglass::query
