#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/templated_send.h"
#include "mail/api/v2_send.h"
#include "mail/limits.h"

namespace postglass::mail::v2 {
namespace {

constexpr std::string_view kOperation = "SendBulkEmail";

SendError Invalid(const aws::AwsError& error) {
  return {SendError::Kind::kInvalidParameter, error.message};
}

// What all entries share.
struct Defaults {
  NamedContent named;
  json::object data;
  std::vector<MessageTag> tags;
  SimpleMessage message;  // sender, reply-to, headers and attachments
};

BulkEntry MakeEntry(const Call& call, const Defaults& defaults, const json::object& entry) {
  Submission submission = Begin(call, kOperation);
  submission.tags = MergeTags(defaults.tags, ReadMessageTags(entry, "ReplacementTags"));
  json::object own;
  if (const json::object* content = json::GetObject(entry, "ReplacementEmailContent")) {
    if (const json::object* replacement = json::GetObject(*content, "ReplacementTemplate")) {
      auto data = ReadTemplateData(*replacement, "ReplacementTemplateData");
      if (const auto* error = std::get_if<aws::AwsError>(&data)) return Invalid(*error);
      own = std::move(std::get<json::object>(data));
    }
  }
  TemplatedMail mail{defaults.named.content,
                     defaults.named.name,
                     own.empty() ? defaults.data : own,
                     defaults.message};
  SimpleMessage replaced;
  if (auto error = ReadHeaders(entry, "ReplacementHeaders", replaced)) return Invalid(*error);
  for (const auto& header : mail.message.headers) {
    const bool is_replaced =
        std::any_of(replaced.headers.begin(), replaced.headers.end(), [&](const auto& other) {
          return EqualsIgnoreAsciiCase(other.first, header.first);
        });
    if (!is_replaced) replaced.headers.push_back(header);
  }
  mail.message.headers = std::move(replaced.headers);
  ReadDestination(entry, mail.message, submission);
  if (const Status filled = FillSubmission(std::move(mail), call.backend, submission); !filled) {
    return SendError{SendError::Kind::kInvalidParameter, filled.error().message};
  }
  return submission;
}

ReadyAnswer Render(const std::vector<SendOutcome>& outcomes) {
  json::array results;
  for (const SendOutcome& outcome : outcomes) {
    json::object result{{"Status", V2BulkStatus(outcome)}};
    if (const auto* error = std::get_if<SendError>(&outcome)) {
      result["Error"] = error->message;
    } else {
      result["MessageId"] = std::get<std::string>(outcome);
    }
    results.push_back(std::move(result));
  }
  return json::object{{"BulkEmailEntryResults", std::move(results)}};
}

std::variant<Defaults, aws::AwsError> ReadDefaults(const Call& call) {
  const json::object* content = json::GetObject(call.body, "DefaultContent");
  if (content == nullptr) return V2Missing("defaultContent");
  const json::object* given = json::GetObject(*content, "Template");
  if (given == nullptr) return V2Missing("defaultContent.template");
  if (json::GetStringOr(call.body, "FromEmailAddress", "").empty()) {
    return BadRequest("Missing required header 'From'.");
  }
  auto named = FindTemplate(call, *given);
  if (auto* error = std::get_if<aws::AwsError>(&named)) return std::move(*error);
  auto data = ReadTemplateData(*given, "TemplateData");
  if (auto* error = std::get_if<aws::AwsError>(&data)) return std::move(*error);
  Defaults defaults{std::move(std::get<NamedContent>(named)),
                    std::move(std::get<json::object>(data)),
                    ReadMessageTags(call.body, "DefaultEmailTags"),
                    {}};
  defaults.message.from = json::GetStringOr(call.body, "FromEmailAddress", "");
  defaults.message.reply_to = ReadStrings(call.body, "ReplyToAddresses");
  if (auto error = ReadHeaders(*given, "Headers", defaults.message)) return std::move(*error);
  if (auto error = ReadAttachments(*given, defaults.message)) return std::move(*error);
  return defaults;
}

std::variant<std::vector<BulkEntry>, aws::AwsError> ReadEntries(const Call& call) {
  const json::array* list = json::GetArray(call.body, "BulkEmailEntries");
  if (list == nullptr || list->empty()) return V2Missing("bulkEmailEntries");
  if (list->size() > kBulkEntriesMax) {
    return BadRequest(fmt::format("Bulk email entries count exceeds {}.", kBulkEntriesMax));
  }
  const std::string set = json::GetStringOr(call.body, "ConfigurationSetName", "");
  if (!set.empty() && !call.backend.configuration_sets.Find(set)) {
    return V2Error(SesError{SesError::Kind::kSetDoesNotExist,
                            fmt::format("Configuration set <{}> does not exist.", set)});
  }
  auto read = ReadDefaults(call);
  if (auto* error = std::get_if<aws::AwsError>(&read)) return std::move(*error);
  const Defaults& defaults = std::get<Defaults>(read);
  std::vector<BulkEntry> entries;
  for (const json::value& item : *list) {
    const json::object* entry = item.if_object();
    if (entry == nullptr) return V2Missing("bulkEmailEntries.destination");
    entries.push_back(MakeEntry(call, defaults, *entry));
  }
  return entries;
}

}  // namespace

Answer SendBulkEmail(const Call& call) {
  auto entries = ReadEntries(call);
  if (auto* error = std::get_if<aws::AwsError>(&entries)) {
    CountRefused(call.backend.metrics, kOperation);
    return std::move(*error);
  }
  return LaterAnswer{[&mailer = call.backend.mailer,
                      kept = std::make_shared<std::vector<BulkEntry>>(
                          std::move(std::get<std::vector<BulkEntry>>(entries)))](
                         std::function<void(ReadyAnswer)> respond) {
    SendAll(mailer,
            std::move(*kept),
            [respond = std::move(respond)](const std::vector<SendOutcome>& outcomes) {
              respond(Render(outcomes));
            });
  }};
}

}  // namespace postglass::mail::v2
