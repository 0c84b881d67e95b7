#include "mail/event_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"
#include "mail/address.h"
#include "mail/encoded_word.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// Appends the members of one object, commas between them.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

  std::string& Key(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    json::AppendQuoted(out_, name);
    out_ += ':';
    return out_;
  }

  ObjectWriter& Text(std::string_view name, std::string_view text) {
    json::AppendQuoted(Key(name), text);
    return *this;
  }

  ObjectWriter& TextUnlessEmpty(std::string_view name, std::string_view text) {
    return text.empty() ? *this : Text(name, text);
  }

  ObjectWriter& Time(std::string_view name, Timestamp at) {
    return Text(name, FormatIso8601Millis(at));
  }

  ObjectWriter& Raw(std::string_view name, std::string_view json_text) {
    Key(name) += json_text;
    return *this;
  }

  template <class Texts>
  ObjectWriter& List(std::string_view name, const Texts& texts) {
    std::string& out = Key(name);
    out += '[';
    for (const auto& text : texts) {
      if (out.back() != '[') out += ',';
      json::AppendQuoted(out, text);
    }
    out += ']';
    return *this;
  }

  void Close() { out_ += '}'; }

 private:
  std::string& out_;
};

// --- mail object -----------------------------------------------------------------------------

// Returns whether something was left out.
bool AppendHeaders(std::string& out, const HeaderBlock& header) {
  std::size_t shown_bytes = 0;
  out += '[';
  for (const HeaderField& field : header.fields()) {
    const std::string value = field.Value();
    shown_bytes += field.name.size() + value.size();
    if (shown_bytes > kHeadersShownBytesMax) {
      out += ']';
      return true;
    }
    if (out.back() != '[') out += ',';
    ObjectWriter(out).Text("name", field.name).Text("value", value).Close();
  }
  out += ']';
  return false;
}

// The addresses of one header, each as written but decoded; a header that cannot be taken apart is
// shown whole.
std::vector<std::string> ShownAddresses(std::string_view value) {
  const Result<std::vector<Mailbox>> mailboxes = ParseAddressList(value);
  if (!mailboxes) return {DecodeEncodedWords(value)};
  std::vector<std::string> shown;
  shown.reserve(mailboxes->size());
  for (const Mailbox& mailbox : *mailboxes) shown.push_back(DecodeEncodedWords(mailbox.text));
  return shown;
}

void AppendCommonHeaders(std::string& out, const HeaderBlock& header, std::string_view message_id) {
  ObjectWriter object(out);
  const auto addresses = [&](std::string_view name, std::string_view key) {
    const HeaderField* field = header.Find(name);
    if (field != nullptr) object.List(key, ShownAddresses(field->Value()));
  };
  const auto text = [&](std::string_view name, std::string_view key) {
    const HeaderField* field = header.Find(name);
    if (field != nullptr) object.Text(key, DecodeEncodedWords(field->Value()));
  };
  text("Return-Path", "returnPath");
  addresses("From", "from");
  addresses("Sender", "sender");
  addresses("Reply-To", "replyTo");
  text("Date", "date");
  addresses("To", "to");
  addresses("Cc", "cc");
  addresses("Bcc", "bcc");
  object.Text("messageId", message_id);
  text("Subject", "subject");
  object.Close();
}

std::string FromDomain(const HeaderBlock& header) {
  const HeaderField* from = header.Find("From");
  if (from == nullptr) return {};
  const Result<std::vector<Mailbox>> mailboxes = ParseAddressList(from->Value());
  if (!mailboxes || mailboxes->empty()) return {};
  return std::string(mailboxes->front().domain());
}

