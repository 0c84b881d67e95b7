#include "mail/delivery/spool_record.h"

#include <fmt/format.h>

#include <utility>

#include "mail/delivery/record_bytes.h"

namespace postglass::mail {
namespace {

// record  = kind:byte body
// Kinds that are not here belong to other versions; a reader refuses them.
enum class Kind : std::uint8_t {
  kAccepted = 1,
  kCopied = 2,
  kOutcome = 3,
  kEvent = 4,
  // kAccepted and kCopied of a mail that has more than most: `more` stands behind it.
  kAcceptedMore = 5,
  kCopiedMore = 6,
};

// The tags of EventDetail's alternatives on disk. Never renumbered.
enum class DetailKind : std::uint8_t {
  kSend = 1,
  kReject = 2,
  kDelivery = 3,
  kBounce = 4,
  kComplaint = 5,
  kOpen = 6,
  kClick = 7,
  kRenderingFailure = 8,
  kDeliveryDelay = 9,
};

void PutKind(RecordWriter& out, Kind kind) { out.Number(static_cast<std::uint64_t>(kind)); }

void PutTexts(RecordWriter& out, const std::vector<std::string>& texts) {
  out.Number(texts.size());
  for (const std::string& text : texts) out.Text(text);
}

std::vector<std::string> GetTexts(RecordReader& in) {
  std::vector<std::string> texts(in.Count());
  for (std::string& text : texts) text = in.Text();
  return texts;
}

void PutMail(RecordWriter& out, const Mail& mail) {
  out.Reserve(mail.raw.size() + mail.mail_object.size() + 1024);
  out.Text(mail.message_id);
  out.Time(mail.accepted_at);
  out.Text(mail.source);
  out.Text(mail.envelope_from);
  PutTexts(out, mail.recipients);
  out.Text(mail.subject);
  out.Text(mail.configuration_set);
  out.Text(mail.mail_object);
  out.Text(mail.raw);
}

Mail GetMail(RecordReader& in) {
  Mail mail;
  mail.message_id = in.Text();
  mail.accepted_at = in.Time();
  mail.source = in.Text();
  mail.envelope_from = in.Text();
  mail.recipients = GetTexts(in);
  mail.subject = in.Text();
  mail.configuration_set = in.Text();
  mail.mail_object = in.Text();
  mail.raw = in.Text();
  return mail;
}

bool HasMore(const Mail& mail) { return !mail.send_object.empty() || !mail.suppressed.empty(); }

void PutMore(RecordWriter& out, const Mail& mail) {
  out.Text(mail.send_object);
  out.Number(mail.suppressed.size());
  for (const Mail::Suppression& suppression : mail.suppressed) {
    out.Number(suppression.recipient);
    out.Text(suppression.reason);
  }
}

Mail GetMailAndMore(RecordReader& in) {
  Mail mail = GetMail(in);
  mail.send_object = in.Text();
  mail.suppressed.resize(in.Count());
  for (Mail::Suppression& suppression : mail.suppressed) {
    suppression.recipient = in.Number();
    suppression.reason = in.Text();
  }
  return mail;
}

void PutStates(RecordWriter& out, const std::vector<RecipientState>& states) {
  out.Number(states.size());
  for (const RecipientState& state : states) {
    out.Number((std::uint64_t{state.step} << 1) | (state.done ? 1U : 0U));
    out.Time(state.due);
  }
}

std::vector<RecipientState> GetStates(RecordReader& in) {
  std::vector<RecipientState> states(in.Count());
  for (RecipientState& state : states) {
    const std::uint64_t step_and_done = in.Number();
    state.step = static_cast<std::uint32_t>(step_and_done >> 1);
    state.done = (step_and_done & 1) != 0;
    state.due = in.Time();
  }
  return states;
}

void PutSubject(RecordWriter& out, const EventSubject& subject) {
  out.Text(subject.message_id);
  out.Text(subject.configuration_set);
  out.Text(subject.mail_object);
}

EventSubject GetSubject(RecordReader& in) {
  EventSubject subject;
  subject.message_id = in.Text();
  subject.configuration_set = in.Text();
  subject.mail_object = in.Text();
  return subject;
}

void PutTags(RecordWriter& out, const std::vector<MessageTag>& tags) {
  out.Number(tags.size());
  for (const MessageTag& tag : tags) {
    out.Text(tag.name);
    out.Text(tag.value);
  }
}

std::vector<MessageTag> GetTags(RecordReader& in) {
  std::vector<MessageTag> tags(in.Count());
  for (MessageTag& tag : tags) {
    tag.name = in.Text();
    tag.value = in.Text();
  }
  return tags;
}

void PutRecipients(RecordWriter& out, const std::vector<BouncedRecipient>& recipients) {
  out.Number(recipients.size());
  for (const BouncedRecipient& r : recipients) {
    out.Text(r.address);
    out.Text(r.action);
    out.Text(r.status);
    out.Text(r.diagnostic_code);
  }
}

std::vector<BouncedRecipient> GetRecipients(RecordReader& in) {
  std::vector<BouncedRecipient> recipients(in.Count());
  for (BouncedRecipient& r : recipients) {
    r.address = in.Text();
    r.action = in.Text();
    r.status = in.Text();
    r.diagnostic_code = in.Text();
  }
  return recipients;
}

class DetailWriter {
 public:
  explicit DetailWriter(RecordWriter& out) : out_(out) {}

