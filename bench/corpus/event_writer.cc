#include "bench/corpus/event_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace postglass::bench {

namespace {

constexpr std::string_view kSnsTopic = "arn:aws:sns:us-east-1:123456789012:mail-events";

// Members of SES's record, by type; bounces and delays have one for each kind of refusal.
std::string DetailPattern(EventType type) {
  switch (type) {
    case EventType::kSend:
      return R"("eventType":"Send","mail":${mail},"send":{})";
    case EventType::kDelivery:
      return R"("eventType":"Delivery","mail":${mail},"delivery":{"timestamp":"${event_time}",)"
             R"("processingTimeMillis":${processing},"recipients":["${recipient}"],)"
             R"("smtpResponse":"${reply}","reportingMTA":"a${mta}.smtp-out.amazonses.com",)"
             R"("remoteMtaIp":"${remote_ip}"})";
    case EventType::kOpen:
      return R"("eventType":"Open","mail":${mail},"open":{"ipAddress":"${client_ip}",)"
             R"("timestamp":"${event_time}","userAgent":"${agent}"})";
    case EventType::kClick:
      return R"("eventType":"Click","click":{"ipAddress":"${client_ip}","link":"${link}",)"
             R"("linkTags":${link_tags},"timestamp":"${event_time}","userAgent":"${agent}"},)"
             R"("mail":${mail})";
    case EventType::kComplaint:
      return R"("eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":)"
             R"("${recipient}"}],"timestamp":"${event_time}","feedbackId":"${feedback_id}",)"
             R"("complaintSubType":null,"userAgent":"Yahoo!-Mail-Feedback/2.0",)"
             R"("complaintFeedbackType":"abuse","arrivalDate":"${event_time}"},"mail":${mail})";
    case EventType::kReject:
      return R"("eventType":"Reject","mail":${mail},"reject":{"reason":"Bad content"})";
    case EventType::kRenderingFailure:
      return R"("eventType":"Rendering Failure","mail":${mail},"failure":{"errorMessage":)"
             R"("Attribute 'amount' is not present in the rendering data.","templateName":)"
             R"("${link}"})";
    case EventType::kBounce:
    case EventType::kDelay:
      break;
  }
  return {};
}

std::string BouncePattern(const Refusal& refusal) {
  return fmt::format(
      R"("eventType":"Bounce","bounce":{{"bounceType":"{}","bounceSubType":"{}",)"
      R"("bouncedRecipients":[{{"emailAddress":"${{recipient}}","action":"failed","status":"{}",)"
      R"("diagnosticCode":"{}${{reply}}"}}],"timestamp":"${{event_time}}",)"
      R"("feedbackId":"${{feedback_id}}",{}"reportingMTA":"dns; {}"}},"mail":${{mail}})",
      refusal.type,
      refusal.sub_type,
      refusal.status,
      refusal.suppressed() ? "" : "smtp; ",
      refusal.suppressed() ? "" : R"("remoteMtaIp":"${remote_ip}",)",
      refusal.suppressed() ? "amazonses.com" : "a${mta}.smtp-out.amazonses.com");
}

std::string DelayPattern(const Refusal& refusal) {
  return fmt::format(
      R"("eventType":"DeliveryDelay","mail":${{mail}},"deliveryDelay":{{"timestamp":)"
      R"("${{event_time}}","delayType":"{}","expirationTime":"${{expires}}","delayedRecipients":)"
      R"([{{"emailAddress":"${{recipient}}","status":"{}","diagnosticCode":"smtp; ${{reply}}"}}],)"
      R"("reportingMTA":"a${{mta}}.smtp-out.amazonses.com"}})",
      refusal.type,
      refusal.status);
}

struct DetailLayouts {
  std::array<Layout, kEventTypes> by_type;
  std::array<Layout, kBounces> bounces;
  std::array<Layout, kDelays> delays;

  DetailLayouts() {
    for (std::size_t i = 0; i < kEventTypes; ++i) {
      by_type[i] = Layout(DetailPattern(static_cast<EventType>(i)));
    }
    for (std::size_t i = 0; i < kBounces; ++i) bounces[i] = Layout(BouncePattern(Bounce(i)));
    for (std::size_t i = 0; i < kDelays; ++i) delays[i] = Layout(DelayPattern(Delay(i)));
  }

