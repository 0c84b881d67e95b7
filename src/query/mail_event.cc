#include "query/mail_event.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::query {
namespace {

using Kind = MailEvent::Kind;

struct KindNames {
  Kind kind;
  std::string_view ses;         // eventType, lower case, without blanks
  std::string_view member;      // of the record
  std::string_view normalised;  // event.name
};

constexpr std::array<KindNames, 12> kKinds = {{
    {Kind::kSend, "send", "send", "email.accepted"},
    {Kind::kDelivery, "delivery", "delivery", "email.delivered"},
    {Kind::kDelay, "deliverydelay", "deliveryDelay", "email.deferred"},
    {Kind::kBounce, "bounce", "bounce", "email.bounced"},
    {Kind::kBounce, "", "bounce", "email.suppressed"},
    {Kind::kComplaint, "complaint", "complaint", "email.complained"},
    {Kind::kReject, "reject", "reject", "email.rejected"},
    {Kind::kRenderingFailure, "renderingfailure", "failure", ""},
    {Kind::kOpen, "open", "open", "email.opened"},
    {Kind::kClick, "click", "click", "email.clicked"},
    {Kind::kSubscription, "subscription", "subscription", "email.unsubscribed"},
    {Kind::kSubscription, "", "subscription", "email.resubscribed"},
}};

std::string Text(const json::object* o, std::string_view name) {
  return o == nullptr ? std::string() : json::GetStringOr(*o, name, "");
}

std::string TextAt(const json::object& root, std::string_view path) {
  const json::value* value = json::FindPath(root, path);
  if (value == nullptr) return {};
  if (value->is_string()) return std::string(std::string_view(value->get_string()));
  if (const json::array* list = value->if_array(); list != nullptr && !list->empty()) {
    if (list->front().is_string()) {
      return std::string(std::string_view(list->front().get_string()));
    }
  }
  return {};
}

std::optional<Timestamp> TimeIn(const json::object* o, std::string_view name) {
  if (o == nullptr) return std::nullopt;
  const std::optional<std::string_view> text = json::GetString(*o, name);
  return text ? ParseIso8601(*text) : std::nullopt;
}

// "smtp; 550 5.1.1 …" gives "550 5.1.1 …" (RFC 3464 §2.3.6).
std::string ServerWords(std::string_view diagnostic) {
  const std::string_view trimmed = TrimAscii(diagnostic);
  if (trimmed.size() >= 5 && EqualsIgnoreAsciiCase(trimmed.substr(0, 5), "smtp;")) {
    return std::string(TrimAscii(trimmed.substr(5)));
  }
  return std::string(trimmed);
}

// Strings, or SES's objects with emailAddress.
std::vector<MailEvent::Recipient> Recipients(const json::array* list) {
  std::vector<MailEvent::Recipient> recipients;
  if (list == nullptr) return recipients;
  for (const json::value& element : *list) {
    if (const json::string* address = element.if_string()) {
      recipients.push_back({std::string(BareAddress(*address)), "", ""});
    } else if (const json::object* o = element.if_object()) {
      recipients.push_back({std::string(BareAddress(Text(o, "emailAddress"))),
                            Text(o, "status"),
                            ServerWords(Text(o, "diagnosticCode"))});
    }
  }
  return recipients;
}

void ReadKind(const json::object& root, MailEvent& event, const json::object*& detail) {
  std::string type = Text(&root, "eventType");
  if (type.empty()) type = Text(&root, "notificationType");
  const std::string normalised = TextAt(root, "event.name");
  std::string name = AsciiLower(type);
  name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
  for (const KindNames& names : kKinds) {
    const bool found =
        type.empty() ? !normalised.empty() && names.normalised == normalised : names.ses == name;
    if (!found) continue;
    event.kind = names.kind;
    detail = json::GetObject(root, names.member);
    break;
  }
  event.type = type.empty() ? normalised : type;
}

void ReadMail(const json::object& root, MailEvent& event) {
  const json::object* mail = json::GetObject(root, "mail");
  event.message_id = Text(mail, "messageId");
  event.requested_at = TimeIn(mail, "timestamp");
  event.from = Text(mail, "source");
  if (mail != nullptr) {
    event.subject = TextAt(*mail, "commonHeaders.subject");
    for (MailEvent::Recipient& recipient : Recipients(json::GetArray(*mail, "destination"))) {
      event.destination.push_back(std::move(recipient.address));
    }
    if (const json::object* tags = json::GetObject(*mail, "tags")) {
      if (const json::array* sets = json::GetArray(*tags, "ses:configuration-set")) {
        if (!sets->empty() && sets->front().is_string()) {
          event.configuration_set = std::string_view(sets->front().get_string());
        }
      }
      if (const json::array* own = json::GetArray(*tags, "postglass")) {
        event.captured = std::find(own->begin(), own->end(), json::value("captured")) != own->end();
      }
    }
  }
  if (event.message_id.empty()) event.message_id = TextAt(root, "email.local_id");
  if (event.message_id.empty()) event.message_id = TextAt(root, "email.message_id");
  if (event.subject.empty()) event.subject = TextAt(root, "email.subject");
  if (event.from.empty()) event.from = TextAt(root, "email.from.address");
  if (event.configuration_set.empty()) event.configuration_set = TextAt(root, "email.stream");
  event.verified = TextAt(root, "event.verified");
}

void ReadDetail(const json::object* detail, MailEvent& event) {
  if (detail == nullptr) return;
  for (const std::string_view member :
       {"recipients", "bouncedRecipients", "complainedRecipients", "delayedRecipients"}) {
    if (const json::array* list = json::GetArray(*detail, member)) {
      event.recipients = Recipients(list);
      break;
    }
  }
  if (const auto at = TimeIn(detail, "timestamp")) event.at = *at;
  event.server_words = Text(detail, "smtpResponse");
  event.relay_host = Text(detail, "remoteHost");
  event.tls_version = Text(detail, "tlsVersion");
  event.processing_ms = json::GetInt(*detail, "processingTimeMillis");
  event.bounce_type = Text(detail, "bounceType");
  event.sub_type = Text(detail, "bounceSubType");
  if (event.sub_type.empty()) event.sub_type = Text(detail, "complaintSubType");
  for (const std::string_view member :
       {"reason", "errorMessage", "delayType", "complaintFeedbackType"}) {
    if (event.reason.empty()) event.reason = Text(detail, member);
  }
  event.link = Text(detail, "link");
  event.user_agent = Text(detail, "userAgent");
  event.ip_address = Text(detail, "ipAddress");
  event.gives_up_at = TimeIn(detail, "expirationTime");
}

// Records of other providers carry no member of SES's.
void ReadNormalised(const json::object& root, const json::object* detail, MailEvent& event) {
  event.bounce_class = TextAt(root, "email.bounce.class");
  if (detail != nullptr) return;
  const json::value* addresses = json::FindPath(root, "email.recipient.address");
  const bool names_somebody = event.kind != Kind::kSend && event.kind != Kind::kOpen &&
                              event.kind != Kind::kClick && event.kind != Kind::kReject;
  std::vector<MailEvent::Recipient> recipients =
      Recipients(addresses == nullptr ? nullptr : addresses->if_array());
  if (addresses != nullptr && addresses->is_string()) {
    recipients.push_back({std::string(BareAddress(addresses->get_string())), "", ""});
  }
  if (event.destination.empty()) {
    for (const MailEvent::Recipient& recipient : recipients) {
      event.destination.push_back(recipient.address);
    }
  }
  const std::string words = TextAt(root, "smtp.response");
  const std::string status = TextAt(root, "smtp.enhanced_code");
  if (names_somebody) {
    event.recipients = std::move(recipients);
    for (MailEvent::Recipient& recipient : event.recipients) {
      recipient.words = words;
      recipient.status = status;
    }
  }
  if (event.kind == Kind::kDelivery) event.server_words = words;
  if (event.kind == Kind::kBounce && event.bounce_type.empty()) {
    const json::value* hard = json::FindPath(root, "email.bounce.hard");
    const bool permanent = hard != nullptr && hard->is_bool() && hard->get_bool();
    event.bounce_type = permanent ? "Permanent" : "Transient";
    if (event.type == "email.suppressed") event.sub_type = "Suppressed";
  }
}

}  // namespace

