#include "pipelines/smtp_reply.h"

#include "base/encoding.h"

namespace postglass::pipelines {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Length of "d.ddd.ddd" with class 2, 4 or 5 at the start of `text`, 0 when there is none.
std::size_t EnhancedLength(std::string_view text) {
  if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return 0;
  std::size_t at = 1;
  for (int part = 0; part < 2; ++part) {
    if (at >= text.size() || text[at] != '.') return 0;
    std::size_t digits = 0;
    while (at + 1 + digits < text.size() && digits < 3 && IsDigit(text[at + 1 + digits])) ++digits;
    if (digits == 0) return 0;
    at += 1 + digits;
  }
  if (at < text.size() && (IsDigit(text[at]) || text[at] == '.')) return 0;
  return at;
}

bool IsReplyCode(std::string_view text) {
  return text.size() >= 3 && text[0] >= '2' && text[0] <= '5' && IsDigit(text[1]) &&
         IsDigit(text[2]) && (text.size() == 3 || text[3] == ' ' || text[3] == '-');
}

}  // namespace

SmtpReplyParts ParseSmtpReply(std::string_view reply) {
  SmtpReplyParts parts;
  parts.text = TrimAscii(reply);
  if (parts.text.size() > 5 && EqualsIgnoreAsciiCase(parts.text.substr(0, 5), "smtp;")) {
    parts.text = TrimAscii(parts.text.substr(5));
  }
  std::string_view rest = parts.text;
  if (IsReplyCode(rest)) {
    parts.code = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
    rest.remove_prefix(rest.size() == 3 ? 3 : 4);
  }
  // The first enhanced code at the start of a word: behind the reply code, or anywhere in the text
  // of servers that wrap it ("host said: 550 5.1.1 …"). An address such as 5.1.1.2 is none.
  bool word_start = true;
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (word_start) {
      if (const std::size_t length = EnhancedLength(rest.substr(at)); length > 0) {
        parts.enhanced = std::string(rest.substr(at, length));
        break;
      }
    }
    const char c = rest[at];
    word_start = c == ' ' || c == '-' || c == '#' || c == '(' || c == '[' || c == ':' || c == '\n';
  }
  return parts;
}

}  // namespace postglass::pipelines
