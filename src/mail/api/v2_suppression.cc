#include <fmt/format.h>

#include "base/encoding.h"
#include "base/time_format.h"
#include "mail/api/paging.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"

namespace postglass::mail::v2 {
namespace {

constexpr std::size_t kPageMax = 1000;
constexpr std::string_view kReasonSet = "satisfy enum value set: [BOUNCE, COMPLAINT]";

std::optional<aws::AwsError> ReadTime(const Call& call,
                                      std::string_view name,
                                      std::string_view path,
                                      std::optional<Timestamp>& out) {
  const auto text = net::FindParam(call.query, name);
  if (!text || text->empty()) return std::nullopt;
  out = ParseIso8601(*text);
  if (out) return std::nullopt;
  return V2Invalid(path, *text, "be a timestamp");
}

std::optional<aws::AwsError> ReadFilter(const Call& call, SuppressionList::Filter& filter) {
  for (const auto& parameter : call.query) {
    if (parameter.first != "Reason" && parameter.first != "Reasons") continue;
    if (!IsSuppressionReason(parameter.second)) {
      return V2Invalid("reasons", parameter.second, kReasonSet);
    }
    filter.reasons.push_back(parameter.second);
  }
  if (auto error = ReadTime(call, "StartDate", "startDate", filter.from)) return error;
  return ReadTime(call, "EndDate", "endDate", filter.to);
}

json::object Summary(const SuppressedDestination& destination) {
  return {{"EmailAddress", destination.address},
          {"Reason", destination.reason},
          {"LastUpdateTime", EpochSeconds(destination.updated_at)}};
}

}  // namespace

Answer PutSuppressedDestination(const Call& call) {
  const auto address = json::GetString(call.body, "EmailAddress");
  if (!address || address->empty()) return V2Missing("emailAddress");
  const auto reason = json::GetString(call.body, "Reason");
  if (!reason) return V2Missing("reason");
  if (!IsSuppressionReason(*reason)) return V2Invalid("reason", *reason, kReasonSet);
  return Done(
      call.backend.suppression.Put({std::string(*address), std::string(*reason), {}, {}, {}}));
}

Answer GetSuppressedDestination(const Call& call) {
  const auto found = call.backend.suppression.Find(call.path[0]);
  if (!found) {
    return V2Error(SesError{SesError::Kind::kSuppressedDestinationDoesNotExist,
                            fmt::format("Email address {} does not exist on your suppression list.",
                                        ToValidUtf8(call.path[0]))});
  }
  json::object shown = Summary(*found);
  if (!found->message_id.empty()) {
    shown["Attributes"] =
        json::object{{"MessageId", found->message_id}, {"FeedbackId", found->feedback_id}};
  }
  return json::object{{"SuppressedDestination", std::move(shown)}};
}

Answer ListSuppressedDestinations(const Call& call) {
  SuppressionList::Filter filter;
  if (auto error = ReadFilter(call, filter)) return std::move(*error);
  const std::string_view size_text = net::FindParam(call.query, "PageSize").value_or("");
  const auto size = ParsePageSize(size_text, kPageMax);
  if (!size) {
    return V2Invalid("pageSize", size_text, fmt::format("be between 1 and {}", kPageMax));
  }
  const auto after = Base64UrlDecode(net::FindParam(call.query, "NextToken").value_or(""));
  if (!after) return aws::AwsError{400, "BadRequestException", "Next token is invalid.", true};
  // One more than a page tells whether there is another.
  std::vector<SuppressedDestination> found =
      call.backend.suppression.List(filter, *after, *size + 1);
  const bool more = found.size() > *size;
  if (more) found.pop_back();
  json::array list;
  for (const SuppressedDestination& destination : found) list.push_back(Summary(destination));
  json::object out{{"SuppressedDestinationSummaries", std::move(list)}};
  if (more) out["NextToken"] = Base64UrlEncode(found.back().address);
  return out;
}

Answer DeleteSuppressedDestination(const Call& call) {
  return Done(call.backend.suppression.Remove(call.path[0]));
}

Answer PutAccountSuppressionAttributes(const Call& call) {
  std::vector<std::string> reasons = ReadStrings(call.body, "SuppressedReasons");
  for (const std::string& reason : reasons) {
    if (!IsSuppressionReason(reason)) return V2Invalid("suppressedReasons", reason, kReasonSet);
  }
  return Done(call.backend.suppression.SetAccountReasons(std::move(reasons)));
}

}  // namespace postglass::mail::v2
