#include "query/output.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace postglass::query {
namespace {

store::Event SomeEvent() {
  store::Event event;
  event.id = store::EventId::Make(1'800'000'000'000, {});
  event.timestamp_ms = 1'800'000'000'123;
  event.ingested_at_ms = 1'800'000'001'000;
  event.status = "warn";
  event.service = "ses";
  event.source = "sns";
  event.message = "a\tb\x1b[2J\x7f\xC2\x9b \xE2\x80\xAE caf\xC3\xA9 \xF0\x9F\x93\xA7 \xff";
  event.tags = {"env:prod", "\"q\""};
  event.attributes = "{\"a\":1.0,\n\"big\":12345678901234567890123}";
  return event;
}

TEST(Output, TerminalTextHasNoControlCharacters) {
  EXPECT_EQ(ForTerminal("a\tb\x1b[2J\x7f\xC2\x9b"), "a\\tb\\x1b[2J\\x7f\\x9b");
  EXPECT_EQ(ForTerminal("\xE2\x80\xAEx\xE2\x81\xA6"), "\\u202ex\\u2066");
  EXPECT_EQ(ForTerminal("caf\xC3\xA9 \xF0\x9F\x93\xA7"), "caf\xC3\xA9 \xF0\x9F\x93\xA7");
  EXPECT_EQ(ForTerminal("\xff"), "\xEF\xBF\xBD");
  const std::string line = EventTerminalLine(SomeEvent(), Colour::kNever);
  for (const char c : line) {
    EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << line;
  }
  EXPECT_NE(EventTerminalLine(SomeEvent(), Colour::kAlways).find("\x1b[33m"), std::string::npos);
}

TEST(Output, AnEventIsOneJsonLine) {
  const std::string line = EventJsonLine(SomeEvent());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find("12345678901234567890123"), std::string::npos) << "digits are kept";
  EXPECT_NE(line.find("\"a\":1.0"), std::string::npos);
  const Result<json::object> parsed = json::ParseObject(line);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(json::GetStringOr(*parsed, "id", ""), SomeEvent().id.ToString());
  EXPECT_EQ(json::GetStringOr(*parsed, "timestamp", ""), "2027-01-15T08:00:00.123Z");
  EXPECT_EQ(parsed->if_contains("host"), nullptr);
  EXPECT_EQ(json::GetArray(*parsed, "tags")->size(), 2u);
}

TEST(Output, DatadogsShapeHasTheSourceAmongTheTags) {
  std::string out;
  AppendDatadogEvent(out, SomeEvent());
  const Result<json::object> parsed = json::ParseObject(out);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(json::GetStringOr(*parsed, "type", ""), "log");
  const json::value* tags = json::FindPath(*parsed, "attributes.tags");
  ASSERT_NE(tags, nullptr);
  EXPECT_EQ(tags->as_array().size(), 3u);
  EXPECT_EQ(tags->as_array()[2], json::value("source:sns"));
}

}  // namespace
}  // namespace postglass::query
