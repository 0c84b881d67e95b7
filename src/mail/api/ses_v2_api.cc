#include "mail/api/ses_v2_api.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "aws/query_protocol.h"
#include "base/encoding.h"
#include "mail/api/v2_operations.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kPrefix = "/v2/email/";
constexpr std::size_t kSegmentsMax = 8;

struct Route {
  std::string_view method;
  std::string_view path;  // behind the prefix; {} stands for one segment
  std::string_view operation;
  v2::Answer (*run)(const v2::Call&);
};

constexpr std::string_view kSets = "configuration-sets";
constexpr std::string_view kSuppressed = "suppression/addresses";
constexpr std::string_view kSuppressedOne = "suppression/addresses/{}";
constexpr std::string_view kSet = "configuration-sets/{}";
constexpr std::string_view kDestinations = "configuration-sets/{}/event-destinations";
constexpr std::string_view kDestination = "configuration-sets/{}/event-destinations/{}";

constexpr Route kRoutes[] = {
    {"POST", "outbound-emails", "SendEmail", v2::SendEmail},
    {"POST", "outbound-bulk-emails", "SendBulkEmail", v2::SendBulkEmail},
    {"GET", "account", "GetAccount", v2::GetAccount},
    {"PUT", "account/sending", "PutAccountSendingAttributes", v2::PutAccountSendingAttributes},
    {"POST", "account/details", "PutAccountDetails", v2::PutAccountDetails},
    {"PUT", "account/vdm", "PutAccountVdmAttributes", v2::PutAccountVdmAttributes},
    {"POST", kSets, "CreateConfigurationSet", v2::CreateConfigurationSet},
    {"GET", kSets, "ListConfigurationSets", v2::ListConfigurationSets},
    // Newer SDKs list by POST, with the page in the body.
    {"POST", "list-configuration-sets", "ListConfigurationSets", v2::ListConfigurationSets},
    {"GET", kSet, "GetConfigurationSet", v2::GetConfigurationSet},
    {"DELETE", kSet, "DeleteConfigurationSet", v2::DeleteConfigurationSet},
    {"PUT",
     "configuration-sets/{}/delivery-options",
     "PutConfigurationSetDeliveryOptions",
     v2::PutConfigurationSetDeliveryOptions},
    {"PUT",
     "configuration-sets/{}/tracking-options",
     "PutConfigurationSetTrackingOptions",
     v2::PutConfigurationSetTrackingOptions},
    {"PUT",
     "configuration-sets/{}/reputation-options",
     "PutConfigurationSetReputationOptions",
     v2::PutConfigurationSetReputationOptions},
    {"PUT",
     "configuration-sets/{}/sending",
     "PutConfigurationSetSendingOptions",
     v2::PutConfigurationSetSendingOptions},
    {"PUT",
     "configuration-sets/{}/suppression-options",
     "PutConfigurationSetSuppressionOptions",
     v2::PutConfigurationSetSuppressionOptions},
    {"PUT",
     "configuration-sets/{}/vdm-options",
     "PutConfigurationSetVdmOptions",
     v2::PutConfigurationSetVdmOptions},
    {"PUT",
     "configuration-sets/{}/archiving-options",
     "PutConfigurationSetArchivingOptions",
     v2::PutConfigurationSetArchivingOptions},
    {"GET",
     kDestinations,
     "GetConfigurationSetEventDestinations",
     v2::GetConfigurationSetEventDestinations},
    {"POST",
     kDestinations,
     "CreateConfigurationSetEventDestination",
     v2::CreateConfigurationSetEventDestination},
    {"PUT",
     kDestination,
     "UpdateConfigurationSetEventDestination",
     v2::UpdateConfigurationSetEventDestination},
    {"DELETE",
     kDestination,
     "DeleteConfigurationSetEventDestination",
     v2::DeleteConfigurationSetEventDestination},
    {"POST", "identities", "CreateEmailIdentity", v2::CreateEmailIdentity},
    {"GET", "identities", "ListEmailIdentities", v2::ListEmailIdentities},
    {"POST", "list-identities", "ListEmailIdentities", v2::ListEmailIdentities},
    {"GET", "identities/{}", "GetEmailIdentity", v2::GetEmailIdentity},
    {"DELETE", "identities/{}", "DeleteEmailIdentity", v2::DeleteEmailIdentity},
    {"PUT",
     "identities/{}/configuration-set",
     "PutEmailIdentityConfigurationSetAttributes",
     v2::PutEmailIdentityConfigurationSetAttributes},
    {"PUT",
     "identities/{}/feedback",
     "PutEmailIdentityFeedbackAttributes",
     v2::PutEmailIdentityFeedbackAttributes},
    {"PUT",
     "identities/{}/dkim",
     "PutEmailIdentityDkimAttributes",
     v2::PutEmailIdentityDkimAttributes},
    {"PUT",
     "identities/{}/dkim/signing",
     "PutEmailIdentityDkimSigningAttributes",
     v2::PutEmailIdentityDkimSigningAttributes},
    {"PUT",
     "identities/{}/mail-from",
     "PutEmailIdentityMailFromAttributes",
     v2::PutEmailIdentityMailFromAttributes},
    {"GET", "identities/{}/policies", "GetEmailIdentityPolicies", v2::GetEmailIdentityPolicies},
    {"POST",
     "identities/{}/policies/{}",
     "CreateEmailIdentityPolicy",
     v2::CreateEmailIdentityPolicy},
    {"PUT",
     "identities/{}/policies/{}",
     "UpdateEmailIdentityPolicy",
     v2::UpdateEmailIdentityPolicy},
    {"DELETE",
     "identities/{}/policies/{}",
     "DeleteEmailIdentityPolicy",
     v2::DeleteEmailIdentityPolicy},
    {"GET", "tags", "ListTagsForResource", v2::ListTagsForResource},
    {"POST", "tags", "TagResource", v2::TagResource},
    {"DELETE", "tags", "UntagResource", v2::UntagResource},
    {"PUT", kSuppressed, "PutSuppressedDestination", v2::PutSuppressedDestination},
    {"GET", kSuppressed, "ListSuppressedDestinations", v2::ListSuppressedDestinations},
    {"GET", kSuppressedOne, "GetSuppressedDestination", v2::GetSuppressedDestination},
    {"DELETE", kSuppressedOne, "DeleteSuppressedDestination", v2::DeleteSuppressedDestination},
    {"PUT",
     "account/suppression",
     "PutAccountSuppressionAttributes",
     v2::PutAccountSuppressionAttributes},
    {"POST", "templates", "CreateEmailTemplate", v2::CreateEmailTemplate},
    {"GET", "templates", "ListEmailTemplates", v2::ListEmailTemplates},
    {"GET", "templates/{}", "GetEmailTemplate", v2::GetEmailTemplate},
    {"PUT", "templates/{}", "UpdateEmailTemplate", v2::UpdateEmailTemplate},
    {"DELETE", "templates/{}", "DeleteEmailTemplate", v2::DeleteEmailTemplate},
    {"POST", "templates/{}/render", "TestRenderEmailTemplate", v2::TestRenderEmailTemplate},
};

