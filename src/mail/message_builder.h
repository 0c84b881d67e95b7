#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"

// Makes the RFC 5322 message of a simple send (subject, text, HTML), as SES does it for SendEmail.

namespace postglass::mail {

struct Attachment {
  std::string bytes;
  std::string content_type;  // empty: application/octet-stream
  std::string file_name;
  std::string description;
  std::string content_id;
  bool is_inline = false;
};

struct SimpleMessage {
  std::string from;  // each an address with or without display name; empty: no From
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> reply_to;
  std::string subject;              // UTF-8
  std::optional<std::string> text;  // UTF-8
  std::optional<std::string> html;  // UTF-8
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<Attachment> attachments;
};

// The message, CRLF line ends, no Date and no Message-ID (acceptance sets them) unless `head` has
// them: whole header lines that come first. Header values
// beyond US-ASCII become encoded words, bodies quoted-printable or base64, always in UTF-8. No
// value can break out of its header. `random` makes the boundaries.
// Errors: kInvalidArgument with SES's text: a bad address, no body at all, a bad header name.
Result<std::string> BuildMessage(const SimpleMessage& message,
                                 Random& random,
                                 std::string_view head = {});

// The bytes of `text` as a body: CRLF line ends, encoded so that no line is longer than SMTP
// allows and all is US-ASCII.
struct EncodedBody {
  std::string_view transfer_encoding;  // 7bit, quoted-printable, base64
  std::string bytes;
};

EncodedBody EncodeBody(std::string_view text);

}  // namespace postglass::mail
