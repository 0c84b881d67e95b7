#include "base/log.h"

#include <gtest/gtest.h>

#include "base/time_format.h"

namespace postglass::log {
namespace {

TEST(Log, EscapesWhatCouldForgeALineOrDriveATerminal) {
  const std::pair<std::string, std::string> cases[] = {
      {"plain ü € text", "plain ü € text"},
      {"a\nb\r\tc", "a\\nb\\r\\tc"},
      {"\x1B[31mred", "\\x1b[31mred"},
      {std::string("nul\0", 4), "nul\\x00"},
      {"\x7F", "\\x7f"},
      {"c1 \xC2\x9B"
       "31m",
       "c1 \\xc2\\x9b31m"},
      {"nbsp \xC2\xA0", "nbsp \xC2\xA0"},
      {"line \xE2\x80\xA8 separator", "line \\xe2\\x80\\xa8 separator"},
      {"ill-formed \xFF ü", "ill-formed \\xff \\xc3\\xbc"},
      {"\xC2", "\\xc2"},
  };
  for (const auto& [text, escaped] : cases) EXPECT_EQ(Escape(text), escaped);
}

TEST(Log, WritesOneLineWithUtcTimeLevelAndComponent) {
  testing::internal::CaptureStderr();
  Warn("journal", "cut {} bytes\nforged line", 7);
  Debug("journal", "not shown at the default level");
  const std::string line = testing::internal::GetCapturedStderr();
  const std::size_t blank = line.find(' ');
  EXPECT_EQ(line.substr(blank), " warning journal: cut 7 bytes\\nforged line\n");
  EXPECT_TRUE(ParseIso8601(line.substr(0, blank)).has_value()) << line;
}

TEST(Log, LevelDecidesWhatIsWritten) {
  SetLevel(Level::kError);
  EXPECT_FALSE(Enabled(Level::kWarn));
  EXPECT_TRUE(Enabled(Level::kError));
  testing::internal::CaptureStderr();
  Info("x", "hidden");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  SetLevel(Level::kInfo);
}

}  // namespace
}  // namespace postglass::log
