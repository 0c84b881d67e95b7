#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>

#include "aws/arn.h"
#include "base/encoding.h"
#include "topics/limits.h"
#include "topics/sns_api.h"
#include "topics/sns_errors.h"

// Publish and PublishBatch, and the checks of what is published.

namespace postglass::topics {
namespace {

aws::AwsError AttributeInvalid(std::string text) {
  return {400, "ParameterValueInvalid", std::move(text)};
}

std::optional<aws::AwsError> CheckAttributeName(const std::string& name) {
  if (name.size() > 256) {
    return AttributeInvalid("Length of message attribute name must be less than 256 bytes.");
  }
  for (const char c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
    if (!good) {
      return AttributeInvalid(
          fmt::format("Invalid non-alphanumeric character '#x{:X}' was found in the message "
                      "attribute name. Can only include alphanumeric characters, hyphens, "
                      "underscores, or dots.",
                      static_cast<unsigned char>(c)));
    }
  }
  if (name.starts_with('.')) {
    return AttributeInvalid(
        "Invalid message attribute name starting with character '.' was found.");
  }
  if (name.ends_with('.')) {
    return AttributeInvalid("Invalid message attribute name ending with character '.' was found.");
  }
  if (name.find("..") != std::string::npos) {
    return AttributeInvalid("Message attribute name can not have successive '.' character.");
  }
  return std::nullopt;
}

// One attribute of MessageAttributes.entry.N. `place`: of all attributes, in AWS's words.
std::variant<MessageAttribute, aws::AwsError> ReadAttribute(const aws::QueryParams& params,
                                                            const std::string& prefix,
                                                            std::string_view place) {
  MessageAttribute attribute;
  attribute.name = params.Get(prefix + ".Name");
  if (auto error = CheckAttributeName(attribute.name)) return *error;
  const auto type = params.Find(prefix + ".Value.DataType");
  if (!type) {
    return aws::AwsError{
        400,
        "ValidationError",
        fmt::format("1 validation error detected: Value null at '{}.{}.member.dataType' "
                    "failed to satisfy constraint: Member must not be null",
                    place,
                    attribute.name)};
  }
  attribute.type = *type;
  // "Number.int" is a Number with a label of the caller's own.
  const std::string kind = attribute.type.substr(0, attribute.type.find('.'));
  if (kind != "String" && kind != "Number" && kind != "Binary") {
    return AttributeInvalid(
        fmt::format("The message attribute '{}' has an invalid message attribute type, the set of "
                    "supported type prefixes is Binary, Number, and String.",
                    attribute.name));
  }
  const auto text = params.Find(prefix + ".Value.StringValue");
  const auto bytes = params.Find(prefix + ".Value.BinaryValue");
  const bool binary = kind == "Binary";
  if (binary ? (!bytes && text) : (!text && bytes)) {
    return AttributeInvalid(
        fmt::format("The message attribute '{}' with type '{}' must use field '{}'.",
                    attribute.name,
                    attribute.type,
                    binary ? "Binary" : "String"));
  }
  attribute.value = (binary ? bytes : text).value_or("");
  if (attribute.value.empty()) {
    return AttributeInvalid(
        fmt::format("The message attribute '{}' must contain non-empty message attribute value for "
                    "message attribute type '{}'.",
                    attribute.name,
                    attribute.type));
  }
  return attribute;
}

bool IsSubject(std::string_view subject) {
  return !subject.empty() && subject.size() <= kSubjectCharactersMax &&
         std::all_of(subject.begin(), subject.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F;
         });
}

// MessageStructure=json: one body for each protocol, `default` for the others.
std::optional<aws::AwsError> TakeStructure(Message& message) {
  const Result<json::value> parsed = json::Parse(message.body);
  if (!parsed) {
    return InvalidParameter("Message Structure - JSON message body failed to parse");
  }
  const json::object* bodies = parsed->if_object();
  const auto fallback = bodies == nullptr ? std::nullopt : json::GetString(*bodies, "default");
  if (!fallback) {
    return InvalidParameter("Message Structure - No default entry in JSON message body");
  }
  for (const Protocol protocol : kProtocols) {
    if (const auto own = json::GetString(*bodies, ProtocolName(protocol))) {
      message.body_by_protocol.emplace(ProtocolName(protocol), *own);
    }
  }
  message.body = std::string(*fallback);
  return std::nullopt;
}

// What is to be published: the parameters behind `prefix`. `bytes`: body and attributes.
struct Content {
  Message message;
  std::size_t bytes = 0;
};

std::variant<Content, aws::AwsError> ReadContent(const aws::QueryParams& params,
                                                 const std::string& prefix,
                                                 std::string_view attributes_place) {
  Content content;
  Message& message = content.message;
  message.body = ToValidUtf8(params.Get(prefix + "Message"));
  if (message.body.empty()) return InvalidParameter("Empty message");
  if (const auto subject = params.Find(prefix + "Subject")) {
    if (!IsSubject(*subject)) return InvalidParameter("Subject");
    message.subject = *subject;
  }
  content.bytes = message.body.size();
  for (std::size_t i = 1;; ++i) {
    const std::string entry = fmt::format("{}MessageAttributes.entry.{}", prefix, i);
    if (!params.HasPrefix(entry)) break;
    auto read = ReadAttribute(params, entry, attributes_place);
    if (auto* error = std::get_if<aws::AwsError>(&read)) return *error;
    auto& attribute = std::get<MessageAttribute>(read);
    content.bytes += attribute.name.size() + attribute.type.size() + attribute.value.size();
    message.attributes.push_back(std::move(attribute));
  }
  if (params.Get(prefix + "MessageStructure") == "json") {
    if (auto error = TakeStructure(message)) return *error;
  }
  return content;
}

aws::AwsError PublishError(const Error& error) {
  return error.code == ErrorCode::kNotFound ? TopicNotFound() : StorageError(error);
}

constexpr std::size_t kBatchEntriesMax = 10;       // [SNS]
constexpr std::size_t kBatchIdCharactersMax = 80;  // [SNS]

std::optional<aws::AwsError> CheckEntryId(const std::string& id) {
  const auto invalid = [&](std::string_view what) {
    return aws::AwsError{
        400,
        "InvalidBatchEntryId",
        fmt::format("The Id of a batch entry in the batch request {}: {}", what, id)};
  };
  if (id.size() > kBatchIdCharactersMax) return invalid("is too long");
  const bool good = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (!good) return invalid("contains an impermissible character");
  return std::nullopt;
}

// The ids of all entries, in order.
std::variant<std::vector<std::string>, aws::AwsError> ReadEntryIds(const aws::QueryParams& params) {
  const std::size_t count = params.StructListSize("PublishBatchRequestEntries");
  if (count == 0) {
    return aws::AwsError{
        400, "EmptyBatchRequest", "The batch request doesn't contain any entries."};
  }
  if (count > kBatchEntriesMax) {
    return aws::AwsError{400,
                         "TooManyEntriesInBatchRequest",
                         "The batch request contains more entries than permissible."};
  }
  std::vector<std::string> ids;
  for (std::size_t i = 1; i <= count; ++i) {
    std::string id(params.Get(fmt::format("PublishBatchRequestEntries.member.{}.Id", i)));
    if (auto error = CheckEntryId(id)) return *error;
    if (std::find(ids.begin(), ids.end(), id) != ids.end()) {
      return aws::AwsError{400,
                           "BatchEntryIdsNotDistinct",
                           "Two or more batch entries in the request have the same Id."};
    }
    ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace

SnsApi::Reply SnsApi::Publish(const Call& call) {
  const aws::QueryParams& params = call.params;
  if (const auto phone = params.Find("PhoneNumber")) {
    return InvalidParameter(
        fmt::format("PhoneNumber Reason: {} is not valid to publish to", *phone));
  }
  const bool by_target = !params.Find("TopicArn") && params.Find("TargetArn");
  if (!by_target && !params.Find("TopicArn")) {
    return InvalidParameter("TopicArn or TargetArn Reason: no value for required parameter");
  }
  const std::string_view parameter = by_target ? "TargetArn" : "TopicArn";
  if (by_target) {
    const std::optional<aws::Arn> arn = aws::ParseArn(params.Get("TargetArn"));
    if (arn && arn->resource.starts_with("endpoint/")) {
      return InvalidParameter("TargetArn Reason: No endpoint found for the target arn specified");
    }
  }
  const TopicOrError found = FindTopic(call, parameter, "Publish");
  if (found.error) return *found.error;

  auto read = ReadContent(params, "", "messageAttributes");
  if (auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  auto& content = std::get<Content>(read);
  if (content.bytes > kMessageBytesMax) return InvalidParameter("Message too long");
  content.message.topic_arn = found.topic->arn;
  const Result<std::string> id = topics_.Publish(std::move(content.message));
  if (!id) return PublishError(id.error());
  aws::XmlWriter xml;
  xml.Text("MessageId", *id);
  return std::move(xml).Finish();
}

// Entries are checked before the first is published: what is wrong with one refuses all, as SNS
// does it. Only what cannot be stored fails by itself.
SnsApi::Reply SnsApi::PublishBatch(const Call& call) {
  const TopicOrError found = FindTopic(call, "TopicArn", "Publish");
  if (found.error) return *found.error;
  const auto read_ids = ReadEntryIds(call.params);
  if (const auto* error = std::get_if<aws::AwsError>(&read_ids)) return *error;
  const auto& ids = std::get<std::vector<std::string>>(read_ids);
  std::vector<Message> messages;
  std::size_t bytes = 0;
  for (std::size_t i = 1; i <= ids.size(); ++i) {
    auto read =
        ReadContent(call.params,
                    fmt::format("PublishBatchRequestEntries.member.{}.", i),
                    fmt::format("publishBatchRequestEntries.{}.member.messageAttributes", i));
    if (auto* error = std::get_if<aws::AwsError>(&read)) return *error;
    auto& content = std::get<Content>(read);
    bytes += content.bytes;
    content.message.topic_arn = found.topic->arn;
    messages.push_back(std::move(content.message));
  }
  if (bytes > kMessageBytesMax) {
    return aws::AwsError{400,
                         "BatchRequestTooLong",
                         "The length of all the messages put together is more than the limit."};
  }
  aws::XmlWriter successful;
  aws::XmlWriter failed;
  successful.Open("Successful");
  failed.Open("Failed");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Result<std::string> id = topics_.Publish(std::move(messages[i]));
    if (id) {
      successful.Open("member").Text("MessageId", *id).Text("Id", ids[i]).Close();
      continue;
    }
    const aws::AwsError error = PublishError(id.error());
    failed.Open("member")
        .Text("Id", ids[i])
        .Text("Code", error.code)
        .Text("Message", error.message)
        .Text("SenderFault", error.http_status < 500 ? "true" : "false")
        .Close();
  }
  return std::move(failed).Finish() + std::move(successful).Finish();
}

}  // namespace postglass::topics