  const Layout& Of(const EventFacts& facts) const {
    if (facts.type == EventType::kBounce) {
      return bounces[static_cast<std::size_t>(facts.refusal - &Bounce(0))];
    }
    if (facts.type == EventType::kDelay) {
      return delays[static_cast<std::size_t>(facts.refusal - &Delay(0))];
    }
    return by_type[static_cast<std::size_t>(facts.type)];
  }
};

const DetailLayouts& Details() {
  static const DetailLayouts layouts;
  return layouts;
}

// The certificate's name looks like a secret to the intake, which masks it.
const Layout& SnsLayout() {
  static const Layout layout(fmt::format(
      R"("EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":)"
      R"("{0}:6b0e71bd-7e97-4d97-80ce-4a0994e55286","Sns":{{"Type":"Notification","MessageId":)"
      R"("${{sns_id}}","TopicArn":"{0}","Subject":"Amazon SES Email Event Notification",)"
      R"("Timestamp":"${{sns_time}}","SignatureVersion":"1","SigningCertUrl":)"
      R"("https://sns.us-east-1.amazonaws.com/***"}},)",
      kSnsTopic));
  return layout;
}

void AppendMessageId(std::string& out, const Tenant& tenant, std::int64_t ms, Draws& draws) {
  out += tenant.region == "eu-west-1" ? "0102" : "0100";
  for (int shift = 44; shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[static_cast<std::uint64_t>(ms) >> shift & 15];
  }
  out += '-';
  draws.AppendUuid(out, '4');
  out += "-000000";
}

void AppendServerIp(std::string& out, Provider provider, Draws& draws) {
  constexpr std::string_view kNets[] = {"142.250.102.",
                                        "52.101.40.",
                                        "67.195.204.",
                                        "17.57.155.",
                                        "212.227.17.",
                                        "194.25.134.",
                                        "193.252.22.",
                                        "94.100.180.",
                                        "91.220.42.",
                                        "148.163.135."};
  out += kNets[static_cast<std::size_t>(provider)];
  AppendNumber(out, static_cast<std::int64_t>(1 + draws.Below(64)));
}

struct Verdict {
  std::string_view name;
  std::string_view outcome;
  std::string_view status;
};

Verdict VerdictOf(const EventFacts& facts) {
  switch (facts.type) {
    case EventType::kSend:
      return {"email.accepted", "success", "info"};
    case EventType::kDelivery:
      return {"email.delivered", "success", "ok"};
    case EventType::kBounce:
      return {facts.refusal->suppressed() ? "email.suppressed" : "email.bounced",
              "failure",
              facts.refusal->type == "Permanent" ? "error" : "warn"};
    case EventType::kDelay:
      return {"email.deferred", "unknown", "warn"};
    case EventType::kOpen:
      return {"email.opened", "success", "info"};
    case EventType::kClick:
      return {"email.clicked", "success", "info"};
    case EventType::kComplaint:
      return {"email.complained", "failure", "error"};
    case EventType::kReject:
    case EventType::kRenderingFailure:
      return {"email.rejected", "failure", "error"};
  }
  return {};
}

template <class Append>
void AppendQuotedList(std::string& out, std::span<const Rank> ranks, Append append) {
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    out += i == 0 ? "\"" : ",\"";
    append(out, ranks[i]);
    out += '"';
  }
}

}  // namespace

std::string& EventWriter::Value(Slot slot) {
  std::string& text = values_[static_cast<std::size_t>(slot)];
  text.clear();
  return text;
}

MailForm EventWriter::form() const {
  switch (facts_.type) {
    case EventType::kRenderingFailure:
      return MailForm::kNotRendered;
    case EventType::kDelivery:
    case EventType::kBounce:
      return MailForm::kConnected;
    default:
      return MailForm::kAccepted;
  }
}

const EventWriter::SenderLayouts& EventWriter::LayoutsOf(const Mail& mail) {
  std::unique_ptr<SenderLayouts>& layouts = layouts_[mail.tenant * kTemplates + mail.what];
  if (!layouts) {
    layouts = std::make_unique<SenderLayouts>();
    const Tenant& tenant = Tenants()[mail.tenant];
    const Template& what = Templates()[mail.what];
    for (const MailForm f : {MailForm::kAccepted, MailForm::kConnected, MailForm::kNotRendered}) {
      const auto i = static_cast<std::size_t>(f);
      layouts->mail[i] = Layout(MailPattern(tenant, what, f));
      if (variant_ == Variant::kRaw) continue;
      layouts->email[i] = Layout(EmailPattern(tenant, what, f));
      layouts->headers[i] = Layout(EmailHeadersPattern(tenant, what, f));
    }
  }
  return *layouts;
}

