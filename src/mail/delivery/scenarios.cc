#include "mail/delivery/scenarios.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "aws/wildcard.h"
#include "base/encoding.h"
#include "mail/delivery/recipient_groups.h"
#include "mail/delivery/server_words.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kSimulatorDomain = "simulator.amazonses.com";
// SES gives up after this long (MaxDeliverySeconds' largest value).
constexpr std::chrono::seconds kLife{50'400};

enum class Act {
  kDeliver,
  kBounceUnknownUser,
  kBounceSuppressed,
  kBounceSoft,
  kBounceFull,
  kBounceGaveUp,
  kAutoReply,
  kComplain,
  kDelay,
  kOpen,
  kClick,
  kReject,
};

struct Step {
  Act act;
  std::chrono::milliseconds wait_min;  // after the step before
  std::chrono::milliseconds wait_max;
};

using std::chrono::milliseconds;

const std::vector<Step>& StepsOf(Scenario scenario) {
  static const std::map<Scenario, std::vector<Step>> steps = {
      {Scenario::kSuccess, {{Act::kDeliver, milliseconds(120), milliseconds(1800)}}},
      {Scenario::kBounce, {{Act::kBounceUnknownUser, milliseconds(150), milliseconds(1500)}}},
      {Scenario::kOoto,
       {{Act::kDeliver, milliseconds(120), milliseconds(900)},
        {Act::kAutoReply, milliseconds(300), milliseconds(900)}}},
      {Scenario::kComplaint,
       {{Act::kDeliver, milliseconds(120), milliseconds(900)},
        {Act::kComplain, milliseconds(500), milliseconds(1500)}}},
      {Scenario::kSuppressionList, {{Act::kBounceSuppressed, milliseconds(50), milliseconds(300)}}},
      {Scenario::kSoftBounce, {{Act::kBounceSoft, milliseconds(300), milliseconds(2000)}}},
      {Scenario::kMailboxFull, {{Act::kBounceFull, milliseconds(200), milliseconds(1500)}}},
      {Scenario::kDelay,
       {{Act::kDelay, milliseconds(200), milliseconds(800)},
        {Act::kDeliver, milliseconds(1000), milliseconds(2500)}}},
      {Scenario::kDelayBounce,
       {{Act::kDelay, milliseconds(200), milliseconds(800)},
        {Act::kBounceGaveUp, milliseconds(1000), milliseconds(2500)}}},
      {Scenario::kOpen,
       {{Act::kDeliver, milliseconds(120), milliseconds(900)},
        {Act::kOpen, milliseconds(400), milliseconds(1500)}}},
      {Scenario::kClick,
       {{Act::kDeliver, milliseconds(120), milliseconds(900)},
        {Act::kClick, milliseconds(400), milliseconds(1500)}}},
      {Scenario::kReject, {{Act::kReject, milliseconds(20), milliseconds(120)}}},
      {Scenario::kSilent, {}},
  };
  return steps.at(scenario);
}

constexpr std::pair<std::string_view, Scenario> kNames[] = {
    {"success", Scenario::kSuccess},
    {"bounce", Scenario::kBounce},
    {"ooto", Scenario::kOoto},
    {"complaint", Scenario::kComplaint},
    {"suppressionlist", Scenario::kSuppressionList},
    {"softbounce", Scenario::kSoftBounce},
    {"mailboxfull", Scenario::kMailboxFull},
    {"delay", Scenario::kDelay},
    {"delay-bounce", Scenario::kDelayBounce},
    {"open", Scenario::kOpen},
    {"click", Scenario::kClick},
    {"reject", Scenario::kReject},
    {"silent", Scenario::kSilent},
};

// The events of one job, recipients gathered as SES gathers them.
class EventMaker {
 public:
  EventMaker(const CarryJob& job, const std::string& region, Random& random)
      : mail_(*job.mail), now_(job.now), region_(region), random_(random) {}

  void Deliver(const std::string& recipient) { delivered_.push_back(recipient); }

  void Reject() { rejected_ = true; }

  void Complain(const std::string& recipient) { complaining_.push_back(recipient); }

  void Bounce(const std::string& recipient,
              std::string type,
              std::string sub_type,
              ServerSays words) {
    const ServerReply reply = Says(words, recipient);
    BounceDetail& bounce = BounceOf(std::move(type), std::move(sub_type));
    bounce.recipients.push_back({recipient, "failed", reply.status, "smtp; " + reply.text});
    bounce.reporting_mta = "dns; " + SendingHost(mail_.message_id);
    // One address for one event: SES names it when a single server was asked.
    bounce.remote_mta_ip = bounce.recipients.size() == 1 ? reply.ip : std::string();
  }

  void BounceSuppressed(const std::string& recipient, const std::string& sub_type) {
    BounceDetail& bounce = BounceOf("Permanent", sub_type);
    bounce.recipients.push_back(
        {recipient,
         "failed",
         "5.1.1",
         "Amazon SES has suppressed sending to this address because it has a recent history of "
         "bouncing as an invalid address. For more information about how to remove an address "
         "from the suppression list, see the Amazon SES Developer Guide"});
    bounce.reporting_mta = "dns; amazonses.com";
  }

  // An automatic reply carries no delivery report: only the address is known.
  void AutoReply(const std::string& recipient) { auto_replied_.push_back({recipient, "", "", ""}); }

  void Delay(const std::string& recipient) {
    const ServerReply reply = Says(ServerSays::kDelayed, recipient);
    delayed_[reply.delay_type].push_back({recipient, "", reply.status, "smtp; " + reply.text});
  }

  std::vector<CarriedEvent> Take() {
    std::vector<CarriedEvent> events;
    if (rejected_) events.push_back({RejectDetail{}, {}});
    for (auto& [domain, recipients] : ByDomain(delivered_)) {
      const ServerReply reply = Says(ServerSays::kAccepted, recipients.front());
      DeliveryDetail d;
      d.at = now_;
      d.processing_ms = (now_ - mail_.accepted_at) / std::chrono::milliseconds(1);
      d.recipients = recipients;
      d.smtp_response = reply.text;
      d.reporting_mta = SendingHost(mail_.message_id);
      d.remote_mta_ip = reply.ip;
      events.push_back({std::move(d), {}});
    }
    for (auto& [kind, bounce] : bounces_) events.push_back({std::move(bounce), {}});
    if (!auto_replied_.empty()) {
      BounceDetail bounce = NewBounce("Transient", "General");
      bounce.recipients = auto_replied_;
      events.push_back({std::move(bounce), {}});
    }
    for (auto& [type, recipients] : delayed_) {
      DeliveryDelayDetail d;
      d.type = type;
      d.recipients = recipients;
      d.at = now_;
      d.expires_at = mail_.accepted_at + kLife;
      d.reporting_mta = SendingHost(mail_.message_id);
      events.push_back({std::move(d), {}});
    }
    for (auto& [domain, recipients] : ByDomain(complaining_)) {
      ComplaintDetail d;
      d.recipients = recipients;
      d.at = now_;
      d.feedback_id = MakeFeedbackId(region_, now_, random_);
      d.user_agent = "Amazon SES Mailbox Simulator";
      d.feedback_type = "abuse";
      d.arrival_date = now_;
      events.push_back({std::move(d), {}});
    }
    return events;
  }

 private:
  ServerReply Says(ServerSays what, const std::string& recipient) const {
    return WhatServerSays(what, mail_.message_id, recipient, mail_.raw.size(), now_);
  }

  BounceDetail NewBounce(std::string type, std::string sub_type) const {
    BounceDetail bounce;
    bounce.type = std::move(type);
    bounce.sub_type = std::move(sub_type);
    bounce.at = now_;
    bounce.feedback_id = MakeFeedbackId(region_, now_, random_);
    return bounce;
  }

  BounceDetail& BounceOf(std::string type, std::string sub_type) {
    const auto kind = std::make_pair(type, sub_type);
    const auto found = bounces_.find(kind);
    if (found != bounces_.end()) return found->second;
    return bounces_.emplace(kind, NewBounce(std::move(type), std::move(sub_type))).first->second;
  }

  const Mail& mail_;
  const Timestamp now_;
  const std::string& region_;
  Random& random_;
  bool rejected_ = false;
  std::vector<std::string> delivered_;
  std::vector<std::string> complaining_;
  std::vector<BouncedRecipient> auto_replied_;
  std::map<std::pair<std::string, std::string>, BounceDetail> bounces_;
  std::map<std::string, std::vector<BouncedRecipient>> delayed_;
};

}  // namespace

