#include "mail/message_builder.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/random_testing.h"
#include "mail/header_block.h"

namespace postglass::mail {
namespace {

SimpleMessage Plain() {
  SimpleMessage message;
  message.from = "Alice <alice@example.com>";
  message.to = {"bob@example.com"};
  message.subject = "Hello";
  message.text = "Hi Bob\n";
  return message;
}

std::string Build(const SimpleMessage& message) {
  SeededRandom random(3);
  const Result<std::string> raw = BuildMessage(message, random);
  EXPECT_TRUE(raw) << (raw ? "" : raw.error().message);
  return raw.value_or("");
}

TEST(BuildMessage, OnePartIsNoMultipart) {
  EXPECT_EQ(Build(Plain()),
            "From: Alice <alice@example.com>\r\n"
            "To: bob@example.com\r\n"
            "Subject: Hello\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=UTF-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Hi Bob\r\n");
}

TEST(BuildMessage, TextAndHtmlAreAlternatives) {
  SimpleMessage message = Plain();
  message.html = "<p>Hi</p>";
  message.cc = {"c@example.com", "D <d@example.com>"};
  message.reply_to = {"r@example.com"};
  message.headers = {{"X-Custom", "yes"}};
  const std::string raw = Build(message);
  const Result<HeaderBlock> block = HeaderBlock::Scan(raw);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->Find("Cc")->Value(), "c@example.com, D <d@example.com>");
  EXPECT_EQ(block->Find("Reply-To")->Value(), "r@example.com");
  EXPECT_EQ(block->Find("X-Custom")->Value(), "yes");
  const std::string type = block->Find("Content-Type")->Value();
  // SES's own fold shows as two blanks in its events.
  ASSERT_TRUE(type.starts_with("multipart/alternative;  boundary=\"----=_Part_")) << type;
  const std::string boundary = type.substr(34, type.size() - 35);
  const std::string body(block->body());
  EXPECT_EQ(body,
            "--" + boundary +
                "\r\nContent-Type: text/plain; charset=UTF-8\r\n"
                "Content-Transfer-Encoding: 7bit\r\n\r\nHi Bob\r\n\r\n--" +
                boundary +
                "\r\nContent-Type: text/html; charset=UTF-8\r\n"
                "Content-Transfer-Encoding: 7bit\r\n\r\n<p>Hi</p>\r\n--" +
                boundary + "--\r\n");
}

TEST(BuildMessage, AttachmentsComeInAMixedMultipart) {
  SimpleMessage message = Plain();
  Attachment attachment;
  attachment.bytes = std::string("\0\xFF", 2);
  attachment.content_type = "application/pdf";
  attachment.file_name = "r\xC3\xA9sum\xC3\xA9 \"x\".pdf";
  attachment.content_id = "cid1";
  attachment.is_inline = true;
  message.attachments = {attachment};
  const std::string raw = Build(message);
  EXPECT_NE(raw.find("Content-Type: multipart/mixed;"), std::string::npos);
  EXPECT_NE(raw.find("Content-Disposition: inline;\r\n\tfilename=\"=?UTF-8?"), std::string::npos);
  EXPECT_NE(raw.find("Content-ID: <cid1>\r\n"), std::string::npos);
  EXPECT_NE(raw.find("\r\n\r\nAP8=\r\n"), std::string::npos);
}

TEST(BuildMessage, IsAllUsAsciiWhateverItSays) {
  SimpleMessage message = Plain();
  message.from = "J\xC3\xBCrgen <j@example.com>";
  message.subject = "\xE2\x9C\x89 caf\xC3\xA9";
  message.text = "na\xC3\xAFve text that is mostly ASCII";
  message.html = "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E";
  const std::string raw = Build(message);
  for (const char c : raw) ASSERT_LT(static_cast<unsigned char>(c), 0x80);
  EXPECT_NE(raw.find("From: =?UTF-8?Q?J=C3=BCrgen?= <j@example.com>\r\n"), std::string::npos);
  EXPECT_NE(raw.find("quoted-printable\r\n\r\nna=C3=AFve text"), std::string::npos);
  EXPECT_NE(raw.find("base64\r\n\r\n5pel5pys6Kqe\r\n"), std::string::npos);
}

TEST(BuildMessage, NoValueBreaksOutOfItsHeader) {
  SimpleMessage message = Plain();
  message.subject = "x\r\nBcc: victim@example.com\r\n\r\nbody";
  message.from = "\"A\r\nBcc: victim@example.com\" <alice@example.com>";
  message.headers = {{"X-A", "b\r\nX-Evil: yes"}};
  const std::string raw = Build(message);
  const Result<HeaderBlock> block = HeaderBlock::Scan(raw);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->Find("Bcc"), nullptr);
  EXPECT_EQ(block->Find("X-Evil"), nullptr);
  EXPECT_EQ(block->body(), "Hi Bob\r\n");
}

TEST(BuildMessage, RefusesWhatSesRefuses) {
  struct Case {
    std::string what;
    std::function<void(SimpleMessage&)> change;
  };

  const Case cases[] = {
      {"no body", [](SimpleMessage& m) { m.text.reset(); }},
      {"bad sender", [](SimpleMessage& m) { m.from = "alice"; }},
      {"bad recipient", [](SimpleMessage& m) { m.to = {"bob@"}; }},
      {"two in one", [](SimpleMessage& m) { m.to = {"b@c.d, e@f.g"}; }},
      {"header name",
       [](SimpleMessage& m) {
         m.headers = {{"X A", "b"}};
       }},
      {"line in header name",
       [](SimpleMessage& m) {
         m.headers = {{"X\r\nBcc", "b"}};
       }},
      {"reserved header",
       [](SimpleMessage& m) {
         m.headers = {{"SUBJECT", "b"}};
       }},
      {"long header",
       [](SimpleMessage& m) {
         m.headers = {{"X", std::string(1000, 'a')}};
       }},
      {"many headers",
       [](SimpleMessage& m) {
         m.headers.assign(16, {"X", "y"});
       }},
  };
  for (const Case& c : cases) {
    SimpleMessage message = Plain();
    c.change(message);
    SeededRandom random(3);
    const Result<std::string> raw = BuildMessage(message, random);
    ASSERT_FALSE(raw) << c.what;
    EXPECT_EQ(raw.error().code, ErrorCode::kInvalidArgument) << c.what;
  }
}

TEST(EncodeBody, ChoosesTheSimplestEncodingThatFits) {
  EXPECT_EQ(EncodeBody("a\nb").bytes, "a\r\nb");
  EXPECT_EQ(EncodeBody(std::string(998, 'a')).transfer_encoding, "7bit");
  const EncodedBody longer = EncodeBody(std::string(999, 'a'));
  EXPECT_EQ(longer.transfer_encoding, "quoted-printable");
  EXPECT_EQ(longer.bytes.substr(70, 10), "aaaaa=\r\naa");
  EXPECT_EQ(EncodeBody("\xC3\xA9 plain plain").bytes, "=C3=A9 plain plain");
  EXPECT_EQ(EncodeBody("x=\xC3\xA9 trailing \n.").bytes, "x=3D=C3=A9 trailing=20\r\n.");
  EXPECT_EQ(EncodeBody(std::string("a\0b", 3)).bytes, "a=00b");
  EXPECT_EQ(EncodeBody("\xFF\xFE").transfer_encoding, "base64");
}

}  // namespace
}  // namespace postglass::mail