void AppendTags(std::string& out, const MailObjectInput& input) {
  ObjectWriter object(out);
  const auto automatic = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) object.List(name, std::initializer_list<std::string_view>{value});
  };
  automatic("ses:operation", input.operation.empty() ? "SendEmail" : input.operation);
  automatic("ses:configuration-set", input.configuration_set);
  automatic("ses:source-ip", input.source_ip);
  automatic("ses:from-domain", FromDomain(input.header));
  for (std::size_t i = 0; i < input.tags.size(); ++i) {
    const std::string& name = input.tags[i].name;
    const auto same = [&](const MessageTag& tag) { return tag.name == name; };
    const auto here = input.tags.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find_if(input.tags.begin(), here, same) != here) continue;  // shown with the first
    std::vector<std::string_view> values;
    for (const MessageTag& tag : input.tags) {
      if (tag.name == name) values.push_back(tag.value);
    }
    object.List(name, values);
  }
  automatic("ses:caller-identity", input.caller);
  object.Close();
}

// --- tags that an event adds -----------------------------------------------------------------

using TagMembers = std::vector<std::pair<std::string, std::vector<std::string_view>>>;

TagMembers ExtraTags(const MailEvent& event, const EventRendering& rendering) {
  TagMembers members;
  const auto add = [&](std::string_view name, std::string_view value) {
    for (auto& member : members) {
      if (member.first == name) {
        member.second.push_back(value);
        return;
      }
    }
    members.emplace_back(name, std::vector<std::string_view>{value});
  };
  constexpr std::string_view kOutgoingIp = "ses:outgoing-ip";
  bool has_outgoing_ip = false;
  for (const MessageTag& tag : event.extra_tags) {
    add(tag.name, tag.value);
    has_outgoing_ip = has_outgoing_ip || tag.name == kOutgoingIp;
  }
  // SES knows the address only once it has connected.
  const bool connected = std::holds_alternative<DeliveryDetail>(event.detail) ||
                         std::holds_alternative<BounceDetail>(event.detail);
  if (connected && !has_outgoing_ip && !rendering.outgoing_ip.empty()) {
    add(kOutgoingIp, rendering.outgoing_ip);
  }
  return members;
}

// Where the last member `"tags":{…}` of a mail object begins behind its brace, when it is what
// BuildMailObject() wrote: the last member, not empty, without any of `members`. A quote inside a
// JSON string is escaped, so the key cannot be found inside one.
std::optional<std::size_t> TailTags(std::string_view mail_object, const TagMembers& members) {
  constexpr std::string_view kKey = R"("tags":{)";
  const std::size_t key = mail_object.rfind(kKey);
  if (key == std::string_view::npos || !mail_object.ends_with("]}}")) return std::nullopt;
  const std::size_t begin = key + kKey.size();
  bool in_string = false;
  for (std::size_t i = begin; i < mail_object.size(); ++i) {
    const char c = mail_object[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      return std::nullopt;
    } else if (c == '}') {
      if (i + 2 != mail_object.size()) return std::nullopt;
      break;
    }
  }
  for (const auto& member : members) {
    std::string quoted;
    json::AppendQuoted(quoted, member.first);
    if (mail_object.substr(begin).find(quoted + ":") != std::string_view::npos) return std::nullopt;
  }
  return begin;
}

void AppendTagMembers(std::string& out, const TagMembers& members) {
  for (const auto& member : members) {
    out += ',';
    json::AppendQuoted(out, member.first);
    out += ":[";
    for (const std::string_view value : member.second) {
      if (out.back() != '[') out += ',';
      json::AppendQuoted(out, value);
    }
    out += ']';
  }
}

// The slow way, for a mail object of any shape.
std::string MergeTags(std::string_view mail_object, const TagMembers& members) {
  Result<json::object> mail = json::ParseObject(mail_object);
  if (!mail) return std::string(mail_object);
  json::value& tags = (*mail)["tags"];
  if (!tags.is_object()) tags = json::object();
  for (const auto& member : members) {
    json::value& values = tags.as_object()[member.first];
    if (!values.is_array()) values = json::array();
    for (const std::string_view value : member.second) {
      const json::string text(value);
      json::array& array = values.as_array();
      if (std::find(array.begin(), array.end(), text) == array.end()) array.emplace_back(text);
    }
  }
  return json::Serialize(*mail);
}

