#include "base/url_secrets.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/random_testing.h"

namespace postglass {
namespace {

constexpr std::string_view kJwt =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_"
    "XgL0n3I9PlFUP0THsR8U";

struct Case {
  std::string url;
  std::string masked;  // empty: unchanged
};

class UrlSecrets : public ::testing::TestWithParam<Case> {};

TEST_P(UrlSecrets, MasksWhatGivesARightAndNothingElse) {
  const Case& c = GetParam();
  const std::string expected = c.masked.empty() ? c.url : c.masked;
  EXPECT_EQ(MaskUrl(c.url), expected);
  EXPECT_EQ(HasSecret(c.url), !c.masked.empty()) << c.url;
  EXPECT_EQ(MaskUrl(expected), expected) << "a second pass changes nothing";
  EXPECT_FALSE(HasSecret(expected)) << expected;
}

INSTANTIATE_TEST_SUITE_P(
    Named,
    UrlSecrets,
    ::testing::Values(
        Case{"https://a.example/reset?token=abc", "https://a.example/reset?token=***"},
        Case{"https://a.example/reset?token=", ""},
        Case{"https://a.example/reset?token=123e4567-e89b-42d3-a456-426614174000",
             "https://a.example/reset?token=***"},
        Case{"https://a.example/?lang=en&reset_password_token=xyz&x=1",
             "https://a.example/?lang=en&reset_password_token=***&x=1"},
        Case{"https://a.example/?confirmationToken=q", "https://a.example/?confirmationToken=***"},
        Case{"https://a.example/?user%5Botp%5D=493021", "https://a.example/?user%5Botp%5D=***"},
        Case{"https://a.example/__/auth/action?mode=resetPassword&oobCode=ABC123&lang=en",
             "https://a.example/__/auth/action?mode=resetPassword&oobCode=***&lang=en"},
        Case{"https://a.example/v?code=493021", "https://a.example/v?code=***"},
        Case{"https://a.example/v?code=DE", ""},
        Case{"https://a.example/v?code=XKCDQP", "https://a.example/v?code=***"},
        Case{"https://a.example/v?country_code=49&zip_code=10115", ""},
        Case{"https://a.example/v?error_code=10404", ""},
        Case{"https://a.example/v?sort_key=created", ""},
        Case{"https://a.example/v?key=name", ""},
        Case{"https://a.example/v?key=AIzaSyA1b2C3d4", "https://a.example/v?key=***"},
        Case{"https://a.example/v?apikey=abcd", "https://a.example/v?apikey=***"},
        Case{"https://a.example/v?api_key=abcd", "https://a.example/v?api_key=***"},
        Case{"https://a.example/v?api_key=abcd12ef", "https://a.example/v?api_key=***"},
        Case{"https://a.example/v?state=open", ""},
        Case{"https://a.example/v?state=af0ifjsldkj9", "https://a.example/v?state=***"},
        Case{"https://a.example/v?nonce=n", "https://a.example/v?nonce=***"},
        Case{"https://a.example/v?t=42", ""},
        Case{"https://a.example/v?t=7f3kq9", "https://a.example/v?t=***"},
        Case{"https://a.example/v?k=welcome", ""},
        Case{"https://a.example/v?hash=section-two", ""},
        Case{"https://a.example/v?hash=5d41402abc4b2a76b9719d911017c592",
             "https://a.example/v?hash=***"},
        Case{"https://a.example/v?reset=true&confirm=yes", ""},
        Case{"https://a.example/v?auth=google", ""},
        Case{"https://a.example/v?ticket=ST-1856339-aA5Yuvrxzpv8Tau1cYQ7",
             "https://a.example/v?ticket=***"},
        Case{"https://a.example/v?password=hunter2", "https://a.example/v?password=***"},
        Case{"https://a.example/e/1/2?expires=1700000000&signature=00ff",
             "https://a.example/e/1/2?expires=1700000000&signature=***"},
        Case{
            "https://b.s3.example/f.pdf?X-Amz-Expires=300&X-Amz-Signature=aa&X-Amz-Date=20261123T0",
            "https://b.s3.example/f.pdf?X-Amz-Expires=300&X-Amz-Signature=***&X-Amz-Date="
            "20261123T0"},
        Case{"https://a.example/?a=1&amp;token=zz&amp;b=2",
             "https://a.example/?a=1&amp;token=***&amp;b=2"},
        Case{"https://a.example/#access_token=aaa&token_type=bearer",
             "https://a.example/#access_token=***&token_type=***"},
        Case{"https://a.example/page;jsessionid=1A2B?x=1",
             "https://a.example/page;jsessionid=***?x=1"},
        Case{"https://user:hunter2@a.example/x", "https://user:***@a.example/x"},
        Case{"https://user@a.example/x", ""},
        Case{"myapp://reset?token=abc", "myapp://reset?token=***"},
        Case{"/reset?token=abc", "/reset?token=***"}));

INSTANTIATE_TEST_SUITE_P(
    PathsAndFragments,
    UrlSecrets,
    ::testing::Values(
        Case{"https://a.example/reset/8f3a9c2d", "https://a.example/reset/***"},
        Case{"https://a.example/reset-password/123e4567-e89b-42d3-a456-426614174000",
             "https://a.example/reset-password/***"},
        Case{"https://a.example/verify/493021/", "https://a.example/verify/***/"},
        Case{"https://a.example/verify/email", ""},
        Case{"https://a.example/password/reset", ""},
        Case{"https://a.example/articles/how-to-reset-your-password", ""},
        Case{"https://a.example/articles/how-to-reset-your-password/2026-edition", ""},
        Case{"https://a.example/blog/2026/11/23/ten-things-about-oauth2-and-2fa-in-2026", ""},
        Case{"https://a.example/invite/QZRTPLKD", "https://a.example/invite/***"},
        Case{"https://a.example/login/callback", ""},
        Case{"https://a.example/accounts/reset/MTIz-c8k2xp-4a1b2c3d4e5f60718293a4b5c6d7e8f9/",
             "https://a.example/accounts/reset/***/"},
        Case{"https://a.example/m/Zx81kQpLw3VtRs7NbYc2", "https://a.example/m/***"},
        Case{"https://a.example/m/V1StGXR8_Z5jdHi6B-myT", "https://a.example/m/***"},
        Case{"https://a.example/m/" + std::string(kJwt), "https://a.example/m/***"},
        Case{"https://a.example/m/" + std::string(kJwt) + "?x=1", "https://a.example/m/***?x=1"},
        Case{"https://a.example/#/reset/8f3a9c2d?next=home",
             "https://a.example/#/reset/***?next=home"},
        Case{"https://a.example/#pricing-and-plans", ""},
        Case{"https://a.example/guide#how-do-i-change-my-e-mail-address", ""},
        Case{"https://a.example/#Zx81kQpLw3VtRs7NbYc2", "https://a.example/#***"},
        Case{"https://a.example/orders/123e4567-e89b-42d3-a456-426614174000", ""},
        Case{"https://a.example/orders/123e4567-e89b-42d3-a456-426614174000.pdf", ""},
        Case{"https://a.example/mail/0100018c8f6c3d2e-123e4567-e89b-42d3-a456-426614174000-000000",
             ""},
        Case{"https://a.example/orders/20261123000042", ""},
        Case{"https://a.example/t/4915112345678", ""},
        Case{"https://a.example/products/B08N5WRWNW", ""},
        Case{"https://a.example/products/iphone-15-pro-max-256gb-titanium", ""},
        Case{"https://a.example/products/Internationalization-Handbook", ""},
        Case{"https://a.example/HowToResetYourPassword", ""},
        Case{"https://a.example/Datenschutzgrundverordnung", ""},
        Case{"https://a.example/watch?v=dQw4w9WgXcQ", ""},
        Case{"https://a.example/?utm_campaign=Q4x7z9k2m5p8r1w3&gclid=EAIaIQobChMIx7Zk9fPq2w3R", ""},
        Case{"https://a.example/?email=bob.k7x9z2q4w8r5t1p3@mail.example.com", ""},
        Case{"https://a.example/?at=2026-11-23T05:57:01.123Z&page=2", ""},
        Case{"https://a.example/u/507f1f77bcf86cd799439011", "https://a.example/u/***"},
        Case{"https://a.example", ""},
        Case{"", ""}));

INSTANTIATE_TEST_SUITE_P(
    Nested,
    UrlSecrets,
    ::testing::Values(
        Case{"https://a.example/r?next=https%3A%2F%2Fb.example%2Freset%3Ftoken%3Dabc",
             "https://a.example/r?next=https%3A%2F%2Fb.example%2Freset%3Ftoken%3D***"},
        Case{"https://a.example/r?next=https%3A%2F%2Fb.example%2Fhome%3Fpage%3D2", ""},
        Case{"https://a.example/r?next=/reset?token=abc",
             "https://a.example/r?next=%2Freset%3Ftoken%3D***"},
        Case{"https://a.example/L0/https:%2F%2Fb.example%2Fv%3Fotp=1234/1",
             "https://a.example/L0/https%3A%2F%2Fb.example%2Fv%3Fotp%3D***/1"},
        Case{"https://a.example/r?u=http%253A%252F%252Fb.example%252F%253Ftoken%253Dabc",
             "https://a.example/r?u=http%253A%252F%252Fb.example%252F%253Ftoken%253D***"}));

TEST(UrlSecrets, FindsRandomStringsOfEveryCommonAlphabet) {
  SeededRandom random(7);
  constexpr std::string_view kBase62 =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  struct Alphabet {
    std::string_view chars;
    std::size_t length;
  };

  const Alphabet alphabets[] = {{kBase62, 20},
                                {kBase62, 32},
                                {kBase62.substr(0, 36), 24},
                                {kBase62.substr(0, 16), 32},
                                {kBase62.substr(10, 26), 32},
                                {kBase62.substr(10, 52), 24}};
  for (const Alphabet& alphabet : alphabets) {
    int missed = 0;
    constexpr int kRounds = 1000;
    for (int round = 0; round < kRounds; ++round) {
      std::string token;
      for (std::size_t i = 0; i < alphabet.length; ++i) {
        token += alphabet.chars[random.Below(alphabet.chars.size())];
      }
      if (!HasSecret("https://a.example/x/" + token)) ++missed;
    }
    EXPECT_LE(missed, kRounds / 50) << alphabet.chars << " × " << alphabet.length;
  }
}

struct TextCase {
  std::string text;
  std::string masked;
};

TEST(UrlSecretsText, MasksUrlsAndBareJwtsInsideText) {
  const TextCase cases[] = {
      {"", ""},
      {"Hello. Nothing here: really!", "Hello. Nothing here: really!"},
      {"Go to https://a.example/r?token=abc. Then rest.",
       "Go to https://a.example/r?token=***. Then rest."},
      {"(https://a.example/r?token=abc)", "(https://a.example/r?token=***)"},
      {"<a href=\"HTTPS://a.example/r?token=abc\">x</a>",
       "<a href=\"HTTPS://a.example/r?token=***\">x</a>"},
      {"{\"u\":\"https://a.example/r?token=abc\",\"v\":1}",
       "{\"u\":\"https://a.example/r?token=***\",\"v\":1}"},
      {"see www.a.example/r?token=abc now", "see www.a.example/r?token=*** now"},
      {"open myapp://reset/8f3a9c2d now", "open myapp://reset/*** now"},
      {"two http://a/?otp=1 http://b/?otp=2", "two http://a/?otp=*** http://b/?otp=***"},
      {"bearer " + std::string(kJwt) + ".", "bearer ***."},
      {"eyJust a word", "eyJust a word"},
      {"eyJ.eyJ.eyJ", "eyJ.eyJ.eyJ"},
      {":// nothing", ":// nothing"},
      {"550 5.1.1 user unknown k7x9z2q4w8r5t1p3 - gsmtp",
       "550 5.1.1 user unknown k7x9z2q4w8r5t1p3 - gsmtp"},
  };
  for (const TextCase& c : cases) {
    EXPECT_EQ(MaskText(c.text), c.masked);
    EXPECT_EQ(MaskText(c.masked), c.masked);
  }
}

// Quadratic work on such input would take minutes.
TEST(UrlSecretsText, StaysLinearOnHostileText) {
  const std::string_view pieces[] = {
      "eyJ", "://", "a://", "www.", "?", "/", "%25", "&a=", "e", "reset/"};
  for (const std::string_view piece : pieces) {
    std::string text = "http://h/";
    while (text.size() < 1'000'000) text += piece;
    EXPECT_GE(MaskText(text).size(), 3U);
  }
}

}  // namespace
}  // namespace postglass
