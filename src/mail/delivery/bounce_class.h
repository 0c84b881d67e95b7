#pragma once

#include <string>
#include <string_view>

// What a refusal means in SES's terms. Table: RFC 3463 and its IANA registry, SES's published
// bounce types, and what large receivers really answer.

namespace postglass::mail {

struct BounceClass {
  std::string bounce_type;      // Permanent Transient Undetermined
  std::string bounce_sub_type;  // General MailboxFull MessageTooLarge ContentRejected …
  std::string delay_type;       // of a DeliveryDelay for the same reply
  std::string status;           // enhanced status code, given or derived: 5.1.1
  bool operator==(const BounceClass&) const = default;
};

// `code` is the SMTP reply code (4xx, 5xx), `text` the reply's text with or without the code.
BounceClass ClassifyReply(int code, std::string_view text);

// The enhanced status code (RFC 3463) in a reply's text; empty when it gives none.
std::string EnhancedStatus(std::string_view text);

}  // namespace postglass::mail
