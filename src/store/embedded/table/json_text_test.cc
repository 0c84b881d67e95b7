#include "store/embedded/table/json_text.h"

#include <gtest/gtest.h>

#include <bit>

#include "base/json.h"
#include "base/random_testing.h"

namespace postglass::store {
namespace {

// What is written here must be what the rest of the product writes, or rows keep their text twice.
TEST(JsonText, WritesStringsAndDoublesAsBoostJsonDoes) {
  std::string all;
  for (int c = 1; c < 0x80; ++c) all += static_cast<char>(c);
  all += std::string(1, '\0') + "\xc3\xa4\xf0\x9f\x98\x80";
  std::string written;
  AppendJsonString(written, all);
  EXPECT_EQ(written, json::Serialize(json::value(all)));
  SeededRandom random(1);
  for (int n = 0; n < 20'000; ++n) {
    double number = static_cast<double>(random.Below(1'000'000)) / 1000 - 300;
    if (n % 2 == 0) number = std::bit_cast<double>(random.Next64());
    if (number != number || number - number != 0) continue;
    written.clear();
    AppendScientific(written, number);
    EXPECT_EQ(written, json::Serialize(json::value(number)));
  }
}

TEST(JsonText, TellsCanonicalEscapes) {
  struct Case {
    std::string_view raw;
    Escapes expected;
    std::string_view text;
  };

  for (const Case& c : {Case{R"(plain)", Escapes::kCanonical, "plain"},
                        Case{R"(\"\\\b\f\n\r\t)", Escapes::kCanonical, "\"\\\b\f\n\r\t"},
                        Case{R"(\u001f)", Escapes::kCanonical, "\x1f"},
                        Case{R"(\u001F)", Escapes::kOther, "\x1f"},
                        Case{R"(\u000a)", Escapes::kOther, "\n"},
                        Case{R"(\/)", Escapes::kOther, "/"},
                        Case{R"(\u0041)", Escapes::kOther, "A"},
                        Case{R"(\u20ac)", Escapes::kOther, "\xe2\x82\xac"},
                        Case{R"(\ud83d\ude00)", Escapes::kOther, "\xf0\x9f\x98\x80"},
                        Case{R"(\ud83d)", Escapes::kBad, ""},
                        Case{R"(\ude00)", Escapes::kBad, ""},
                        Case{R"(\ud83d\u0041)", Escapes::kBad, ""},
                        Case{R"(\u12)", Escapes::kBad, ""},
                        Case{R"(\u+123)", Escapes::kBad, ""},
                        Case{R"(\v)", Escapes::kBad, ""},
                        Case{"\\", Escapes::kBad, ""}}) {
    SCOPED_TRACE(c.raw);
    std::string text;
    EXPECT_EQ(AppendUnescaped(text, c.raw), c.expected);
    if (c.expected != Escapes::kBad) {
      EXPECT_EQ(text, c.text);
    }
  }
}

TEST(JsonText, ReadsNumbers) {
  using Form = NumberToken::Form;

  struct Case {
    std::string_view token;
    ValueType type;
    Form form;
    double number;
  };

  for (const Case& c : {Case{"0", ValueType::kInteger, Form::kText, 0},
                        Case{"-7", ValueType::kInteger, Form::kText, -7},
                        Case{"-0", ValueType::kInteger, Form::kOther, 0},
                        Case{"7.0", ValueType::kInteger, Form::kFraction, 7},
                        Case{"-7.00", ValueType::kInteger, Form::kFraction, -7},
                        Case{"-0.0", ValueType::kDouble, Form::kOther, 0},
                        Case{"7.5", ValueType::kDouble, Form::kText, 7.5},
                        Case{"1e+22", ValueType::kDouble, Form::kText, 1e22},
                        Case{"7.5E0", ValueType::kDouble, Form::kScientific, 7.5},
                        Case{"1E-7", ValueType::kDouble, Form::kScientific, 1e-7},
                        Case{"1e5", ValueType::kDouble, Form::kOther, 1e5},
                        Case{"7.50", ValueType::kDouble, Form::kOther, 7.5},
                        Case{"1000000000000000.0", ValueType::kDouble, Form::kOther, 1e15}}) {
    SCOPED_TRACE(c.token);
    const auto read = ReadNumber(c.token);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->type, c.type);
    EXPECT_EQ(read->form, c.form);
    EXPECT_EQ(c.type == ValueType::kInteger ? static_cast<double>(read->integer) : read->number,
              c.number);
    EXPECT_EQ(read->bytes, c.form == Form::kFraction ? c.token.find('.') : c.token.size());
  }
  for (const std::string_view token : {"",
                                       "-",
                                       "+1",
                                       "01",
                                       "-01",
                                       "1.",
                                       ".5",
                                       "1e",
                                       "1e+",
                                       "1x",
                                       "0x1",
                                       "1e400",
                                       "1e-400",
                                       "9223372036854775808",
                                       "inf",
                                       "nan",
                                       "1e0000",
                                       "1.5.5",
                                       "--1"}) {
    EXPECT_FALSE(ReadNumber(token)) << token;
  }
}

}  // namespace
}  // namespace postglass::store
