#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The HTML parts of a MIME message (RFC 2045, 2046), found in place.

namespace postglass::mail {

struct HtmlPart {
  std::size_t header_end = 0;  // where a further header field may be put
  std::size_t body_begin = 0;
  std::size_t body_end = 0;
  // The field Content-Transfer-Encoding with its line end; empty when there is none.
  std::size_t encoding_begin = 0;
  std::size_t encoding_end = 0;
  std::string html;  // decoded bytes, in the part's charset
};

// text/html parts that are shown, not attached, in order. Left out: parts of signed, encrypted and
// forwarded messages, unknown transfer encodings, charsets that are no superset of US-ASCII.
// Requires: CRLF line ends. Bounded in depth and number of parts.
std::vector<HtmlPart> FindHtmlParts(std::string_view message);

// The message with the HTML of some parts replaced and encoded anew. `replace` gives nothing for a
// part that stays, byte for byte.
std::string ReplaceHtmlParts(
    std::string message, const std::function<std::optional<std::string>(const HtmlPart&)>& replace);

// RFC 2045 §6.7; malformed escapes stay as they are.
std::string DecodeQuotedPrintable(std::string_view text);

}  // namespace postglass::mail
