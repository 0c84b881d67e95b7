#include "query/time_range.h"

#include <gtest/gtest.h>

#include "base/time_format.h"

namespace postglass::query {
namespace {

struct Case {
  const char* text;
  const char* expected;  // empty: an error
};

TEST(TimeRange, ReadsEveryForm) {
  const Timestamp now = *ParseIso8601("2026-11-23T14:03:05.250Z");  // a Monday
  const Case cases[] = {
      {"now", "2026-11-23T14:03:05.250Z"},
      {" now ", "2026-11-23T14:03:05.250Z"},
      {"now-15m", "2026-11-23T13:48:05.250Z"},
      {"now+1h", "2026-11-23T15:03:05.250Z"},
      {"now-250ms", "2026-11-23T14:03:05.000Z"},
      {"now-90s", "2026-11-23T14:01:35.250Z"},
      {"now-1d/d", "2026-11-22T00:00:00.000Z"},
      {"now/h", "2026-11-23T14:00:00.000Z"},
      {"now-1d/w", "2026-11-16T00:00:00.000Z"},
      {"now/w", "2026-11-23T00:00:00.000Z"},
      {"now/M", "2026-11-01T00:00:00.000Z"},
      {"now/y", "2026-01-01T00:00:00.000Z"},
      {"now-9M", "2026-02-23T14:03:05.250Z"},
      {"now/M-1d-8M", "2026-02-28T00:00:00.000Z"},
      {"now-2y", "2024-11-23T14:03:05.250Z"},
      {"now-1d+1h/h", "2026-11-22T15:00:00.000Z"},
      {"1800000000000", "2027-01-15T08:00:00.000Z"},
      {"1800000000", "1970-01-21T20:00:00.000Z"},
      {"2026-11-23T14:03:05Z", "2026-11-23T14:03:05.000Z"},
      {"2026-11-23T14:03:05+02:00", "2026-11-23T12:03:05.000Z"},
      {"2026-11-23", "2026-11-23T00:00:00.000Z"},
      {"", ""},
      {"later", ""},
      {"now-", ""},
      {"now-15", ""},
      {"now-15x", ""},
      {"now--5m", ""},
      {"now/", ""},
      {"now15m", ""},
      {"now-99999999999999999999m", ""},
      {"now-100000000w", ""},
      {"now-3000y", ""},
      {"123", ""},
      {"99999999999999999", ""},
      {"now/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d", ""},
  };
  for (const Case& c : cases) {
    const Result<Timestamp> at = ParseTime(c.text, now);
    if (*c.expected == '\0') {
      ASSERT_FALSE(at) << c.text;
      EXPECT_EQ(at.error().code, ErrorCode::kInvalidArgument);
    } else {
      ASSERT_TRUE(at) << c.text << ": " << at.error().message;
      EXPECT_EQ(FormatIso8601Millis(*at), c.expected) << c.text;
    }
  }
}

}  // namespace
}  // namespace postglass::query
