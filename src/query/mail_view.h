#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "query/mail_event.h"

namespace postglass::query {

// What became of a mail to one recipient. A later word in the list is not a better one: which of
// several facts decides is in mail_view.cc.
enum class MailState {
  kUnknown,   // events about it, but none of those below
  kSent,      // taken by the mail service, no outcome yet
  kNoNews,    // the same for longer than it should take
  kDelayed,   // the mail service tries again
  kAccepted,  // taken by the receiving server
  kCaptured,  // kept on this machine
  kRelayed,   // handed to a smart host
  kOpened,
  kClicked,
  kRefused,          // bounced
  kReturned,         // accepted first, bounced later
  kComplained,       // reported as spam
  kSuppressed,       // not sent: on a suppression list
  kRejected,         // not sent: refused by the mail service
  kRenderingFailed,  // not sent: the template failed
};

// "sent", "no_news", …: the name in JSON.
std::string_view MailStateName(MailState state);

struct TimelineEntry {
  store::EventId id;
  MailEvent::Kind kind = MailEvent::Kind::kOther;
  std::string type;
  Timestamp at;
  std::string text;          // "example.com took the mail"
  std::string server_words;  // verbatim; empty: none
  std::string verified;      // event.verified; empty: not recorded

  bool operator==(const TimelineEntry&) const = default;
};

// One try to hand the mail over, as far as the mail service tells of it: it tells of the first
// delay of several tries and of the last word.
struct MailAttempt {
  enum class Outcome { kAccepted, kDelayed, kRefused };
  Timestamp at;
  Outcome outcome = Outcome::kAccepted;
  std::string status;        // enhanced code, "4.2.2"; empty: not told
  std::string server_words;  // verbatim; empty: none

  bool operator==(const MailAttempt&) const = default;
};

// "accepted", "delayed", "refused".
std::string_view OutcomeName(MailAttempt::Outcome outcome);

// One mail to one recipient.
struct MailView {
  std::string message_id;
  std::string recipient;
  std::string subject;
  std::string from;
  std::string configuration_set;
  std::size_t recipients_count = 1;  // of the whole mail

  MailState state = MailState::kUnknown;
  std::string headline;  // "Accepted by example.com"
  std::string sentence;  // what happened, in words that can be copied to the customer
  std::string advice;    // what to do; empty: nothing
  std::string actor;     // who must: recipient receiver us nobody; empty: nobody knows
  std::string bounce_class;
  std::string server_words;  // of the event that decided the state, verbatim

  Timestamp requested_at;
  std::optional<Timestamp> accepted_at;  // by the receiving server, the capture or the relay
  std::optional<Timestamp> delayed_at;   // last
  std::optional<Timestamp> refused_at;
  std::optional<Timestamp> opened_at;   // first
  std::optional<Timestamp> clicked_at;  // first
  std::optional<Timestamp> complained_at;
  std::optional<Timestamp> gives_up_at;
  std::optional<std::int64_t> acceptance_ms;  // from request to acceptance
  std::string relay_host;
  bool captured = false;
  std::size_t delays_count = 0;
  std::size_t opens_count = 0;
  std::size_t clicks_count = 0;
  // Opens and clicks of a mail to several recipients name none of them: then they are not told of
  // one, and this says that there were some.
  bool somebody_opened = false;
  // Without an outcome (sent, no news, delayed, unknown): for how long nothing was heard.
  std::optional<std::chrono::milliseconds> no_news_for;
  std::vector<MailAttempt> attempts;  // oldest first

  std::vector<TimelineEntry> timeline;  // oldest first, duplicates once

  bool operator==(const MailView&) const = default;
};

struct MailViewOptions {
  std::chrono::nanoseconds no_news_after{std::chrono::seconds(60)};
};

// The mails that `events` tell of, one a message id and recipient, newest request first, then by
// message id and recipient. Depends on the set of events alone: neither on their order nor on how
// often each is there (all providers and queues on the way may repeat and reorder). Pure.
std::vector<MailView> BuildMailViews(std::span<const MailEvent> events,
                                     Timestamp now,
                                     const MailViewOptions& options = {});

// "1.9 s", "90 s", "5 min", "3 h", "4 days".
std::string DurationText(std::chrono::nanoseconds duration);
// "23 Nov 2026 14:03:05 UTC".
std::string InstantText(Timestamp at);

}  // namespace postglass::query
