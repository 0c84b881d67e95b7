#include "mail/identity.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/json.h"
#include "mail/configuration_sets.h"
#include "mail/limits.h"

namespace postglass::mail {

std::optional<NotificationType> NotificationTypeFromName(std::string_view name) {
  for (std::size_t i = 0; i < kNotificationNames.size(); ++i) {
    if (kNotificationNames[i] == name) return static_cast<NotificationType>(i);
  }
  return std::nullopt;
}

std::string EncodeIdentity(const Identity& identity) {
  json::array tags;
  for (const auto& tag : identity.tags) tags.push_back(json::array{tag.first, tag.second});
  json::object document{{"name", identity.name},
                        {"created_ms", identity.created_at.millis()},
                        {"configuration_set", identity.configuration_set},
                        {"feedback_forwarding", identity.feedback_forwarding},
                        {"tags", std::move(tags)}};
  if (identity.dkim != DkimSettings()) {
    document["dkim"] = json::object{{"enabled", identity.dkim.enabled},
                                    {"started", identity.dkim.started},
                                    {"selector", identity.dkim.selector},
                                    {"key_length", identity.dkim.key_length},
                                    {"sealed_key", identity.dkim.sealed_key}};
  }
  if (!identity.mail_from.domain.empty()) {
    document["mail_from"] = json::object{{"domain", identity.mail_from.domain},
                                         {"reject", identity.mail_from.reject_on_mx_failure}};
  }
  json::object notifications;
  for (std::size_t i = 0; i < kNotificationNames.size(); ++i) {
    const IdentityNotification& wanted = identity.notifications[i];
    if (wanted == IdentityNotification()) continue;
    notifications[kNotificationNames[i]] =
        json::object{{"topic_arn", wanted.topic_arn}, {"with_headers", wanted.with_headers}};
  }
  if (!notifications.empty()) document["notifications"] = std::move(notifications);
  json::object policies;
  for (const auto& policy : identity.policies) policies[policy.first] = policy.second;
  if (!policies.empty()) document["policies"] = std::move(policies);
  return json::Serialize(document);
}

Result<Identity> DecodeIdentity(std::string_view json_text) {
  ASSIGN_OR_RETURN(const json::object document, json::ParseObject(json_text));
  Identity identity;
  identity.name = json::GetStringOr(document, "name", "");
  if (identity.name.empty()) return Fail(ErrorCode::kCorruption, "identity without a name");
  identity.created_at = Timestamp::FromMillis(json::GetInt(document, "created_ms").value_or(0));
  identity.configuration_set = json::GetStringOr(document, "configuration_set", "");
  identity.feedback_forwarding = json::GetBool(document, "feedback_forwarding").value_or(true);
  if (const json::array* tags = json::GetArray(document, "tags")) {
    for (const json::value& tag : *tags) {
      if (!tag.is_array() || tag.as_array().size() != 2 || !tag.as_array()[0].is_string() ||
          !tag.as_array()[1].is_string()) {
        continue;
      }
      identity.tags.emplace_back(std::string(tag.as_array()[0].as_string()),
                                 std::string(tag.as_array()[1].as_string()));
    }
  }
  if (const json::object* dkim = json::GetObject(document, "dkim")) {
    identity.dkim = {json::GetBool(*dkim, "enabled").value_or(false),
                     json::GetBool(*dkim, "started").value_or(false),
                     json::GetStringOr(*dkim, "selector", ""),
                     json::GetStringOr(*dkim, "key_length", "RSA_2048_BIT"),
                     json::GetStringOr(*dkim, "sealed_key", "")};
  }
  if (const json::object* mail_from = json::GetObject(document, "mail_from")) {
    identity.mail_from = {json::GetStringOr(*mail_from, "domain", ""),
                          json::GetBool(*mail_from, "reject").value_or(false)};
  }
  if (const json::object* notifications = json::GetObject(document, "notifications")) {
    for (std::size_t i = 0; i < kNotificationNames.size(); ++i) {
      const json::object* wanted = json::GetObject(*notifications, kNotificationNames[i]);
      if (wanted == nullptr) continue;
      identity.notifications[i] = {json::GetStringOr(*wanted, "topic_arn", ""),
                                   json::GetBool(*wanted, "with_headers").value_or(false)};
    }
  }
  if (const json::object* policies = json::GetObject(document, "policies")) {
    for (const auto& policy : *policies) {
      if (!policy.value().is_string()) continue;
      identity.policies.emplace(std::string(policy.key()), std::string(policy.value().as_string()));
    }
  }
  return identity;
}

std::vector<std::string> DkimTokens(const Identity& identity, std::string_view account_id) {
  if (!identity.dkim.started) return {};
  if (!identity.dkim.selector.empty()) return {identity.dkim.selector};
  // SES's are 32 small letters and digits.
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::vector<std::string> tokens;
  for (int i = 0; i < 3; ++i) {
    const std::string hash = Sha256(fmt::format("ses-dkim {} {} {}", account_id, identity.name, i));
    std::string token;
    for (const char c : hash) token += kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::optional<std::string> CheckIdentityPolicy(std::string_view name, std::string_view text) {
  if (!IsSesName(name)) {
    return "Policy name must be 1 to 64 alphanumeric ASCII characters, '_' or '-'.";
  }
  if (text.size() > kIdentityPolicyBytesMax) {
    return fmt::format("Policy is longer than {} bytes.", kIdentityPolicyBytesMax);
  }
  const Result<json::object> policy = json::ParseObject(text);
  if (!policy) return fmt::format("Policy is not valid JSON: {}.", policy.error().message);
  if (!policy->contains("Statement")) return "Policy has no Statement.";
  return std::nullopt;
}

}  // namespace postglass::mail
