#include "mail/api/ses_v1_api.h"

#include <fmt/format.h>

#include "aws/query_protocol.h"
#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v1_operations.h"

namespace postglass::mail {
namespace {

using aws::ResultElement;

struct Operation {
  std::string_view name;
  v1::Answer (*run)(const v1::Call&);
  ResultElement result = ResultElement::kPresent;
};

constexpr Operation kOperations[] = {
    {"SendEmail", v1::SendEmail},
    {"SendRawEmail", v1::SendRawEmail},
    {"SendTemplatedEmail", v1::SendTemplatedEmail},
    {"SendBulkTemplatedEmail", v1::SendBulkTemplatedEmail},
    {"CreateTemplate", v1::CreateTemplate},
    {"UpdateTemplate", v1::UpdateTemplate},
    {"DeleteTemplate", v1::DeleteTemplate},
    {"GetTemplate", v1::GetTemplate},
    {"ListTemplates", v1::ListTemplates},
    {"TestRenderTemplate", v1::TestRenderTemplate},
    {"VerifyEmailIdentity", v1::VerifyEmailIdentity},
    {"VerifyEmailAddress", v1::VerifyEmailIdentity, ResultElement::kNone},
    {"VerifyDomainIdentity", v1::VerifyDomainIdentity},
    {"DeleteIdentity", v1::DeleteIdentity},
    {"ListIdentities", v1::ListIdentities},
    {"GetIdentityVerificationAttributes", v1::GetIdentityVerificationAttributes},
    {"ListVerifiedEmailAddresses", v1::ListVerifiedEmailAddresses},
    {"DeleteVerifiedEmailAddress", v1::DeleteVerifiedEmailAddress, ResultElement::kNone},
    {"VerifyDomainDkim", v1::VerifyDomainDkim},
    {"GetIdentityDkimAttributes", v1::GetIdentityDkimAttributes},
    {"SetIdentityDkimEnabled", v1::SetIdentityDkimEnabled},
    {"SetIdentityMailFromDomain", v1::SetIdentityMailFromDomain},
    {"GetIdentityMailFromDomainAttributes", v1::GetIdentityMailFromDomainAttributes},
    {"SetIdentityNotificationTopic", v1::SetIdentityNotificationTopic},
    {"GetIdentityNotificationAttributes", v1::GetIdentityNotificationAttributes},
    {"SetIdentityHeadersInNotificationsEnabled", v1::SetIdentityHeadersInNotificationsEnabled},
    {"SetIdentityFeedbackForwardingEnabled", v1::SetIdentityFeedbackForwardingEnabled},
    {"PutIdentityPolicy", v1::PutIdentityPolicy},
    {"GetIdentityPolicies", v1::GetIdentityPolicies},
    {"ListIdentityPolicies", v1::ListIdentityPolicies},
    {"DeleteIdentityPolicy", v1::DeleteIdentityPolicy},
    {"GetSendQuota", v1::GetSendQuota},
    {"GetSendStatistics", v1::GetSendStatistics},
    {"GetAccountSendingEnabled", v1::GetAccountSendingEnabled},
    {"UpdateAccountSendingEnabled", v1::UpdateAccountSendingEnabled, ResultElement::kNone},
    {"CreateConfigurationSet", v1::CreateConfigurationSet},
    {"DeleteConfigurationSet", v1::DeleteConfigurationSet},
    {"DescribeConfigurationSet", v1::DescribeConfigurationSet},
    {"ListConfigurationSets", v1::ListConfigurationSets},
    {"UpdateConfigurationSetSendingEnabled",
     v1::UpdateConfigurationSetSendingEnabled,
     ResultElement::kNone},
    {"UpdateConfigurationSetReputationMetricsEnabled",
     v1::UpdateConfigurationSetReputationMetricsEnabled,
     ResultElement::kNone},
    {"PutConfigurationSetDeliveryOptions", v1::PutConfigurationSetDeliveryOptions},
    {"CreateConfigurationSetTrackingOptions", v1::CreateConfigurationSetTrackingOptions},
    {"UpdateConfigurationSetTrackingOptions", v1::UpdateConfigurationSetTrackingOptions},
    {"DeleteConfigurationSetTrackingOptions", v1::DeleteConfigurationSetTrackingOptions},
    {"CreateConfigurationSetEventDestination", v1::CreateConfigurationSetEventDestination},
    {"UpdateConfigurationSetEventDestination", v1::UpdateConfigurationSetEventDestination},
    {"DeleteConfigurationSetEventDestination", v1::DeleteConfigurationSetEventDestination},
};

const Operation* FindOperation(std::string_view name) {
  for (const Operation& operation : kOperations) {
    if (operation.name == name) return &operation;
  }
  return nullptr;
}

}  // namespace

net::HttpResponse SesV1Api::Handle(const aws::ServiceRequest& request) {
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request.http);
  if (!params) {
    return RenderError(request, {400, "MalformedQueryString", params.error().message, true});
  }
  const std::string_view action = params->action();
  if (action.empty()) {
    return RenderError(request, {400, "MissingAction", "No action was supplied.", true});
  }
  const Operation* operation = FindOperation(action);
  if (operation == nullptr) {
    return RenderError(
        request,
        {400,
         "InvalidAction",
         fmt::format("Could not find operation {} for version 2010-12-01", ToValidUtf8(action)),
         true});
  }
  const v1::Answer answer = operation->run({*params, request, backend_});
  if (const auto* error = std::get_if<aws::AwsError>(&answer)) return RenderError(request, *error);
  return aws::QueryResponse(aws::kSesNamespace,
                            operation->name,
                            std::get<std::string>(answer),
                            request.request_id,
                            operation->result);
}

net::HttpResponse SesV1Api::RenderError(const aws::ServiceRequest& request,
                                        const aws::AwsError& error) {
  return aws::QueryErrorResponse(aws::kSesNamespace, error, request.request_id);
}

std::string SesV1Api::ActionOf(const net::HttpRequest& request) const {
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request);
  const Operation* operation = params ? FindOperation(params->action()) : nullptr;
  return operation == nullptr ? std::string() : fmt::format("ses:{}", operation->name);
}

}  // namespace postglass::mail