void AppendMailObject(std::string& out, const MailEvent& event, const EventRendering& rendering) {
  const std::string& mail_object = event.subject.mail_object;
  const TagMembers members = ExtraTags(event, rendering);
  if (members.empty()) {
    out += mail_object;
  } else if (TailTags(mail_object, members)) {
    out += std::string_view(mail_object).substr(0, mail_object.size() - 2);
    AppendTagMembers(out, members);
    out += "}}";
  } else {
    out += MergeTags(mail_object, members);
  }
}

// --- the object of each type -------------------------------------------------------------------

void AppendBouncedRecipients(std::string& out, const std::vector<BouncedRecipient>& recipients) {
  out += '[';
  for (const BouncedRecipient& recipient : recipients) {
    if (out.back() != '[') out += ',';
    ObjectWriter(out)
        .Text("emailAddress", recipient.address)
        .TextUnlessEmpty("action", recipient.action)
        .TextUnlessEmpty("status", recipient.status)
        .TextUnlessEmpty("diagnosticCode", recipient.diagnostic_code)
        .Close();
  }
  out += ']';
}

void AppendDetail(std::string& out, const SendDetail&) { out += "{}"; }

void AppendDetail(std::string& out, const RejectDetail& reject) {
  ObjectWriter(out).Text("reason", reject.reason).Close();
}

void AppendDetail(std::string& out, const DeliveryDetail& delivery) {
  ObjectWriter(out)
      .Time("timestamp", delivery.at)
      .Raw("processingTimeMillis", std::to_string(delivery.processing_ms))
      .List("recipients", delivery.recipients)
      .Text("smtpResponse", delivery.smtp_response)
      .Text("reportingMTA", delivery.reporting_mta)
      .TextUnlessEmpty("remoteMtaIp", delivery.remote_mta_ip)
      .TextUnlessEmpty("remoteHost", delivery.remote_host)
      .TextUnlessEmpty("tlsVersion", delivery.tls_version)
      .Close();
}

void AppendDetail(std::string& out, const BounceDetail& bounce) {
  ObjectWriter object(out);
  object.Text("bounceType", bounce.type).Text("bounceSubType", bounce.sub_type);
  AppendBouncedRecipients(object.Key("bouncedRecipients"), bounce.recipients);
  object.Time("timestamp", bounce.at)
      .Text("feedbackId", bounce.feedback_id)
      .TextUnlessEmpty("remoteMtaIp", bounce.remote_mta_ip)
      .TextUnlessEmpty("reportingMTA", bounce.reporting_mta)
      .Close();
}

void AppendDetail(std::string& out, const ComplaintDetail& complaint) {
  ObjectWriter object(out);
  std::string& list = object.Key("complainedRecipients");
  list += '[';
  for (const std::string& recipient : complaint.recipients) {
    if (list.back() != '[') list += ',';
    ObjectWriter(list).Text("emailAddress", recipient).Close();
  }
  list += ']';
  object.Time("timestamp", complaint.at).Text("feedbackId", complaint.feedback_id);
  if (complaint.sub_type.empty()) {
    object.Raw("complaintSubType", "null");
  } else {
    object.Text("complaintSubType", complaint.sub_type);
  }
  object.TextUnlessEmpty("userAgent", complaint.user_agent)
      .TextUnlessEmpty("complaintFeedbackType", complaint.feedback_type);
  if (complaint.arrival_date) object.Time("arrivalDate", *complaint.arrival_date);
  object.Close();
}

void AppendDetail(std::string& out, const OpenDetail& open) {
  ObjectWriter(out)
      .Text("ipAddress", open.ip_address)
      .Time("timestamp", open.at)
      .Text("userAgent", open.user_agent)
      .Close();
}

void AppendDetail(std::string& out, const ClickDetail& click) {
  ObjectWriter object(out);
  object.Text("ipAddress", click.ip_address).Text("link", click.link);
  if (click.link_tags.empty()) {
    object.Raw("linkTags", "null");
  } else {
    ObjectWriter tags(object.Key("linkTags"));
    for (const auto& tag : click.link_tags) tags.List(tag.first, tag.second);
    tags.Close();
  }
  object.Time("timestamp", click.at).Text("userAgent", click.user_agent).Close();
}

