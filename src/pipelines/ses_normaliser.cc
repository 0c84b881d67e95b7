#include "pipelines/ses_normaliser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/time_format.h"
#include "pipelines/bounce_class.h"
#include "pipelines/smtp_reply.h"
#include "pipelines/tree.h"

namespace postglass::pipelines {
namespace {

constexpr std::size_t kMessageRecipientsMax = 10;  // the rest is counted: the message is for eyes

struct SesType {
  std::string_view name;    // lower case, no blanks: SES spells "Rendering Failure" and others
  std::string_view member;  // of the record
  std::string_view event_name;
  std::string_view outcome;
  std::string_view status;
};

constexpr SesType kUnknownType = {"", "", "email.unknown", "unknown", "info"};
constexpr std::array<SesType, 10> kTypes = {{
    {"send", "send", "email.accepted", "success", "info"},
    {"delivery", "delivery", "email.delivered", "success", "ok"},
    {"deliverydelay", "deliveryDelay", "email.deferred", "unknown", "warn"},
    {"bounce", "bounce", "email.bounced", "failure", "warn"},
    {"complaint", "complaint", "email.complained", "failure", "error"},
    {"reject", "reject", "email.rejected", "failure", "error"},
    {"renderingfailure", "failure", "email.rejected", "failure", "error"},
    {"open", "open", "email.opened", "success", "info"},
    {"click", "click", "email.clicked", "success", "info"},
    {"subscription", "subscription", "email.unsubscribed", "success", "info"},
}};

const SesType& TypeOf(std::string_view label) {
  std::string name = AsciiLower(label);
  name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
  const auto found = std::find_if(
      kTypes.begin(), kTypes.end(), [&](const SesType& type) { return type.name == name; });
  return found == kTypes.end() ? kUnknownType : *found;
}

std::string_view StringIn(const json::object* o, std::string_view name) {
  if (o == nullptr) return {};
  return json::GetString(*o, name).value_or(std::string_view());
}

// "Name <a@b>" and "a@b" give a@b.
std::string_view AddressIn(std::string_view text) {
  const std::size_t close = text.rfind('>');
  const std::size_t open = close == std::string_view::npos ? close : text.rfind('<', close);
  if (open != std::string_view::npos) text = text.substr(open + 1, close - open - 1);
  return TrimAscii(text);
}

// One recipient of the event, with what its server said when the event carries that.
struct Recipient {
  std::string address;  // lower case
  std::string_view status;
  std::string_view diagnostic;
};

void AddRecipients(const json::array* list, std::vector<Recipient>& out) {
  if (list == nullptr) return;
  for (const json::value& element : *list) {
    if (element.is_string()) {
      out.push_back({AsciiLower(AddressIn(std::string_view(element.get_string()))), {}, {}});
    } else if (const json::object* o = element.if_object()) {
      out.push_back({AsciiLower(AddressIn(StringIn(o, "emailAddress"))),
                     StringIn(o, "status"),
                     StringIn(o, "diagnosticCode")});
    }
  }
}

std::vector<Recipient> RecipientsOf(const SesType& type,
                                    const json::object* detail,
                                    const json::object& mail) {
  std::vector<Recipient> recipients;
  if (detail != nullptr) {
    for (const std::string_view member :
         {"recipients", "bouncedRecipients", "complainedRecipients", "delayedRecipients"}) {
      AddRecipients(json::GetArray(*detail, member), recipients);
    }
  }
  // Send, open and click name nobody: the event is about every address of the mail.
  if (recipients.empty() || type.member.empty()) {
    recipients.clear();
    AddRecipients(json::GetArray(mail, "destination"), recipients);
  }
  return recipients;
}

// Distinct values in order; one is written as itself, several as an array.
class ValueSet {
 public:
  void Add(std::string_view text) {
    if (text.empty()) return;
    if (std::find(values_.begin(), values_.end(), text) == values_.end()) {
      values_.emplace_back(text);
    }
  }