void EventWriter::FillMail() {
  const Mail& mail = facts_.mail;
  const Tenant& tenant = Tenants()[mail.tenant];
  const Template& what = Templates()[mail.what];
  Draws draws(Mix(mail.seed));
  AppendIsoMillis(Value(Slot::kMailTime), mail.sent_ms);
  AppendMessageId(Value(Slot::kMessageId), tenant, mail.sent_ms, draws);
  facts_.message_id = At(Slot::kMessageId);
  AppendQuotedList(Value(Slot::kDestination), mail.all(), People::AppendAddress);
  std::string& to = Value(Slot::kTo);
  for (const Rank rank : mail.all()) {
    if (!to.empty()) to += ", ";
    People::AppendAddress(to, rank);
  }
  AppendSubject(what, draws, Value(Slot::kSubject), Value(Slot::kRawSubject));
  draws.Next();
  if (what.mailer == Mailer::kJavaMail) AppendMailDate(Value(Slot::kMailDate), mail.sent_ms);
  std::string& boundary = Value(Slot::kBoundary);
  if (what.mailer == Mailer::kNodemailer) {
    draws.AppendHex(boundary, 16);
  } else {
    AppendNumber(boundary, static_cast<std::int64_t>(draws.Below(9'000'000)));
    boundary += '_';
    AppendNumber(boundary, static_cast<std::int64_t>(draws.Below(2'000'000'000)));
    boundary += '.';
    AppendNumber(boundary, mail.sent_ms - 40);
  }
  std::string& header_id = Value(Slot::kHeaderId);
  if (what.mailer == Mailer::kNodemailer) {
    draws.AppendUuid(header_id, '4');
    header_id += "@mail.";
    header_id += tenant.domain;
  } else {
    header_id += At(Slot::kMessageId);
    header_id += "@email.amazonses.com";
  }
  AppendNumber(Value(Slot::kEntityId), static_cast<std::int64_t>(draws.Below(100'000'000)));
  AppendNumber(Value(Slot::kContact), mail.ranks[0]);
  Value(Slot::kSourceIp) += SourceIp(mail.source_ip);
}

void EventWriter::FillReader(Draws& draws) {
  const Rank rank = facts_.mail.ranks[facts_.about];
  const std::uint64_t habit = Mix(rank);
  std::string& ip = Value(Slot::kClientIp);
  std::string& agent = Value(Slot::kAgent);
  if (facts_.type == EventType::kOpen && People::ProviderOf(rank) == Provider::kGoogle) {
    ip += "66.249.";
    AppendNumber(ip, static_cast<std::int64_t>(80 + draws.Below(16)));
    ip += '.';
    AppendNumber(ip, static_cast<std::int64_t>(draws.Below(256)));
    agent +=
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
  } else {
    // At home or on the move.
    const std::uint64_t place = draws.Chance(0.7) ? habit : draws.Next();
    for (int shift = 8; shift < 40; shift += 8) {
      if (shift > 8) ip += '.';
      AppendNumber(ip, static_cast<std::int64_t>(1 + (place >> shift) % (shift == 8 ? 223 : 254)));
    }
    agent += Agent((draws.Chance(0.85) ? habit : draws.Next() >> 8) % kAgents);
  }
  if (facts_.type != EventType::kClick) return;
  std::string& link = Value(Slot::kLink);
  link += "https://www.";
  link += Tenants()[facts_.mail.tenant].domain;
  link += '/';
  link += Templates()[facts_.mail.what].path;
  link += '/';
  AppendNumber(link, static_cast<std::int64_t>(1000 + draws.Below(9000)));
  link += "?utm_source=email&utm_campaign=";
  link += Templates()[facts_.mail.what].name;
  constexpr std::string_view kLinkTags[] = {
      "null", R"({"place":["hero"]})", R"({"place":["footer"]})", "null"};
  Value(Slot::kLinkTags) += kLinkTags[draws.Below(4)];
}

void EventWriter::FillRecipients() {
  AppendQuotedList(Value(Slot::kAddresses), facts_.recipients(), People::AppendAddress);
  std::string& domains = Value(Slot::kDomains);
  std::string quoted;
  for (const Rank rank : facts_.recipients()) {
    quoted = '"';
    People::AppendDomain(quoted, rank);
    quoted += '"';
    if (domains.find(quoted) != std::string::npos) continue;
    if (!domains.empty()) domains += ',';
    domains += quoted;
  }
}

void EventWriter::FillEvent(const Moment& moment, Draws& draws) {
  AppendIsoMillis(Value(Slot::kEventTime), moment.at_ms);
  if (facts_.about < kMailRecipientsMax) {
    People::AppendAddress(Value(Slot::kRecipient), facts_.mail.ranks[facts_.about]);
  }
  const std::uint64_t server = draws.Below(96);
  std::string& mta = Value(Slot::kMta);
  mta += server < 48 ? "8-" : "48-";
  AppendNumber(mta, static_cast<std::int64_t>(10 + server));
  std::string& outgoing = Value(Slot::kOutgoingIp);
  outgoing += server < 48 ? "54.240.8." : "54.240.48.";
  AppendNumber(outgoing, static_cast<std::int64_t>(10 + server));
  const Provider provider =
      People::ProviderOf(facts_.mail.ranks[facts_.about % kMailRecipientsMax]);
  AppendServerIp(Value(Slot::kRemoteIp), provider, draws);
  std::string& reply = Value(Slot::kReply);
  switch (facts_.type) {
    case EventType::kDelivery:
      facts_.processing_ms = moment.at_ms - moment.sent_ms;
      AppendNumber(Value(Slot::kProcessing), facts_.processing_ms);
      facts_.reply = AppendAcceptedReply(reply, provider, facts_.message_id, moment.at_ms, draws);
      break;
    case EventType::kBounce:
    case EventType::kDelay:
      facts_.refusal = facts_.type == EventType::kBounce ? &Bounce(BouncePick()(draws))
                                                         : &Delay(DelayPick()(draws));
      AppendRefusal(reply, *facts_.refusal, At(Slot::kRecipient), draws);
      AppendIsoMillis(Value(Slot::kExpires), moment.sent_ms + 50'400'000);
      [[fallthrough]];
    case EventType::kComplaint:
      AppendMessageId(Value(Slot::kFeedbackId), Tenants()[facts_.mail.tenant], moment.at_ms, draws);
      break;
    case EventType::kOpen:
    case EventType::kClick:
      FillReader(draws);
      break;
    case EventType::kRenderingFailure:
      Value(Slot::kLink) += Templates()[facts_.mail.what].name;
      break;
    case EventType::kSend:
    case EventType::kReject:
      break;
  }
}

void EventWriter::AppendMessage(std::string& out) const {
  out += EventTypeName(facts_.type);
  if (facts_.type != EventType::kRenderingFailure) {
    out += ' ';
    out += At(Slot::kSubject);
  }
  out += " → ";
  bool first = true;
  for (const Rank rank : IsRead() ? facts_.mail.all() : facts_.recipients()) {
    if (!first) out += ", ";
    first = false;
    People::AppendAddress(out, rank);
  }
}

void EventWriter::AppendEmail(std::string& out) const {
  const auto f = static_cast<std::size_t>(form());
  out += R"("email":{)";
  sender_->email[f].AppendTo(out, values_);
  out += R"(,"recipient":{"address":[)";
  out += At(Slot::kAddresses);
  out += R"(],"domain":[)";
  out += At(Slot::kDomains);
  out += "]}";
  if (facts_.type == EventType::kBounce) {
    out += R"(,"bounce":{"class":")";
    out += facts_.refusal->bounce_class;
    out += facts_.refusal->type == "Permanent" ? R"(","hard":true,"raw":")"
                                               : R"(","hard":false,"raw":")";
    if (!facts_.refusal->suppressed()) out += "smtp; ";
    out += At(Slot::kReply);
    out += "\"}";
    if (facts_.refusal->suppressed()) out += R"(,"suppression":{"list":"account"})";
  } else if (facts_.type == EventType::kComplaint) {
    out += R"(,"complaint":{"type":"abuse"})";
  } else if (facts_.type == EventType::kClick) {
    ((out += R"(,"engagement":{"url":")") += At(Slot::kLink)) += "\"}";
  } else if (facts_.type == EventType::kRenderingFailure) {
    ((out += R"(,"template":")") += At(Slot::kLink)) += '"';
  }
  sender_->headers[f].AppendTo(out, values_);
  out += '}';
}

void EventWriter::AppendSmtp(std::string& out) const {
  const bool delivered = facts_.type == EventType::kDelivery;
  if (!delivered && facts_.refusal == nullptr) return;
  const int code = delivered ? 250 : facts_.refusal->code;
  const std::string_view enhanced = delivered ? facts_.reply.enhanced : facts_.refusal->status;
  out += R"(,"smtp":{)";
  if (code != 0) {
    out += R"("code":)";
    AppendNumber(out, code);
    out += ',';
  }
  if (!enhanced.empty()) ((out += R"("enhanced_code":")") += enhanced) += "\",";
  ((out += R"("response":")") += At(Slot::kReply)) += "\"}";
}

void EventWriter::AppendNormalised(const Moment& moment, std::string& out) const {
  const Verdict verdict = VerdictOf(facts_);
  const Tenant& tenant = Tenants()[facts_.mail.tenant];
  ((out += R"(,"event":{"name":")") += verdict.name) += R"(","provider":"ses","outcome":")";
  (out += verdict.outcome) += R"(","verified":"signature"},)";
  AppendEmail(out);
  AppendSmtp(out);
  if (IsRead()) {
    ((out += R"(,"client":{"address":")") += At(Slot::kClientIp)) += "\"}";
    ((out += R"(,"user_agent":{"original":")") += At(Slot::kAgent)) += "\"}";
  }
  ((out += R"(,"cloud":{"account":{"id":")") += tenant.account) += R"("},"region":")";
  (out += tenant.region) += "\"}";
  if (moment.at_ms > moment.sent_ms) {
    out += R"(,"duration":)";
    AppendNumber(out, (moment.at_ms - moment.sent_ms) * 1'000'000);
  }
}

void EventWriter::Write(const Moment& moment, const MailDraw& draw, store::NewEvent& entry) {
  facts_ = {};
  facts_.type = moment.type;
  facts_.mail = draw(moment.mail_seed, moment.sent_ms);
  facts_.timestamp_ms = moment.at_ms;
  facts_.about = moment.about;
  Draws draws(Mix(moment.mail_seed + 0x5E5ULL * (1 + moment.ordinal)));
  FillMail();
  FillEvent(moment, draws);
  if (IsRead()) facts_.about = kMailRecipientsMax;  // SES does not say whose it was
  sender_ = &LayoutsOf(facts_.mail);
  sender_->mail[static_cast<std::size_t>(form())].AppendTo(Value(Slot::kMail), values_);

  store::Event& event = entry.event;
  event.attributes.clear();
  event.attributes.reserve(variant_ == Variant::kRaw ? 2560 : 4608);
  event.attributes += '{';
  if (variant_ == Variant::kProduct) {
    draws.AppendUuid(Value(Slot::kSnsId), '5');
    // The notification's time is all that rejects and rendering failures have.
    const bool timeless =
        moment.type == EventType::kReject || moment.type == EventType::kRenderingFailure;
    AppendIsoMillis(Value(Slot::kSnsTime), timeless ? moment.at_ms : moment.arrival_ms - 60);
    FillRecipients();
    SnsLayout().AppendTo(event.attributes, values_);
  }
  Details().Of(facts_).AppendTo(event.attributes, values_);
  if (variant_ == Variant::kProduct) AppendNormalised(moment, event.attributes);
  event.attributes += '}';

  event.timestamp_ms = moment.at_ms;
  event.ingested_at_ms = moment.arrival_ms;
  event.message.clear();
  AppendMessage(event.message);
  event.status = VerdictOf(facts_).status;
  event.service = ConfigurationSet(Tenants()[facts_.mail.tenant], Templates()[facts_.mail.what]);
  event.source = "ses";
  event.tags = {"env:prod", "forwardername:mail-forwarder", "source:ses"};
  store::DedupKey& key = entry.dedup_key.emplace();
  for (std::uint8_t& byte : key.bytes) byte = static_cast<std::uint8_t>(draws.Next() >> 56);
}

}  // namespace postglass::bench
