#include "mail/header_block.h"

#include <gtest/gtest.h>

#include "mail/limits.h"
#include "mail/outgoing_message.h"

namespace postglass::mail {
namespace {

TEST(NormalizeLineEnds, MakesEveryLineEndCrlf) {
  struct Case {
    std::string in;
    std::string out;
  };

  for (const Case& c : {Case{"", ""},
                        Case{"a\r\nb\r\n", "a\r\nb\r\n"},
                        Case{"a\nb\n", "a\r\nb\r\n"},
                        Case{"a\rb", "a\r\nb"},
                        Case{"a\r\r\nb", "a\r\n\r\nb"},
                        Case{"a\r\n\nb", "a\r\n\r\nb"},
                        Case{"\n", "\r\n"},
                        Case{"a\r", "a\r\n"}}) {
    EXPECT_EQ(NormalizeLineEnds(c.in), c.out);
  }
}

TEST(HeaderBlock, FindsFieldsAndBody) {
  const std::string message =
      "From: a@example.com\r\n"
      "Content-Type: multipart/alternative; \r\n\tboundary=\"x\"\r\n"
      "Subject:no blank\r\n"
      "X-Folded: one\r\n two\r\n\t  three\r\n"
      "X-Obsolete : yes\r\n"
      "X-Empty:\r\n"
      "\r\n"
      "body\r\n\r\nmore";
  const Result<HeaderBlock> block = HeaderBlock::Scan(message);
  ASSERT_TRUE(block);
  ASSERT_EQ(block->fields().size(), 6u);
  EXPECT_EQ(block->fields()[1].Value(), "multipart/alternative;  boundary=\"x\"");
  EXPECT_EQ(block->Find("SUBJECT")->Value(), "no blank");
  EXPECT_EQ(block->Find("x-folded")->Value(), "one two   three");
  EXPECT_EQ(block->Find("X-Obsolete")->name, "X-Obsolete");
  EXPECT_EQ(block->Find("X-Empty")->Value(), "");
  EXPECT_EQ(block->Find("missing"), nullptr);
  EXPECT_EQ(block->body(), "body\r\n\r\nmore");
}

TEST(HeaderBlock, SurvivesWhatIsNoHeader) {
  struct Case {
    std::string message;
    std::size_t fields;
    std::string_view body;
  };

  for (const Case& c : {Case{"", 0, ""},
                        Case{"\r\nbody", 0, "body"},
                        Case{"no colon here\r\n\r\nb", 0, "b"},
                        Case{"From alice Mon: x\r\nTo: b@c.d\r\n\r\n", 1, ""},  // mbox line
                        Case{" folded first\r\nTo: b@c.d\r\n\r\n", 1, ""},
                        Case{": no name\r\n\r\n", 0, ""},
                        Case{"To: b@c.d", 1, ""},
                        Case{std::string("A\0B: x\r\n\r\n", 10), 0, ""}}) {
    const Result<HeaderBlock> block = HeaderBlock::Scan(c.message);
    ASSERT_TRUE(block) << c.message;
    EXPECT_EQ(block->fields().size(), c.fields) << c.message;
    EXPECT_EQ(block->body(), c.body) << c.message;
  }
}

TEST(HeaderBlock, IsBounded) {
  std::string many;
  for (std::size_t i = 0; i <= kHeaderFieldsMax; ++i) many += "A: b\r\n";
  EXPECT_EQ(HeaderBlock::Scan(many).error().code, ErrorCode::kLimit);
  const std::string large = "A: " + std::string(kHeaderBytesMax, 'x');
  EXPECT_EQ(HeaderBlock::Scan(large).error().code, ErrorCode::kLimit);
}

TEST(OutgoingMessage, ChangesOnlyWhatSesChanges) {
  const std::string message =
      "Return-Path: <x@y.z>\r\nFrom: \xC3\xA4 <a@example.com>\r\nbcc: secret@example.com,\r\n"
      " other@example.com\r\nMessage-ID: <mine@example.com>\r\nDate: yesterday\r\n"
      "X-SES-MESSAGE-TAGS: a=b\r\nx-ses-configuration-set: c\r\nX-Sesame: open\r\n"
      "Subject: =?UTF-8?Q?caf=C3=A9?=\r\n  folded\r\n\r\nbody \xFF bytes\r\n";
  const Result<HeaderBlock> block = HeaderBlock::Scan(message);
  ASSERT_TRUE(block);
  const Timestamp at = Timestamp::FromMillis(1'500'000'000'000);
  EXPECT_EQ(MakeOutgoingMessage(*block, {"ID", "us-east-1", at}),
            "Message-ID: <ID@email.amazonses.com>\r\n"
            "Date: Fri, 14 Jul 2017 02:40:00 +0000\r\n"
            "From: \xC3\xA4 <a@example.com>\r\nX-Sesame: open\r\n"
            "Subject: =?UTF-8?Q?caf=C3=A9?=\r\n  folded\r\n\r\nbody \xFF bytes\r\n");
  EXPECT_TRUE(MakeOutgoingMessage(*block, {"ID", "eu-west-1", at})
                  .starts_with("Message-ID: <ID@eu-west-1.amazonses.com>\r\n"));
}

TEST(OutgoingMessage, EndsAHeaderThatTheMessageLeftOpen) {
  const std::string message = "To: a@b.c";
  const Result<HeaderBlock> block = HeaderBlock::Scan(message);
  ASSERT_TRUE(block);
  EXPECT_TRUE(MakeOutgoingMessage(*block, {"ID", "us-east-1", {}}).ends_with("To: a@b.c\r\n\r\n"));
}

}  // namespace
}  // namespace postglass::mail