  void WriteTo(json::object& o, std::string_view name) const {
    if (values_.size() == 1) {
      o[name] = values_.front();
    } else if (!values_.empty()) {
      WriteArrayTo(o, name);
    }
  }

  void WriteArrayTo(json::object& o, std::string_view name) const {
    if (values_.empty()) return;
    json::array& list = o[name].emplace_array();
    list.reserve(values_.size());
    for (const std::string& text : values_) list.emplace_back(text);
  }

 private:
  std::vector<std::string> values_;
};

void WriteRecipients(const std::vector<Recipient>& recipients, json::object& email) {
  ValueSet addresses;
  ValueSet domains;
  for (const Recipient& recipient : recipients) {
    addresses.Add(recipient.address);
    const std::size_t at = recipient.address.rfind('@');
    if (at != std::string::npos) domains.Add(std::string_view(recipient.address).substr(at + 1));
  }
  json::object& out = ObjectAt(email, "recipient");
  addresses.WriteArrayTo(out, "address");
  domains.WriteArrayTo(out, "domain");
}

// The Message-ID of RFC 5322 without brackets. In event publishing commonHeaders.messageId repeats
// SES's own id, so only the older notifications may be asked for it.
std::string_view RfcMessageId(const json::object& mail, bool is_notification) {
  if (const json::array* headers = json::GetArray(mail, "headers")) {
    for (const json::value& header : *headers) {
      const json::object* o = header.if_object();
      if (o != nullptr && EqualsIgnoreAsciiCase(StringIn(o, "name"), "Message-ID")) {
        return AddressIn(StringIn(o, "value"));
      }
    }
  }
  if (!is_notification) return {};
  return AddressIn(StringIn(json::GetObject(mail, "commonHeaders"), "messageId"));
}

void WriteMail(const json::object& mail, bool is_notification, json::object& email) {
  const auto put = [&](std::string_view name, std::string_view text) {
    if (!text.empty()) email[name] = text;
  };
  put("local_id", StringIn(&mail, "messageId"));
  put("message_id", RfcMessageId(mail, is_notification));
  put("origination_timestamp", StringIn(&mail, "timestamp"));
  const json::object* headers = json::GetObject(mail, "commonHeaders");
  put("subject", StringIn(headers, "subject"));

  std::string_view from = StringIn(&mail, "source");
  if (headers != nullptr) {
    const json::array* list = json::GetArray(*headers, "from");
    if (list != nullptr && !list->empty() && list->front().is_string()) {
      from = list->front().get_string();
    }
  }
  if (const std::string address = AsciiLower(AddressIn(from)); !address.empty()) {
    ObjectAt(email, "from")["address"] = address;
  }

  const json::object* tags = json::GetObject(mail, "tags");
  if (tags == nullptr) return;
  for (const auto& tag : *tags) {
    if (tag.key() == "ses:configuration-set") {
      const json::array* values = tag.value().if_array();
      if (values != nullptr && !values->empty() && values->front().is_string()) {
        email["stream"] = values->front();
      }
    } else if (!tag.key().starts_with("ses:")) {
      ObjectAt(email, "tags").insert_or_assign(tag.key(), tag.value());
    }
  }
}

// What the receiving servers said, and the class of a bounce.
void WriteReplies(const SesType& type,
                  const json::object& detail,
                  const std::vector<Recipient>& recipients,
                  json::object& attributes) {
  ValueSet enhanced;
  ValueSet responses;
  ValueSet raw;
  std::vector<int> codes;
  std::string_view bounce_class;
  const bool is_bounce = type.member == "bounce";
  const auto add = [&](std::string_view reply, std::string_view status) {
    const SmtpReplyParts parts = ParseSmtpReply(reply);
    if (parts.code != 0 && std::find(codes.begin(), codes.end(), parts.code) == codes.end()) {
      codes.push_back(parts.code);
    }
    const std::string_view code = status.empty() ? std::string_view(parts.enhanced) : status;
    enhanced.Add(code);
    responses.Add(parts.text);
    raw.Add(reply);
    if (is_bounce && bounce_class.empty()) {
      bounce_class =
          ClassifyBounce({StringIn(&detail, "bounceSubType"), parts.code, code, parts.text});
    }
  };
  if (type.member == "delivery") {
    add(StringIn(&detail, "smtpResponse"), {});
  } else {
    for (const Recipient& recipient : recipients) add(recipient.diagnostic, recipient.status);
  }
  json::object smtp(attributes.storage());
  if (codes.size() == 1) {
    smtp["code"] = codes.front();
  } else if (!codes.empty()) {
    json::array& list = smtp["code"].emplace_array();
    for (const int code : codes) list.emplace_back(code);
  }
  enhanced.WriteTo(smtp, "enhanced_code");
  responses.WriteTo(smtp, "response");
  if (!smtp.empty()) attributes["smtp"] = std::move(smtp);
  if (is_bounce) {
    json::object& bounce = ObjectAt(ObjectAt(attributes, "email"), "bounce");
    bounce["class"] = bounce_class.empty() ? std::string_view("unknown") : bounce_class;
    bounce["hard"] = StringIn(&detail, "bounceType") == "Permanent";
    raw.WriteTo(bounce, "raw");
  }
}

// Which list kept SES from sending; empty when the bounce is a server's.
std::string_view SuppressionList(std::string_view sub_type) {
  if (sub_type == "Suppressed") return "global";
  if (sub_type == "OnAccountSuppressionList") return "account";
  if (sub_type == "OnTenantSuppressionList") return "tenant";
  if (sub_type == "EmailValidationSuppressed") return "validation";
  if (sub_type == "UnsubscribedRecipient") return "topic";
  return {};
}

bool OptsOut(const json::object& detail) {
  const json::object* wanted = json::GetObject(detail, "newTopicPreferences");
  if (wanted == nullptr) return true;
  if (json::GetBool(*wanted, "unsubscribeAll").value_or(false)) return true;
  const json::array* topics = json::GetArray(*wanted, "topicSubscriptionStatus");
  return topics != nullptr && std::any_of(topics->begin(), topics->end(), [](const json::value& v) {
           return StringIn(v.if_object(), "subscriptionStatus") == "OptOut";
         });
}

// What depends on the type alone: names, status, and the members only that type has.
struct Verdict {
  std::string_view event_name;
  std::string_view status;
};

Verdict WriteDetail(const SesType& type, const json::object& detail, Log& log) {
  Verdict verdict{type.event_name, type.status};
  json::object& email = ObjectAt(log.attributes, "email");
  if (type.member == "bounce") {
    if (StringIn(&detail, "bounceType") == "Permanent") verdict.status = "error";
    const std::string_view list = SuppressionList(StringIn(&detail, "bounceSubType"));
    if (!list.empty()) {
      verdict.event_name = "email.suppressed";
      ObjectAt(email, "suppression")["list"] = list;
    }
  } else if (type.member == "complaint") {
    const std::string_view kind = StringIn(&detail, "complaintFeedbackType");
    if (!kind.empty()) ObjectAt(email, "complaint")["type"] = kind;
  } else if (type.member == "failure") {
    const std::string_view name = StringIn(&detail, "templateName");
    if (!name.empty()) email["template"] = name;
  } else if (type.member == "subscription") {
    if (!OptsOut(detail)) verdict.event_name = "email.resubscribed";
  } else if (type.member == "open" || type.member == "click") {
    const std::string_view link = StringIn(&detail, "link");
    if (!link.empty()) ObjectAt(email, "engagement")["url"] = link;
    const std::string_view address = StringIn(&detail, "ipAddress");
    if (!address.empty()) ObjectAt(log.attributes, "client")["address"] = address;
    const std::string_view agent = StringIn(&detail, "userAgent");
    if (!agent.empty()) ObjectAt(log.attributes, "user_agent")["original"] = agent;
  }
  return verdict;
}

void WriteOrigin(const json::object& mail, json::object& attributes) {
  const std::string_view account = StringIn(&mail, "sendingAccountId");
  if (!account.empty()) {
    ObjectAt(ObjectAt(attributes, "cloud"), "account")["id"] = account;
  }
  // arn:aws:ses:REGION:ACCOUNT:identity/NAME; the topic's ARN has the Region at the same place.
  std::string_view arn = StringIn(&mail, "sourceArn");
  if (arn.empty()) arn = StringIn(json::GetObject(attributes, "Sns"), "TopicArn");
  for (int part = 0; part < 3; ++part) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return;
    arn.remove_prefix(colon + 1);
  }
  const std::string_view region = arn.substr(0, arn.find(':'));
  if (!region.empty()) ObjectAt(attributes, "cloud")["region"] = region;
}

std::optional<Timestamp> TimeIn(const json::object* o, std::string_view name) {
  const std::string_view text = StringIn(o, name);
  return text.empty() ? std::nullopt : ParseIso8601(text);
}

// The event's own time; the notification's for reject and rendering failure, which have none and
// come after the request; the mail's for a send, which is the request.
void WriteTimes(const SesType& type,
                const json::object* detail,
                const json::object& mail,
                Log& log,
                Context& context) {
  const auto requested = TimeIn(&mail, "timestamp");
  auto happened = TimeIn(detail, "timestamp");
  if (!happened && type.member != "send") {
    happened = TimeIn(json::GetObject(log.attributes, "Sns"), "Timestamp");
  }
  if (!happened) happened = requested;
  if (!happened) return;
  if (!context.date_set) {
    log.timestamp_ms = happened->millis();
    context.date_set = true;
  }
  if (requested && *happened > *requested) {
    log.attributes["duration"] = (*happened - *requested).count();
  }
}

std::string MessageOf(std::string_view label,
                      std::string_view subject,
                      const std::vector<Recipient>& recipients) {
  std::string message(label);
  if (!subject.empty()) {
    message += ' ';
    message += subject;
  }
  message += " → ";
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    if (i == kMessageRecipientsMax) {
      message += " and " + std::to_string(recipients.size() - i) + " more";
      break;
    }
    if (i > 0) message += ", ";
    message += recipients[i].address;
  }
  return message;
}

}  // namespace