std::string_view BareAddress(std::string_view text) {
  text = TrimAscii(text);
  const std::size_t close = text.rfind('>');
  const std::size_t open =
      close == std::string_view::npos ? std::string_view::npos : text.rfind('<', close);
  if (open != std::string_view::npos) text = text.substr(open + 1, close - open - 1);
  text = TrimAscii(text);
  constexpr std::string_view kScheme = "mailto:";
  if (text.size() > kScheme.size() &&
      EqualsIgnoreAsciiCase(text.substr(0, kScheme.size()), kScheme)) {
    text.remove_prefix(kScheme.size());
  }
  return text;
}

bool SameAddress(std::string_view a, std::string_view b) { return EqualsIgnoreAsciiCase(a, b); }

std::string_view DomainOf(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

std::optional<MailEvent> ReadMailEvent(const store::Event& stored) {
  const Result<json::object> root = json::ParseObject(stored.attributes);
  if (!root) return std::nullopt;
  MailEvent event;
  event.id = stored.id;
  event.at = Timestamp::FromMillis(stored.timestamp_ms);
  const json::object* detail = nullptr;
  ReadKind(*root, event, detail);
  ReadMail(*root, event);
  if (event.message_id.empty()) return std::nullopt;
  if (event.kind == Kind::kSend && event.requested_at) event.at = *event.requested_at;
  ReadDetail(detail, event);
  ReadNormalised(*root, detail, event);
  return event;
}

}  // namespace postglass::query
