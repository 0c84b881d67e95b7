#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "aws/service.h"
#include "base/clock.h"
#include "base/json.h"
#include "queues/queue_service.h"
#include "queues/sqs_protocol.h"

namespace postglass::queues {

// Amazon SQS's API, JSON and query protocol. Which calls and fields: docs/compat/sqs.md.
// Thread-safe; a ReceiveMessage that waits holds no thread.
class SqsApi final : public aws::Service {
 public:
  // The references must outlive it.
  SqsApi(QueueService& queues, const Clock& clock)
      : queues_(queues), registry_(queues.registry()), clock_(clock) {}

  net::HttpResponse Handle(const aws::ServiceRequest& request) override;
  net::HttpResponse RenderError(const aws::ServiceRequest& request,
                                const aws::AwsError& error) override;
  // Batches need the right of the single call, as with SQS.
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  struct Call {
    const aws::ServiceRequest& request;
    const json::object& input;
  };

  using Reply = std::variant<json::object, aws::AwsError>;
  using Operation = Reply (SqsApi::*)(const Call&);

  struct NamedOperation {
    std::string_view name;
    Operation run;  // null: ReceiveMessage, which answers later
  };

  static const NamedOperation kOperations[];
  static const NamedOperation* FindOperation(std::string_view name);

  // sqs_api_queues.cc
  Reply CreateQueue(const Call& call);
  Reply DeleteQueue(const Call& call);
  Reply GetQueueUrl(const Call& call);
  Reply ListQueues(const Call& call);
  Reply GetQueueAttributes(const Call& call);
  Reply SetQueueAttributes(const Call& call);
  Reply PurgeQueue(const Call& call);
  Reply TagQueue(const Call& call);
  Reply UntagQueue(const Call& call);
  Reply ListQueueTags(const Call& call);
  Reply AddPermission(const Call& call);
  Reply RemovePermission(const Call& call);
  // sqs_api_dead_letters.cc
  Reply ListDeadLetterSourceQueues(const Call& call);
  Reply StartMessageMoveTask(const Call& call);
  Reply CancelMessageMoveTask(const Call& call);
  Reply ListMessageMoveTasks(const Call& call);
  // sqs_api_messages.cc
  Reply SendMessage(const Call& call);
  Reply SendMessageBatch(const Call& call);
  Reply DeleteMessage(const Call& call);
  Reply DeleteMessageBatch(const Call& call);
  Reply ChangeMessageVisibility(const Call& call);
  Reply ChangeMessageVisibilityBatch(const Call& call);
  net::HttpResponse ReceiveMessage(const aws::ServiceRequest& request, const SqsCall& call);

  // The queue that QueueUrl names, unless it is not there or its policy denies the call's action.
  struct QueueOrError {
    std::shared_ptr<const Queue> queue;
    std::optional<aws::AwsError> error;
  };

  QueueOrError FindQueue(const Call& call);
  QueueOrError FindByArn(const Call& call, std::string_view parameter);
  std::optional<aws::AwsError> CheckDeny(const aws::ServiceRequest& request,
                                         const Queue& queue) const;
  std::string UrlOf(const aws::ServiceRequest& request, std::string_view queue_name) const;
  Reply StoreChanged(Queue queue);

  QueueService& queues_;
  QueueRegistry& registry_;
  const Clock& clock_;
};

}  // namespace postglass::queues