// The segments of a path, not decoded. Nothing when there are too many.
std::optional<std::vector<std::string_view>> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (true) {
    const std::size_t slash = path.find('/');
    if (segments.size() == kSegmentsMax) return std::nullopt;
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

struct Match {
  const Route* route = nullptr;
  std::vector<std::string> parameters;
};

std::optional<std::vector<std::string>> MatchPath(const std::vector<std::string_view>& path,
                                                  std::string_view pattern) {
  const auto wanted = Segments(pattern);
  if (!wanted || wanted->size() != path.size()) return std::nullopt;
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if ((*wanted)[i] == "{}") {
      if (path[i].empty()) return std::nullopt;
      parameters.push_back(PercentDecode(path[i]));
    } else if ((*wanted)[i] != path[i]) {
      return std::nullopt;
    }
  }
  return parameters;
}

Match FindRoute(const net::HttpRequest& request) {
  std::string_view path = request.path();
  if (!path.starts_with(kPrefix)) return {};
  path.remove_prefix(kPrefix.size());
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto segments = Segments(path);
  if (!segments) return {};
  for (const Route& route : kRoutes) {
    if (route.method != request.method) continue;
    if (auto parameters = MatchPath(*segments, route.path)) return {&route, std::move(*parameters)};
  }
  return {};
}

net::HttpResponse Render(const v2::ReadyAnswer& answer, std::string_view request_id) {
  if (const auto* error = std::get_if<aws::AwsError>(&answer)) {
    return aws::RestJsonErrorResponse(*error, request_id);
  }
  return aws::RestJsonResponse(200, json::Serialize(std::get<json::object>(answer)), request_id);
}

}  // namespace

net::HttpResponse SesV2Api::Handle(const aws::ServiceRequest& request) {
  Match match = FindRoute(request.http);
  if (match.route == nullptr) {
    return RenderError(request,
                       {404, "UnknownOperationException", "The operation is not known.", true});
  }
  v2::Call call{std::move(match.parameters), {}, {}, request, backend_};
  auto query = net::ParseForm(request.http.query());
  if (!query)
    return RenderError(request, {400, "BadRequestException", query.error().message, true});
  call.query = std::move(*query);
  if (!request.http.body.empty()) {
    Result<json::object> body = json::ParseObject(request.http.body);
    if (!body) {
      return RenderError(request, {400, "SerializationException", body.error().message, true});
    }
    call.body = std::move(*body);
  }
  v2::Answer answer = match.route->run(call);
  if (const auto* error = std::get_if<aws::AwsError>(&answer)) return RenderError(request, *error);
  if (auto* later = std::get_if<v2::LaterAnswer>(&answer)) {
    net::HttpResponse response;
    response.later = [begin = std::move(later->begin),
                      id = request.request_id](net::HttpRespond respond) {
      begin([id, respond = std::move(respond)](const v2::ReadyAnswer& ready) {
        respond(Render(ready, id));
      });
    };
    return response;
  }
  return Render(std::get<json::object>(std::move(answer)), request.request_id);
}

net::HttpResponse SesV2Api::RenderError(const aws::ServiceRequest& request,
                                        const aws::AwsError& error) {
  return aws::RestJsonErrorResponse(error, request.request_id);
}

std::string SesV2Api::ActionOf(const net::HttpRequest& request) const {
  const Match match = FindRoute(request);
  return match.route == nullptr ? std::string() : fmt::format("ses:{}", match.route->operation);
}

}  // namespace postglass::mail
