#include <utility>

#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"

namespace postglass::mail::v2 {
namespace {

using Said = AccountState::Said;

constexpr std::size_t kSaidBytesMax = 20'000;  // SES: a use case has 5,000 characters

// What was said, or an empty object.
json::object Recall(const AccountState& account, Said what) {
  Result<json::object> object = json::ParseObject(account.said(what));
  return object ? std::move(*object) : json::object();
}

Answer Remember(const Call& call, Said what, const json::object& object) {
  std::string text = json::Serialize(object);
  if (text.size() > kSaidBytesMax) {
    return V2Error(
        SesError{SesError::Kind::kInvalidParameter, "The account's details are too long."});
  }
  return Done(call.backend.account_state.Say(what, std::move(text)));
}

}  // namespace

Answer GetAccount(const Call& call) {
  const AccountState& account = call.backend.account_state;
  const double rate = account.quotas().max_send_rate;
  json::array reasons;
  for (const std::string& reason : call.backend.suppression.account_reasons()) {
    reasons.emplace_back(reason);
  }
  json::object out{
      {"DedicatedIpAutoWarmupEnabled", false},
      {"EnforcementStatus", "HEALTHY"},
      {"ProductionAccessEnabled", !call.backend.identities.options().sandbox},
      {"SendQuota",
       json::object{{"Max24HourSend", account.quotas().max_24_hour_send},
                    {"MaxSendRate", rate > 0 ? rate : kMaxSendRateShown},
                    {"SentLast24Hours", account.SentLast24Hours()}}},
      {"SendingEnabled", account.sending_enabled()},
      {"SuppressionAttributes", json::object{{"SuppressedReasons", std::move(reasons)}}},
  };
  if (json::object details = Recall(account, Said::kDetails); !details.empty()) {
    out["Details"] = std::move(details);
  }
  if (json::object vdm = Recall(account, Said::kVdm); !vdm.empty()) {
    out["VdmAttributes"] = std::move(vdm);
  }
  return out;
}

Answer PutAccountDetails(const Call& call) {
  const std::string type = json::GetStringOr(call.body, "MailType", "");
  if (type.empty()) return V2Missing("mailType");
  if (type != "MARKETING" && type != "TRANSACTIONAL") {
    return V2Invalid("mailType", type, "satisfy enum value set: [MARKETING, TRANSACTIONAL]");
  }
  const std::string site = json::GetStringOr(call.body, "WebsiteURL", "");
  if (site.empty()) return V2Missing("websiteURL");
  json::object details{{"MailType", type}, {"WebsiteURL", site}};
  for (const std::string_view name : {"ContactLanguage", "UseCaseDescription"}) {
    if (const auto text = json::GetString(call.body, name)) details[name] = *text;
  }
  json::array contacts;
  for (const std::string& contact : ReadStrings(call.body, "AdditionalContactEmailAddresses")) {
    contacts.emplace_back(contact);
  }
  details["AdditionalContactEmailAddresses"] = std::move(contacts);
  return Remember(call, Said::kDetails, details);
}

Answer PutAccountVdmAttributes(const Call& call) {
  const json::object* given = json::GetObject(call.body, "VdmAttributes");
  if (given == nullptr) return V2Missing("vdmAttributes");
  const std::string enabled = json::GetStringOr(*given, "VdmEnabled", "");
  if (enabled != "ENABLED" && enabled != "DISABLED") {
    return V2Invalid(
        "vdmAttributes.vdmEnabled", enabled, "satisfy enum value set: [ENABLED, DISABLED]");
  }
  json::object kept{{"VdmEnabled", enabled}};
  for (const auto& [group, name] : {std::pair{"DashboardAttributes", "EngagementMetrics"},
                                    std::pair{"GuardianAttributes", "OptimizedSharedDelivery"}}) {
    const json::object* part = json::GetObject(*given, group);
    const std::string value = part != nullptr ? json::GetStringOr(*part, name, "") : std::string();
    if (!value.empty()) kept[group] = json::object{{name, value}};
  }
  return Remember(call, Said::kVdm, kept);
}

Answer PutAccountSendingAttributes(const Call& call) {
  // Absent means false, as with AWS.
  return Done(call.backend.account_state.SetSendingEnabled(
      json::GetBool(call.body, "SendingEnabled").value_or(false)));
}

}  // namespace postglass::mail::v2
