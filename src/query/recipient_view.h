#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "query/answer.h"

namespace postglass::query {

// A recipient as a thing: what their mails have in common. Made of the mails in the answer, so of
// the newest ones when it was cut.
struct RecipientView {
  struct Fact {
    Timestamp at;
    std::string message_id;
    std::string bounce_class;
    std::string server_words;

    bool operator==(const Fact&) const = default;
  };

  std::string domain;
  std::map<MailState, std::uint64_t> states;  // mails by state
  std::optional<Fact> last_accepted;
  std::optional<Fact> last_refused;    // bounced, for good or for now
  std::optional<Fact> last_complaint;  // reported as spam
  // The newest mail whose sending a suppression list kept back, unless a newer one was taken by the
  // receiving server. What the events say; the list itself is the mail service's.
  std::optional<Fact> suppressed;
  std::optional<std::int64_t> acceptance_ms;  // median from request to acceptance
};

// Pure.
RecipientView ViewRecipient(const Answer& answer);
// {"address","domain","found","summary","mails_count","states":{"accepted":3},"last_accepted",
// "last_refused","last_complaint","suppressed","acceptance_ms","mails":[…] as in an answer,
// "incomplete","damage"}; what there is not is left out.
std::string RecipientJson(const Answer& answer, const RecipientView& view);

}  // namespace postglass::query
