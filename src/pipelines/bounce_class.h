#pragma once

#include <string_view>

namespace postglass::pipelines {

// What is known of one bounce.
struct BounceFacts {
  std::string_view sub_type;  // SES's bounceSubType; may be empty
  int code = 0;               // SMTP reply code, 0 when unknown
  std::string_view enhanced;  // "5.1.1", may be empty
  std::string_view text;      // the server's words
};

// One of fourteen classes, so that a list of them stays readable: no_such_user user_disabled
// mailbox_full no_such_domain network_or_expired auth_failed reputation content rate_limited
// too_large recipient_refuses remote_fault suppressed unknown. SES's own sub type decides where it
// says more than "General", then the enhanced code, then reply code and words. Pure.
std::string_view ClassifyBounce(const BounceFacts& facts);

}  // namespace postglass::pipelines
