#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v2_send.h"
#include "mail/limits.h"

namespace postglass::mail::v2 {
namespace {

// The name behind "template/" of an ARN of this account.
std::string TemplateName(const Call& call, const json::object& content) {
  const std::string name = json::GetStringOr(content, "TemplateName", "");
  if (!name.empty()) return name;
  const std::string arn = json::GetStringOr(content, "TemplateArn", "");
  const std::string prefix = call.backend.templates.ArnOf("");
  return arn.starts_with(prefix) ? arn.substr(prefix.size()) : arn;
}

}  // namespace

aws::AwsError BadRequest(std::string message) {
  return {400, "BadRequestException", std::move(message), true};
}

std::vector<MessageTag> ReadMessageTags(const json::object& body, std::string_view name) {
  std::vector<MessageTag> tags;
  const json::array* list = json::GetArray(body, name);
  if (list == nullptr) return tags;
  for (const json::value& item : *list) {
    const json::object* tag = item.if_object();
    if (tag == nullptr) continue;
    tags.push_back({json::GetStringOr(*tag, "Name", ""), json::GetStringOr(*tag, "Value", "")});
  }
  return tags;
}

Submission Begin(const Call& call, std::string_view operation) {
  Submission submission;
  submission.operation = operation;
  submission.source = json::GetStringOr(call.body, "FromEmailAddress", "");
  submission.envelope_from = json::GetStringOr(call.body, "FeedbackForwardingEmailAddress", "");
  if (const auto set = json::GetString(call.body, "ConfigurationSetName"); set && !set->empty()) {
    submission.configuration_set = std::string(*set);
  }
  submission.source_ip = call.request.http.peer_address;
  submission.caller = call.request.caller.user_name;
  submission.message_bytes_max = kApiV2MessageBytesMax;
  return submission;
}

void ReadDestination(const json::object& parent, SimpleMessage& message, Submission& submission) {
  const json::object none;
  const json::object* destination = json::GetObject(parent, "Destination");
  if (destination == nullptr) destination = &none;
  message.to = ReadStrings(*destination, "ToAddresses");
  message.cc = ReadStrings(*destination, "CcAddresses");
  submission.destinations = message.to;
  for (const std::string& address : message.cc) submission.destinations.push_back(address);
  for (std::string& address : ReadStrings(*destination, "BccAddresses")) {
    submission.destinations.push_back(std::move(address));
  }
}

std::optional<aws::AwsError> ReadHeaders(const json::object& parent,
                                         std::string_view name,
                                         SimpleMessage& message) {
  const json::array* headers = json::GetArray(parent, name);
  if (headers == nullptr) return std::nullopt;
  for (const json::value& item : *headers) {
    const json::object* header = item.if_object();
    const auto key = header != nullptr ? json::GetString(*header, "Name") : std::nullopt;
    const auto value = header != nullptr ? json::GetString(*header, "Value") : std::nullopt;
    if (!key || !value) return V2Missing("content.simple.headers");
    message.headers.emplace_back(*key, *value);
  }
  return std::nullopt;
}

std::optional<aws::AwsError> ReadAttachments(const json::object& content, SimpleMessage& message) {
  const json::array* attachments = json::GetArray(content, "Attachments");
  if (attachments == nullptr) return std::nullopt;
  for (const json::value& item : *attachments) {
    if (!item.is_object()) return V2Missing("content.simple.attachments.rawContent");
    const json::object& object = item.as_object();
    std::optional<std::string> bytes =
        Base64Decode(json::GetString(object, "RawContent").value_or(""));
    if (!bytes) return BadRequest("RawContent of an attachment is not base64.");
    Attachment attachment;
    attachment.bytes = std::move(*bytes);
    attachment.content_type = json::GetStringOr(object, "ContentType", "");
    attachment.file_name = json::GetStringOr(object, "FileName", "");
    attachment.description = json::GetStringOr(object, "ContentDescription", "");
    attachment.content_id = json::GetStringOr(object, "ContentId", "");
    attachment.is_inline = json::GetString(object, "ContentDisposition") == "INLINE";
    if (attachment.file_name.empty()) return V2Missing("content.simple.attachments.fileName");
    message.attachments.push_back(std::move(attachment));
  }
  return std::nullopt;
}

std::variant<NamedContent, aws::AwsError> FindTemplate(const Call& call,
                                                       const json::object& content) {
  if (const json::object* inline_content = json::GetObject(content, "TemplateContent")) {
    const TemplateContent given = ReadTemplateContent(*inline_content);
    if (!given.subject) return V2Missing("content.template.templateContent.subject");
    if (!given.text && !given.html) {
      return BadRequest("The text part or the HTML part must be specified.");
    }
    Result<ParsedContent> parsed = ParsedContent::Parse(given);
    if (!parsed) {
      return BadRequest(fmt::format("The template is invalid: {}.", parsed.error().message));
    }
    return NamedContent{"", std::move(*parsed)};
  }
  const std::string name = TemplateName(call, content);
  if (name.empty()) return V2Missing("content.template.templateName");
  const auto found = call.backend.templates.Find(name);
  if (!found) return V2Error(MissingTemplate(name));
  Result<ParsedContent> parsed = ParsedContent::Parse(found->content);
  if (!parsed) {
    return BadRequest(fmt::format("Template {} is invalid: {}.", name, parsed.error().message));
  }
  return NamedContent{name, std::move(*parsed)};
}

std::variant<json::object, aws::AwsError> ReadTemplateData(const json::object& parent,
                                                           std::string_view name) {
  Result<json::object> data = ParseTemplateData(json::GetString(parent, name).value_or(""));
  if (!data) return BadRequest(fmt::format("Template data is invalid: {}.", data.error().message));
  return std::move(*data);
}

}  // namespace postglass::mail::v2
