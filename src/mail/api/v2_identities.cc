#include <fmt/format.h>

#include <utility>

#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"

namespace postglass::mail::v2 {
namespace {

std::string_view IdentityType(const Identity& identity) {
  return identity.is_domain() ? "DOMAIN" : "EMAIL_ADDRESS";
}

// Mail is not signed with DKIM here, and says so.
json::object DkimAttributes() {
  return {{"SigningEnabled", false},
          {"Status", "NOT_STARTED"},
          {"SigningAttributesOrigin", "AWS_SES"},
          {"NextSigningKeyLength", "RSA_2048_BIT"},
          {"Tokens", json::array()}};
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
  const std::string_view type = IdentityType(identity);
  if (SesOutcome refused = call.backend.identities.Create(std::move(identity))) {
    return V2Error(*refused);
  }
  return json::object{{"IdentityType", type},
                      {"VerifiedForSendingStatus", true},
                      {"DkimAttributes", DkimAttributes()}};
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
                   {"DkimAttributes", DkimAttributes()},
                   {"Policies", json::object()},
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

}  // namespace postglass::mail::v2
