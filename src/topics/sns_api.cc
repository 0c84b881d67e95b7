#include "topics/sns_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/arn.h"
#include "aws/policy.h"
#include "base/time_format.h"
#include "topics/sns_errors.h"

namespace postglass::topics {

const SnsApi::NamedOperation SnsApi::kOperations[] = {
    {"CreateTopic", &SnsApi::CreateTopic},
    {"DeleteTopic", &SnsApi::DeleteTopic},
    {"GetTopicAttributes", &SnsApi::GetTopicAttributes},
    {"SetTopicAttributes", &SnsApi::SetTopicAttributes},
    {"ListTopics", &SnsApi::ListTopics},
    {"ListTagsForResource", &SnsApi::ListTagsForResource},
    {"TagResource", &SnsApi::TagResource},
    {"UntagResource", &SnsApi::UntagResource},
    {"Subscribe", &SnsApi::Subscribe},
    {"ConfirmSubscription", &SnsApi::ConfirmSubscription},
    {"Unsubscribe", &SnsApi::Unsubscribe},
    {"GetSubscriptionAttributes", &SnsApi::GetSubscriptionAttributes},
    {"SetSubscriptionAttributes", &SnsApi::SetSubscriptionAttributes},
    {"ListSubscriptions", &SnsApi::ListSubscriptions},
    {"ListSubscriptionsByTopic", &SnsApi::ListSubscriptionsByTopic},
    {"AddPermission", &SnsApi::AddPermission},
    {"RemovePermission", &SnsApi::RemovePermission},
    {"GetDataProtectionPolicy", &SnsApi::GetDataProtectionPolicy},
    {"PutDataProtectionPolicy", &SnsApi::PutDataProtectionPolicy},
    {"Publish", &SnsApi::Publish},
    {"PublishBatch", &SnsApi::PublishBatch},
};

const SnsApi::NamedOperation* SnsApi::FindOperation(std::string_view action) {
  for (const NamedOperation& operation : kOperations) {
    if (operation.name == action) return &operation;
  }
  return nullptr;
}

net::HttpResponse SnsApi::Handle(const aws::ServiceRequest& request) {
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request.http);
  if (!params) return RenderError(request, {400, "MalformedInput", params.error().message});
  const NamedOperation* operation = FindOperation(params->action());
  if (operation == nullptr) {
    return RenderError(request,
                       {400,
                        params->action().empty() ? "MissingAction" : "InvalidAction",
                        fmt::format("Could not find operation {} for version {}",
                                    params->action(),
                                    params->Find("Version").value_or("NO_VERSION_SPECIFIED"))});
  }
  const Reply reply = (this->*operation->run)({request, *params});
  if (reply.error) return RenderError(request, *reply.error);
  return aws::QueryResponse(
      aws::kSnsNamespace, operation->name, reply.xml, request.request_id, reply.element);
}

net::HttpResponse SnsApi::RenderError(const aws::ServiceRequest& request,
                                      const aws::AwsError& error) {
  aws::AwsError named = error;
  if (named.code == "AccessDenied") named.code = "AuthorizationError";
  return aws::QueryErrorResponse(aws::kSnsNamespace, named, request.request_id);
}

std::string SnsApi::ActionOf(const net::HttpRequest& request) const {
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request);
  if (!params || FindOperation(params->action()) == nullptr) return {};
  // Who may publish may publish several at once: there is no action of that name in policies.
  if (params->action() == "PublishBatch") return "sns:Publish";
  return fmt::format("sns:{}", params->action());
}

bool SnsApi::AllowsUnsigned(const net::HttpRequest& request) const {
  const std::string action = ActionOf(request);
  return action == "sns:ConfirmSubscription" || action == "sns:Unsubscribe";
}

std::optional<aws::AwsError> SnsApi::CheckArn(const Call& call, std::string_view parameter) const {
  const auto text = call.params.Find(parameter);
  if (!text) {
    return InvalidParameter(fmt::format("{} Reason: no value for required parameter", parameter));
  }
  const std::optional<aws::Arn> arn = aws::ParseArn(*text);
  if (!arn) {
    const auto colons = std::count(text->begin(), text->end(), ':');
    if (colons >= 5) return InvalidParameter(parameter);
    return InvalidParameter(fmt::format(
        "{} Reason: An ARN must have at least 6 elements, not {}", parameter, colons + 1));
  }
  const aws::Account& account = registry_.account();
  if (arn->service != "sns" || arn->region != account.region ||
      arn->account_id != account.account_id) {
    return InvalidParameter(parameter);
  }
  return std::nullopt;
}

std::string SnsApi::CallerArn(const Call& call) const {
  return aws::PrincipalArn(registry_.account(), call.request.caller);
}

// All callers belong to the topic's own account, so their keys decide (the gateway has asked
// them); a topic policy can only take away, by an explicit Deny.
std::optional<aws::AwsError> SnsApi::CheckDeny(const Call& call,
                                               const Topic& topic,
                                               std::string_view action) const {
  if (!call.is_signed()) return std::nullopt;
  const std::string& account = registry_.account().account_id;
  const std::string caller = CallerArn(call);
  const aws::PolicyOutcome outcome = aws::EvaluatePolicy(
      *topic.policy,
      {.principal_service = {},
       .principal_account = account,
       .principal_arn = caller,
       .action = fmt::format("SNS:{}", action),
       .resource = topic.arn,
       .context = {{"aws:SourceOwner", account},
                   {"aws:PrincipalAccount", account},
                   {"aws:PrincipalArn", caller},
                   {"aws:username", call.request.caller.user_name},
                   {"aws:SourceIp", call.request.http.peer_address},
                   {"aws:SecureTransport", call.request.http.over_tls ? "true" : "false"},
                   {"aws:PrincipalIsAWSService", "false"},
                   {"aws:CurrentTime", FormatIso8601Millis(clock_.Now())},
                   {"sns:Endpoint", std::string(call.params.Get("Endpoint"))},
                   {"sns:Protocol", std::string(call.params.Get("Protocol"))}}});
  if (outcome.decision != aws::Decision::kExplicitDeny) return std::nullopt;
  return aws::AwsError{
      403,
      "AuthorizationError",
      fmt::format("User: {} is not authorized to perform: SNS:{} on resource: {} with an explicit "
                  "deny in a resource-based policy",
                  caller,
                  action,
                  topic.arn)};
}

SnsApi::TopicOrError SnsApi::FindTopic(const Call& call,
                                       std::string_view parameter,
                                       std::string_view action) {
  if (auto error = CheckArn(call, parameter)) return {nullptr, std::move(error)};
  std::shared_ptr<const Topic> topic = registry_.FindTopic(call.params.Get(parameter));
  if (!topic) return {nullptr, TopicNotFound()};
  if (auto error = CheckDeny(call, *topic, action)) return {nullptr, std::move(error)};
  return {std::move(topic), std::nullopt};
}

}  // namespace postglass::topics
