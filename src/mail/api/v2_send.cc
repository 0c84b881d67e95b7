#include "mail/api/v2_send.h"

#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/templated_send.h"
#include "mail/message_builder.h"

namespace postglass::mail::v2 {
namespace {

// The text of {"Data": …, "Charset": …}. JSON is Unicode already, and the mail will be UTF-8
// whatever the charset says.
std::optional<std::string> ReadData(const json::object& parent, std::string_view name) {
  const json::object* content = json::GetObject(parent, name);
  const auto data = content != nullptr ? json::GetString(*content, "Data") : std::nullopt;
  return data ? std::optional(std::string(*data)) : std::nullopt;
}

std::optional<aws::AwsError> BuildSimple(const Call& call,
                                         const json::object& simple,
                                         SimpleMessage message,
                                         Submission& submission) {
  std::optional<std::string> subject = ReadData(simple, "Subject");
  if (!subject) return V2Missing("content.simple.subject.data");
  message.subject = std::move(*subject);
  const json::object* body = json::GetObject(simple, "Body");
  if (body == nullptr) return V2Missing("content.simple.body");
  message.text = ReadData(*body, "Text");
  message.html = ReadData(*body, "Html");
  if (auto error = ReadHeaders(simple, "Headers", message)) return error;
  if (auto error = ReadAttachments(simple, message)) return error;
  Result<std::string> raw = BuildMessage(message, call.backend.random);
  if (!raw) return BadRequest(std::move(raw.error().message));
  submission.raw = std::move(*raw);
  return std::nullopt;
}

std::optional<aws::AwsError> BuildTemplated(const Call& call,
                                            const json::object& content,
                                            SimpleMessage message,
                                            Submission& submission) {
  submission.operation = "SendTemplatedEmail";
  const auto named = FindTemplate(call, content);
  if (const auto* error = std::get_if<aws::AwsError>(&named)) return *error;
  const auto data = ReadTemplateData(content, "TemplateData");
  if (const auto* error = std::get_if<aws::AwsError>(&data)) return *error;
  if (auto error = ReadHeaders(content, "Headers", message)) return error;
  if (auto error = ReadAttachments(content, message)) return error;
  const NamedContent& found = std::get<NamedContent>(named);
  const Status filled =
      FillSubmission({found.content, found.name, std::get<json::object>(data), std::move(message)},
                     call.backend,
                     submission);
  if (!filled) return BadRequest(filled.error().message);
  return std::nullopt;
}

// Fills message and recipients in; an error when the content cannot be made a message.
std::optional<aws::AwsError> ReadContent(const Call& call, Submission& submission) {
  SimpleMessage message;
  message.from = submission.source;
  message.reply_to = ReadStrings(call.body, "ReplyToAddresses");
  ReadDestination(call.body, message, submission);

  const json::object* content = json::GetObject(call.body, "Content");
  if (content == nullptr) return V2Missing("content");
  const json::object* simple = json::GetObject(*content, "Simple");
  const json::object* templated = json::GetObject(*content, "Template");
  if (simple != nullptr || templated != nullptr) {
    if (message.from.empty()) return BadRequest("Missing required header 'From'.");
    return simple != nullptr ? BuildSimple(call, *simple, std::move(message), submission)
                             : BuildTemplated(call, *templated, std::move(message), submission);
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
  Submission submission = Begin(call, "SendEmail");
  submission.tags = ReadMessageTags(call.body, "EmailTags");
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
