#include <fmt/format.h>

#include "base/encoding.h"
#include "queues/limits.h"
#include "queues/sqs_api.h"
#include "queues/sqs_input.h"

// The operations on dead-letter queues: where dead letters come from, and sending them back.

namespace postglass::queues {
namespace {

std::string_view StateName(QueueService::MoveTask::State state) {
  using State = QueueService::MoveTask::State;
  switch (state) {
    case State::kRunning:
      return "RUNNING";
    case State::kCompleted:
      return "COMPLETED";
    case State::kCancelled:
      return "CANCELLED";
    case State::kFailed:
      return "FAILED";
  }
  return "";
}

}  // namespace

SqsApi::Reply SqsApi::ListDeadLetterSourceQueues(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  const NumberOrError size = ReadNumber(call.input, "MaxResults", 1, kPageSize);
  if (size.error) return *size.error;
  const auto after = Base64UrlDecode(json::GetStringOr(call.input, "NextToken", ""));
  if (!after) return InvalidParameterValue("Invalid or expired next token.");
  const auto size_max = static_cast<std::size_t>(size.number.value_or(kPageSize));
  json::object output;
  json::array urls;
  std::string last;
  for (const auto& source : registry_.SourcesOf(found.queue->arn)) {
    if (!after->empty() && source->name <= *after) continue;
    if (urls.size() == size_max) {
      output["NextToken"] = Base64UrlEncode(last);
      break;
    }
    urls.emplace_back(UrlOf(call.request, source->name));
    last = source->name;
  }
  output["queueUrls"] = std::move(urls);
  return output;
}

// Unlike SQS's, it also takes the dead letters of topics' subscriptions, which are delivered to
// their subscription again.
SqsApi::Reply SqsApi::StartMessageMoveTask(const Call& call) {
  const QueueOrError source = FindByArn(call, "SourceArn");
  if (source.error) return *source.error;
  const std::string destination = json::GetStringOr(call.input, "DestinationArn", "");
  if (!destination.empty()) {
    const QueueOrError target = FindByArn(call, "DestinationArn");
    if (target.error) return *target.error;
    if (target.queue->arn == source.queue->arn) {
      return InvalidParameterValue(
          "Source queue arn and destination queue arn cannot be the same.");
    }
  }
  const NumberOrError rate = ReadNumber(call.input, "MaxNumberOfMessagesPerSecond", 1, 500);
  if (rate.error) return *rate.error;
  const std::vector<QueueService::Received> first = queues_.Peek(*source.queue, 1);
  const bool holds_dead_letters = !first.empty() && (!first[0].message->source_queue_arn.empty() ||
                                                     !first[0].message->subscription_arn.empty());
  if (!holds_dead_letters && registry_.SourcesOf(source.queue->arn).empty()) {
    return InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.");
  }
  const Result<std::string> handle =
      queues_.StartMove(*source.queue, destination, rate.number.value_or(0));
  if (!handle) {
    return aws::AwsError{400,
                         "UnsupportedOperation",
                         "There is already a task running. Only one active task is allowed for a "
                         "source queue arn at a given time."};
  }
  return json::object{{"TaskHandle", *handle}};
}

SqsApi::Reply SqsApi::CancelMessageMoveTask(const Call& call) {
  const std::string handle = json::GetStringOr(call.input, "TaskHandle", "");
  if (handle.empty()) return MissingParameter("TaskHandle");
  const Result<std::size_t> moved = queues_.CancelMove(handle);
  if (!moved) {
    return aws::AwsError{404, "ResourceNotFoundException", "Task does not exist."};
  }
  return json::object{{"ApproximateNumberOfMessagesMoved", *moved}};
}

SqsApi::Reply SqsApi::ListMessageMoveTasks(const Call& call) {
  const QueueOrError source = FindByArn(call, "SourceArn");
  if (source.error) return *source.error;
  const NumberOrError size = ReadNumber(call.input, "MaxResults", 1, kMoveTasksKept);
  if (size.error) return *size.error;
  json::array results;
  for (const QueueService::MoveTask& task :
       queues_.MoveTasks(source.queue->arn, static_cast<std::size_t>(size.number.value_or(1)))) {
    json::object shown{{"Status", StateName(task.state)},
                       {"SourceArn", task.source_arn},
                       {"ApproximateNumberOfMessagesMoved", task.moved},
                       {"ApproximateNumberOfMessagesToMove", task.to_move},
                       {"StartedTimestamp", task.started_at.millis()}};
    // Only of one that can still be cancelled, as with SQS.
    if (task.state == QueueService::MoveTask::State::kRunning) shown["TaskHandle"] = task.handle;
    if (!task.destination_arn.empty()) shown["DestinationArn"] = task.destination_arn;
    if (task.per_second > 0) shown["MaxNumberOfMessagesPerSecond"] = task.per_second;
    if (!task.failure.empty()) shown["FailureReason"] = task.failure;
    results.push_back(std::move(shown));
  }
  return json::object{{"Results", std::move(results)}};
}

}  // namespace postglass::queues
