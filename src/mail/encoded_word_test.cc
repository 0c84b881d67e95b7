#include "mail/encoded_word.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace postglass::mail {
namespace {

TEST(DecodeEncodedWords, ReadsWhatSendersWrite) {
  struct Case {
    std::string in;
    std::string out;
  };

  for (const Case& c :
       {Case{"plain", "plain"},
        Case{"=?UTF-8?Q?caf=C3=A9?=", "caf\xC3\xA9"},
        Case{"=?utf-8?B?Y2Fmw6k=?=", "caf\xC3\xA9"},
        Case{"=?iso-8859-1?q?caf=E9?= au lait", "caf\xC3\xA9 au lait"},
        Case{"=?windows-1252?Q?=93x=94?=", "\xE2\x80\x9Cx\xE2\x80\x9D"},
        Case{"=?UTF-8?Q?a_b?= =?UTF-8?Q?_c?=", "a b c"},             // blanks between words go
        Case{"=?UTF-8?Q?a?= x =?UTF-8?Q?b?=", "a x b"},              // but not these
        Case{"=?UTF-8?B?w?= x", "=?UTF-8?B?w?= x"},                  // no base64
        Case{"=?UTF-8?Q?=C3?= =?UTF-8?Q?=A9?=", "\xC3\xA9"},         // a split character
        Case{"=?UTF-8*en?Q?hi?=", "hi"},                             // RFC 2231 language
        Case{"=?unknown-8bit?Q?x=FF?=", "=?unknown-8bit?Q?x=FF?="},  // kept as written
        Case{"=?iso-2022-cn-ext?B?GyQqSA==?=", "=?iso-2022-cn-ext?B?GyQqSA==?="},
        Case{"=?UTF-8?X?abc?=", "=?UTF-8?X?abc?="},
        Case{"=?UTF-8?Q?never closed", "=?UTF-8?Q?never closed"},
        Case{"=?", "=?"},
        Case{"=?=?=?=?", "=?=?=?=?"},
        Case{"raw \xFF byte", "raw \xEF\xBF\xBD byte"}}) {
    EXPECT_EQ(DecodeEncodedWords(c.in), c.out) << c.in;
  }
}

TEST(EncodeHeaderText, RoundTripsAndStaysWithinTheLine) {
  const std::string texts[] = {
      "plain",
      "caf\xC3\xA9",
      "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xAE\xE4\xBB\xB6\xE5\x90"
      "\x8D\xE3\x81\xAF\xE9\x95\xB7\xE3\x81\x84\xE3\x81\x93\xE3\x81\xA8\xE3"
      "\x81\x8C\xE3\x81\x82\xE3\x82\x8B\xE3\x80\x82",
      "looks like =?UTF-8?Q?a?= word",
      "mostly ascii with one \xF0\x9F\x93\xA7 and much text behind it, so "
      "that it takes more than one word to say it",
      std::string(2000, 'x')};
  for (const std::string& text : texts) {
    const std::string encoded = EncodeHeaderText(text);
    std::string unfolded;
    std::size_t line = 0;
    for (const char c : encoded) {
      EXPECT_LT(static_cast<unsigned char>(c), 0x80);
      if (c == '\r' || c == '\n') {
        line = 0;
        continue;
      }
      unfolded += c;
      ++line;
      EXPECT_LE(line, 998u);
    }
    EXPECT_EQ(DecodeEncodedWords(unfolded), text);
  }
}

TEST(EncodeHeaderText, NoTextBeginsAFieldOfItsOwn) {
  EXPECT_EQ(EncodeHeaderText("hi\r\nBcc: victim@example.com"), "hi  Bcc: victim@example.com");
  EXPECT_EQ(EncodeHeaderText(std::string("a\0b\x7F", 4)), "a b ");
  EXPECT_TRUE(IsUtf8(DecodeEncodedWords(EncodeHeaderText("bad \xC3\x28"))));
}

}  // namespace
}  // namespace postglass::mail
