#include "main/import_entry.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace postglass {
namespace {

TEST(ImportEntry, AnExportedEventIsAsTheIntakeGotIt) {
  const auto entry = ImportEntry(
      R"({"id":"AQAA","timestamp":"2026-11-25T10:00:00.123Z","ingested_at":"2026-11-25T10:00:01.000Z",)"
      R"("status":"warn","service":"s","source":"ses","host":"h","message":"m",)"
      R"("tags":["a:b","source:ses","c"],"attributes":{"n":1,"eventType":"Bounce"}})");
  ASSERT_TRUE(entry);
  EXPECT_EQ(json::ParseObject(*entry).value(),
            (json::object{{"n", 1},
                          {"eventType", "Bounce"},
                          {"@timestamp", "2026-11-25T10:00:00.123Z"},
                          {"message", "m"},
                          {"status", "warn"},
                          {"service", "s"},
                          {"host", "h"},
                          {"ddsource", "ses"},
                          {"ddtags", "a:b,c"}}));
}

TEST(ImportEntry, ADateThatIsThereIsNotWrittenAgain) {
  const auto entry = ImportEntry(
      R"({"id":"AQAA","timestamp":"2026-11-25T10:00:00.123Z","ingested_at":"2026-11-25T10:00:01.000Z",)"
      R"("attributes":{"date":"2026-11-25T10:00:00.123Z"}})");
  EXPECT_EQ(*entry, R"({"date":"2026-11-25T10:00:00.123Z"})");
}

TEST(ImportEntry, OtherObjectsGoAsTheyAre) {
  EXPECT_EQ(*ImportEntry(R"( {"message":"m", "attributes":{}} )"),
            R"( {"message":"m", "attributes":{}} )");
  EXPECT_FALSE(ImportEntry("[1]"));
  EXPECT_FALSE(ImportEntry("no json"));
  EXPECT_FALSE(
      ImportEntry(R"({"id":"x","timestamp":"yesterday","ingested_at":"x","attributes":{}})"));
}

}  // namespace
}  // namespace postglass
