#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

// What crosses the borders inside mail/: a submission comes in by a door (api/, smtp/), acceptance
// makes a Mail of it, the spool (delivery/) keeps and delivers it, events about it go to topics/.

namespace postglass::mail {

struct MessageTag {
  std::string name;
  std::string value;
  bool operator==(const MessageTag&) const = default;
};

struct RenderingFailureDetail {
  std::string template_name;
  std::string error_message;
};

// One request to send, from any door, before any check of its content.
struct Submission {
  std::string operation;  // tag ses:operation: SendEmail SendRawEmail SendSmtpEmail …
  std::string source;     // From as the caller gave it, display name included; may be empty for raw
  std::string envelope_from;              // MAIL FROM; empty: the address in `source`
  std::vector<std::string> destinations;  // envelope recipients; empty for raw: To, Cc, Bcc headers
  std::string raw;                        // RFC 5322 message, CRLF line ends, as given or as built
  std::optional<std::string> configuration_set;   // beats the X-SES-CONFIGURATION-SET header
  std::vector<MessageTag> tags;                   // when not empty, replace X-SES-MESSAGE-TAGS
  std::string source_ip;                          // of the client
  std::string caller;                             // IAM user name
  std::uint64_t message_bytes_max = 40ull << 20;  // 10 MB by API v1
  // Made from a template. Its Send event shows, as SES's, only what is known before rendering.
  bool templated = false;
  // The template could not be rendered, and `raw` has but From and To: the message gets its id and
  // this event, and goes nowhere.
  std::optional<RenderingFailureDetail> rendering_failure;
};

// Why a submission was refused; each door says it in its own words (aws.md §2.7, §3.8).
struct SendError {
  enum class Kind {
    kMessageRejected,   // unverified identity, sandbox, bad content
    kAccessDenied,      // a policy of the sender's identity denies it
    kInvalidParameter,  // bad address, bad tag, missing header, too many recipients
    kMessageTooLong,
    kConfigurationSetDoesNotExist,
    kConfigurationSetSendingPaused,
    kAccountSendingPaused,
    kRateExceeded,
    kDailyQuotaExceeded,
    kUnavailable,  // nothing could be made durable: try again
  };
  Kind kind = Kind::kUnavailable;
  std::string message;  // SES's text
};

using SendOutcome = std::variant<std::string, SendError>;  // message id, or why not

// The one way in. Thread-safe.
class Mailer {
 public:
  virtual ~Mailer() = default;
  // Blocks until message and Send event are durable.
  virtual SendOutcome Send(Submission submission) = 0;

  // Waits for no disk: `done` is called once, by any thread, this one included, with what Send()
  // would return. When this throws, `done` was not called and never will be.
  virtual void SendAsync(Submission submission, std::function<void(SendOutcome)> done) {
    done(Send(std::move(submission)));
  }
};

// A mail that was accepted.
struct Mail {
  std::string message_id;  // SES form, 60 characters
  Timestamp accepted_at;
  std::string source;  // as in the event's mail.source
  std::string envelope_from;
  std::vector<std::string> recipients;
  std::string subject;            // decoded
  std::string configuration_set;  // resolved; empty: none, no events
  // The `mail` object of every event about this mail, JSON text, without ses:outgoing-ip.
  std::string mail_object;
  std::string send_object;  // the same for the Send event, when it differs; else empty
  std::string raw;          // as it goes out: headers rewritten, links tracked

  struct Suppression {
    std::size_t recipient = 0;  // index in `recipients`
    std::string reason;         // BOUNCE COMPLAINT
    bool operator==(const Suppression&) const = default;
  };