void AppendDetail(std::string& out, const RenderingFailureDetail& failure) {
  ObjectWriter(out)
      .Text("errorMessage", failure.error_message)
      .Text("templateName", failure.template_name)
      .Close();
}

void AppendDetail(std::string& out, const DeliveryDelayDetail& delay) {
  ObjectWriter object(out);
  object.Time("timestamp", delay.at)
      .Text("delayType", delay.type)
      .Time("expirationTime", delay.expires_at);
  AppendBouncedRecipients(object.Key("delayedRecipients"), delay.recipients);
  object.TextUnlessEmpty("reportingMTA", delay.reporting_mta).Close();
}

struct TypeNames {
  std::string_view event_type;
  std::string_view member;
  bool detail_first;  // SES writes some records with the detail before the mail
};

TypeNames NamesOf(const EventDetail& detail) {
  return std::visit(Overloaded{
                        [](const SendDetail&) {
                          return TypeNames{"Send", "send", false};
                        },
                        [](const RejectDetail&) {
                          return TypeNames{"Reject", "reject", false};
                        },
                        [](const DeliveryDetail&) {
                          return TypeNames{"Delivery", "delivery", false};
                        },
                        [](const BounceDetail&) {
                          return TypeNames{"Bounce", "bounce", true};
                        },
                        [](const ComplaintDetail&) {
                          return TypeNames{"Complaint", "complaint", true};
                        },
                        [](const OpenDetail&) {
                          return TypeNames{"Open", "open", false};
                        },
                        [](const ClickDetail&) {
                          return TypeNames{"Click", "click", true};
                        },
                        [](const RenderingFailureDetail&) {
                          return TypeNames{"Rendering Failure", "failure", false};
                        },
                        [](const DeliveryDelayDetail&) {
                          return TypeNames{"DeliveryDelay", "deliveryDelay", false};
                        },
                    },
                    detail);
}

}  // namespace

std::string BuildMailObject(const MailObjectInput& input) {
  std::string out;
  out.reserve(2048);
  ObjectWriter object(out);
  object.Time("timestamp", input.accepted_at).Text("source", input.source);
  if (!input.source_identity.empty()) {
    object.Text("sourceArn",
                fmt::format("arn:aws:ses:{}:{}:identity/{}",
                            input.account.region,
                            input.account.account_id,
                            input.source_identity));
  }
  object.Text("sendingAccountId", input.account.account_id)
      .Text("messageId", input.message_id)
      .List("destination", input.destinations);
  if (input.shows_headers) {
    std::string headers;
    headers.reserve(1024);
    const bool truncated = AppendHeaders(headers, input.header);
    object.Raw("headersTruncated", truncated ? "true" : "false").Raw("headers", headers);
    AppendCommonHeaders(object.Key("commonHeaders"), input.header, input.message_id);
  } else {
    object.Raw("headersTruncated", "false");
  }
  AppendTags(object.Key("tags"), input);
  object.Close();
  return out;
}

std::string_view EventTypeName(const EventDetail& detail) { return NamesOf(detail).event_type; }

std::string RenderEvent(const MailEvent& event, const EventRendering& rendering) {
  const TypeNames names = NamesOf(event.detail);
  std::string out;
  out.reserve(event.subject.mail_object.size() + 1024);
  ObjectWriter object(out);
  object.Text("eventType", names.event_type);
  const auto append_detail = [&] {
    std::string& target = object.Key(names.member);
    std::visit([&](const auto& detail) { AppendDetail(target, detail); }, event.detail);
  };
  if (names.detail_first) append_detail();
  AppendMailObject(object.Key("mail"), event, rendering);
  if (!names.detail_first) append_detail();
  object.Close();
  return out;
}

}  // namespace postglass::mail
