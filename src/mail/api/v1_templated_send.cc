#include <fmt/format.h>

#include <utility>

#include "base/awaited.h"
#include "mail/api/ses_errors.h"
#include "mail/api/templated_send.h"
#include "mail/api/v1_operations.h"
#include "mail/api/v1_send.h"
#include "mail/limits.h"

namespace postglass::mail::v1 {
namespace {

struct Subject {
  std::string name;
  ParsedContent content;
};

// The template that the call names, by name or by ARN.
std::variant<Subject, aws::AwsError> FindTemplate(const Call& call) {
  const auto name = call.params.Find("Template");
  if (!name) return V1Missing("template");
  const auto found = call.backend.templates.Find(*name);
  if (!found) return V1Error(MissingTemplate(*name));
  Result<ParsedContent> parsed = ParsedContent::Parse(found->content);
  if (!parsed) {
    return V1Error(
        SesError{SesError::Kind::kInvalidTemplate,
                 fmt::format("Template {} is invalid: {}.", *name, parsed.error().message)});
  }
  return Subject{found->name, std::move(*parsed)};
}

SendError Invalid(std::string message) {
  return {SendError::Kind::kInvalidParameter, std::move(message)};
}

Result<json::object> ReadData(std::string_view text) {
  Result<json::object> data = ParseTemplateData(text);
  if (data) return data;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("Template data is invalid: {}.", data.error().message));
}

}  // namespace

Answer SendTemplatedEmail(const Call& call) {
  constexpr std::string_view kOperation = "SendTemplatedEmail";
  const aws::QueryParams& params = call.params;
  if (!params.Find("Source")) return Refuse(call, kOperation, V1Missing("source"));
  if (!params.Find("TemplateData")) return Refuse(call, kOperation, V1Missing("templateData"));
  auto found = FindTemplate(call);
  if (auto* error = std::get_if<aws::AwsError>(&found)) {
    return Refuse(call, kOperation, std::move(*error));
  }
  const Subject& subject = std::get<Subject>(found);
  const Result<json::object> data = ReadData(params.Get("TemplateData"));
  if (!data) return Refuse(call, kOperation, V1Error(Invalid(data.error().message)));

  Submission submission = Begin(call, kOperation);
  submission.envelope_from = params.Get("ReturnPath");
  TemplatedMail mail{subject.content, subject.name, *data, {}};
  mail.message.from = params.Get("Source");
  mail.message.reply_to = params.List("ReplyToAddresses");
  ReadDestination(call, "Destination.", mail.message, submission);
  if (const Status filled = FillSubmission(std::move(mail), call.backend, submission); !filled) {
    return Refuse(call, kOperation, V1Error(Invalid(filled.error().message)));
  }
  return Finish(call, std::move(submission));
}

Answer SendBulkTemplatedEmail(const Call& call) {
  constexpr std::string_view kOperation = "SendBulkTemplatedEmail";
  const aws::QueryParams& params = call.params;
  if (!params.Find("Source")) return Refuse(call, kOperation, V1Missing("source"));
  auto found = FindTemplate(call);
  if (auto* error = std::get_if<aws::AwsError>(&found)) {
    return Refuse(call, kOperation, std::move(*error));
  }
  const Subject& subject = std::get<Subject>(found);
  const std::size_t count = params.StructListSize("Destinations");
  if (count == 0) return Refuse(call, kOperation, V1Missing("destinations"));
  if (count > kBulkEntriesMax) {
    return Refuse(call,
                  kOperation,
                  V1Error(Invalid(fmt::format("Destinations count exceeds {}.", kBulkEntriesMax))));
  }
  const std::string_view set = params.Get("ConfigurationSetName");
  if (!set.empty() && !call.backend.configuration_sets.Find(set)) {
    return Refuse(call,
                  kOperation,
                  V1Error(SesError{SesError::Kind::kSetDoesNotExist,
                                   fmt::format("Configuration set <{}> does not exist.", set)}));
  }
  const Result<json::object> defaults = ReadData(params.Get("DefaultTemplateData"));
  if (!defaults) return Refuse(call, kOperation, V1Error(Invalid(defaults.error().message)));

  std::vector<BulkEntry> entries;
  for (std::size_t i = 1; i <= count; ++i) {
    const std::string prefix = fmt::format("Destinations.member.{}.", i);
    const Result<json::object> own = ReadData(params.Get(prefix + "ReplacementTemplateData"));
    if (!own) {
      entries.emplace_back(Invalid(own.error().message));
      continue;
    }
    Submission submission = Begin(call, kOperation);
    submission.tags =
        MergeTags(ReadTags(params, "DefaultTags"), ReadTags(params, prefix + "ReplacementTags"));
    submission.envelope_from = params.Get("ReturnPath");
    TemplatedMail mail{subject.content, subject.name, own->empty() ? *defaults : *own, {}};
    mail.message.from = params.Get("Source");
    mail.message.reply_to = params.List("ReplyToAddresses");
    ReadDestination(call, prefix + "Destination.", mail.message, submission);
    if (const Status filled = FillSubmission(std::move(mail), call.backend, submission); !filled) {
      entries.emplace_back(Invalid(filled.error().message));
    } else {
      entries.emplace_back(std::move(submission));
    }
  }
  Awaited<std::vector<SendOutcome>> sent;
  SendAll(call.backend.mailer, std::move(entries), [&sent](std::vector<SendOutcome> outcomes) {
    sent.Set(std::move(outcomes));
  });
  aws::XmlWriter xml;
  xml.Open("Status");
  for (const SendOutcome& outcome : sent.Get()) {
    xml.Open("member").Text("Status", V1BulkStatus(outcome));
    if (const auto* error = std::get_if<SendError>(&outcome)) {
      xml.Text("Error", error->message);
    } else {
      xml.Text("MessageId", std::get<std::string>(outcome));
    }
    xml.Close();
  }
  return std::move(xml).Finish();
}

}  // namespace postglass::mail::v1
