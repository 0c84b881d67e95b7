#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "mail/api/ses_backend.h"

// The operations of SES API v2, one function each, for the routes in ses_v2_api.cc.

namespace postglass::mail::v2 {

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

struct Call {
  std::vector<std::string> path;  // the {} of the route, decoded
  QueryPairs query;
  json::object body;  // empty when there is none
  const aws::ServiceRequest& request;
  const SesBackend& backend;
};

using ReadyAnswer = std::variant<json::object, aws::AwsError>;

// An answer that is not known yet: called once, it passes it on when it is.
struct LaterAnswer {
  std::function<void(std::function<void(ReadyAnswer)> respond)> begin;
};

using Answer = std::variant<json::object, aws::AwsError, LaterAnswer>;

Answer SendEmail(const Call& call);
Answer SendBulkEmail(const Call& call);

Answer CreateEmailTemplate(const Call& call);
Answer ListEmailTemplates(const Call& call);
Answer GetEmailTemplate(const Call& call);
Answer UpdateEmailTemplate(const Call& call);
Answer DeleteEmailTemplate(const Call& call);
Answer TestRenderEmailTemplate(const Call& call);

Answer GetAccount(const Call& call);
Answer PutAccountSendingAttributes(const Call& call);
Answer PutAccountDetails(const Call& call);
Answer PutAccountVdmAttributes(const Call& call);

Answer PutSuppressedDestination(const Call& call);
Answer GetSuppressedDestination(const Call& call);
Answer ListSuppressedDestinations(const Call& call);
Answer DeleteSuppressedDestination(const Call& call);
Answer PutAccountSuppressionAttributes(const Call& call);

Answer CreateConfigurationSet(const Call& call);
Answer ListConfigurationSets(const Call& call);
Answer GetConfigurationSet(const Call& call);
Answer DeleteConfigurationSet(const Call& call);
Answer PutConfigurationSetDeliveryOptions(const Call& call);
Answer PutConfigurationSetTrackingOptions(const Call& call);
Answer PutConfigurationSetReputationOptions(const Call& call);
Answer PutConfigurationSetSendingOptions(const Call& call);
Answer PutConfigurationSetSuppressionOptions(const Call& call);
Answer PutConfigurationSetVdmOptions(const Call& call);
Answer PutConfigurationSetArchivingOptions(const Call& call);

Answer GetConfigurationSetEventDestinations(const Call& call);
Answer CreateConfigurationSetEventDestination(const Call& call);
Answer UpdateConfigurationSetEventDestination(const Call& call);
Answer DeleteConfigurationSetEventDestination(const Call& call);

Answer CreateEmailIdentity(const Call& call);
Answer ListEmailIdentities(const Call& call);
Answer GetEmailIdentity(const Call& call);
Answer DeleteEmailIdentity(const Call& call);
Answer PutEmailIdentityConfigurationSetAttributes(const Call& call);
Answer PutEmailIdentityFeedbackAttributes(const Call& call);

Answer PutEmailIdentityDkimAttributes(const Call& call);
Answer PutEmailIdentityDkimSigningAttributes(const Call& call);
Answer PutEmailIdentityMailFromAttributes(const Call& call);
Answer GetEmailIdentityPolicies(const Call& call);
Answer CreateEmailIdentityPolicy(const Call& call);
Answer UpdateEmailIdentityPolicy(const Call& call);
Answer DeleteEmailIdentityPolicy(const Call& call);

Answer ListTagsForResource(const Call& call);
Answer TagResource(const Call& call);
Answer UntagResource(const Call& call);

// --- helpers that several of them use ----------------------------------------------------------

// What a change answers: an empty object, or the error.
Answer Done(const SesOutcome& outcome);

using Tags = std::vector<std::pair<std::string, std::string>>;
// The member "Tags" of `body`; an empty list when there is none.
std::variant<Tags, aws::AwsError> ReadTags(const json::object& body);
json::array RenderTags(const Tags& tags);

// Subject, Text and Html of `object`.
TemplateContent ReadTemplateContent(const json::object& object);

// Strings of the array `name` of `object`, in order; what is no string is left out.
std::vector<std::string> ReadStrings(const json::object& object, std::string_view name);

// NextToken and PageSize of the query string applied to `names`.
struct PageRequest {
  std::vector<std::string> names;
  std::string next_token;
};

std::variant<PageRequest, aws::AwsError> ReadPage(const Call& call,
                                                  const std::vector<std::string>& names,
                                                  std::size_t page_max = 1000);

// Times are numbers of seconds here.
double EpochSeconds(Timestamp t);

}  // namespace postglass::mail::v2
