#include "base/time_format.h"

#include <gtest/gtest.h>

#include "base/random_testing.h"

namespace postglass {
namespace {

constexpr Timestamp kAt = Timestamp::FromMillis(1'795'413'421'123);  // 2026-11-23T05:57:01.123Z

TEST(Timestamp, MillisRoundTowardThePast) {
  EXPECT_EQ(Timestamp{1'999'999}.millis(), 1);
  EXPECT_EQ(Timestamp{-1}.millis(), -1);
  EXPECT_EQ(Timestamp{-1'000'000}.millis(), -1);
  EXPECT_EQ(Timestamp{-1'000'001}.millis(), -2);
}

TEST(TimeFormat, WritesEachForm) {
  EXPECT_EQ(FormatIso8601Millis(kAt), "2026-11-23T05:57:01.123Z");
  EXPECT_EQ(FormatHttpDate(kAt), "Mon, 23 Nov 2026 05:57:01 GMT");
  EXPECT_EQ(FormatMailDate(kAt), "Mon, 23 Nov 2026 05:57:01 +0000");
  EXPECT_EQ(FormatCompactUtc(kAt), "20261123T055701Z");
}

TEST(TimeFormat, ReadsIso8601InItsForms) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"2026-11-23T05:57:01.123Z", 1'795'413'421'123'000'000},
      {"2026-11-23t05:57:01.123z", 1'795'413'421'123'000'000},
      {"2026-11-23 05:57:01.123", 1'795'413'421'123'000'000},
      {"2026-11-23T05:57:01,123456789Z", 1'795'413'421'123'456'789},
      {"2026-11-23T05:57:01.1234567891Z", 1'795'413'421'123'456'789},
      {"2026-11-23T06:57:01.123+01:00", 1'795'413'421'123'000'000},
      {"2026-11-23T00:27:01.123-0530", 1'795'413'421'123'000'000},
      {"2026-11-23T05:57Z", 1'795'413'420'000'000'000},
      {"2026-11-23", 1'795'392'000'000'000'000},
      {"1970-01-01T00:00:00Z", 0},
      {"1969-12-31T23:59:59.5Z", -500'000'000},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000'000'000},
  };
  for (const auto& [text, nanos] : cases) {
    const std::optional<Timestamp> at = ParseIso8601(text);
    ASSERT_TRUE(at) << text;
    EXPECT_EQ(at->nanos, nanos) << text;
  }
}

TEST(TimeFormat, RefusesWhatIsNoTime) {
  for (const char* bad : {"",
                          "2026",
                          "2026-13-01",
                          "2026-02-29",
                          "2026-11-23T",
                          "2026-11-23T24:00:00Z",
                          "2026-11-23T05:60:00Z",
                          "2026-11-23T05:57:61Z",
                          "2026-11-23T05:57:01.Z",
                          "2026-11-23T05:57:01+24:00",
                          "2026-11-23T05:57:01 UTC",
                          "9999-01-01T00:00:00Z",
                          "1600-01-01T00:00:00Z",
                          "23.11.2026"}) {
    EXPECT_FALSE(ParseIso8601(bad)) << bad;
  }
  for (const char* bad : {"", "20261123T055701", "2026-11-23T05:57:01Z", "20261323T055701Z"}) {
    EXPECT_FALSE(ParseCompactUtc(bad)) << bad;
  }
}

TEST(TimeFormat, RoundTrips) {
  SeededRandom random(11);
  for (int i = 0; i < 1000; ++i) {
    // 1700 to 2200.
    const Timestamp at = Timestamp::FromMillis(
        static_cast<std::int64_t>(random.Below(15'778'800'000'000)) - 8'520'336'000'000);
    EXPECT_EQ(ParseIso8601(FormatIso8601Millis(at)), at) << at.nanos;
    EXPECT_EQ(ParseCompactUtc(FormatCompactUtc(at))->millis() / 1000,
              (at.millis() - ((at.millis() % 1000) + 1000) % 1000) / 1000)
        << at.nanos;
  }
}

}  // namespace
}  // namespace postglass
