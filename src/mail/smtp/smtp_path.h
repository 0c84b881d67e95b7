#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postglass::mail {

// The argument of MAIL and RCPT: a path and ESMTP parameters (RFC 5321 §4.1.2).
struct SmtpPathArgument {
  std::string address;  // without angle brackets and source route; empty: <>
  std::vector<std::pair<std::string, std::string>> parameters;  // names in upper case
};

// `arguments` begins behind "FROM:" or "TO:". Blanks before '<' and a missing bracket pair are
// borne, as SES does. Nothing when it cannot be read.
std::optional<SmtpPathArgument> ReadSmtpPath(std::string_view arguments);

}  // namespace postglass::mail
