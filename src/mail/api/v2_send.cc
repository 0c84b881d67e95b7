#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"
#include "mail/limits.h"
#include "mail/message_builder.h"

namespace postglass::mail::v2 {
namespace {

aws::AwsError BadRequest(std::string message) {
  return {400, "BadRequestException", std::move(message), true};
}

// The text of {"Data": …, "Charset": …}. JSON is Unicode already, and the mail will be UTF-8
// whatever the charset says.
std::optional<std::string> ReadData(const json::object& parent, std::string_view name) {
  const json::object* content = json::GetObject(parent, name);
  const auto data = content != nullptr ? json::GetString(*content, "Data") : std::nullopt;
  return data ? std::optional(std::string(*data)) : std::nullopt;
}

std::optional<aws::AwsError> ReadHeaders(const json::object& simple, SimpleMessage& message) {
  const json::array* headers = json::GetArray(simple, "Headers");
  if (headers == nullptr) return std::nullopt;
  for (const json::value& item : *headers) {
    const json::object* header = item.if_object();
    const auto name = header != nullptr ? json::GetString(*header, "Name") : std::nullopt;
    const auto value = header != nullptr ? json::GetString(*header, "Value") : std::nullopt;
    if (!name || !value) return V2Missing("content.simple.headers");
    message.headers.emplace_back(*name, *value);
  }
  return std::nullopt;
}

std::optional<aws::AwsError> ReadAttachments(const json::object& simple, SimpleMessage& message) {
  const json::array* attachments = json::GetArray(simple, "Attachments");
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

std::optional<aws::AwsError> BuildSimple(const Call& call,
                                         const json::object& simple,
                                         const std::vector<std::string>& to,
                                         const std::vector<std::string>& cc,
                                         Submission& submission) {
  SimpleMessage message;
  message.from = submission.source;
  message.to = to;
  message.cc = cc;
  message.reply_to = ReadStrings(call.body, "ReplyToAddresses");
  if (message.from.empty()) return BadRequest("Missing required header 'From'.");
  std::optional<std::string> subject = ReadData(simple, "Subject");
  if (!subject) return V2Missing("content.simple.subject.data");
  message.subject = std::move(*subject);
  const json::object* body = json::GetObject(simple, "Body");
  if (body == nullptr) return V2Missing("content.simple.body");
  message.text = ReadData(*body, "Text");
  message.html = ReadData(*body, "Html");
  if (auto error = ReadHeaders(simple, message)) return error;
  if (auto error = ReadAttachments(simple, message)) return error;
  Result<std::string> raw = BuildMessage(message, call.backend.random);
  if (!raw) return BadRequest(std::move(raw.error().message));
  submission.raw = std::move(*raw);
  return std::nullopt;
}

std::vector<MessageTag> ReadEmailTags(const json::object& body) {
  std::vector<MessageTag> tags;
  const json::array* list = json::GetArray(body, "EmailTags");
  if (list == nullptr) return tags;
  for (const json::value& item : *list) {
    const json::object* tag = item.if_object();
    if (tag == nullptr) continue;
    tags.push_back({json::GetStringOr(*tag, "Name", ""), json::GetStringOr(*tag, "Value", "")});
  }
  return tags;
}

// Fills message and recipients in; an error when the content cannot be made a message.
std::optional<aws::AwsError> ReadContent(const Call& call, Submission& submission) {
  const json::object none;
  const json::object* destination = json::GetObject(call.body, "Destination");
  if (destination == nullptr) destination = &none;
  const std::vector<std::string> to = ReadStrings(*destination, "ToAddresses");
  const std::vector<std::string> cc = ReadStrings(*destination, "CcAddresses");
  submission.destinations = to;
  for (const std::string& address : cc) submission.destinations.push_back(address);
  for (std::string& address : ReadStrings(*destination, "BccAddresses")) {
    submission.destinations.push_back(std::move(address));
  }

  const json::object* content = json::GetObject(call.body, "Content");
  if (content == nullptr) return V2Missing("content");
  if (json::GetObject(*content, "Template") != nullptr) {
    return BadRequest("Template content is not supported here. Use Simple or Raw content.");
  }
  if (const json::object* simple = json::GetObject(*content, "Simple")) {
    return BuildSimple(call, *simple, to, cc, submission);
  }
  const json::object* raw = json::GetObject(*content, "Raw");
  if (raw == nullptr) return BadRequest("Content must have one of Simple, Raw and Template.");
  submission.operation = "SendRawEmail";
  const auto data = json::GetString(*raw, "Data");
  if (!data) return V2Missing("content.raw.data");
  std::optional<std::string> bytes = Base64Decode(*data);
  if (!bytes) return BadRequest("Raw.Data is not base64.");
  submission.raw = std::move(*bytes);
  return std::nullopt;
}

ReadyAnswer Render(const SendOutcome& outcome) {
  if (const auto* error = std::get_if<SendError>(&outcome)) return V2Error(*error);
  return json::object{{"MessageId", std::get<std::string>(outcome)}};
}

}  // namespace

Answer SendEmail(const Call& call) {
  Submission submission;
  submission.operation = "SendEmail";
  submission.source = json::GetStringOr(call.body, "FromEmailAddress", "");
  submission.envelope_from = json::GetStringOr(call.body, "FeedbackForwardingEmailAddress", "");
  if (const auto set = json::GetString(call.body, "ConfigurationSetName"); set && !set->empty()) {
    submission.configuration_set = std::string(*set);
  }
  submission.tags = ReadEmailTags(call.body);
  submission.source_ip = call.request.http.peer_address;
  submission.caller = call.request.caller.user_name;
  submission.message_bytes_max = kApiV2MessageBytesMax;
  if (std::optional<aws::AwsError> error = ReadContent(call, submission)) {
    CountRefused(call.backend.metrics, submission.operation);
    return std::move(*error);
  }
  // No thread waits for the disk: most of a send's time is its journal's.
  return LaterAnswer{[&mailer = call.backend.mailer, submission = std::move(submission)](
                         std::function<void(ReadyAnswer)> respond) mutable {
    mailer.SendAsync(std::move(submission), [respond = std::move(respond)](SendOutcome outcome) {
      respond(Render(outcome));
    });
  }};
}

}  // namespace postglass::mail::v2
