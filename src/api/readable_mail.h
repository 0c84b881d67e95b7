#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postglass::api {

// A message as a person reads it.
struct ReadableMail {
  std::vector<std::pair<std::string, std::string>> headers;  // decoded, in order
  std::string text;                                          // the first text/plain part, UTF-8
  std::string html;                                          // the first text/html part, UTF-8
};

// Decodes an RFC 5322 message (GMime). Never fails: what cannot be decoded is left out.
// Thread-safe.
ReadableMail ReadMail(std::string_view raw);

}  // namespace postglass::api
