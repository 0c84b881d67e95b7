#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "queues/limits.h"
#include "queues/message_digest.h"
#include "queues/sqs_api.h"
#include "queues/sqs_input.h"

// The operations on messages.

namespace postglass::queues {
namespace {

std::size_t MessageBytesMax(const Queue& queue) {
  return static_cast<std::size_t>(queue.Setting("MaximumMessageSize"));
}

QueueService::Outgoing ToSend(MessageInput input, const aws::ServiceRequest& request) {
  QueueService::Outgoing out;
  out.message = std::move(input.message);
  out.message.sender_id = request.caller.access_key_id;
  if (input.delay_seconds) out.delay = std::chrono::seconds(*input.delay_seconds);
  return out;
}

// The part of an answer that a client compares with what it sent.
json::object SentOutput(const std::string& id,
                        const std::string& body_digest,
                        const std::string& attributes_digest) {
  json::object output{{"MessageId", id}, {"MD5OfMessageBody", body_digest}};
  if (!attributes_digest.empty()) output["MD5OfMessageAttributes"] = attributes_digest;
  return output;
}

std::string DigestOf(const std::vector<MessageAttribute>& attributes) {
  return attributes.empty() ? std::string() : AttributesDigest(attributes);
}

json::object FailedEntry(const std::string& id, const aws::AwsError& error) {
  return {{"Id", id},
          {"SenderFault", error.sender_fault},
          {"Code", SqsQueryCode(error.code)},
          {"Message", error.message}};
}

json::object BatchOutput(json::array successful, json::array failed) {
  json::object output;
  if (!successful.empty()) output["Successful"] = std::move(successful);
  if (!failed.empty()) output["Failed"] = std::move(failed);
  return output;
}

aws::AwsError DeleteError(const Error& error, std::string_view handle) {
  return error.code == ErrorCode::kInvalidArgument ? InvalidReceiptHandle(handle)
                                                   : StorageError(error);
}

aws::AwsError VisibilityError(const Error& error, std::string_view handle) {
  if (error.code == ErrorCode::kInvalidArgument) return InvalidReceiptHandle(handle);
  if (error.code == ErrorCode::kNotFound) {
    return InvalidParameterValue(
        fmt::format("Value {} for parameter ReceiptHandle is invalid. Reason: Message does not "
                    "exist or is not available for visibility timeout change.",
                    handle));
  }
  return {400, "MessageNotInflight", "The message referred to is not in flight."};
}

// Which message attributes a receiver asks for: names, "All", "prefix.*".
bool Wanted(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [name](const std::string& wanted) {
    if (wanted == "All" || wanted == ".*" || wanted == name) return true;
    return wanted.ends_with(".*") &&
           name.starts_with(std::string_view(wanted).substr(0, wanted.size() - 2));
  });
}

json::object ShowReceived(const QueueService::Received& received,
                          const std::vector<std::string>& system_names,
                          const std::vector<std::string>& attribute_names) {
  const Message& message = *received.message;
  json::object shown{{"MessageId", message.message_id},
                     {"ReceiptHandle", received.receipt_handle},
                     {"MD5OfBody", BodyDigest(message.body)},
                     {"Body", message.body}};
  json::object system;
  const auto add = [&](std::string_view name, std::string value) {
    if (!value.empty() && Wanted(system_names, name)) system[name] = std::move(value);
  };
  add("SenderId", message.sender_id);
  add("SentTimestamp", std::to_string(message.sent_at.millis()));
  add("ApproximateReceiveCount", std::to_string(received.state.receives));
  add("ApproximateFirstReceiveTimestamp",
      std::to_string(received.state.first_received_at.millis()));
  add("AWSTraceHeader", message.trace_header);
  add("DeadLetterQueueSourceArn", message.source_queue_arn);
  if (!system.empty()) shown["Attributes"] = std::move(system);
  std::vector<MessageAttribute> wanted;
  json::object attributes;
  for (const MessageAttribute& attribute : message.attributes) {
    if (!Wanted(attribute_names, attribute.name)) continue;
    wanted.push_back(attribute);
    json::object value;
    if (attribute.binary()) {
      value["BinaryValue"] = Base64Encode(attribute.value);
    } else {
      value["StringValue"] = attribute.value;
    }
    value["DataType"] = attribute.type;
    attributes[attribute.name] = std::move(value);
  }
  if (!wanted.empty()) {
    shown["MD5OfMessageAttributes"] = AttributesDigest(wanted);
    shown["MessageAttributes"] = std::move(attributes);
  }
  return shown;
}

}  // namespace

