#include <fmt/format.h>

#include <functional>

#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v1_operations.h"
#include "mail/identity_notifications.h"
#include "mail/limits.h"

namespace postglass::mail::v1 {
namespace {

// What many of these begin with.
std::variant<std::string, aws::AwsError> ReadIdentity(const Call& call) {
  std::string name(call.params.Get("Identity"));
  if (name.empty()) return V1Missing("identity");
  return name;
}

// Runs `change` on the identity that the call names.
Answer Change(const Call& call, const std::function<SesOutcome(Identity&)>& change) {
  auto name = ReadIdentity(call);
  if (auto* error = std::get_if<aws::AwsError>(&name)) return std::move(*error);
  const std::string& identity = std::get<std::string>(name);
  SesOutcome outcome = call.backend.identities.Update(identity, change);
  if (outcome && outcome->kind == SesError::Kind::kIdentityDoesNotExist) {
    outcome = UnknownIdentity(identity);
  }
  return Done(outcome);
}

// <name><entry><key/><value>…</value></entry>…</name> for each known identity of the list.
Answer Attributes(const Call& call,
                  std::string_view name,
                  const std::function<void(aws::XmlWriter&, const Identity&)>& write) {
  aws::XmlWriter xml;
  xml.Open(name);
  for (const std::string& wanted : call.params.List("Identities")) {
    const auto identity = call.backend.identities.Find(wanted);
    if (!identity) continue;  // as AWS: unknown ones are left out
    xml.Open("entry").Text("key", wanted).Open("value");
    write(xml, *identity);
    xml.Close().Close();
  }
  return std::move(xml).Finish();
}

std::string_view BoolText(bool value) { return value ? "true" : "false"; }

void WriteTokens(aws::XmlWriter& xml, const Call& call, const Identity& identity) {
  xml.Open("DkimTokens");
  for (const std::string& token : DkimTokens(identity, call.backend.account.account_id)) {
    xml.Text("member", token);
  }
  xml.Close();
}

std::variant<NotificationType, aws::AwsError> ReadType(const Call& call) {
  const std::string_view name = call.params.Get("NotificationType");
  if (const auto type = NotificationTypeFromName(name)) return *type;
  return aws::AwsError{
      400,
      "InvalidParameterValue",
      fmt::format("Invalid notification type: {}. Valid values are: Bounce, Complaint, Delivery.",
                  ToValidUtf8(name)),
      true};
}

}  // namespace

Answer ListVerifiedEmailAddresses(const Call& call) {
  aws::XmlWriter xml;
  xml.Open("VerifiedEmailAddresses");
  for (const auto& identity : call.backend.identities.List()) {
    if (!identity->is_domain()) xml.Text("member", identity->name);
  }
  return std::move(xml).Finish();
}

Answer DeleteVerifiedEmailAddress(const Call& call) {
  const std::string address(call.params.Get("EmailAddress"));
  if (address.empty()) return V1Missing("emailAddress");
  SesOutcome outcome = call.backend.identities.Delete(address);
  if (outcome && outcome->kind == SesError::Kind::kIdentityDoesNotExist) return std::string();
  return Done(outcome);
}

Answer VerifyDomainDkim(const Call& call) {
  const std::string domain = NormalizeIdentity(call.params.Get("Domain"));
  if (domain.empty()) return V1Missing("domain");
  if (domain.find('@') != std::string::npos) {
    return aws::AwsError{
        400, "InvalidParameterValue", fmt::format("Invalid domain name {}.", domain), true};
  }
  if (SesOutcome failed = call.backend.identities.Ensure(domain)) return V1Error(*failed);
  const SesOutcome changed =
      call.backend.identities.Update(domain, [](Identity& identity) -> SesOutcome {
        identity.dkim.started = identity.dkim.enabled = true;
        return std::nullopt;
      });
  if (changed) return V1Error(*changed);
  const auto identity = call.backend.identities.Find(domain);
  aws::XmlWriter xml;
  if (identity) WriteTokens(xml, call, *identity);
  return std::move(xml).Finish();
}

Answer GetIdentityDkimAttributes(const Call& call) {
  return Attributes(call, "DkimAttributes", [&](aws::XmlWriter& xml, const Identity& identity) {
    xml.Text("DkimEnabled", BoolText(identity.dkim.enabled));
    xml.Text("DkimVerificationStatus", identity.dkim.started ? "Pending" : "NotStarted");
    WriteTokens(xml, call, identity);
  });
}

Answer SetIdentityDkimEnabled(const Call& call) {
  const bool enabled = ReadBool(call, "DkimEnabled").value_or(false);
  return Change(call, [&](Identity& identity) -> SesOutcome {
    identity.dkim.enabled = enabled;
    return std::nullopt;
  });
}

Answer SetIdentityMailFromDomain(const Call& call) {
  auto name = ReadIdentity(call);
  if (auto* error = std::get_if<aws::AwsError>(&name)) return std::move(*error);
  const std::string& identity = std::get<std::string>(name);
  const std::string_view on_failure = call.params.Get("BehaviorOnMXFailure");
  if (!on_failure.empty() && on_failure != "UseDefaultValue" && on_failure != "RejectMessage") {
    return V1Invalid("behaviorOnMXFailure",
                     on_failure,
                     "satisfy enum value set: [UseDefaultValue, RejectMessage]");
  }
  SesOutcome outcome =
      SetMailFrom(call.backend.identities,
                  identity,
                  {std::string(call.params.Get("MailFromDomain")), on_failure == "RejectMessage"});
  if (outcome && outcome->kind == SesError::Kind::kIdentityDoesNotExist) {
    outcome = UnknownIdentity(identity);
  }
  return Done(outcome);
}

Answer GetIdentityMailFromDomainAttributes(const Call& call) {
  return Attributes(
      call, "MailFromDomainAttributes", [](aws::XmlWriter& xml, const Identity& identity) {
        const MailFromSettings& mail_from = identity.mail_from;
        if (!mail_from.domain.empty()) {
          xml.Text("MailFromDomain", mail_from.domain).Text("MailFromDomainStatus", "Pending");
        }
        xml.Text("BehaviorOnMXFailure",
                 mail_from.reject_on_mx_failure ? "RejectMessage" : "UseDefaultValue");
      });
}

Answer SetIdentityNotificationTopic(const Call& call) {
  auto name = ReadIdentity(call);
  if (auto* error = std::get_if<aws::AwsError>(&name)) return std::move(*error);
  const auto type = ReadType(call);
  if (const auto* error = std::get_if<aws::AwsError>(&type)) return *error;
  return Done(SetNotificationTopic(call.backend.identities,
                                   call.backend.publisher,
                                   call.backend.random,
                                   std::get<std::string>(name),
                                   std::get<NotificationType>(type),
                                   std::string(call.params.Get("SnsTopic"))));
}

Answer GetIdentityNotificationAttributes(const Call& call) {
  return Attributes(
      call, "NotificationAttributes", [](aws::XmlWriter& xml, const Identity& identity) {
        for (std::size_t i = 0; i < kNotificationNames.size(); ++i) {
          const std::string& topic = identity.notifications[i].topic_arn;
          if (!topic.empty()) xml.Text(fmt::format("{}Topic", kNotificationNames[i]), topic);
        }
        xml.Text("ForwardingEnabled", BoolText(identity.feedback_forwarding));
        for (std::size_t i = 0; i < kNotificationNames.size(); ++i) {
          xml.Text(fmt::format("HeadersIn{}NotificationsEnabled", kNotificationNames[i]),
                   BoolText(identity.notifications[i].with_headers));
        }
      });
}

Answer SetIdentityHeadersInNotificationsEnabled(const Call& call) {
  const auto type = ReadType(call);
  if (const auto* error = std::get_if<aws::AwsError>(&type)) return *error;
  const bool enabled = ReadBool(call, "Enabled").value_or(false);
  return Change(call, [&](Identity& identity) -> SesOutcome {
    identity.notification(std::get<NotificationType>(type)).with_headers = enabled;
    return std::nullopt;
  });
}

Answer SetIdentityFeedbackForwardingEnabled(const Call& call) {
  const bool enabled = ReadBool(call, "ForwardingEnabled").value_or(false);
  return Change(call, [&](Identity& identity) -> SesOutcome {
    // SES keeps one way to hear of bounces and complaints.
    if (!enabled && (identity.notification(NotificationType::kBounce).topic_arn.empty() ||
                     identity.notification(NotificationType::kComplaint).topic_arn.empty())) {
      return SesError{
          SesError::Kind::kInvalidParameter,
          fmt::format("Identity {} must have both a bounce and a complaint topic before feedback "
                      "forwarding is disabled.",
                      identity.name)};
    }
    identity.feedback_forwarding = enabled;
    return std::nullopt;
  });
}

Answer PutIdentityPolicy(const Call& call) {
  const std::string name(call.params.Get("PolicyName"));
  const auto text = call.params.Find("Policy");
  if (name.empty()) return V1Missing("policyName");
  if (!text) return V1Missing("policy");
  if (auto bad = CheckIdentityPolicy(name, *text)) {
    return V1Error(SesError{SesError::Kind::kInvalidPolicy, std::move(*bad)});
  }
  return Change(call, [&](Identity& identity) -> SesOutcome {
    if (!identity.policies.contains(name) && identity.policies.size() >= kIdentityPoliciesMax) {
      return SesError{
          SesError::Kind::kLimitExceeded,
          fmt::format("An identity cannot have more than {} policies.", kIdentityPoliciesMax)};
    }
    identity.policies[name] = std::string(*text);
    return std::nullopt;
  });
}

Answer GetIdentityPolicies(const Call& call) {
  const auto identity = call.backend.identities.Find(call.params.Get("Identity"));
  const std::vector<std::string> names = call.params.List("PolicyNames");
  if (names.empty()) return V1Missing("policyNames");
  aws::XmlWriter xml;
  xml.Open("Policies");
  for (const std::string& name : names) {
    if (!identity) break;
    const auto policy = identity->policies.find(name);
    if (policy == identity->policies.end()) continue;
    xml.Open("entry").Text("key", name).Text("value", policy->second).Close();
  }
  return std::move(xml).Finish();
}

Answer ListIdentityPolicies(const Call& call) {
  const auto identity = call.backend.identities.Find(call.params.Get("Identity"));
  aws::XmlWriter xml;
  xml.Open("PolicyNames");
  if (identity) {
    for (const auto& policy : identity->policies) xml.Text("member", policy.first);
  }
  return std::move(xml).Finish();
}

Answer DeleteIdentityPolicy(const Call& call) {
  const std::string name(call.params.Get("PolicyName"));
  if (name.empty()) return V1Missing("policyName");
  // v1 deletes what is not there without complaint.
  return Change(call, [&](Identity& identity) -> SesOutcome {
    identity.policies.erase(name);
    return std::nullopt;
  });
}

}  // namespace postglass::mail::v1