Status NormaliseSes(Log& log, Context& context) {
  const auto event_type = json::GetString(log.attributes, "eventType");
  const auto notification_type = json::GetString(log.attributes, "notificationType");
  const json::object* found = json::GetObject(log.attributes, "mail");
  if ((!event_type && !notification_type) || found == nullptr) return {};
  const std::string label(event_type ? *event_type : *notification_type);
  const SesType& type = TypeOf(label);

  // Room first: inserting may move members, and the pointers below must hold.
  log.attributes.reserve(log.attributes.size() + 8);
  const json::object& mail = *json::GetObject(log.attributes, "mail");
  const json::object* detail =
      type.member.empty() ? nullptr : json::GetObject(log.attributes, type.member);

  const std::vector<Recipient> recipients = RecipientsOf(type, detail, mail);
  json::object& event = ObjectAt(log.attributes, "event");
  json::object& email = ObjectAt(log.attributes, "email");
  WriteMail(mail, !event_type, email);
  WriteRecipients(recipients, email);
  Verdict verdict{type.event_name, type.status};
  if (detail != nullptr) {
    WriteReplies(type, *detail, recipients, log.attributes);
    verdict = WriteDetail(type, *detail, log);
  }
  event["name"] = verdict.event_name;
  event["provider"] = "ses";
  event["outcome"] = type.outcome;
  WriteOrigin(mail, log.attributes);
  WriteTimes(type, detail, mail, log, context);
  if (!context.status_set) {
    log.status = verdict.status;
    context.status_set = true;
  }
  if (!context.message_set) {
    log.message = MessageOf(label, json::GetString(email, "subject").value_or(""), recipients);
    context.message_set = true;
  }
  if (log.service.empty()) log.service = "ses";
  return {};
}

}  // namespace postglass::pipelines