  std::vector<Suppression> suppressed;  // these get no mail but an event that says so
};

// The part of an event that belongs to its type (aws.md §1.4). Times are UTC.
struct SendDetail {};

struct RejectDetail {
  std::string reason = "Bad content";
};

struct DeliveryDetail {
  Timestamp at;
  std::int64_t processing_ms = 0;
  std::vector<std::string> recipients;
  std::string smtp_response;
  std::string reporting_mta;
  std::string remote_mta_ip;  // empty: left out
  std::string tls_version;    // empty: left out; ours (relay)
  std::string remote_host;    // empty: left out; ours (relay)
};

struct BouncedRecipient {
  std::string address;
  std::string action;           // failed; empty members are left out
  std::string status;           // 5.1.1
  std::string diagnostic_code;  // smtp; 550 5.1.1 …
};

struct BounceDetail {
  std::string type;  // Permanent Transient Undetermined
  std::string sub_type;
  std::vector<BouncedRecipient> recipients;
  Timestamp at;
  std::string feedback_id;
  std::string reporting_mta;  // "dns; host"
  std::string remote_mta_ip;
};

struct ComplaintDetail {
  std::vector<std::string> recipients;
  Timestamp at;
  std::string feedback_id;
  std::string sub_type;  // empty: null
  std::string user_agent;
  std::string feedback_type;  // abuse
  std::optional<Timestamp> arrival_date;
};

struct OpenDetail {
  Timestamp at;
  std::string ip_address;
  std::string user_agent;
};

struct ClickDetail {
  Timestamp at;
  std::string ip_address;
  std::string user_agent;
  std::string link;
  std::vector<std::pair<std::string, std::vector<std::string>>> link_tags;  // empty: null
};

struct DeliveryDelayDetail {
  std::string type;  // delayType
  std::vector<BouncedRecipient> recipients;
  Timestamp expires_at;
  Timestamp at;
  std::string reporting_mta;
};

using EventDetail = std::variant<SendDetail,
                                 RejectDetail,
                                 DeliveryDetail,
                                 BounceDetail,
                                 ComplaintDetail,
                                 OpenDetail,
                                 ClickDetail,
                                 RenderingFailureDetail,
                                 DeliveryDelayDetail>;

// The mail as far as events need it: kept with each event in the journal.
struct EventSubject {
  std::string message_id;
  std::string configuration_set;
  std::string mail_object;  // JSON text
};

struct MailEvent {
  EventSubject subject;
  EventDetail detail;
  // Extra tags, e.g. {"postglass", "captured"} shown as tags "postglass": ["captured"].
  std::vector<MessageTag> extra_tags;
};

// Keeps accepted mails and sees to their delivery. Thread-safe.
class Spool {
 public:
  virtual ~Spool() = default;
  // Mail and Send event are durable on OK. Errors: kUnavailable, kDiskFull, kIo.
  virtual Status Accept(Mail mail) = 0;

  // The same without waiting for the disk; `done` is called once, by any thread, this one included.
  virtual void AcceptAsync(Mail mail, std::function<void(Status)> done) {
    done(Accept(std::move(mail)));
  }

  // Makes one event durable; it will be published. For open, click, reject, rendering failure.
  virtual Status Record(MailEvent event) = 0;
};

// Hands events to the topics that the configuration set's enabled destinations name. Thread-safe.
class EventPublisher {
 public:
  virtual ~EventPublisher() = default;
  // `key` names this event over restarts; each destination derives its own from it. `done` gets OK
  // when every matching destination has it durably, or there is none (then the event is counted as
  // without destination); an error when it must be tried again.
  virtual void PublishAsync(const MailEvent& event,
                            std::string key,
                            std::function<void(Status)> done) = 0;
};

// Rewrites a message for open and click tracking. Thread-safe.
class TrackingRewriter {
 public:
  virtual ~TrackingRewriter() = default;

  struct Wanted {
    bool opens = false;
    bool clicks = false;
    bool secret_links = false;    // also links that carry a secret
    std::string redirect_domain;  // host of pixel and links; empty: the server's own URL
    std::string https_policy;     // REQUIRE REQUIRE_OPEN_ONLY OPTIONAL, for that host
  };

  // The message with pixel and tracked links in its HTML parts; unchanged when there are none.
  virtual std::string Rewrite(std::string raw,
                              const std::string& message_id,
                              const Wanted& wanted) const = 0;
};

// Finds the subject of an event that comes long after sending (open, click). Thread-safe.
class MailLookup {
 public:
  virtual ~MailLookup() = default;
  virtual std::optional<EventSubject> Find(const std::string& message_id) = 0;
};

}  // namespace postglass::mail
