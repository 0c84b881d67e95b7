#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "store/types.h"

namespace postglass::query {

// What one stored event says about a mail: SES's own fields (mail.*, delivery.*, bounce.* …), and
// where they are missing the normalised view that every provider has (event.name, email.*, smtp.*).
struct MailEvent {
  enum class Kind {
    kSend,
    kRenderingFailure,
    kReject,
    kDelay,
    kDelivery,
    kBounce,
    kComplaint,
    kOpen,
    kClick,
    kSubscription,
    kOther,
  };

  // Somebody whom the event is about, and what was said about them.
  struct Recipient {
    std::string address;
    std::string status;  // enhanced code, "5.1.1"
    std::string words;   // the receiving server's, verbatim without a leading "smtp;"
  };

  store::EventId id;
  Kind kind = Kind::kOther;
  std::string type;  // as the provider calls it
  std::string message_id;
  Timestamp at;                           // when it happened
  std::optional<Timestamp> requested_at;  // when the application asked to send
  std::string subject;
  std::string from;
  std::string configuration_set;
  std::string verified;
  std::vector<std::string> destination;  // everybody the mail went to
  std::vector<Recipient> recipients;     // empty: everybody
  bool captured = false;

  std::string server_words;  // delivery: smtpResponse
  std::string relay_host;    // delivery: handed to a smart host
  std::string tls_version;
  std::optional<std::int64_t> processing_ms;
  std::string bounce_type;   // Permanent Transient Undetermined
  std::string sub_type;      // of bounce and complaint
  std::string bounce_class;  // of the normalised view
  std::string reason;        // reject, rendering failure, delay type, complaint type
  std::string link;
  std::string user_agent;
  std::string ip_address;
  std::optional<Timestamp> gives_up_at;  // delay
};

// Nothing when the event is about no mail (it has no message id).
std::optional<MailEvent> ReadMailEvent(const store::Event& event);

// "Name <a@b>", " a@b " and "mailto:a@b" give a@b.
std::string_view BareAddress(std::string_view text);
bool SameAddress(std::string_view a, std::string_view b);  // without regard to ASCII case
// Behind the last '@'; empty when there is none.
std::string_view DomainOf(std::string_view address);

}  // namespace postglass::query
