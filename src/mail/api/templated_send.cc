#include "mail/api/templated_send.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "base/time_format.h"
#include "mail/limits.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

struct BulkStatus {
  std::string_view v1;
  std::string_view v2;
};

BulkStatus StatusOf(const SendOutcome& outcome) {
  const auto* error = std::get_if<SendError>(&outcome);
  if (error == nullptr) return {"Success", "SUCCESS"};
  using Kind = SendError::Kind;
  switch (error->kind) {
    case Kind::kMessageRejected:
      return {"MessageRejected", "MESSAGE_REJECTED"};
    case Kind::kAccessDenied:
      return {"Failed", "FAILED"};
    case Kind::kInvalidParameter:
    case Kind::kMessageTooLong:
      return {"InvalidParameterValue", "INVALID_PARAMETER"};
    case Kind::kConfigurationSetDoesNotExist:
      return {"ConfigurationSetDoesNotExist", "CONFIGURATION_SET_NOT_FOUND"};
    case Kind::kConfigurationSetSendingPaused:
      return {"ConfigurationSetSendingPaused", "CONFIGURATION_SET_SENDING_PAUSED"};
    case Kind::kAccountSendingPaused:
      return {"AccountSendingPaused", "ACCOUNT_SENDING_PAUSED"};
    case Kind::kRateExceeded:
      return {"AccountThrottled", "ACCOUNT_THROTTLED"};
    case Kind::kDailyQuotaExceeded:
      return {"AccountDailyQuotaExceeded", "ACCOUNT_DAILY_QUOTA_EXCEEDED"};
    case Kind::kUnavailable:
      return {"TransientFailure", "TRANSIENT_FAILURE"};
  }
  return {"Failed", "FAILED"};
}

// The outcomes of a bulk send as they come in.
struct Gathering {
  std::vector<SendOutcome> outcomes;
  std::atomic<std::size_t> missing;
  std::function<void(std::vector<SendOutcome>)> done;

  void Set(std::size_t index, SendOutcome outcome) {
    outcomes[index] = std::move(outcome);
    if (missing.fetch_sub(1) == 1) done(std::exchange(outcomes, {}));
  }
};

std::string DateLine(Timestamp t) { return fmt::format("Date: {}\r\n", FormatMailDate(t)); }

}  // namespace

Status FillSubmission(TemplatedMail mail, const SesBackend& backend, Submission& submission) {
  submission.templated = true;
  SimpleMessage& message = mail.message;
  Result<RenderedContent> rendered = mail.content.Render(mail.data, submission.message_bytes_max);
  if (!rendered) {
    submission.rendering_failure =
        RenderingFailureDetail{std::string(mail.template_name), rendered.error().message};
    message.subject.clear();
    message.text = "";
    message.html.reset();
    message.attachments.clear();
  } else {
    message.subject = std::move(rendered->subject);
    message.text = std::move(rendered->text);
    message.html = std::move(rendered->html);
  }
  // SES puts its date into a templated message before it describes it in events.
  ASSIGN_OR_RETURN(submission.raw,
                   BuildMessage(message, backend.random, DateLine(backend.clock.Now())));
  return {};
}

Result<std::string> RenderForShow(const ParsedContent& content,
                                  const json::object& data,
                                  const SesBackend& backend) {
  ASSIGN_OR_RETURN(RenderedContent rendered, content.Render(data, kApiV1MessageBytesMax));
  SimpleMessage message;
  message.subject = std::move(rendered.subject);
  message.text = std::move(rendered.text);
  message.html = std::move(rendered.html);
  const Timestamp now = backend.clock.Now();
  const std::string head = fmt::format("{}Message-ID: <{}@{}.amazonses.com>\r\n",
                                       DateLine(now),
                                       MakeMessageId(backend.account.region, now, backend.random),
                                       backend.account.region);
  return BuildMessage(message, backend.random, head);
}

std::vector<MessageTag> MergeTags(const std::vector<MessageTag>& defaults,
                                  std::vector<MessageTag> own) {
  const std::size_t own_count = own.size();
  for (const MessageTag& tag : defaults) {
    const auto end = own.begin() + static_cast<std::ptrdiff_t>(own_count);
    const bool replaced = std::any_of(
        own.begin(), end, [&](const MessageTag& other) { return other.name == tag.name; });
    if (!replaced) own.push_back(tag);
  }
  return own;
}

void SendAll(Mailer& mailer,
             std::vector<BulkEntry> entries,
             std::function<void(std::vector<SendOutcome>)> done) {
  if (entries.empty()) return done({});
  auto gathering = std::make_shared<Gathering>();
  gathering->outcomes.resize(entries.size(), SendError{});
  gathering->missing = entries.size();
  gathering->done = std::move(done);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (auto* error = std::get_if<SendError>(&entries[i])) {
      gathering->Set(i, std::move(*error));
      continue;
    }
    mailer.SendAsync(
        std::move(std::get<Submission>(entries[i])),
        [gathering, i](SendOutcome outcome) { gathering->Set(i, std::move(outcome)); });
  }
}

std::string_view V1BulkStatus(const SendOutcome& outcome) { return StatusOf(outcome).v1; }

std::string_view V2BulkStatus(const SendOutcome& outcome) { return StatusOf(outcome).v2; }

}  // namespace postglass::mail
