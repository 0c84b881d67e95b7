#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Addresses as headers and API parameters carry them (RFC 5322 §3.4).

namespace postglass::mail {

struct Mailbox {
  std::string text;          // as written, unfolded and trimmed: Alice <alice@example.com>
  std::string display_name;  // decoded UTF-8; empty when there is none
  std::string address;       // local@domain, comments gone, quoted local part kept

  std::string_view domain() const;
};

// A comma-separated list; groups are opened up, comments ignored, empty elements skipped. Domains
// may be international (UTF-8); local parts may not, as with SES.
// kInvalidArgument carries the text that SES's clients know ("Missing final '@domain'");
// kLimit above kAddressesMax.
Result<std::vector<Mailbox>> ParseAddressList(std::string_view text);

// Exactly one mailbox.
Result<Mailbox> ParseMailbox(std::string_view text);

}  // namespace postglass::mail
