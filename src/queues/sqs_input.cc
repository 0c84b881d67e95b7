#include "queues/sqs_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/encoding.h"
#include "base/log.h"
#include "queues/limits.h"

namespace postglass::queues {
namespace {

constexpr std::size_t kBatchIdCharactersMax = 80;  // [SQS]

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// XML 1.0's characters, as SQS asks for: no control characters but tab and line ends.
bool HasGoodCharacters(std::string_view text) {
  if (!IsUtf8(text)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
    // U+FFFE and U+FFFF
    if (c == 0xEF && i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0xBF &&
        static_cast<unsigned char>(text[i + 2]) >= 0xBE) {
      return false;
    }
  }
  return true;
}

std::optional<aws::AwsError> CheckAttributeName(std::string_view name) {
  const bool good =
      !name.empty() && name.size() <= 256 && name.front() != '.' && name.back() != '.' &&
      name.find("..") == std::string_view::npos &&
      std::all_of(name.begin(), name.end(), [](char c) { return IsNameCharacter(c) || c == '.'; });
  if (good) return std::nullopt;
  return InvalidParameterValue(
      fmt::format("The message attribute name '{}' is invalid. Attribute name can contain A-Z, "
                  "a-z, 0-9, underscore (_), hyphen (-), and period (.) characters.",
                  name));
}

std::variant<MessageAttribute, aws::AwsError> ReadAttribute(std::string_view name,
                                                            const json::value& value) {
  if (auto error = CheckAttributeName(name)) return *error;
  const json::object* o = value.if_object();
  MessageAttribute attribute;
  attribute.name = std::string(name);
  attribute.type = o == nullptr ? "" : json::GetStringOr(*o, "DataType", "");
  if (attribute.type.empty()) {
    return InvalidParameterValue(fmt::format(
        "The message attribute '{}' must contain a non-empty message attribute type.", name));
  }
  const std::string kind = attribute.type.substr(0, attribute.type.find('.'));
  if (attribute.type.size() > 256 || (kind != "String" && kind != "Number" && kind != "Binary")) {
    return InvalidParameterValue(
        fmt::format("The message attribute '{}' has an invalid message attribute type, the set of "
                    "supported type prefixes is Binary, Number, and String.",
                    name));
  }
  const bool binary = kind == "Binary";
  const auto text = json::GetString(*o, binary ? "BinaryValue" : "StringValue");
  if (!text || text->empty()) {
    return InvalidParameterValue(fmt::format(
        "The message attribute '{}' must contain a non-empty message attribute value for message "
        "attribute type '{}'.",
        name,
        kind));
  }
  if (binary) {
    const std::optional<std::string> bytes = Base64Decode(*text);
    if (!bytes) {
      return InvalidParameterValue(
          fmt::format("The message attribute '{}' holds no base64.", name));
    }
    attribute.value = *bytes;
    return attribute;
  }
  attribute.value = std::string(*text);
  if (!HasGoodCharacters(attribute.value)) {
    return InvalidParameterValue(
        fmt::format("The message attribute '{}' has invalid characters.", name));
  }
  return attribute;
}

}  // namespace

aws::AwsError InvalidParameterValue(std::string message) {
  return {400, "InvalidParameterValueException", std::move(message)};
}

aws::AwsError MissingParameter(std::string_view name) {
  return {400,
          "MissingRequiredParameterException",
          fmt::format("The request must contain the parameter {}.", name)};
}

aws::AwsError QueueDoesNotExist() {
  return {400, "QueueDoesNotExist", "The specified queue does not exist."};
}

aws::AwsError InvalidReceiptHandle(std::string_view handle) {
  return {404,
          "ReceiptHandleIsInvalid",
          fmt::format("The input receipt handle \"{}\" is not a valid receipt handle.", handle)};
}

aws::AwsError StorageError(const Error& error) {
  if (error.code == ErrorCode::kLimit) return {403, "OverLimit", error.message};
  log::Error("queues", "SQS call failed: {}", error.message);
  return {503, "ServiceUnavailable", "Service is unavailable. Please try again.", false};
}

std::optional<std::string> FindText(const json::object& input, std::string_view name) {
  const json::value* value = input.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (const json::string* text = value->if_string()) return std::string(*text);
  return json::Serialize(*value);
}

NumberOrError ReadNumber(const json::object& input,
                         std::string_view name,
                         std::int64_t min,
                         std::int64_t max) {
  const std::optional<std::string> text = FindText(input, name);
  if (!text) return {};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  const bool whole = error == std::errc() && end == text->data() + text->size();
  if (whole && number >= min && number <= max) return {number, std::nullopt};
  return {std::nullopt,
          InvalidParameterValue(
              fmt::format("Value {} for parameter {} is invalid. Reason: Must be between {} and "
                          "{}, if provided.",
                          *text,
                          name,
                          min,
                          max))};
}

std::vector<std::string> ReadTexts(const json::object& input, std::string_view name) {
  std::vector<std::string> texts;
  if (const json::array* items = json::GetArray(input, name)) {
    for (const json::value& item : *items) {
      if (const json::string* text = item.if_string()) texts.emplace_back(*text);
    }
  }
  return texts;
}

Attributes ReadTextMap(const json::object& input, std::string_view name) {
  Attributes map;
  if (const json::object* o = json::GetObject(input, name)) {
    for (const auto& entry : *o) {
      if (const json::string* text = entry.value().if_string()) {
        map.insert_or_assign(std::string(entry.key()), std::string(*text));
      }
    }
  }
  return map;
}

std::variant<MessageInput, aws::AwsError> ReadMessage(const json::object& input,
                                                      std::size_t bytes_max) {
  MessageInput read;
  const auto body = json::GetString(input, "MessageBody");
  if (!body) return MissingParameter("MessageBody");
  if (body->empty()) return InvalidParameterValue("Message body can't be empty.");
  if (!HasGoodCharacters(*body)) {
    return aws::AwsError{400,
                         "InvalidMessageContents",
                         "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
                         "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"};
  }
  read.message.body = std::string(*body);
  read.bytes = body->size();
  const NumberOrError delay = ReadNumber(input, "DelaySeconds", 0, kDelayMax.count());
  if (delay.error) return *delay.error;
  read.delay_seconds = delay.number;
  if (const json::object* attributes = json::GetObject(input, "MessageAttributes")) {
    if (attributes->size() > kMessageAttributesMax) {
      return InvalidParameterValue(
          fmt::format("Number of message attributes [{}] exceeds the "
                      "allowed maximum [{}].",
                      attributes->size(),
                      kMessageAttributesMax));
    }
    for (const auto& entry : *attributes) {
      auto attribute = ReadAttribute(entry.key(), entry.value());
      if (auto* error = std::get_if<aws::AwsError>(&attribute)) return *error;
      auto& good = std::get<MessageAttribute>(attribute);
      read.bytes += good.name.size() + good.type.size() + good.value.size();
      read.message.attributes.push_back(std::move(good));
    }
    std::sort(read.message.attributes.begin(),
              read.message.attributes.end(),
              [](const MessageAttribute& a, const MessageAttribute& b) { return a.name < b.name; });
  }
  if (const json::object* system = json::GetObject(input, "MessageSystemAttributes")) {
    if (const json::object* trace = json::GetObject(*system, "AWSTraceHeader")) {
      read.message.trace_header = json::GetStringOr(*trace, "StringValue", "");
    }
  }
  if (read.bytes > bytes_max) {
    return InvalidParameterValue(fmt::format(
        "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
        bytes_max));
  }
  return read;
}

std::variant<std::vector<const json::object*>, aws::AwsError> ReadEntries(const json::object& input,
                                                                          std::string_view what) {
  std::vector<const json::object*> entries;
  if (const json::array* items = json::GetArray(input, "Entries")) {
    for (const json::value& item : *items) {
      if (const json::object* o = item.if_object()) entries.push_back(o);
    }
  }
  if (entries.empty()) {
    return aws::AwsError{400,
                         "EmptyBatchRequest",
                         fmt::format("There should be at least one {} in the request.", what)};
  }
  if (entries.size() > kBatchEntriesMax) {
    return aws::AwsError{400,
                         "TooManyEntriesInBatchRequest",
                         fmt::format("Maximum number of entries per request are {}. You have sent "
                                     "{}.",
                                     kBatchEntriesMax,
                                     entries.size())};
  }
  std::set<std::string> ids;
  for (const json::object* entry : entries) {
    const std::string id = json::GetStringOr(*entry, "Id", "");
    if (id.empty() || id.size() > kBatchIdCharactersMax ||
        !std::all_of(id.begin(), id.end(), IsNameCharacter)) {
      return aws::AwsError{400,
                           "InvalidBatchEntryId",
                           "A batch entry id can only contain alphanumeric characters, hyphens and "
                           "underscores. It can be at most 80 letters long."};
    }
    if (!ids.insert(id).second) {
      return aws::AwsError{400, "BatchEntryIdsNotDistinct", fmt::format("Id {} repeated.", id)};
    }
  }
  return entries;
}

}  // namespace postglass::queues