  void operator()(const SendDetail&) const { Tag(DetailKind::kSend); }

  void operator()(const RejectDetail& d) const {
    Tag(DetailKind::kReject);
    out_.Text(d.reason);
  }

  void operator()(const DeliveryDetail& d) const {
    Tag(DetailKind::kDelivery);
    out_.Time(d.at);
    out_.Number(static_cast<std::uint64_t>(d.processing_ms));
    PutTexts(out_, d.recipients);
    out_.Text(d.smtp_response);
    out_.Text(d.reporting_mta);
    out_.Text(d.remote_mta_ip);
    out_.Text(d.tls_version);
    out_.Text(d.remote_host);
  }

  void operator()(const BounceDetail& d) const {
    Tag(DetailKind::kBounce);
    out_.Text(d.type);
    out_.Text(d.sub_type);
    PutRecipients(out_, d.recipients);
    out_.Time(d.at);
    out_.Text(d.feedback_id);
    out_.Text(d.reporting_mta);
    out_.Text(d.remote_mta_ip);
  }

  void operator()(const ComplaintDetail& d) const {
    Tag(DetailKind::kComplaint);
    PutTexts(out_, d.recipients);
    out_.Time(d.at);
    out_.Text(d.feedback_id);
    out_.Text(d.sub_type);
    out_.Text(d.user_agent);
    out_.Text(d.feedback_type);
    out_.Number(d.arrival_date ? 1 : 0);
    if (d.arrival_date) out_.Time(*d.arrival_date);
  }

  void operator()(const OpenDetail& d) const {
    Tag(DetailKind::kOpen);
    out_.Time(d.at);
    out_.Text(d.ip_address);
    out_.Text(d.user_agent);
  }

  void operator()(const ClickDetail& d) const {
    Tag(DetailKind::kClick);
    out_.Time(d.at);
    out_.Text(d.ip_address);
    out_.Text(d.user_agent);
    out_.Text(d.link);
    out_.Number(d.link_tags.size());
    for (const auto& [name, values] : d.link_tags) {
      out_.Text(name);
      PutTexts(out_, values);
    }
  }

  void operator()(const RenderingFailureDetail& d) const {
    Tag(DetailKind::kRenderingFailure);
    out_.Text(d.template_name);
    out_.Text(d.error_message);
  }

  void operator()(const DeliveryDelayDetail& d) const {
    Tag(DetailKind::kDeliveryDelay);
    out_.Text(d.type);
    PutRecipients(out_, d.recipients);
    out_.Time(d.expires_at);
    out_.Time(d.at);
    out_.Text(d.reporting_mta);
  }

 private:
  void Tag(DetailKind kind) const { out_.Number(static_cast<std::uint64_t>(kind)); }

