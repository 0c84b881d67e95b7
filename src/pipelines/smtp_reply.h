#pragma once

#include <string>
#include <string_view>

namespace postglass::pipelines {

// A receiving server's reply taken apart.
struct SmtpReplyParts {
  int code = 0;           // 200..599; 0 when there is none
  std::string enhanced;   // "5.1.1" (RFC 3463); empty when there is none
  std::string_view text;  // the whole reply without a leading "smtp;"; points into the input
};

// Understands "250 2.0.0 OK", "smtp; 550-5.1.1 no such user" and free text with a code in it. Pure.
SmtpReplyParts ParseSmtpReply(std::string_view reply);

}  // namespace postglass::pipelines
