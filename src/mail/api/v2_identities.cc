#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"
#include "mail/limits.h"

namespace postglass::mail::v2 {
namespace {

std::string_view IdentityType(const Identity& identity) {
  return identity.is_domain() ? "DOMAIN" : "EMAIL_ADDRESS";
}

// No look-up tells whether DNS has the records: what was started stays pending.
std::string_view DkimStatus(const Identity& identity) {
  return identity.dkim.started ? "PENDING" : "NOT_STARTED";
}

json::array Tokens(const Call& call, const Identity& identity) {
  json::array tokens;
  for (const std::string& token : DkimTokens(identity, call.backend.account.account_id)) {
    tokens.emplace_back(token);
  }
  return tokens;
}

json::object DkimAttributes(const Call& call, const Identity& identity) {
  const DkimSettings& dkim = identity.dkim;
  return {{"SigningEnabled", dkim.enabled},
          {"Status", DkimStatus(identity)},
          {"SigningAttributesOrigin", dkim.selector.empty() ? "AWS_SES" : "EXTERNAL"},
          {"NextSigningKeyLength", dkim.key_length},
          {"CurrentSigningKeyLength", dkim.key_length},
          {"Tokens", Tokens(call, identity)}};
}

json::object MailFromAttributes(const Identity& identity) {
  json::object out;
  if (!identity.mail_from.domain.empty()) {
    out["MailFromDomain"] = identity.mail_from.domain;
    out["MailFromDomainStatus"] = "PENDING";
  }
  out["BehaviorOnMxFailure"] =
      identity.mail_from.reject_on_mx_failure ? "REJECT_MESSAGE" : "USE_DEFAULT_VALUE";
  return out;
}

bool CheckLabel(std::string_view label) {
  return std::all_of(label.begin(), label.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Easy DKIM, or a key of one's own: "SigningAttributes" of a call.
std::optional<aws::AwsError> ReadSigning(const DkimSigning& signing,
                                         const json::object& attributes,
                                         std::string_view origin,
                                         DkimSettings& dkim) {
  const std::string selector = json::GetStringOr(attributes, "DomainSigningSelector", "");
  const std::string key = json::GetStringOr(attributes, "DomainSigningPrivateKey", "");
  const std::string length = json::GetStringOr(attributes, "NextSigningKeyLength", "");
  if (!length.empty() && length != "RSA_1024_BIT" && length != "RSA_2048_BIT") {
    return V2Invalid("signingAttributes.nextSigningKeyLength",
                     length,
                     "satisfy enum value set: [RSA_1024_BIT, RSA_2048_BIT]");
  }
  const bool own = origin == "EXTERNAL" || (origin.empty() && !selector.empty());
  if (own) {
    if (selector.empty()) return V2Missing("signingAttributes.domainSigningSelector");
    if (key.empty()) return V2Missing("signingAttributes.domainSigningPrivateKey");
    const bool well_formed = selector.size() <= 63 && CheckLabel(selector);
    if (!well_formed) {
      return aws::AwsError{400, "BadRequestException", "Invalid selector of DKIM.", true};
    }
    Result<std::string> sealed = signing.SealKey(key);
    if (!sealed) {
      return aws::AwsError{400,
                           "BadRequestException",
                           fmt::format("Invalid private key of DKIM: {}.", sealed.error().message),
                           true};
    }
    dkim.sealed_key = std::move(*sealed);
  } else {
    dkim.sealed_key.clear();
  }
  dkim.selector = own ? selector : std::string();
  if (!length.empty()) dkim.key_length = length;
  dkim.started = true;
  return std::nullopt;
}

aws::AwsError Missing(const std::string& name) {
  return V2Error(SesError{SesError::Kind::kIdentityDoesNotExist,
                          fmt::format("Email identity <{}> does not exist.", name)});
}

// A default set must exist when it is named; SES checks it then, not only when mail is sent.
std::optional<aws::AwsError> CheckSet(const Call& call, const std::string& set) {
  if (set.empty() || call.backend.configuration_sets.Find(set)) return std::nullopt;
  return V2Error(SesError{SesError::Kind::kSetDoesNotExist,
                          fmt::format("Configuration set <{}> does not exist.", set)});
}

json::object Policies(const Identity& identity) {
  json::object policies;
  for (const auto& policy : identity.policies) policies[policy.first] = policy.second;
  return policies;
}

SesError NoPolicy(const std::string& name) {
  return {SesError::Kind::kPolicyDoesNotExist,
          fmt::format("Policy <{}> does not exist.", ToValidUtf8(name))};
}

enum class PolicyChange { kCreate, kUpdate };

Answer PutPolicy(const Call& call, PolicyChange change) {
  const auto text = json::GetString(call.body, "Policy");
  if (!text) return V2Missing("policy");
  const std::string& name = call.path[1];
  if (auto bad = CheckIdentityPolicy(name, *text)) {
    return V2Error(SesError{SesError::Kind::kInvalidPolicy, std::move(*bad)});
  }
  return Done(call.backend.identities.Update(call.path[0], [&](Identity& identity) -> SesOutcome {
    const bool present = identity.policies.contains(name);
    if (change == PolicyChange::kUpdate && !present) return NoPolicy(name);
    if (change == PolicyChange::kCreate && present) {
      return SesError{SesError::Kind::kPolicyAlreadyExists,
                      fmt::format("Policy <{}> already exists.", name)};
    }
    if (!present && identity.policies.size() >= kIdentityPoliciesMax) {
      return SesError{
          SesError::Kind::kLimitExceeded,
          fmt::format("An identity cannot have more than {} policies.", kIdentityPoliciesMax)};
    }
    identity.policies[name] = std::string(*text);
    return std::nullopt;
  }));
}

}  // namespace

Answer CreateEmailIdentity(const Call& call) {
  const auto name = json::GetString(call.body, "EmailIdentity");
  if (!name || name->empty()) return V2Missing("emailIdentity");
  auto tags = ReadTags(call.body);
  if (const auto* error = std::get_if<aws::AwsError>(&tags)) return *error;
  Identity identity;
  identity.name = *name;
  identity.configuration_set = json::GetStringOr(call.body, "ConfigurationSetName", "");
  identity.tags = std::move(std::get<Tags>(tags));
  if (auto missing = CheckSet(call, identity.configuration_set)) return std::move(*missing);
  if (identity.is_domain()) identity.dkim.enabled = identity.dkim.started = true;
  if (const json::object* signing = json::GetObject(call.body, "DkimSigningAttributes")) {
    if (auto error = ReadSigning(call.backend.dkim, *signing, "", identity.dkim))
      return std::move(*error);
    identity.dkim.enabled = true;
  }
  if (SesOutcome refused = call.backend.identities.Create(identity)) return V2Error(*refused);
  identity.name = NormalizeIdentity(identity.name);
  return json::object{{"IdentityType", IdentityType(identity)},
                      {"VerifiedForSendingStatus", true},
                      {"DkimAttributes", DkimAttributes(call, identity)}};
}

Answer ListEmailIdentities(const Call& call) {
  std::vector<std::string> names;
  for (const auto& identity : call.backend.identities.List()) names.push_back(identity->name);
  auto page = ReadPage(call, names);
  if (const auto* error = std::get_if<aws::AwsError>(&page)) return *error;
  const PageRequest& found = std::get<PageRequest>(page);
  json::array list;
  for (const std::string& name : found.names) {
    const auto identity = call.backend.identities.Find(name);
    if (!identity) continue;  // deleted meanwhile
    list.push_back(json::object{{"IdentityType", IdentityType(*identity)},
                                {"IdentityName", identity->name},
                                {"SendingEnabled", true},
                                {"VerificationStatus", "SUCCESS"}});
  }
  json::object out{{"EmailIdentities", std::move(list)}};
  if (!found.next_token.empty()) out["NextToken"] = found.next_token;
  return out;
}

Answer GetEmailIdentity(const Call& call) {
  const auto identity = call.backend.identities.Find(call.path[0]);
  if (!identity) return Missing(call.path[0]);
  json::object out{{"IdentityType", IdentityType(*identity)},
                   {"FeedbackForwardingStatus", identity->feedback_forwarding},
                   {"VerifiedForSendingStatus", true},
                   {"VerificationStatus", "SUCCESS"},
                   {"DkimAttributes", DkimAttributes(call, *identity)},
                   {"MailFromAttributes", MailFromAttributes(*identity)},
                   {"Policies", Policies(*identity)},
                   {"Tags", RenderTags(identity->tags)}};
  if (!identity->configuration_set.empty()) {
    out["ConfigurationSetName"] = identity->configuration_set;
  }
  return out;
}

Answer DeleteEmailIdentity(const Call& call) {
  return Done(call.backend.identities.Delete(call.path[0]));
}

Answer PutEmailIdentityConfigurationSetAttributes(const Call& call) {
  const std::string set = json::GetStringOr(call.body, "ConfigurationSetName", "");
  if (auto missing = CheckSet(call, set)) return std::move(*missing);
  return Done(call.backend.identities.Update(call.path[0], [&](Identity& identity) -> SesOutcome {
    identity.configuration_set = set;
    return std::nullopt;
  }));
}

Answer PutEmailIdentityFeedbackAttributes(const Call& call) {
  const bool enabled = json::GetBool(call.body, "EmailForwardingEnabled").value_or(false);
  return Done(call.backend.identities.Update(call.path[0], [&](Identity& identity) -> SesOutcome {
    identity.feedback_forwarding = enabled;
    return std::nullopt;
  }));
}

Answer PutEmailIdentityDkimAttributes(const Call& call) {
  const bool enabled = json::GetBool(call.body, "SigningEnabled").value_or(false);
  return Done(call.backend.identities.Update(call.path[0], [&](Identity& identity) -> SesOutcome {
    identity.dkim.enabled = enabled;
    return std::nullopt;
  }));
}

Answer PutEmailIdentityDkimSigningAttributes(const Call& call) {
  const std::string origin = json::GetStringOr(call.body, "SigningAttributesOrigin", "");
  if (origin.empty()) return V2Missing("signingAttributesOrigin");
  if (origin != "AWS_SES" && origin != "EXTERNAL") {
    return V2Invalid(
        "signingAttributesOrigin", origin, "satisfy enum value set: [AWS_SES, EXTERNAL]");
  }
  const json::object none;
  const json::object* attributes = json::GetObject(call.body, "SigningAttributes");
  DkimSettings wanted;
  if (auto error = ReadSigning(
          call.backend.dkim, attributes != nullptr ? *attributes : none, origin, wanted)) {
    return std::move(*error);
  }
  if (SesOutcome refused =
          call.backend.identities.Update(call.path[0], [&](Identity& identity) -> SesOutcome {
            wanted.enabled = identity.dkim.enabled;
            identity.dkim = wanted;
            return std::nullopt;
          })) {
    return V2Error(*refused);
  }
  const auto identity = call.backend.identities.Find(call.path[0]);
  if (!identity) return Missing(call.path[0]);
  return json::object{{"DkimStatus", DkimStatus(*identity)},
                      {"DkimTokens", Tokens(call, *identity)}};
}

Answer PutEmailIdentityMailFromAttributes(const Call& call) {
  const std::string domain = json::GetStringOr(call.body, "MailFromDomain", "");
  const std::string on_failure = json::GetStringOr(call.body, "BehaviorOnMxFailure", "");
  if (!on_failure.empty() && on_failure != "USE_DEFAULT_VALUE" && on_failure != "REJECT_MESSAGE") {
    return V2Invalid("behaviorOnMxFailure",
                     on_failure,
                     "satisfy enum value set: [USE_DEFAULT_VALUE, REJECT_MESSAGE]");
  }
  return Done(
      SetMailFrom(call.backend.identities, call.path[0], {domain, on_failure == "REJECT_MESSAGE"}));
}

Answer GetEmailIdentityPolicies(const Call& call) {
  const auto identity = call.backend.identities.Find(call.path[0]);
  if (!identity) return Missing(call.path[0]);
  return json::object{{"Policies", Policies(*identity)}};
}

Answer CreateEmailIdentityPolicy(const Call& call) {
  return PutPolicy(call, PolicyChange::kCreate);
}

Answer UpdateEmailIdentityPolicy(const Call& call) {
  return PutPolicy(call, PolicyChange::kUpdate);
}

Answer DeleteEmailIdentityPolicy(const Call& call) {
  return Done(call.backend.identities.Update(call.path[0], [&](Identity& identity) -> SesOutcome {
    if (identity.policies.erase(call.path[1]) == 0) return NoPolicy(call.path[1]);
    return std::nullopt;
  }));
}

}  // namespace postglass::mail::v2
