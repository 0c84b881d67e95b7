#include "mail/mail_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "aws/policy.h"
#include "base/awaited.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "mail/address.h"
#include "mail/encoded_word.h"
#include "mail/event_json.h"
#include "mail/header_block.h"
#include "mail/limits.h"
#include "mail/message_id.h"
#include "mail/message_tags.h"
#include "mail/outgoing_message.h"

namespace postglass::mail {
namespace {

using Kind = SendError::Kind;

constexpr std::string_view kDefaultSet = "default";
constexpr std::string_view kSimulatorDomain = "simulator.amazonses.com";

constexpr std::array<std::string_view, 7> kDoors = {"SendEmail",
                                                    "SendRawEmail",
                                                    "SendSmtpEmail",
                                                    "SendTemplatedEmail",
                                                    "SendBulkTemplatedEmail",
                                                    "SendBulkEmail",
                                                    "other"};

std::size_t DoorIndex(std::string_view operation) {
  const auto last = kDoors.end() - 1;
  return static_cast<std::size_t>(std::find(kDoors.begin(), last, operation) - kDoors.begin());
}

// Headers that readers take the first or the last of, as they please: two of them are refused, as
// by SES (Developer Guide, "Header fields").
constexpr std::array<std::string_view, 15> kOnceOnly = {"From",
                                                        "Sender",
                                                        "Reply-To",
                                                        "To",
                                                        "Cc",
                                                        "Bcc",
                                                        "Message-ID",
                                                        "In-Reply-To",
                                                        "References",
                                                        "Subject",
                                                        "Date",
                                                        "MIME-Version",
                                                        "Return-Path",
                                                        "Content-Type",
                                                        "Content-Transfer-Encoding"};

std::optional<SendError> CheckOnceOnly(const HeaderBlock& header) {
  std::uint32_t seen = 0;
  for (const HeaderField& field : header.fields()) {
    for (std::size_t i = 0; i < kOnceOnly.size(); ++i) {
      if (!EqualsIgnoreAsciiCase(field.name, kOnceOnly[i])) continue;
      if ((seen & (1U << i)) != 0) {
        return SendError{Kind::kInvalidParameter,
                         fmt::format("Duplicate header '{}'.", kOnceOnly[i])};
      }
      seen |= 1U << i;
    }
  }
  return std::nullopt;
}

std::string HeaderValue(const HeaderBlock& header, std::string_view name) {
  const HeaderField* field = header.Find(name);
  return field == nullptr ? std::string() : field->Value();
}

// What a Send event shows of a templated message, as recorded from SES.
std::string HeadersBeforeRendering(const HeaderBlock& header) {
  std::string out;
  for (const std::string_view name : {"From", "To", "Cc", "MIME-Version"}) {
    const HeaderField* field = header.Find(name);
    if (field != nullptr) out += field->bytes;
  }
  return out + "\r\n";
}

SendError Invalid(std::string message) { return {Kind::kInvalidParameter, std::move(message)}; }

}  // namespace

// What is known of a submission so far.
struct MailService::Draft {
  Submission submission;
  HeaderBlock header;  // views into submission.raw
  std::string source;  // as the event shows it
  std::string envelope_from;
  std::vector<std::string> senders;  // every address that must be verified
  std::vector<std::string> recipients;
  std::vector<MessageTag> tags;
  std::shared_ptr<const ConfigurationSet> set;  // null: none
};

MailService::MailService(const Dependencies& dependencies) : on_(dependencies) {
  for (std::size_t i = 0; i < kDoors.size(); ++i) {
    accepted_[i] = &on_.metrics.GetCounter(
        "postglass_mail_accepted_total", "Mails accepted, by operation.", {{"door", kDoors[i]}});
  }
}

SendOutcome MailService::Send(Submission submission) {
  Awaited<SendOutcome> sent;
  SendAsync(std::move(submission), [&sent](SendOutcome outcome) { sent.Set(std::move(outcome)); });
  return sent.Get();
}

void MailService::SendAsync(Submission submission, std::function<void(SendOutcome)> done) {
  Draft draft;
  draft.submission = std::move(submission);
  const std::size_t door = DoorIndex(draft.submission.operation);
  if (std::optional<SendError> refused = Prepare(draft)) {
    return done(Refuse(door, std::move(*refused)));
  }
  if (draft.submission.rendering_failure) return RecordFailure(draft, door, done);
  Mail mail = MakeMail(draft);
  std::string id = mail.message_id;
  const std::size_t recipients = mail.recipients.size();
  on_.spool.AcceptAsync(
      std::move(mail),
      [this, id = std::move(id), recipients, door, done = std::move(done)](Status kept) mutable {
        if (!kept) {
          return done(
              Refuse(door,
                     {Kind::kUnavailable,
                      fmt::format("The message could not be stored: {}", kept.error().message)}));
        }
        on_.account_state.Count(EventType::kSend, recipients);
        accepted_[door]->Add();
        done(std::move(id));
      });
}

// SES takes a message before it renders it; that it cannot is told by an event alone.
void MailService::RecordFailure(Draft& draft,
                                std::size_t door,
                                const std::function<void(SendOutcome)>& done) const {
  Mail mail = MakeMail(draft);
  const Status kept =
      on_.spool.Record({{mail.message_id, mail.configuration_set, std::move(mail.mail_object)},
                        std::move(*draft.submission.rendering_failure),
                        {}});
  if (!kept) {
    return done(Refuse(door,
                       {Kind::kUnavailable,
                        fmt::format("The message could not be stored: {}", kept.error().message)}));
  }
  accepted_[door]->Add();
  done(std::move(mail.message_id));
}

SendError MailService::Refuse(std::size_t door, SendError why) const {
  on_.metrics
      .GetCounter("postglass_mail_refused_total",
                  "Mails refused, by operation and reason.",
                  {{"door", kDoors[door]}, {"reason", SendErrorName(why.kind)}})
      .Add();
  return why;
}

std::optional<SendError> MailService::Prepare(Draft& draft) const {
  if (!on_.account_state.sending_enabled()) {
    return SendError{Kind::kAccountSendingPaused, "Sending is paused for this account."};
  }
  Submission& submission = draft.submission;
  if (submission.raw.size() > submission.message_bytes_max) {
    return SendError{Kind::kMessageTooLong,
                     fmt::format("Message length is more than {} bytes long: '{}'.",
                                 submission.message_bytes_max,
                                 submission.raw.size())};
  }
  submission.raw = NormalizeLineEnds(std::move(submission.raw));
  Result<HeaderBlock> header = HeaderBlock::Scan(submission.raw);
  if (!header) return Invalid("Message rejected: " + header.error().message + ".");
  draft.header = std::move(*header);
  if (auto error = CheckOnceOnly(draft.header)) return error;
  if (auto error = ReadSender(draft)) return error;
  if (auto error = ReadRecipients(draft)) return error;
  if (auto error = ReadTags(draft)) return error;
  if (auto error = ResolveSet(draft)) return error;
  if (auto error = CheckIdentities(draft)) return error;
  return Admit(draft);
}

std::optional<SendError> MailService::ReadSender(Draft& draft) const {
  const Submission& submission = draft.submission;
  const std::string from = HeaderValue(draft.header, "From");
  draft.source = submission.source.empty() ? from : submission.source;
  if (draft.source.empty()) return Invalid("Missing required header 'From'.");

  const auto add_all = [&](std::string_view value) -> std::optional<SendError> {
    Result<std::vector<Mailbox>> mailboxes = ParseAddressList(value);
    if (!mailboxes) return Invalid(mailboxes.error().message);
    for (Mailbox& mailbox : *mailboxes) draft.senders.push_back(std::move(mailbox.address));
    return std::nullopt;
  };
  if (auto error = add_all(draft.source)) return error;
  if (draft.senders.empty()) return Invalid("Illegal address");
  draft.envelope_from = draft.senders.front();
  if (!submission.envelope_from.empty()) {
    Result<Mailbox> mailbox = ParseMailbox(submission.envelope_from);
    if (!mailbox) return Invalid(mailbox.error().message);
    draft.envelope_from = mailbox->address;
    draft.senders.push_back(draft.envelope_from);
  }
  if (!submission.source.empty()) {
    if (auto error = add_all(from)) return error;
  }
  return add_all(HeaderValue(draft.header, "Sender"));
}

std::optional<SendError> MailService::ReadRecipients(Draft& draft) const {
  std::vector<std::string>& recipients = draft.recipients;
  const auto add = [&](std::string address) {
    // The same address twice is one recipient.
    if (std::find(recipients.begin(), recipients.end(), address) == recipients.end()) {
      recipients.push_back(std::move(address));
    }
  };
  for (const std::string& destination : draft.submission.destinations) {
    Result<Mailbox> mailbox = ParseMailbox(destination);
    if (!mailbox) return Invalid(mailbox.error().message);
    add(std::move(mailbox->address));
    if (recipients.size() > kRecipientsMax) break;
  }
  if (draft.submission.destinations.empty()) {
    for (const std::string_view name : {"To", "Cc", "Bcc"}) {
      Result<std::vector<Mailbox>> mailboxes = ParseAddressList(HeaderValue(draft.header, name));
      if (!mailboxes) return Invalid(mailboxes.error().message);
      for (Mailbox& mailbox : *mailboxes) add(std::move(mailbox.address));
    }
  }
  if (recipients.empty()) return Invalid("Missing required header 'To'.");
  if (recipients.size() > kRecipientsMax) {
    return Invalid(fmt::format("Recipient count exceeds {}.", kRecipientsMax));
  }
  return std::nullopt;
}

std::optional<SendError> MailService::ReadTags(Draft& draft) const {
  draft.tags = draft.submission.tags;
  if (draft.tags.empty()) {
    draft.tags = ParseMessageTagsHeader(HeaderValue(draft.header, "X-SES-MESSAGE-TAGS"));
  }
  if (std::optional<std::string> bad = CheckMessageTags(draft.tags))
    return Invalid(std::move(*bad));
  return std::nullopt;
}

std::optional<SendError> MailService::ResolveSet(Draft& draft) const {
  std::string name = draft.submission.configuration_set.value_or("");
  if (name.empty()) name = HeaderValue(draft.header, "X-SES-CONFIGURATION-SET");
  if (name.empty()) {
    const auto identity = on_.identities.Covering(draft.envelope_from);
    if (identity) name = identity->configuration_set;
  }
  if (name.empty()) {
    draft.set = on_.configuration_sets.Find(kDefaultSet);
  } else {
    draft.set = on_.configuration_sets.Find(name);
    if (!draft.set) {
      return SendError{Kind::kConfigurationSetDoesNotExist,
                       fmt::format("Configuration set <{}> does not exist.", ToValidUtf8(name))};
    }
  }
  if (draft.set && !draft.set->sending_enabled) {
    return SendError{Kind::kConfigurationSetSendingPaused,
                     fmt::format("Sending is paused for configuration set <{}>.", draft.set->name)};
  }
  return std::nullopt;
}

std::optional<SendError> MailService::CheckIdentities(const Draft& draft) const {
  std::optional<std::string> refused = on_.identities.CheckSending(draft.senders, draft.recipients);
  if (refused) return SendError{Kind::kMessageRejected, std::move(*refused)};
  return CheckPolicies(draft);
}

// There is one account, whose keys say what they may; of an identity's policies a Deny counts.
std::optional<SendError> MailService::CheckPolicies(const Draft& draft) const {
  const std::string& sender = draft.senders.front();
  const std::shared_ptr<const Identity> identity = on_.identities.Covering(sender);
  if (!identity || identity->policies.empty()) return std::nullopt;
  const std::string& operation = draft.submission.operation;
  aws::PolicyRequest request;
  request.principal_account = on_.account.account_id;
  request.principal_arn =
      fmt::format("arn:aws:iam::{}:user/{}", on_.account.account_id, draft.submission.caller);
  request.action = "ses:" + (operation == "SendSmtpEmail" ? "SendRawEmail" : operation);
  request.resource = on_.identities.ArnOf(identity->name);
  request.context = {{"ses:FromAddress", sender},
                     {"aws:SourceIp", draft.submission.source_ip},
                     {"aws:PrincipalArn", request.principal_arn},
                     {"aws:CurrentTime", FormatIso8601Millis(on_.clock.Now())}};
  for (const auto& [name, text] : identity->policies) {
    const Result<json::object> policy = json::ParseObject(text);
    if (!policy) continue;  // checked when it was put
    if (aws::EvaluatePolicy(*policy, request).decision != aws::Decision::kExplicitDeny) continue;
    return SendError{Kind::kAccessDenied,
                     fmt::format("User `{}' is not authorized to perform `{}' on resource `{}'",
                                 request.principal_arn,
                                 request.action,
                                 request.resource)};
  }
  return std::nullopt;
}

std::optional<SendError> MailService::Admit(const Draft& draft) const {
  const auto simulated = static_cast<std::size_t>(std::count_if(
      draft.recipients.begin(), draft.recipients.end(), [](const std::string& recipient) {
        return EqualsIgnoreAsciiCase(std::string_view(recipient).substr(recipient.rfind('@') + 1),
                                     kSimulatorDomain);
      }));
  switch (on_.account_state.Admit(draft.recipients.size(), simulated)) {
    case AccountState::Admission::kYes:
      return std::nullopt;
    case AccountState::Admission::kRateExceeded:
      return SendError{Kind::kRateExceeded, "Maximum sending rate exceeded."};
    case AccountState::Admission::kQuotaExceeded:
      return SendError{Kind::kDailyQuotaExceeded, "Daily message quota exceeded."};
  }
  return std::nullopt;
}

Mail MailService::MakeMail(Draft& draft) const {
  Mail mail;
  mail.accepted_at = on_.clock.Now();
  mail.message_id = MakeMessageId(on_.account.region, mail.accepted_at, on_.random);
  mail.source = draft.source;
  mail.envelope_from = std::move(draft.envelope_from);
  mail.recipients = std::move(draft.recipients);
  mail.subject = DecodeEncodedWords(HeaderValue(draft.header, "Subject"));
  if (draft.set) mail.configuration_set = draft.set->name;
  mail.suppressed = on_.suppression.Check(mail.recipients,
                                          draft.set ? draft.set->suppressed_reasons : std::nullopt);

  const std::string& sender = draft.senders.front();
  const std::shared_ptr<const Identity> identity = on_.identities.Covering(sender);
  const std::string_view source_identity = identity ? identity->name : sender;
  const auto shown_as = [&](const HeaderBlock& header, std::string_view identity_name) {
    return BuildMailObject({.account = on_.account,
                            .message_id = mail.message_id,
                            .accepted_at = mail.accepted_at,
                            .source = mail.source,
                            .source_identity = identity_name,
                            .destinations = mail.recipients,
                            .header = header,
                            .operation = draft.submission.operation,
                            .configuration_set = mail.configuration_set,
                            .source_ip = draft.submission.source_ip,
                            .caller = draft.submission.caller,
                            .tags = draft.tags,
                            .shows_headers = !draft.submission.rendering_failure});
  };
  mail.mail_object = shown_as(draft.header, source_identity);
  if (draft.submission.templated && !draft.submission.rendering_failure) {
    const std::string before = HeadersBeforeRendering(draft.header);
    if (const Result<HeaderBlock> header = HeaderBlock::Scan(before)) {
      mail.send_object = shown_as(*header, "");
    }
  }
  mail.raw = MakeOutgoingMessage(draft.header,
                                 {.message_id = mail.message_id,
                                  .region = on_.account.region,
                                  .accepted_at = mail.accepted_at});
  if (draft.set) {
    TrackingRewriter::Wanted wanted;
    wanted.opens = draft.set->Wants(EventType::kOpen);
    wanted.clicks = draft.set->Wants(EventType::kClick);
    wanted.secret_links = draft.set->TracksSecretLinks();
    if (draft.set->tracking) {
      wanted.redirect_domain = draft.set->tracking->custom_redirect_domain;
      wanted.https_policy = draft.set->tracking->https_policy;
    }
    if (wanted.opens || wanted.clicks) {
      mail.raw = on_.tracking.Rewrite(std::move(mail.raw), mail.message_id, wanted);
    }
  }
  return mail;
}

std::string_view SendErrorName(SendError::Kind kind) {
  switch (kind) {
    case Kind::kMessageRejected:
      return "message_rejected";
    case Kind::kAccessDenied:
      return "access_denied";
    case Kind::kInvalidParameter:
      return "invalid_parameter";
    case Kind::kMessageTooLong:
      return "message_too_long";
    case Kind::kConfigurationSetDoesNotExist:
      return "configuration_set_does_not_exist";
    case Kind::kConfigurationSetSendingPaused:
      return "configuration_set_sending_paused";
    case Kind::kAccountSendingPaused:
      return "account_sending_paused";
    case Kind::kRateExceeded:
      return "rate_exceeded";
    case Kind::kDailyQuotaExceeded:
      return "daily_quota_exceeded";
    case Kind::kUnavailable:
      return "unavailable";
  }
  return "unknown";
}

}  // namespace postglass::mail
