#include "net/smtp_wire.h"

#include <gtest/gtest.h>

namespace postglass::net {
namespace {

using LineState = SmtpLineDecoder::State;

// The decoded lines of `bytes`, fed in pieces; "<too long>" and "<bare>" for the others.
std::vector<std::string> Lines(std::string_view bytes, std::size_t piece, std::size_t max) {
  SmtpLineDecoder decoder(max);
  std::vector<std::string> lines;
  std::string pending;
  while (!bytes.empty()) {
    pending.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      pending.erase(0, decoder.Consume(pending));
      if (decoder.state() == LineState::kWanting) break;
      if (decoder.state() == LineState::kLine) lines.push_back(decoder.line());
      if (decoder.state() == LineState::kTooLong) lines.push_back("<too long>");
      if (decoder.state() == LineState::kBareEnd) return lines.push_back("<bare>"), lines;
      decoder.Next();
    }
  }
  return lines;
}

TEST(SmtpLineDecoder, EndsLinesAtCrLfOnly) {
  const struct {
    std::string bytes;
    std::vector<std::string> lines;
  } cases[] = {
      {"EHLO a\r\nQUIT\r\n", {"EHLO a", "QUIT"}},
      {"\r\n", {""}},
      {"EHLO a\r\nunfinished", {"EHLO a"}},
      {"EHLO a\nMAIL FROM:<x>\r\n", {"<bare>"}},
      {"NOOP\r\nEHLO a\rb\r\n", {"NOOP", "<bare>"}},
      {std::string("a\0b\r\n", 5), {"<bare>"}},
      {std::string(18, 'a') + "\r\n", {std::string(18, 'a')}},
      {std::string(19, 'a') + "\r\nNOOP\r\n", {"<too long>", "NOOP"}},
      {std::string(1000, 'a') + "\r\nNOOP\r\n", {"<too long>", "NOOP"}},
  };

  for (const auto& c : cases) {
    for (const std::size_t piece : {1U, 2U, 5U, 4096U}) {
      SCOPED_TRACE(c.bytes + " in pieces of " + std::to_string(piece));
      EXPECT_EQ(Lines(c.bytes, piece, 20), c.lines);
    }
  }
}

struct Decoded {
  bool complete = false;
  bool too_large = false;
  std::string message;
  std::string rest;
};

Decoded DecodeData(std::string_view bytes, std::size_t piece, std::size_t max) {
  SmtpDataDecoder decoder(max);
  std::size_t taken = 0;
  while (taken < bytes.size() && !decoder.complete()) {
    taken += decoder.Consume(bytes.substr(taken, piece));
  }
  return {
      decoder.complete(), decoder.too_large(), decoder.Take(), std::string(bytes.substr(taken))};
}

TEST(SmtpDataDecoder, EndsOnlyAtCrLfDotCrLf) {
  const struct {
    std::string bytes, message, rest;
    bool complete = true;
  } cases[] = {
      {".\r\n", "", ""},
      {"a\r\n.\r\n", "a\r\n", ""},
      {"a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n"},
      {"\r\n.\r\n", "\r\n", ""},
      {"..\r\n.\r\n", ".\r\n", ""},
      {"..a\r\n...\r\n.\r\n", ".a\r\n..\r\n", ""},
      {".a\r\n.\r\n", "a\r\n", ""},
      // The family of SMTP smuggling: none of these ends the message.
      {"a\n.\nMAIL\r\n.\r\n", "a\r\n.\r\nMAIL\r\n", ""},
      {"a\n.\r\nMAIL\r\n.\r\n", "a\r\n.\r\nMAIL\r\n", ""},
      {"a\r\n.\nMAIL\r\n.\r\n", "a\r\n\r\nMAIL\r\n", ""},
      {"a\r\n.\rMAIL\r\n.\r\n", "a\r\n\r\nMAIL\r\n", ""},
      {"a\r.\rMAIL\r\n.\r\n", "a\r\n.\r\nMAIL\r\n", ""},
      {"a\r.\r\nMAIL\r\n.\r\n", "a\r\n.\r\nMAIL\r\n", ""},
      {"a\r\r\n.\r\n", "a\r\n\r\n", ""},
      {"a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\n\r\nb\r\n", ""},
      {"a\r\n\n.\r\n.\r\n", "a\r\n\r\n.\r\n", ""},
      {"a\r\n.", "a\r\n", "", false},
      {"a\r\n.\r", "a\r\n", "", false},
      {"a\n.\n", "a\r\n.\r\n", "", false},
  };

  for (const auto& c : cases) {
    for (const std::size_t piece : {1U, 2U, 3U, 4096U}) {
      SCOPED_TRACE(c.bytes + " in pieces of " + std::to_string(piece));
      const Decoded decoded = DecodeData(c.bytes, piece, 1000);
      EXPECT_EQ(decoded.complete, c.complete);
      EXPECT_EQ(decoded.message, c.message);
      EXPECT_EQ(decoded.rest, c.rest);
    }
  }
}

TEST(SmtpDataDecoder, KeepsReadingAboveTheLimit) {
  EXPECT_FALSE(DecodeData("12345678\r\n.\r\n", 3, 10).too_large);
  const Decoded decoded = DecodeData("123456789\r\nmore\r\n.\r\nQUIT\r\n", 3, 10);
  EXPECT_TRUE(decoded.complete);
  EXPECT_TRUE(decoded.too_large);
  EXPECT_EQ(decoded.message, "");
  EXPECT_EQ(decoded.rest, "QUIT\r\n");
}

TEST(EncodeSmtpData, IsUndoneByTheDecoder) {
  const struct {
    std::string message, wire, normal;
  } cases[] = {
      {"", ".\r\n", ""},
      {"a", "a\r\n.\r\n", "a\r\n"},
      {"a\r\n", "a\r\n.\r\n", "a\r\n"},
      {".\r\n..\r\n", "..\r\n...\r\n.\r\n", ".\r\n..\r\n"},
      {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
      {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
      {"a\r\n\r\n", "a\r\n\r\n.\r\n", "a\r\n\r\n"},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.message);
    EXPECT_EQ(EncodeSmtpData(c.message), c.wire);
    const Decoded decoded = DecodeData(c.wire, 4096, 1000);
    EXPECT_TRUE(decoded.complete);
    EXPECT_EQ(decoded.message, c.normal);
  }
}

TEST(SmtpReply, Formats) {
  EXPECT_EQ((SmtpReply{250, {"a", "b"}, false}.ToString()), "250-a\r\n250 b\r\n");
  EXPECT_EQ((SmtpReply{250, {"a", "b"}, false}.Text()), "250 a b");
  EXPECT_EQ((SmtpReply{550, {"no <x>\r\n250 OK"}, false}.ToString()), "550 no <x>  250 OK\r\n");
}

TEST(SmtpReplyDecoder, ReadsRepliesOfSeveralLines) {
  const std::string bytes = "250-mx\r\n250-SIZE 1\r\n250 OK\r\n354\r\n220 x\n";
  for (const std::size_t piece : {1U, 7U, 4096U}) {
    SmtpReplyDecoder decoder;
    std::vector<std::string> texts;
    std::string pending;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      pending.append(bytes, at, piece);
      for (;;) {
        pending.erase(0, decoder.Consume(pending));
        if (decoder.state() != SmtpReplyDecoder::State::kReply) break;
        texts.push_back(decoder.Take().Text());
      }
    }
    EXPECT_EQ(texts, (std::vector<std::string>{"250 mx SIZE 1 OK", "354 ", "220 x"}));
  }
}

TEST(SmtpReplyDecoder, RefusesWhatIsNoReply) {
  std::string endless;
  for (int i = 0; i < 200; ++i) endless += "250-x\r\n";
  for (const std::string& bytes : {std::string("HTTP/1.1 400 Bad\r\n"),
                                   std::string("\r\n"),
                                   std::string("99 x\r\n"),
                                   std::string("199 x\r\n"),
                                   std::string("600 x\r\n"),
                                   std::string("250_x\r\n"),
                                   std::string("250-a\r\n251 b\r\n"),
                                   endless,
                                   "250 " + std::string(10'000, 'x')}) {
    SCOPED_TRACE(bytes.substr(0, 40));
    SmtpReplyDecoder decoder;
    decoder.Consume(bytes);
    EXPECT_EQ(decoder.state(), SmtpReplyDecoder::State::kBad);
  }
}

}  // namespace
}  // namespace postglass::net
