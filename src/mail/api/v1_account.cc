#include <fmt/format.h>

#include "base/encoding.h"
#include "base/time_format.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v1_operations.h"

namespace postglass::mail::v1 {

Answer Done(const SesOutcome& outcome) {
  if (outcome) return V1Error(*outcome);
  return std::string();
}

std::optional<bool> ReadBool(const Call& call, std::string_view name) {
  const std::string_view text = call.params.Get(name);
  if (EqualsIgnoreAsciiCase(text, "true")) return true;
  if (EqualsIgnoreAsciiCase(text, "false")) return false;
  return std::nullopt;
}

Answer GetSendQuota(const Call& call) {
  const AccountState& account = call.backend.account_state;
  const double rate = account.quotas().max_send_rate;
  aws::XmlWriter xml;
  xml.Text("Max24HourSend", fmt::format("{:.1f}", account.quotas().max_24_hour_send));
  xml.Text("MaxSendRate", fmt::format("{:.1f}", rate > 0 ? rate : kMaxSendRateShown));
  xml.Text("SentLast24Hours", fmt::format("{:.1f}", account.SentLast24Hours()));
  return std::move(xml).Finish();
}

Answer GetSendStatistics(const Call& call) {
  aws::XmlWriter xml;
  xml.Open("SendDataPoints");
  for (const AccountState::DataPoint& point : call.backend.account_state.Statistics()) {
    xml.Open("member");
    xml.Text("Timestamp", FormatIso8601Millis(point.at));
    xml.Text("DeliveryAttempts", std::to_string(point.delivery_attempts));
    xml.Text("Bounces", std::to_string(point.bounces));
    xml.Text("Complaints", std::to_string(point.complaints));
    xml.Text("Rejects", std::to_string(point.rejects));
    xml.Close();
  }
  return std::move(xml).Finish();
}

Answer GetAccountSendingEnabled(const Call& call) {
  aws::XmlWriter xml;
  xml.Text("Enabled", call.backend.account_state.sending_enabled() ? "true" : "false");
  return std::move(xml).Finish();
}

Answer UpdateAccountSendingEnabled(const Call& call) {
  // Absent means false, as with AWS.
  return Done(
      call.backend.account_state.SetSendingEnabled(ReadBool(call, "Enabled").value_or(false)));
}

}  // namespace postglass::mail::v1
