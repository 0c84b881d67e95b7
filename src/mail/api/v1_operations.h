#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "aws/query_protocol.h"
#include "mail/api/ses_backend.h"

// The operations of SES API v1, one function each, for the table in ses_v1_api.cc.

namespace postglass::mail::v1 {

struct Call {
  const aws::QueryParams& params;
  const aws::ServiceRequest& request;
  const SesBackend& backend;
};

// The XML inside the result element, or why not.
using Answer = std::variant<std::string, aws::AwsError>;

Answer SendEmail(const Call& call);
Answer SendRawEmail(const Call& call);
Answer SendTemplatedEmail(const Call& call);
Answer SendBulkTemplatedEmail(const Call& call);

Answer CreateTemplate(const Call& call);
Answer UpdateTemplate(const Call& call);
Answer DeleteTemplate(const Call& call);
Answer GetTemplate(const Call& call);
Answer ListTemplates(const Call& call);
Answer TestRenderTemplate(const Call& call);

Answer VerifyEmailIdentity(const Call& call);  // also the older VerifyEmailAddress
Answer VerifyDomainIdentity(const Call& call);
Answer DeleteIdentity(const Call& call);
Answer ListIdentities(const Call& call);
Answer GetIdentityVerificationAttributes(const Call& call);

Answer ListVerifiedEmailAddresses(const Call& call);
Answer DeleteVerifiedEmailAddress(const Call& call);
Answer VerifyDomainDkim(const Call& call);
Answer GetIdentityDkimAttributes(const Call& call);
Answer SetIdentityDkimEnabled(const Call& call);
Answer SetIdentityMailFromDomain(const Call& call);
Answer GetIdentityMailFromDomainAttributes(const Call& call);
Answer SetIdentityNotificationTopic(const Call& call);
Answer GetIdentityNotificationAttributes(const Call& call);
Answer SetIdentityHeadersInNotificationsEnabled(const Call& call);
Answer SetIdentityFeedbackForwardingEnabled(const Call& call);
Answer PutIdentityPolicy(const Call& call);
Answer GetIdentityPolicies(const Call& call);
Answer ListIdentityPolicies(const Call& call);
Answer DeleteIdentityPolicy(const Call& call);

Answer GetSendQuota(const Call& call);
Answer GetSendStatistics(const Call& call);
Answer GetAccountSendingEnabled(const Call& call);
Answer UpdateAccountSendingEnabled(const Call& call);

Answer CreateConfigurationSet(const Call& call);
Answer DeleteConfigurationSet(const Call& call);
Answer DescribeConfigurationSet(const Call& call);
Answer ListConfigurationSets(const Call& call);
Answer UpdateConfigurationSetSendingEnabled(const Call& call);
Answer UpdateConfigurationSetReputationMetricsEnabled(const Call& call);
Answer PutConfigurationSetDeliveryOptions(const Call& call);
Answer CreateConfigurationSetTrackingOptions(const Call& call);
Answer UpdateConfigurationSetTrackingOptions(const Call& call);
Answer DeleteConfigurationSetTrackingOptions(const Call& call);

Answer CreateConfigurationSetEventDestination(const Call& call);
Answer UpdateConfigurationSetEventDestination(const Call& call);
Answer DeleteConfigurationSetEventDestination(const Call& call);

// What a change answers: nothing inside the result element, or the error.
Answer Done(const SesOutcome& outcome);
// "true" or "false" in any case; nothing when it is something else or absent.
std::optional<bool> ReadBool(const Call& call, std::string_view name);

}  // namespace postglass::mail::v1
