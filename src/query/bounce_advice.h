#pragma once

#include <string>
#include <string_view>

#include "query/mail_event.h"

namespace postglass::query {

// What a refusal means to a person who is no postmaster.
struct BounceAdvice {
  std::string bounce_class;  // no_such_user … unknown
  std::string meaning;       // "The address does not exist there."
  std::string advice;        // what to do now
  std::string_view actor;    // recipient, receiver, us, nobody (wait)
};

// For one recipient of a bounce or a delay. The class is the one stored with the event when it
// speaks about one recipient alone, else it is told from the enhanced code (RFC 3463).
BounceAdvice AdviceFor(const MailEvent& event, const MailEvent::Recipient& recipient);

// SES kept the mail back because the address is on a list; it was not sent.
bool IsSuppression(std::string_view sub_type);

}  // namespace postglass::query
