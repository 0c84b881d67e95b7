#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/random_testing.h"

namespace postglass {
namespace {

std::string RandomBytes(SeededRandom& random, std::size_t size) {
  std::string bytes(size, '\0');
  random.Fill(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

TEST(Hex, EncodesLowerCaseAndDecodesEitherCase) {
  EXPECT_EQ(HexEncode(std::string("\x00\xFF\x1A", 3)), "00ff1a");
  EXPECT_EQ(HexDecode("00FF1a"), std::string("\x00\xFF\x1A", 3));
  EXPECT_EQ(HexDecode(""), "");
  for (const char* bad : {"0", "0g", " 00", "0x"}) EXPECT_FALSE(HexDecode(bad)) << bad;
}

// RFC 4648 §10.
TEST(Base64, MatchesTheStandardsVectors) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : cases) {
    EXPECT_EQ(Base64Encode(plain), text);
    EXPECT_EQ(Base64Decode(text), plain);
  }
}

TEST(Base64, AcceptsMissingPaddingAndMimeLineBreaksOnly) {
  EXPECT_EQ(Base64Decode("Zm9vYg"), "foob");
  EXPECT_EQ(Base64Decode("Zm9v\r\n Yg==\n"), "foob");
  for (const char* bad : {"Z", "Zm9v!", "Zg==Zg==", "Zg===", "Zm9v_w=="}) {
    EXPECT_FALSE(Base64Decode(bad)) << bad;
  }
}

TEST(Base64, UrlAlphabetIsUnpadded) {
  EXPECT_EQ(Base64UrlEncode("\xFB\xFF\xFE"), "-__-");
  EXPECT_EQ(Base64UrlEncode("f"), "Zg");
  EXPECT_EQ(Base64UrlDecode("-__-"), "\xFB\xFF\xFE");
  EXPECT_FALSE(Base64UrlDecode("+//+"));
}

TEST(Encodings, RoundTripAnyBytes) {
  SeededRandom random(7);
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string bytes = RandomBytes(random, size);
    EXPECT_EQ(HexDecode(HexEncode(bytes)), bytes);
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(bytes)), bytes);
    EXPECT_EQ(PercentDecode(PercentEncode(bytes)), bytes);
  }
}

TEST(Percent, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncode("a b/ü+"), "a%20b%2F%C3%BC%2B");
}

TEST(Percent, KeepsInvalidEscapes) {
  EXPECT_EQ(PercentDecode("%41%zz%4"), "A%zz%4");
  EXPECT_EQ(PercentDecode("a+b"), "a+b");
  EXPECT_EQ(FormDecode("a+b%2B"), "a b+");
}

TEST(Uuid, SetsVersionAndVariant) {
  EXPECT_EQ(FormatUuid(std::string(16, '\xFF'), 4), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  EXPECT_EQ(FormatUuid(std::string(16, '\0'), 7), "00000000-0000-7000-8000-000000000000");
}

TEST(Ascii, CaseAndBlanks) {
  EXPECT_EQ(AsciiLower("AbC-Ä"), "abc-Ä");
  EXPECT_TRUE(EqualsIgnoreAsciiCase("Content-TYPE", "content-type"));
  EXPECT_FALSE(EqualsIgnoreAsciiCase("a", "ab"));
  EXPECT_EQ(TrimAscii(" \t a b\r\n"), "a b");
  EXPECT_EQ(TrimAscii(" \r\n"), "");
}

TEST(Utf8, AcceptsWhatRfc3629Allows) {
  for (const char* good :
       {"", "a", "ü", "€", "\xF0\x9F\x93\xAC", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
    EXPECT_EQ(ToValidUtf8(good), good);
  }
}

TEST(Utf8, RefusesOverlongSurrogatesAndCutOffs) {
  for (const char* bad : {"\x80",
                          "\xC0\xAF",
                          "\xE0\x9F\xBF",
                          "\xED\xA0\x80",
                          "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80",
                          "\xF5\x80\x80\x80",
                          "\xE2\x82",
                          "\xC3"}) {
    EXPECT_FALSE(IsUtf8(bad));
    EXPECT_TRUE(IsUtf8(ToValidUtf8(bad)));
  }
  EXPECT_EQ(ToValidUtf8("a\xFF"
                        "b"),
            "a\xEF\xBF\xBD"
            "b");
}

}  // namespace
}  // namespace postglass
