#include "queues/sqs_api.h"

#include <fmt/format.h>

#include "aws/arn.h"
#include "aws/policy.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "queues/sqs_input.h"

namespace postglass::queues {

const SqsApi::NamedOperation SqsApi::kOperations[] = {
    {"CreateQueue", &SqsApi::CreateQueue},
    {"DeleteQueue", &SqsApi::DeleteQueue},
    {"GetQueueUrl", &SqsApi::GetQueueUrl},
    {"ListQueues", &SqsApi::ListQueues},
    {"GetQueueAttributes", &SqsApi::GetQueueAttributes},
    {"SetQueueAttributes", &SqsApi::SetQueueAttributes},
    {"PurgeQueue", &SqsApi::PurgeQueue},
    {"TagQueue", &SqsApi::TagQueue},
    {"UntagQueue", &SqsApi::UntagQueue},
    {"ListQueueTags", &SqsApi::ListQueueTags},
    {"AddPermission", &SqsApi::AddPermission},
    {"RemovePermission", &SqsApi::RemovePermission},
    {"ListDeadLetterSourceQueues", &SqsApi::ListDeadLetterSourceQueues},
    {"StartMessageMoveTask", &SqsApi::StartMessageMoveTask},
    {"CancelMessageMoveTask", &SqsApi::CancelMessageMoveTask},
    {"ListMessageMoveTasks", &SqsApi::ListMessageMoveTasks},
    {"SendMessage", &SqsApi::SendMessage},
    {"SendMessageBatch", &SqsApi::SendMessageBatch},
    {"ReceiveMessage", nullptr},
    {"DeleteMessage", &SqsApi::DeleteMessage},
    {"DeleteMessageBatch", &SqsApi::DeleteMessageBatch},
    {"ChangeMessageVisibility", &SqsApi::ChangeMessageVisibility},
    {"ChangeMessageVisibilityBatch", &SqsApi::ChangeMessageVisibilityBatch},
};

const SqsApi::NamedOperation* SqsApi::FindOperation(std::string_view name) {
  for (const NamedOperation& operation : kOperations) {
    if (operation.name == name) return &operation;
  }
  return nullptr;
}

net::HttpResponse SqsApi::Handle(const aws::ServiceRequest& request) {
  const Result<SqsCall> call = ParseSqsCall(request.http);
  if (!call) {
    return RenderError(request, {400, "SerializationException", call.error().message});
  }
  const NamedOperation* operation = FindOperation(call->operation);
  if (operation == nullptr) {
    return RenderError(
        request,
        {400,
         "UnknownOperationException",
         fmt::format("The action {} is not valid for this endpoint.", call->operation)});
  }
  if (operation->run == nullptr) return ReceiveMessage(request, *call);
  const Reply reply = (this->*operation->run)({request, call->input});
  if (const auto* error = std::get_if<aws::AwsError>(&reply)) return RenderError(request, *error);
  return SqsResponse(
      call->protocol, operation->name, std::get<json::object>(reply), request.request_id);
}

net::HttpResponse SqsApi::RenderError(const aws::ServiceRequest& request,
                                      const aws::AwsError& error) {
  aws::AwsError named = error;
  if (named.code == "AccessDenied") named.code = "AccessDeniedException";
  return SqsErrorResponse(SqsProtocolOf(request.http), named, request.request_id);
}

std::string SqsApi::ActionOf(const net::HttpRequest& request) const {
  std::string name = SqsOperationOf(request);
  if (FindOperation(name) == nullptr) return {};
  constexpr std::string_view kBatch = "Batch";
  if (name.ends_with(kBatch)) name.resize(name.size() - kBatch.size());
  return "sqs:" + name;
}

std::string SqsApi::UrlOf(const aws::ServiceRequest& request, std::string_view queue_name) const {
  return fmt::format("{}://{}/{}/{}",
                     request.http.over_tls ? "https" : "http",
                     request.http.headers.Get("Host"),
                     registry_.account().account_id,
                     queue_name);
}

// All callers belong to the queue's own account, so their keys decide (the gateway has asked them);
// a queue policy can only take away, by an explicit Deny.
std::optional<aws::AwsError> SqsApi::CheckDeny(const aws::ServiceRequest& request,
                                               const Queue& queue) const {
  if (queue.policy == nullptr) return std::nullopt;
  const std::string& account = registry_.account().account_id;
  const std::string caller = aws::PrincipalArn(registry_.account(), request.caller);
  const std::string action = ActionOf(request.http);
  const aws::PolicyOutcome outcome = aws::EvaluatePolicy(
      *queue.policy,
      {.principal_service = {},
       .principal_account = account,
       .principal_arn = caller,
       .action = action,
       .resource = queue.arn,
       .context = {{"aws:PrincipalAccount", account},
                   {"aws:PrincipalArn", caller},
                   {"aws:username", request.caller.user_name},
                   {"aws:SourceIp", request.http.peer_address},
                   {"aws:SecureTransport", request.http.over_tls ? "true" : "false"},
                   {"aws:PrincipalIsAWSService", "false"},
                   {"aws:CurrentTime", FormatIso8601Millis(clock_.Now())}}});
  if (outcome.decision != aws::Decision::kExplicitDeny) return std::nullopt;
  return aws::AwsError{
      403,
      "AccessDeniedException",
      fmt::format("User: {} is not authorized to perform: {} on resource: {} with an explicit deny "
                  "in a resource-based policy",
                  caller,
                  action,
                  queue.arn)};
}

// Whatever host is in the URL: a queue is known by account and name.
SqsApi::QueueOrError SqsApi::FindQueue(const Call& call) {
  const std::string url = json::GetStringOr(call.input, "QueueUrl", "");
  if (url.empty()) return {nullptr, MissingParameter("QueueUrl")};
  const std::size_t slash = url.rfind('/');
  const std::size_t before =
      slash == std::string::npos || slash == 0 ? std::string::npos : url.rfind('/', slash - 1);
  if (before == std::string::npos) {
    return {nullptr,
            aws::AwsError{404,
                          "InvalidAddress",
                          fmt::format("The address {} is not valid for this endpoint.", url)}};
  }
  const std::string account = url.substr(before + 1, slash - before - 1);
  std::shared_ptr<const Queue> queue =
      account == registry_.account().account_id ? registry_.Find(url.substr(slash + 1)) : nullptr;
  if (!queue) return {nullptr, QueueDoesNotExist()};
  if (auto error = CheckDeny(call.request, *queue)) return {nullptr, std::move(error)};
  return {std::move(queue), std::nullopt};
}

SqsApi::QueueOrError SqsApi::FindByArn(const Call& call, std::string_view parameter) {
  const std::string arn = json::GetStringOr(call.input, parameter, "");
  if (arn.empty()) return {nullptr, MissingParameter(parameter)};
  std::shared_ptr<const Queue> queue = registry_.FindByArn(arn);
  if (!queue) {
    return {nullptr,
            aws::AwsError{404,
                          "ResourceNotFoundException",
                          "The resource that you specified for the " + std::string(parameter) +
                              " parameter doesn't exist."}};
  }
  if (auto error = CheckDeny(call.request, *queue)) return {nullptr, std::move(error)};
  return {std::move(queue), std::nullopt};
}

SqsApi::Reply SqsApi::StoreChanged(Queue queue) {
  queue.modified_at = clock_.Now();
  if (const Status stored = registry_.Put(std::move(queue)); !stored) {
    return StorageError(stored.error());
  }
  return json::object();
}

}  // namespace postglass::queues
