#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>

#include "aws/arn.h"
#include "base/encoding.h"
#include "topics/limits.h"
#include "topics/sns_api.h"
#include "topics/sns_errors.h"

// Publish, and the checks of what is published.

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
  return std::nullopt;
}

// One attribute of MessageAttributes.entry.N.
std::variant<MessageAttribute, aws::AwsError> ReadAttribute(const aws::QueryParams& params,
                                                            const std::string& prefix) {
  MessageAttribute attribute;
  attribute.name = params.Get(prefix + ".Name");
  if (auto error = CheckAttributeName(attribute.name)) return *error;
  const auto type = params.Find(prefix + ".Value.DataType");
  if (!type) {
    return aws::AwsError{
        400,
        "ValidationError",
        fmt::format("1 validation error detected: Value null at 'messageAttributes.{}.member."
                    "dataType' failed to satisfy constraint: Member must not be null",
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
  for (const Protocol protocol : {Protocol::kHttp, Protocol::kHttps, Protocol::kLambda}) {
    if (const auto own = json::GetString(*bodies, ProtocolName(protocol))) {
      message.body_by_protocol.emplace(ProtocolName(protocol), *own);
    }
  }
  message.body = std::string(*fallback);
  return std::nullopt;
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

  Message message;
  message.topic_arn = found.topic->arn;
  message.body = ToValidUtf8(params.Get("Message"));
  if (message.body.empty()) return InvalidParameter("Empty message");
  if (const auto subject = params.Find("Subject")) {
    if (!IsSubject(*subject)) return InvalidParameter("Subject");
    message.subject = *subject;
  }
  std::size_t bytes = message.body.size();
  for (std::size_t i = 1; params.HasPrefix(fmt::format("MessageAttributes.entry.{}", i)); ++i) {
    auto read = ReadAttribute(params, fmt::format("MessageAttributes.entry.{}", i));
    if (auto* error = std::get_if<aws::AwsError>(&read)) return *error;
    auto& attribute = std::get<MessageAttribute>(read);
    bytes += attribute.name.size() + attribute.type.size() + attribute.value.size();
    message.attributes.push_back(std::move(attribute));
  }
  if (bytes > kMessageBytesMax) return InvalidParameter("Message too long");
  if (params.Get("MessageStructure") == "json") {
    if (auto error = TakeStructure(message)) return *error;
  }
  Result<std::string> id = topics_.Publish(std::move(message));
  if (!id) {
    return id.error().code == ErrorCode::kNotFound ? TopicNotFound() : StorageError(id.error());
  }
  aws::XmlWriter xml;
  xml.Text("MessageId", *id);
  return std::move(xml).Finish();
}

}  // namespace postglass::topics
