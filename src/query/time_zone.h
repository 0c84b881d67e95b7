#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"
#include "base/result.h"

namespace postglass::query {

// How local clocks of a place stand to UTC, before, at and after each change. Immutable.
class TimeZone {
 public:
  // UTC, or a fixed distance from it.
  static TimeZone Fixed(std::int32_t offset_s);
  // A file of the tz database (RFC 8536), versions 2 and later. Errors: kCorruption.
  static Result<TimeZone> FromTzif(std::string_view bytes);

  // Local time less UTC, in seconds, at an instant (seconds since 1970).
  std::int32_t OffsetAt(std::int64_t utc_s) const;

  // The instant at which clocks show this time (counted as if it were UTC); the first one when they
  // show it twice; when they leap over it, the instant as far behind the leap as it is in it.
  std::int64_t UtcOf(std::int64_t local_s) const;

  // One of the two changes of a year in the file's rule for the years behind its table.
  struct RuleDay {
    enum class Kind { kJulian, kZeroBased, kMonthWeekDay } kind = Kind::kZeroBased;
    int day = 0;    // 1..365 without 29 February; 0..365; or of the week, 0 is Sunday
    int month = 0;  // of kMonthWeekDay: 1..12
    int week = 0;   // 1..5, 5 is the last
    std::int32_t time_s = 7'200;
  };

 private:
  struct Change {
    std::int64_t at_s = 0;
    std::int32_t offset_s = 0;  // from then on
  };

  struct Rule {
    std::int32_t standard_s = 0;
    bool has_summer = false;
    std::int32_t summer_s = 0;
    RuleDay summer_begins;
    RuleDay summer_ends;

    static std::optional<Rule> Parse(std::string_view posix_tz);
    std::int32_t OffsetAt(std::int64_t utc_s) const;
  };

  std::int32_t first_offset_s_ = 0;  // before the first change
  std::vector<Change> changes_;      // ascending
  std::optional<Rule> rule_;         // behind the last change
};

// The zones by name ("Europe/Berlin", "UTC"), from the system's tz database as they are asked for;
// and distances ("+02:00", "UTC-3"). Thread-safe.
class TimeZones {
 public:
  // `files` must outlive it.
  explicit TimeZones(const FileSystem& files, std::string directory = "/usr/share/zoneinfo")
      : files_(files), directory_(std::move(directory)) {}

  // Errors: kInvalidArgument (no such zone), kCorruption.
  Result<std::shared_ptr<const TimeZone>> Find(std::string_view name);

 private:
  const FileSystem& files_;
  const std::string directory_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<const TimeZone>, std::less<>> read_ GUARDED_BY(mutex_);
};

}  // namespace postglass::query