std::optional<Scenario> ScenarioByName(std::string_view name) {
  for (const auto& [known, scenario] : kNames) {
    if (known == name) return scenario;
  }
  return std::nullopt;
}

Result<ScenarioTable> ScenarioTable::Create(const std::vector<Mapping>& mappings) {
  ScenarioTable table;
  for (const Mapping& mapping : mappings) {
    const std::optional<Scenario> scenario = ScenarioByName(mapping.scenario);
    if (!scenario) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format(
              "mail.scenarios: '{}' for {} is no scenario", mapping.scenario, mapping.pattern));
    }
    table.entries_.push_back(Entry{mapping.pattern, *scenario});
  }
  return table;
}

std::optional<Scenario> ScenarioTable::Find(std::string_view address) const {
  const std::string domain = DomainOf(address);
  if (domain == kSimulatorDomain) {
    const std::string_view local = address.substr(0, address.rfind('@'));
    const std::string word = AsciiLower(local.substr(0, local.find('+')));
    return ScenarioByName(word).value_or(Scenario::kSuccess);
  }
  for (const Entry& entry : entries_) {
    const bool whole = entry.pattern.find('@') != std::string::npos;
    if (aws::MatchesWildcard(entry.pattern, whole ? address : domain, aws::Case::kIgnored)) {
      return entry.scenario;
    }
  }
  return std::nullopt;
}

