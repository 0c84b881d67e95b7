#include "mail/api/v1_send.h"

#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v1_operations.h"
#include "mail/limits.h"
#include "mail/message_builder.h"

namespace postglass::mail::v1 {

std::vector<MessageTag> ReadTags(const aws::QueryParams& params, std::string_view name) {
  std::vector<MessageTag> tags;
  const std::size_t count = params.StructListSize(name);
  for (std::size_t i = 1; i <= count; ++i) {
    const std::string prefix = fmt::format("{}.member.{}.", name, i);
    tags.push_back(
        {std::string(params.Get(prefix + "Name")), std::string(params.Get(prefix + "Value"))});
  }
  return tags;
}

Submission Begin(const Call& call, std::string_view operation) {
  Submission submission;
  submission.operation = operation;
  submission.source = call.params.Get("Source");
  if (const auto set = call.params.Find("ConfigurationSetName"); set && !set->empty()) {
    submission.configuration_set = std::string(*set);
  }
  submission.tags = ReadTags(call.params, "Tags");
  submission.source_ip = call.request.http.peer_address;
  submission.caller = call.request.caller.user_name;
  submission.message_bytes_max = kApiV1MessageBytesMax;
  return submission;
}

void ReadDestination(const Call& call,
                     const std::string& prefix,
                     SimpleMessage& message,
                     Submission& submission) {
  message.to = call.params.List(prefix + "ToAddresses");
  message.cc = call.params.List(prefix + "CcAddresses");
  submission.destinations = message.to;
  for (const std::string& address : message.cc) submission.destinations.push_back(address);
  for (std::string& address : call.params.List(prefix + "BccAddresses")) {
    submission.destinations.push_back(std::move(address));
  }
}

Answer Finish(const Call& call, Submission submission) {
  const SendOutcome outcome = call.backend.mailer.Send(std::move(submission));
  if (const auto* error = std::get_if<SendError>(&outcome)) return V1Error(*error);
  aws::XmlWriter xml;
  xml.Text("MessageId", std::get<std::string>(outcome));
  return std::move(xml).Finish();
}

Answer Refuse(const Call& call, std::string_view operation, aws::AwsError error) {
  CountRefused(call.backend.metrics, operation);
  return error;
}

Answer SendEmail(const Call& call) {
  constexpr std::string_view kOperation = "SendEmail";
  const aws::QueryParams& params = call.params;
  for (const auto& [name, path] :
       {std::pair{"Source", "source"}, std::pair{"Message.Subject.Data", "message.subject.data"}}) {
    if (!params.Find(name)) return Refuse(call, kOperation, V1Missing(path));
  }
  SimpleMessage message;
  message.from = params.Get("Source");
  message.reply_to = params.List("ReplyToAddresses");
  message.subject = params.Get("Message.Subject.Data");
  if (const auto text = params.Find("Message.Body.Text.Data")) message.text = std::string(*text);
  if (const auto html = params.Find("Message.Body.Html.Data")) message.html = std::string(*html);

  Submission submission = Begin(call, kOperation);
  submission.envelope_from = params.Get("ReturnPath");
  ReadDestination(call, "Destination.", message, submission);
  Result<std::string> raw = BuildMessage(message, call.backend.random);
  if (!raw) {
    return Refuse(
        call,
        kOperation,
        V1Error(SendError{SendError::Kind::kInvalidParameter, std::move(raw.error().message)}));
  }
  submission.raw = std::move(*raw);
  return Finish(call, std::move(submission));
}

Answer SendRawEmail(const Call& call) {
  constexpr std::string_view kOperation = "SendRawEmail";
  const auto data = call.params.Find("RawMessage.Data");
  if (!data) return Refuse(call, kOperation, V1Missing("rawMessage.data"));
  std::optional<std::string> raw = Base64Decode(*data);
  if (!raw) {
    return Refuse(
        call, kOperation, {400, "InvalidParameterValue", "RawMessage.Data is not base64.", true});
  }
  Submission submission = Begin(call, kOperation);
  submission.destinations = call.params.List("Destinations");
  submission.raw = std::move(*raw);
  return Finish(call, std::move(submission));
}

}  // namespace postglass::mail::v1
