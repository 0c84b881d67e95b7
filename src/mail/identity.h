#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace postglass::mail {

// The three kinds of event that an identity can be notified of (SES v1, feedback notifications).
enum class NotificationType { kBounce, kComplaint, kDelivery };
inline constexpr std::array<std::string_view, 3> kNotificationNames = {
    "Bounce", "Complaint", "Delivery"};

std::optional<NotificationType> NotificationTypeFromName(std::string_view name);

struct IdentityNotification {
  std::string topic_arn;  // empty: none
  bool with_headers = false;
  bool operator==(const IdentityNotification&) const = default;
};

// What DKIM is asked to be. Easy DKIM has three tokens to put into DNS and is only shown; with a
// key of one's own (BYODKIM) there is one, the selector, and mail is signed (dkim_signing.h).
struct DkimSettings {
  bool enabled = false;
  bool started = false;  // tokens were asked for, or a key given
  std::string selector;  // of one's own key; empty: Easy DKIM
  std::string key_length = "RSA_2048_BIT";
  std::string sealed_key;  // one's own, as DkimSigning keeps it; empty: Easy DKIM
  bool operator==(const DkimSettings&) const = default;
};

struct MailFromSettings {
  std::string domain;  // empty: none
  bool reject_on_mx_failure = false;
  bool operator==(const MailFromSettings&) const = default;
};

// An address or a domain that mail may be sent from. It counts as verified as soon as it exists:
// no mail leaves this machine to ask the owner, and the question is whether the *application*
// registered its sender, not whether we own the domain.
struct Identity {
  std::string name;  // domain part in lower case
  Timestamp created_at;
  std::string configuration_set;  // default for mail from it; empty: none
  bool feedback_forwarding = true;
  std::vector<std::pair<std::string, std::string>> tags;
  DkimSettings dkim;
  MailFromSettings mail_from;
  std::array<IdentityNotification, 3> notifications;  // by NotificationType
  std::map<std::string, std::string> policies;        // JSON text by name
  bool operator==(const Identity&) const = default;

  bool is_domain() const { return name.find('@') == std::string::npos; }

  IdentityNotification& notification(NotificationType type) {
    return notifications[static_cast<std::size_t>(type)];
  }

  const IdentityNotification& notification(NotificationType type) const {
    return notifications[static_cast<std::size_t>(type)];
  }
};

// The stored form: JSON text. Unknown members are ignored, missing ones take their defaults.
std::string EncodeIdentity(const Identity& identity);
Result<Identity> DecodeIdentity(std::string_view json_text);

// What DNS would have to hold: three tokens of Easy DKIM, made of account and name, or the
// selector.
std::vector<std::string> DkimTokens(const Identity& identity, std::string_view account_id);

// A policy's name and text as SES takes them; nothing, or what is wrong.
std::optional<std::string> CheckIdentityPolicy(std::string_view name, std::string_view text);

}  // namespace postglass::mail
