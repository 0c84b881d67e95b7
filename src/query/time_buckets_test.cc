#include "query/time_buckets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/file_system.h"
#include "base/time_format.h"

namespace postglass::query {
namespace {

Timestamp At(std::string_view text) { return ParseIso8601(text).value(); }

// "2026-03-29T00:00Z …"
std::string Borders(std::string_view zone_name,
                    std::string_view interval,
                    std::string_view from,
                    std::string_view to) {
  PosixFileSystem files;
  TimeZones zones(files);
  const auto zone = zones.Find(zone_name);
  if (!zone) return zone.error().message;
  const Result<TimeInterval> length = ParseInterval(interval);
  if (!length) return length.error().message;
  const auto borders = BucketBorders(At(from), At(to), *length, **zone);
  if (!borders) return borders.error().message;
  std::string out;
  for (const std::int64_t border : *borders) {
    out += FormatIso8601Millis(Timestamp::FromMillis(border)).substr(5, 11) + ' ';
  }
  if (!out.empty()) out.pop_back();
  return out;
}

TEST(TimeBuckets, AreRoundInUtcWithoutAZone) {
  EXPECT_EQ(Borders("", "5m", "2026-01-01T00:03:00Z", "2026-01-01T00:10:00Z"),
            "01-01T00:00 01-01T00:05 01-01T00:10 01-01T00:15");
  EXPECT_EQ(Borders("UTC", "1d", "1969-12-30T05:00:00Z", "1970-01-01T00:00:00Z"),
            "12-30T00:00 12-31T00:00 01-01T00:00 01-02T00:00");
}

TEST(TimeBuckets, ADayIsAsLongAsItsClocksMakeIt) {
  // Clocks go forward on 29 March 2026, back on 25 October.
  EXPECT_EQ(Borders("Europe/Berlin", "1d", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
            "03-27T23:00 03-28T23:00 03-29T22:00 03-30T22:00");
  EXPECT_EQ(Borders("Europe/Berlin", "1d", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
            "10-23T22:00 10-24T22:00 10-25T23:00");
}

TEST(TimeBuckets, AnHourThatClocksShowTwiceIsTwo) {
  EXPECT_EQ(Borders("Europe/Berlin", "1h", "2026-10-25T00:10:00Z", "2026-10-25T02:10:00Z"),
            "10-25T00:00 10-25T01:00 10-25T02:00 10-25T03:00");
  EXPECT_EQ(Borders("Europe/Berlin", "1h", "2026-03-29T00:10:00Z", "2026-03-29T01:10:00Z"),
            "03-29T00:00 03-29T01:00 03-29T02:00");
  // From within the second of the two.
  EXPECT_EQ(Borders("Europe/Berlin", "30m", "2026-10-25T01:40:00Z", "2026-10-25T01:50:00Z"),
            "10-25T01:30 10-25T02:00");
}

TEST(TimeBuckets, LongerOnesStayRoundOnTheClocks) {
  EXPECT_EQ(Borders("Europe/Berlin", "6h", "2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z"),
            "03-28T23:00 03-29T04:00 03-29T10:00");
  EXPECT_EQ(Borders("Europe/Berlin", "6h", "2026-10-24T22:00:00Z", "2026-10-25T05:00:00Z"),
            "10-24T22:00 10-25T05:00 10-25T11:00");
}

TEST(TimeBuckets, ZonesOfHalfHoursAndClocksSetAtMidnight) {
  EXPECT_EQ(Borders("Asia/Kolkata", "1h", "2026-01-01T00:00:00Z", "2026-01-01T00:40:00Z"),
            "12-31T23:30 01-01T00:30 01-01T01:30");
  // Lord Howe Island sets its clocks by half an hour.
  EXPECT_EQ(Borders("Australia/Lord_Howe", "1d", "2026-04-04T13:30:00Z", "2026-04-05T13:00:00Z"),
            "04-04T13:00 04-05T13:30");
  // In Cairo the day of 24 April 2026 begins at one o'clock.
  EXPECT_EQ(Borders("Africa/Cairo", "1d", "2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z"),
            "04-22T22:00 04-23T22:00 04-24T21:00");
}

TEST(TimeBuckets, WeeksBeginOnMondayAndMonthsAreOfTheCalendar) {
  EXPECT_EQ(Borders("UTC", "1w", "2026-01-01T00:00:00Z", "2026-01-08T00:00:00Z"),
            "12-29T00:00 01-05T00:00 01-12T00:00");
  EXPECT_EQ(Borders("America/New_York", "1M", "2026-02-15T00:00:00Z", "2026-04-01T00:00:00Z"),
            "02-01T05:00 03-01T05:00 04-01T04:00");
  EXPECT_EQ(Borders("UTC", "1y", "1969-06-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            "01-01T00:00 01-01T00:00 01-01T00:00");
}

TEST(TimeBuckets, HoldBehindTheTableOfTheZone) {
  EXPECT_EQ(Borders("Europe/Berlin", "1d", "2080-03-31T00:00:00Z", "2080-03-31T12:00:00Z"),
            "03-30T23:00 03-31T22:00");
  EXPECT_EQ(Borders("Australia/Sydney", "1d", "2080-01-01T00:00:00Z", "2080-01-01T12:00:00Z"),
            "12-31T13:00 01-01T13:00");
}

TEST(TimeBuckets, EveryBorderFollowsInEveryZone) {
  PosixFileSystem files;
  TimeZones zones(files);
  for (const char* name : {"Europe/Berlin",
                           "America/Sao_Paulo",
                           "Africa/Cairo",
                           "Asia/Tehran",
                           "Pacific/Apia",
                           "Australia/Lord_Howe",
                           "America/Caracas",
                           "+05:45"}) {
    const auto zone = zones.Find(name);
    ASSERT_TRUE(zone) << name;
    for (const char* interval : {"30m", "1h", "2h", "5h", "1d", "3d", "1w", "1M"}) {
      for (std::int64_t hour = 360'000; hour < 362'000; hour += 211) {
        const Timestamp from = Timestamp::FromMillis(hour * 3'600'000);
        const Timestamp to = Timestamp::FromMillis((hour + 300) * 3'600'000);
        const auto borders = BucketBorders(from, to, *ParseInterval(interval), **zone);
        ASSERT_TRUE(borders);
        SCOPED_TRACE(std::string(name) + ' ' + interval);
        EXPECT_LE(borders->front(), from.millis());
        EXPECT_GT((*borders)[1], from.millis());
        EXPECT_GT(borders->back(), to.millis());
        EXPECT_TRUE(std::adjacent_find(borders->begin(), borders->end(), std::greater_equal<>()) ==
                    borders->end());
      }
    }
  }
}

TEST(TimeBuckets, RefusesWhatIsNone) {
  EXPECT_EQ(Borders("Mars/Olympus", "1h", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            "unknown time zone \"Mars/Olympus\"");
  for (const char* name :
       {"../../etc/passwd", "/etc/passwd", "Europe/Berlin\n", "+99:00", "Europe"}) {
    PosixFileSystem files;
    EXPECT_FALSE(TimeZones(files).Find(name)) << name;
  }
  for (const char* text : {"", "5", "m", "0m", "-5m", "5 m", "5x", "99999999999d", "1.5h"}) {
    EXPECT_FALSE(ParseInterval(text)) << text;
  }
  EXPECT_EQ(Borders("", "1ms", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            "the interval makes more than 10000 buckets");
}

TEST(TimeBuckets, ChoosesARoundIntervalForARange) {
  using std::chrono::hours;
  using std::chrono::minutes;
  EXPECT_EQ(IntervalFor(minutes(15)), *ParseInterval("10s"));
  EXPECT_EQ(IntervalFor(hours(24)), *ParseInterval("10m"));
  EXPECT_EQ(IntervalFor(hours(24 * 30)), *ParseInterval("6h"));
  EXPECT_EQ(IntervalFor(hours(24 * 365)), *ParseInterval("1w"));
}

}  // namespace
}  // namespace postglass::query
