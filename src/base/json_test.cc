#include "base/json.h"

#include <gtest/gtest.h>

namespace postglass::json {
namespace {

TEST(Json, ParsesOneWholeText) {
  EXPECT_EQ(Serialize(*Parse(R"( {"a": [1, -2.5e3, true, null, "\u00fc"]} )")),
            R"({"a":[1,-2.5E3,true,null,"ü"]})");
  EXPECT_TRUE(ParseObject("{}"));
}

TEST(Json, NamesWhereItIsWrong) {
  for (const char* bad : {"", "{", "{} x", "[1,]", "nul", "\"\xFF\"", "{\"a\":1,}"}) {
    const Result<value> parsed = Parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument) << bad;
    EXPECT_NE(parsed.error().message.find("at byte"), std::string::npos) << parsed.error().message;
  }
  EXPECT_FALSE(ParseObject("[]"));
}

TEST(Json, RefusesDeepNesting) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(Parse(nested(kDepthMax)));
  EXPECT_FALSE(Parse(nested(kDepthMax + 1)));
  EXPECT_FALSE(Parse(std::string(1'000'000, '[')));
}

TEST(Json, GettersGiveNothingForOtherTypes) {
  const object o = *ParseObject(R"({"s":"x","i":7,"b":true,"o":{"k":1},"a":[1]})");
  EXPECT_EQ(GetString(o, "s"), "x");
  EXPECT_FALSE(GetString(o, "i"));
  EXPECT_EQ(GetStringOr(o, "missing", "d"), "d");
  EXPECT_EQ(GetInt(o, "i"), 7);
  EXPECT_FALSE(GetInt(o, "s"));
  EXPECT_EQ(GetBool(o, "b"), true);
  EXPECT_NE(GetObject(o, "o"), nullptr);
  EXPECT_EQ(GetObject(o, "a"), nullptr);
  EXPECT_NE(GetArray(o, "a"), nullptr);
  EXPECT_EQ(GetArray(o, "s"), nullptr);
}

TEST(Json, FindsDottedPaths) {
  const object o =
      *ParseObject(R"({"mail":{"to":["a","b"],"x.y":{"z":1}},"a":{"b":"nested"},"a.b":"flat"})");
  EXPECT_EQ(*FindPath(o, "mail.to.1"), value("b"));
  EXPECT_EQ(*FindPath(o, "mail.x.y.z"), value(1));
  EXPECT_EQ(*FindPath(o, "a.b"), value("flat"));
  for (const char* missing : {"", ".", "mail.to.2", "mail.to.x", "mail.to.-1", "a.b.c"}) {
    EXPECT_EQ(FindPath(o, missing), nullptr) << missing;
  }
}

TEST(Json, QuotesAnyBytesAsValidJson) {
  std::string out;
  AppendQuoted(out, std::string("a\"\\\n\t\x01\x00\xFF ü", 11));
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\t\\u0001\\u0000\xEF\xBF\xBD ü\"");
  EXPECT_TRUE(Parse(out));
}

}  // namespace
}  // namespace postglass::json
