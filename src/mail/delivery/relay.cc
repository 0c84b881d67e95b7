#include "mail/delivery/relay.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "mail/delivery/bounce_class.h"
#include "mail/delivery/capture.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kRelayedTagValue = "relayed";

// One answer to one recipient, also when nobody answered.
struct Answer {
  int code = 0;
  std::string text;
};

// No reply was had: words in the form of one, as SES writes them.
Answer AnswerForError(const Error& error) {
  switch (error.code) {
    case ErrorCode::kTimeout:
      return {421, "421 4.4.2 Connection timed out"};
    case ErrorCode::kPermissionDenied:
      return {454, fmt::format("454 4.7.0 Relay refused TLS or login: {}", error.message)};
    case ErrorCode::kUnsupported:
      return {454, "454 4.7.4 Relay does not offer the required TLS"};
    default:
      return {421, "421 4.4.1 Unable to connect to remote host"};
  }
}

Answer AnswerFor(const net::SmtpResult& result, const std::string& address) {
  if (result.refusal.code != 0) {
    // A server that does not listen has said nothing about the mail: not even 554 is final.
    const int code = result.refusal.code / 100 == 4 ? result.refusal.code : 421;
    return {code, result.refusal.Text()};
  }
  for (const net::SmtpResult::Recipient& recipient : result.recipients) {
    if (recipient.address == address) return {recipient.reply.code, recipient.reply.Text()};
  }
  return {451, "451 4.3.0 Relay gave no answer for this recipient"};
}

}  // namespace

// Gathers what became of the recipients of one dialogue into events.
class RelayCarrier::Results {
 public:
  Results(const CarryJob& job, const Options& options, const net::SmtpResult& wire)
      : job_(job), options_(options), wire_(wire) {}

  void Delivered(const std::string& recipient, const std::string& reply) {
    delivered_[reply].push_back(recipient);
  }

  void Bounced(const std::string& recipient, const BounceClass& kind, const std::string& reply) {
    bounced_[{kind.bounce_type, kind.bounce_sub_type}].push_back(
        {recipient, "failed", kind.status, "smtp; " + reply});
  }

  void Delayed(const std::string& recipient, const BounceClass& kind, const std::string& reply) {
    delayed_[kind.delay_type].push_back({recipient, "", kind.status, "smtp; " + reply});
  }

  std::vector<CarriedEvent> Take(Timestamp now, Random& random) {
    std::vector<CarriedEvent> events;
    const std::vector<MessageTag> tags = {
        {std::string(kPostglassTag), std::string(kRelayedTagValue)}};
    for (auto& [reply, recipients] : delivered_) {
      DeliveryDetail d;
      d.at = now;
      d.processing_ms = (now - job_.mail->accepted_at) / std::chrono::milliseconds(1);
      d.recipients = std::move(recipients);
      d.smtp_response = reply;
      d.reporting_mta = options_.target.helo_name;
      d.remote_mta_ip = wire_.remote_ip;
      d.tls_version = wire_.tls_version;
      d.remote_host = Host();
      events.push_back({std::move(d), tags});
    }
    for (auto& [kind, recipients] : bounced_) {
      BounceDetail d;
      d.type = kind.first;
      d.sub_type = kind.second;
      d.recipients = std::move(recipients);
      d.at = now;
      d.feedback_id = MakeFeedbackId(options_.region, now, random);
      d.reporting_mta = "dns; " + Host();
      d.remote_mta_ip = wire_.remote_ip;
      events.push_back({std::move(d), tags});
    }
    for (auto& [type, recipients] : delayed_) {
      DeliveryDelayDetail d;
      d.type = type;
      d.recipients = std::move(recipients);
      d.expires_at = job_.mail->accepted_at + options_.life;
      d.at = now;
      d.reporting_mta = wire_.remote_ip;
      events.push_back({std::move(d), tags});
    }
    return events;
  }

 private:
  const std::string& Host() const {
    return wire_.remote_host.empty() ? options_.target.host : wire_.remote_host;
  }

  const CarryJob& job_;
  const Options& options_;
  const net::SmtpResult& wire_;
  std::map<std::string, std::vector<std::string>> delivered_;
  std::map<std::pair<std::string, std::string>, std::vector<BouncedRecipient>> bounced_;
  std::map<std::string, std::vector<BouncedRecipient>> delayed_;
};