SqsApi::Reply SqsApi::SendMessage(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  auto read = ReadMessage(call.input, MessageBytesMax(*found.queue));
  if (auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  auto& input = std::get<MessageInput>(read);
  const std::string body_digest = BodyDigest(input.message.body);
  const std::string attributes_digest = DigestOf(input.message.attributes);
  std::vector<QueueService::Outgoing> messages;
  messages.push_back(ToSend(std::move(input), call.request));
  const Result<std::vector<std::string>> ids = queues_.Send(*found.queue, std::move(messages));
  if (!ids) return StorageError(ids.error());
  return SentOutput((*ids)[0], body_digest, attributes_digest);
}

SqsApi::Reply SqsApi::SendMessageBatch(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  const auto read = ReadEntries(call.input, "SendMessageBatchRequestEntry");
  if (const auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  json::array failed;
  std::vector<json::object> good;
  std::vector<QueueService::Outgoing> messages;
  std::size_t bytes = 0;
  for (const json::object* entry : std::get<std::vector<const json::object*>>(read)) {
    const std::string id = json::GetStringOr(*entry, "Id", "");
    auto message = ReadMessage(*entry, MessageBytesMax(*found.queue));
    if (const auto* error = std::get_if<aws::AwsError>(&message)) {
      failed.push_back(FailedEntry(id, *error));
      continue;
    }
    auto& input = std::get<MessageInput>(message);
    bytes += input.bytes;
    json::object output =
        SentOutput("", BodyDigest(input.message.body), DigestOf(input.message.attributes));
    output["Id"] = id;
    good.push_back(std::move(output));
    messages.push_back(ToSend(std::move(input), call.request));
  }
  if (bytes > kMessageBytesMax) {
    return aws::AwsError{
        400,
        "BatchRequestTooLong",
        fmt::format("Batch requests cannot be longer than {} bytes. You have sent {} bytes.",
                    kMessageBytesMax,
                    bytes)};
  }
  json::array successful;
  if (!messages.empty()) {
    const Result<std::vector<std::string>> ids = queues_.Send(*found.queue, std::move(messages));
    if (!ids) return StorageError(ids.error());
    for (std::size_t i = 0; i < good.size(); ++i) {
      good[i]["MessageId"] = (*ids)[i];
      successful.push_back(std::move(good[i]));
    }
  }
  return BatchOutput(std::move(successful), std::move(failed));
}

SqsApi::Reply SqsApi::DeleteMessage(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  const std::string handle = json::GetStringOr(call.input, "ReceiptHandle", "");
  if (handle.empty()) return MissingParameter("ReceiptHandle");
  const Status deleted = queues_.Delete(*found.queue, {handle})[0];
  if (!deleted) return DeleteError(deleted.error(), handle);
  return json::object();
}

SqsApi::Reply SqsApi::DeleteMessageBatch(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  const auto read = ReadEntries(call.input, "DeleteMessageBatchRequestEntry");
  if (const auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  const auto& entries = std::get<std::vector<const json::object*>>(read);
  std::vector<std::string> handles;
  for (const json::object* entry : entries) {
    handles.push_back(json::GetStringOr(*entry, "ReceiptHandle", ""));
  }
  const std::vector<Status> outcomes = queues_.Delete(*found.queue, handles);
  json::array successful;
  json::array failed;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string id = json::GetStringOr(*entries[i], "Id", "");
    if (outcomes[i]) {
      successful.push_back(json::object{{"Id", id}});
    } else {
      failed.push_back(FailedEntry(id, DeleteError(outcomes[i].error(), handles[i])));
    }
  }
  return BatchOutput(std::move(successful), std::move(failed));
}

SqsApi::Reply SqsApi::ChangeMessageVisibility(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  const std::string handle = json::GetStringOr(call.input, "ReceiptHandle", "");
  if (handle.empty()) return MissingParameter("ReceiptHandle");
  const NumberOrError seconds =
      ReadNumber(call.input, "VisibilityTimeout", 0, kVisibilityMax.count());
  if (seconds.error) return *seconds.error;
  if (!seconds.number) return MissingParameter("VisibilityTimeout");
  const Status changed =
      queues_.ChangeVisibility(*found.queue, handle, std::chrono::seconds(*seconds.number));
  if (!changed) return VisibilityError(changed.error(), handle);
  return json::object();
}

SqsApi::Reply SqsApi::ChangeMessageVisibilityBatch(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  const auto read = ReadEntries(call.input, "ChangeMessageVisibilityBatchRequestEntry");
  if (const auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  json::array successful;
  json::array failed;
  for (const json::object* entry : std::get<std::vector<const json::object*>>(read)) {
    const std::string id = json::GetStringOr(*entry, "Id", "");
    const std::string handle = json::GetStringOr(*entry, "ReceiptHandle", "");
    const NumberOrError seconds =
        ReadNumber(*entry, "VisibilityTimeout", 0, kVisibilityMax.count());
    if (seconds.error) {
      failed.push_back(FailedEntry(id, *seconds.error));
      continue;
    }
    const Status changed = queues_.ChangeVisibility(
        *found.queue, handle, std::chrono::seconds(seconds.number.value_or(0)));
    if (changed) {
      successful.push_back(json::object{{"Id", id}});
    } else {
      failed.push_back(FailedEntry(id, VisibilityError(changed.error(), handle)));
    }
  }
  return BatchOutput(std::move(successful), std::move(failed));
}

net::HttpResponse SqsApi::ReceiveMessage(const aws::ServiceRequest& request, const SqsCall& call) {
  const QueueOrError found = FindQueue({request, call.input});
  if (found.error) return RenderError(request, *found.error);
  const NumberOrError count = ReadNumber(call.input, "MaxNumberOfMessages", 1, kReceiveCountMax);
  const NumberOrError visibility =
      ReadNumber(call.input, "VisibilityTimeout", 0, kVisibilityMax.count());
  const NumberOrError wait = ReadNumber(call.input, "WaitTimeSeconds", 0, kWaitMax.count());
  for (const NumberOrError& read : {count, visibility, wait}) {
    if (read.error) return RenderError(request, *read.error);
  }
  QueueService::ReceiveRequest wanted;
  wanted.count_max = static_cast<std::size_t>(count.number.value_or(1));
  wanted.visibility =
      std::chrono::seconds(visibility.number.value_or(found.queue->Setting("VisibilityTimeout")));
  wanted.wait = std::chrono::seconds(
      wait.number.value_or(found.queue->Setting("ReceiveMessageWaitTimeSeconds")));
  std::vector<std::string> system_names = ReadTexts(call.input, "MessageSystemAttributeNames");
  for (std::string& name : ReadTexts(call.input, "AttributeNames")) {
    system_names.push_back(std::move(name));
  }
  net::HttpResponse response;
  response.later = [this,
                    queue = found.queue,
                    wanted,
                    system_names = std::move(system_names),
                    attribute_names = ReadTexts(call.input, "MessageAttributeNames"),
                    protocol = call.protocol,
                    id = request.request_id](net::HttpRespond respond) {
    queues_.Receive(
        queue, wanted, [=](const Result<std::vector<QueueService::Received>>& received) {
          if (!received) {
            respond(SqsErrorResponse(protocol, StorageError(received.error()), id));
            return;
          }
          json::array messages;
          for (const QueueService::Received& each : *received) {
            messages.push_back(ShowReceived(each, system_names, attribute_names));
          }
          json::object output;
          if (!messages.empty()) output["Messages"] = std::move(messages);
          respond(SqsResponse(protocol, "ReceiveMessage", output, id));
        });
  };
  return response;
}

}  // namespace postglass::queues
