#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The header of an RFC 5322 message, scanned in place: the caller's bytes are never re-encoded.

namespace postglass::mail {

// Every line end becomes CRLF; a message that has only those is handed back untouched. Mixed line
// ends are how SMTP servers are made to see two messages where one was checked.
std::string NormalizeLineEnds(std::string message);

// One field. The views point into the scanned message.
struct HeaderField {
  std::string_view name;    // as written, without the colon
  std::string_view folded;  // all behind the colon, without the last line end
  std::string_view bytes;   // the whole field, folded lines and line ends included

  // Unfolded and trimmed, as SES shows it: line ends go, each blank of the fold stays.
  std::string Value() const;
};

class HeaderBlock {
 public:
  // Requires: CRLF line ends (NormalizeLineEnds), and that `message` outlives the block. Lines that
  // are no field are left out. Errors: kLimit (kHeaderFieldsMax, kHeaderBytesMax).
  static Result<HeaderBlock> Scan(std::string_view message);

  const std::vector<HeaderField>& fields() const { return fields_; }

  // The first field of that name, in any case.
  const HeaderField* Find(std::string_view name) const;

  // Behind the empty line; empty when the message ends with its header.
  std::string_view body() const { return body_; }

 private:
  std::vector<HeaderField> fields_;
  std::string_view body_;
};

}  // namespace postglass::mail