  RecordWriter& out_;
};

// The members are read in the order of the braces, which C++ guarantees.
EventDetail GetDetail(RecordReader& in, bool& known) {
  switch (static_cast<DetailKind>(in.Number())) {
    case DetailKind::kSend:
      return SendDetail{};
    case DetailKind::kReject:
      return RejectDetail{in.Text()};
    case DetailKind::kDelivery:
      return DeliveryDetail{in.Time(),
                            static_cast<std::int64_t>(in.Number()),
                            GetTexts(in),
                            in.Text(),
                            in.Text(),
                            in.Text(),
                            in.Text(),
                            in.Text()};
    case DetailKind::kBounce:
      return BounceDetail{
          in.Text(), in.Text(), GetRecipients(in), in.Time(), in.Text(), in.Text(), in.Text()};
    case DetailKind::kComplaint: {
      ComplaintDetail d{GetTexts(in), in.Time(), in.Text(), in.Text(), in.Text(), in.Text(), {}};
      if (in.Number() == 1) d.arrival_date = in.Time();
      return d;
    }
    case DetailKind::kOpen:
      return OpenDetail{in.Time(), in.Text(), in.Text()};
    case DetailKind::kClick: {
      ClickDetail d{in.Time(), in.Text(), in.Text(), in.Text(), {}};
      d.link_tags.resize(in.Count());
      for (auto& [name, values] : d.link_tags) {
        name = in.Text();
        values = GetTexts(in);
      }
      return d;
    }
    case DetailKind::kRenderingFailure:
      return RenderingFailureDetail{in.Text(), in.Text()};
    case DetailKind::kDeliveryDelay:
      return DeliveryDelayDetail{in.Text(), GetRecipients(in), in.Time(), in.Time(), in.Text()};
  }
  known = false;
  return SendDetail{};
}

}  // namespace

std::string EncodeAccepted(const Mail& mail) {
  RecordWriter out;
  PutKind(out, HasMore(mail) ? Kind::kAcceptedMore : Kind::kAccepted);
  PutMail(out, mail);
  if (HasMore(mail)) PutMore(out, mail);
  return out.Take();
}

std::string EncodeCopied(MailSequence origin,
                         const Mail& mail,
                         const std::vector<RecipientState>& states) {
  RecordWriter out;
  PutKind(out, HasMore(mail) ? Kind::kCopiedMore : Kind::kCopied);
  out.Number(origin);
  PutStates(out, states);
  PutMail(out, mail);
  if (HasMore(mail)) PutMore(out, mail);
  return out.Take();
}

std::string EncodeOutcome(const OutcomeRecord& record) {
  RecordWriter out;
  PutKind(out, Kind::kOutcome);
  out.Number(record.origin);
  PutStates(out, record.states);
  out.Number(record.events.size());
  if (record.events.empty()) return out.Take();
  PutSubject(out, record.subject);
  for (const CarriedEvent& event : record.events) {
    std::visit(DetailWriter(out), event.detail);
    PutTags(out, event.extra_tags);
  }
  return out.Take();
}

std::string EncodeEvent(const MailEvent& event) {
  RecordWriter out;
  PutKind(out, Kind::kEvent);
  PutSubject(out, event.subject);
  std::visit(DetailWriter(out), event.detail);
  PutTags(out, event.extra_tags);
  return out.Take();
}

Result<SpoolRecord> DecodeSpoolRecord(std::string_view bytes) {
  RecordReader in(bytes);
  SpoolRecord record;
  bool known = true;
  const std::uint64_t kind = in.Number();
  switch (static_cast<Kind>(kind)) {
    case Kind::kAccepted:
      record = AcceptedRecord{GetMail(in)};
      break;
    case Kind::kAcceptedMore:
      record = AcceptedRecord{GetMailAndMore(in)};
      break;
    case Kind::kCopied:
    case Kind::kCopiedMore: {
      CopiedRecord copied;
      copied.origin = in.Number();
      copied.states = GetStates(in);
      copied.mail = static_cast<Kind>(kind) == Kind::kCopied ? GetMail(in) : GetMailAndMore(in);
      record = std::move(copied);
      break;
    }
    case Kind::kOutcome: {
      OutcomeRecord outcome;
      outcome.origin = in.Number();
      outcome.states = GetStates(in);
      const std::size_t events = in.Count();
      if (events > 0) outcome.subject = GetSubject(in);
      for (std::size_t i = 0; i < events && in.ok() && known; ++i) {
        CarriedEvent event;
        event.detail = GetDetail(in, known);
        event.extra_tags = GetTags(in);
        outcome.events.push_back(std::move(event));
      }
      record = std::move(outcome);
      break;
    }
    case Kind::kEvent: {
      EventRecord event;
      event.event.subject = GetSubject(in);
      event.event.detail = GetDetail(in, known);
      event.event.extra_tags = GetTags(in);
      record = std::move(event);
      break;
    }
    default:
      known = false;
  }
  if (!known && in.ok()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("spool record of kind {} is not known to this version", kind));
  }
  if (!in.finished()) return Fail(ErrorCode::kCorruption, "spool record is cut short or too long");
  return record;
}

}  // namespace postglass::mail