RelayCarrier::RelayCarrier(
    net::SmtpClient& client, const Clock& clock, Options options, Random& random, Metrics& metrics)
    : options_(std::move(options)),
      client_(client),
      clock_(clock),
      random_(random),
      delivered_(AttemptCounter(metrics, "relay", "delivered")),
      bounced_(AttemptCounter(metrics, "relay", "bounced")),
      delayed_(AttemptCounter(metrics, "relay", "delayed")) {
  CHECK(!options_.pauses.empty());
}

Timestamp RelayCarrier::FirstDue(const Mail& mail, std::size_t) const { return mail.accepted_at; }

std::vector<std::chrono::milliseconds> RelayCarrier::DefaultPauses() {
  using std::chrono::minutes;
  return {minutes(1),
          minutes(2),
          minutes(5),
          minutes(10),
          minutes(20),
          minutes(30),
          minutes(40),
          minutes(50),
          minutes(60)};
}

std::chrono::milliseconds RelayCarrier::PauseAfter(std::uint32_t attempt) const {
  return options_.pauses[std::clamp<std::size_t>(attempt, 1, options_.pauses.size()) - 1];
}

bool RelayCarrier::ShowsDelay(std::uint32_t attempt) {
  return attempt == 1 || attempt == 3 || attempt == 5 || (attempt > 5 && attempt % 4 == 0);
}

void RelayCarrier::Carry(CarryJob job, std::function<void(Progress)> done) {
  const Mail& mail = *job.mail;
  std::vector<std::string> recipients;
  for (const CarryJob::Due& due : job.due) recipients.push_back(mail.recipients[due.recipient]);
  const Result<net::SmtpResult> wire = client_.Deliver(
      options_.target,
      mail.envelope_from,
      recipients,
      options_.fields_in_front ? options_.fields_in_front(mail) + mail.raw : mail.raw);
  // The dialogue took its time: the events carry the moment of the answer.
  const Timestamp now = clock_.Now();
  if (!wire) log::Warn("mail", "relay {}: {}", options_.target.host, wire.error().message);
  if (wire && wire->refusal.code != 0) {
    log::Warn("mail", "relay {} does not listen: {}", options_.target.host, wire->refusal.Text());
  }
  const net::SmtpResult nothing;
  Results results(job, options_, wire ? *wire : nothing);
  Progress progress;
  // A tenth either way, so that mails of one outage do not all come back together; the recipients
  // of one mail do.
  const auto jitter_percent = static_cast<int>(random_.Below(101));
  for (const CarryJob::Due& due : job.due) {
    const std::string& recipient = mail.recipients[due.recipient];
    const Answer answer = wire ? AnswerFor(*wire, recipient) : AnswerForError(wire.error());
    RecipientState state{due.state.step + 1, true, now};
    if (answer.code >= 200 && answer.code < 300) {
      delivered_.Add();
      results.Delivered(recipient, answer.text);
      progress.changes.push_back({due.recipient, state});
      continue;
    }
    const BounceClass kind = ClassifyReply(answer.code, answer.text);
    const std::chrono::nanoseconds pause = PauseAfter(state.step);
    const Timestamp next = now + pause - pause / 10 + pause / 5 * jitter_percent / 100;
    const bool expired = next > mail.accepted_at + options_.life;
    if (answer.code >= 500 || expired) {
      bounced_.Add();
      BounceClass bounce = kind;
      // What was temporary all the time is a transient bounce even if its words sound final.
      if (answer.code < 500 && bounce.bounce_type != "Transient") {
        bounce.bounce_type = "Transient";
        bounce.bounce_sub_type = "General";
      }
      results.Bounced(recipient, bounce, answer.text);
    } else {
      delayed_.Add();
      state.done = false;
      state.due = next;
      if (ShowsDelay(state.step)) results.Delayed(recipient, kind, answer.text);
    }
    progress.changes.push_back({due.recipient, state});
  }
  progress.events = results.Take(now, random_);
  done(std::move(progress));
}

}  // namespace postglass::mail