ScenarioCarrier::ScenarioCarrier(
    ScenarioTable table, Options options, Visitor visitor, Random& random, Metrics& metrics)
    : table_(std::move(table)),
      options_(std::move(options)),
      visitor_(std::move(visitor)),
      random_(random),
      delivered_(AttemptCounter(metrics, "scenario", "delivered")),
      bounced_(AttemptCounter(metrics, "scenario", "bounced")),
      delayed_(AttemptCounter(metrics, "scenario", "delayed")),
      other_(AttemptCounter(metrics, "scenario", "other")) {}

bool ScenarioCarrier::Wants(const Mail& mail, std::size_t recipient) const {
  return Plays(mail.recipients[recipient]);
}

bool ScenarioCarrier::Plays(std::string_view address) const {
  return table_.Find(address).has_value();
}

std::chrono::nanoseconds ScenarioCarrier::Wait(const Mail& mail,
                                               Scenario scenario,
                                               std::uint32_t step) const {
  const std::vector<Step>& steps = StepsOf(scenario);
  if (step >= steps.size()) return std::chrono::nanoseconds(0);
  // By mail, not by recipient: those of one fate are reported together.
  TextHash hash(mail.message_id);
  hash.Mix(fmt::format("{}", step));
  const milliseconds spread = steps[step].wait_max - steps[step].wait_min;
  // Squared: most servers answer fast, some take their time.
  const double share = static_cast<double>(hash.Below(1000)) / 1000;
  const double wait = static_cast<double>(steps[step].wait_min.count()) +
                      static_cast<double>(spread.count()) * share * share;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(wait * options_.time_scale * 1e6));
}

Timestamp ScenarioCarrier::FirstDue(const Mail& mail, std::size_t recipient) const {
  const Scenario scenario = table_.Find(mail.recipients[recipient]).value_or(Scenario::kSuccess);
  return mail.accepted_at + Wait(mail, scenario, 0);
}

void ScenarioCarrier::Carry(CarryJob job, std::function<void(Progress)> done) {
  const Mail& mail = *job.mail;
  EventMaker events(job, options_.region, random_);
  Progress progress;
  for (const CarryJob::Due& due : job.due) {
    const std::string& recipient = mail.recipients[due.recipient];
    const Scenario scenario = table_.Find(recipient).value_or(Scenario::kSuccess);
    const std::vector<Step>& steps = StepsOf(scenario);
    RecipientState state = due.state;
    if (state.step < steps.size()) {
      switch (steps[state.step].act) {
        case Act::kDeliver:
          events.Deliver(recipient);
          delivered_.Add();
          break;
        case Act::kBounceUnknownUser:
          events.Bounce(recipient, "Permanent", "General", ServerSays::kUnknownUser);
          bounced_.Add();
          break;
        case Act::kBounceSuppressed:
          events.BounceSuppressed(recipient, options_.suppression_sub_type);
          bounced_.Add();
          break;
        case Act::kBounceSoft:
          events.Bounce(recipient, "Transient", "General", ServerSays::kTemporarilyRefused);
          bounced_.Add();
          break;
        case Act::kBounceFull:
          events.Bounce(recipient, "Transient", "MailboxFull", ServerSays::kMailboxFull);
          bounced_.Add();
          break;
        case Act::kBounceGaveUp:
          events.Bounce(recipient, "Transient", "General", ServerSays::kGaveUp);
          bounced_.Add();
          break;
        case Act::kAutoReply:
          events.AutoReply(recipient);
          other_.Add();
          break;
        case Act::kComplain:
          events.Complain(recipient);
          other_.Add();
          break;
        case Act::kDelay:
          events.Delay(recipient);
          delayed_.Add();
          break;
        case Act::kOpen:
          if (visitor_) visitor_(mail, recipient, Visit::kOpen);
          other_.Add();
          break;
        case Act::kClick:
          if (visitor_) visitor_(mail, recipient, Visit::kClick);
          other_.Add();
          break;
        case Act::kReject:
          events.Reject();
          other_.Add();
          break;
      }
      ++state.step;
    }
    state.done = state.step >= steps.size();
    state.due = job.now + Wait(mail, scenario, state.step);
    progress.changes.push_back({due.recipient, state});
  }
  progress.events = events.Take();
  done(std::move(progress));
}

}  // namespace postglass::mail
