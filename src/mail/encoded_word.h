#pragma once

#include <string>
#include <string_view>

// RFC 2047: text beyond US-ASCII in header values.

namespace postglass::mail {

// Decodes every encoded word of an unfolded value to UTF-8; the blanks between two of them go.
// What is no valid encoded word, or has a charset we do not know, stays as it is written. Bytes
// that are not UTF-8 in the end become U+FFFD.
std::string DecodeEncodedWords(std::string_view value);

// `text` (UTF-8) as a header value: itself when it is printable US-ASCII, else encoded words in
// UTF-8 of at most 75 characters, folded with CRLF and a blank, characters never split. Controls
// (line ends above all) become blanks first, so that no text can begin a field of its own.
std::string EncodeHeaderText(std::string_view text);

}  // namespace postglass::mail
