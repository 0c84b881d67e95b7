#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"

namespace postglass::mail::v2 {

Answer GetAccount(const Call& call) {
  const AccountState& account = call.backend.account_state;
  const double rate = account.quotas().max_send_rate;
  json::array reasons;
  for (const std::string& reason : call.backend.suppression.account_reasons()) {
    reasons.emplace_back(reason);
  }
  return json::object{
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
}

Answer PutAccountSendingAttributes(const Call& call) {
  // Absent means false, as with AWS.
  return Done(call.backend.account_state.SetSendingEnabled(
      json::GetBool(call.body, "SendingEnabled").value_or(false)));
}

}  // namespace postglass::mail::v2
