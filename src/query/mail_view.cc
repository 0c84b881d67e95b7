#include "query/mail_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "base/encoding.h"
#include "base/time_format.h"
#include "query/bounce_advice.h"

namespace postglass::query {
namespace {

using Kind = MailEvent::Kind;
using Recipient = MailEvent::Recipient;

constexpr std::array<std::string_view, 15> kStateNames = {"unknown",
                                                          "sent",
                                                          "no_news",
                                                          "delayed",
                                                          "accepted",
                                                          "captured",
                                                          "relayed",
                                                          "opened",
                                                          "clicked",
                                                          "refused",
                                                          "returned",
                                                          "complained",
                                                          "suppressed",
                                                          "rejected",
                                                          "rendering_failed"};

struct Operator {
  std::string_view domain;
  std::string_view name;
};

// Who answers for a domain, where the name says more than the domain.
constexpr std::array<Operator, 12> kOperators = {{
    {"gmail.com", "Google (gmail.com)"},
    {"googlemail.com", "Google (googlemail.com)"},
    {"outlook.com", "Microsoft (outlook.com)"},
    {"hotmail.com", "Microsoft (hotmail.com)"},
    {"live.com", "Microsoft (live.com)"},
    {"msn.com", "Microsoft (msn.com)"},
    {"yahoo.com", "Yahoo (yahoo.com)"},
    {"aol.com", "Yahoo (aol.com)"},
    {"icloud.com", "Apple (icloud.com)"},
    {"me.com", "Apple (me.com)"},
    {"mac.com", "Apple (mac.com)"},
    {"proton.me", "Proton (proton.me)"},
}};

std::string ServerOf(std::string_view address) {
  const std::string domain = AsciiLower(DomainOf(address));
  for (const Operator& op : kOperators) {
    if (op.domain == domain) return std::string(op.name);
  }
  return domain.empty() ? std::string("the receiving server") : domain;
}

// The same event by content: what a redelivery repeats. The id differs when nothing told that it
// was one.
std::string ContentKey(const MailEvent& e) {
  std::string key = fmt::format("{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}",
                                static_cast<int>(e.kind),
                                e.type,
                                e.at.nanos,
                                e.server_words,
                                e.sub_type,
                                e.link,
                                e.user_agent,
                                e.ip_address);
  for (const Recipient& recipient : e.recipients) {
    key += "\x1e" + AsciiLower(recipient.address) + "\x1f" + recipient.words;
  }
  return key;
}

// Where an event belongs in a mail's life; orders events of the same instant.
int Stage(Kind kind) { return static_cast<int>(kind); }

bool Before(const MailEvent* a, const MailEvent* b) {
  return std::tuple(a->at, Stage(a->kind), a->id) < std::tuple(b->at, Stage(b->kind), b->id);
}

const Recipient* Named(const MailEvent& event, std::string_view address) {
  for (const Recipient& recipient : event.recipients) {
    if (SameAddress(recipient.address, address)) return &recipient;
  }
  return nullptr;
}

// All events of one message id, each content once, in time order.
struct Mail {
  std::vector<const MailEvent*> events;
  std::vector<std::string> recipients;  // envelope order, then others that events name

  bool HasRecipient(std::string_view address) const {
    return std::any_of(recipients.begin(), recipients.end(), [address](const std::string& r) {
      return SameAddress(r, address);
    });
  }
};

void CollectRecipients(Mail& mail) {
  for (const MailEvent* event : mail.events) {
    for (const std::string& address : event->destination) {
      if (!mail.HasRecipient(address)) mail.recipients.push_back(address);
    }
  }
  // A server that forwards names the address it forwarded to. With one recipient it is about them.
  if (mail.recipients.size() == 1) return;
  for (const MailEvent* event : mail.events) {
    for (const Recipient& recipient : event->recipients) {
      if (!mail.HasRecipient(recipient.address)) mail.recipients.push_back(recipient.address);
    }
  }
}

// What is known about one recipient; every member is a least or greatest element of a set of events
// or its size, so order and repetition do not matter.
struct Facts {
  const MailEvent* send = nullptr;
  const MailEvent* delivery = nullptr;     // first
  const MailEvent* hard_bounce = nullptr;  // first
  const MailEvent* soft_bounce = nullptr;  // last
  const MailEvent* suppression = nullptr;  // first
  const MailEvent* complaint = nullptr;    // first
  const MailEvent* reject = nullptr;
  const MailEvent* failure = nullptr;
  const MailEvent* delay = nullptr;  // last
  const MailEvent* open = nullptr;   // first
  const MailEvent* click = nullptr;  // first

  void Add(const MailEvent* event) {  // in time order
    const auto first = [event](const MailEvent*& slot) {
      if (slot == nullptr) slot = event;
    };
    switch (event->kind) {
      case Kind::kSend:
        return first(send);
      case Kind::kDelivery:
        return first(delivery);
      case Kind::kBounce:
        if (IsSuppression(event->sub_type)) return first(suppression);
        if (event->bounce_type == "Permanent") return first(hard_bounce);
        soft_bounce = event;
        return;
      case Kind::kComplaint:
        return first(IsSuppression(event->sub_type) ? suppression : complaint);
      case Kind::kReject:
        return first(reject);
      case Kind::kRenderingFailure:
        return first(failure);
      case Kind::kDelay:
        delay = event;
        return;
      case Kind::kOpen:
        return first(open);
      case Kind::kClick:
        return first(click);
      case Kind::kSubscription:
      case Kind::kOther:
        return;
    }
  }
};

// Which fact decides. A complaint proves that the mail arrived; a hard bounce that it did not, even
// when the server took it first; a temporary bounce after acceptance may be an automatic reply, so
// it decides only when nothing else does.
MailState Decide(const Facts& facts,
                 const MailView& view,
                 Timestamp now,
                 const MailViewOptions& o) {
  if (facts.complaint) return MailState::kComplained;
  if (facts.hard_bounce) return facts.delivery ? MailState::kReturned : MailState::kRefused;
  if (facts.suppression) return MailState::kSuppressed;
  if (facts.click) return MailState::kClicked;
  if (facts.open) return MailState::kOpened;
  if (facts.delivery) {
    if (view.captured) return MailState::kCaptured;
    return view.relay_host.empty() ? MailState::kAccepted : MailState::kRelayed;
  }
  if (facts.soft_bounce) return MailState::kRefused;
  if (facts.reject) return MailState::kRejected;
  if (facts.failure) return MailState::kRenderingFailed;
  if (facts.delay) return MailState::kDelayed;
  if (!facts.send) return MailState::kUnknown;
  return now - view.requested_at >= o.no_news_after ? MailState::kNoNews : MailState::kSent;
}

std::string Quoted(std::string_view words) { return fmt::format("\"{}\"", words); }

// The acceptance in one or two sentences; also part of what is said about an opened mail.
std::string AcceptanceText(const MailView& view, const std::string& server) {
  const std::string at = InstantText(*view.accepted_at);
  const std::string took =
      view.acceptance_ms
          ? fmt::format(" ({})", DurationText(std::chrono::milliseconds(*view.acceptance_ms)))
          : std::string();
  if (view.captured) {
    return fmt::format("Captured on this machine at {}; it never left for {}.", at, server);
  }
  if (!view.relay_host.empty()) {
    return fmt::format(
        "Handed to relay {} at {}{}, which answered {}; what happens after that is "
        "not seen here.",
        view.relay_host,
        at,
        took,
        Quoted(view.server_words));
  }
  const std::string answer =
      view.server_words.empty()
          ? std::string()
          : fmt::format(" {} answered {}.", server, Quoted(view.server_words));
  return fmt::format(
      "Accepted by {} at {}{}.{} That means the mail was taken, not that it was seen.",
      server,
      at,
      took,
      answer);
}

std::string Times(std::size_t count) {
  return count == 1 ? std::string("once") : fmt::format("{} times", count);
}

// Fills headline, sentence, advice, actor, server_words from the deciding fact.
class Wording {
 public:
  Wording(MailView& view, const Facts& facts, Timestamp now)
      : view_(view), facts_(facts), now_(now), server_(ServerOf(view.recipient)) {}

  void Write() {
    switch (view_.state) {
      case MailState::kUnknown:
        return Say("Something is known about this mail, but not what became of it",
                   "Events about it arrived, but none that says what became of it.");
      case MailState::kSent:
        return Say("Taken by the mail service",
                   fmt::format("The mail service took it at {}; there is no outcome yet.",
                               InstantText(view_.requested_at)),
                   "Look again in a minute.",
                   "nobody");
      case MailState::kNoNews:
        return Say(
            fmt::format("No news for {}", DurationText(now_ - view_.requested_at)),
            fmt::format("The mail service took it at {}. Since then nothing was heard: it was "
                        "neither accepted nor refused.",
                        InstantText(view_.requested_at)),
            "Send again if it is urgent; if it happens to more mails, tell engineering.",
            "us");
      case MailState::kDelayed:
        return Delayed();
      case MailState::kAccepted:
      case MailState::kCaptured:
      case MailState::kRelayed:
        return Accepted();
      case MailState::kOpened:
      case MailState::kClicked:
        return Engaged();
      case MailState::kRefused:
        return Refused(facts_.hard_bounce ? *facts_.hard_bounce : *facts_.soft_bounce);
      case MailState::kReturned:
        return Refused(*facts_.hard_bounce);
      case MailState::kComplained:
        return Say("Reported as spam",
                   fmt::format("It arrived at {} and was reported as spam there at {}.",
                               server_,
                               InstantText(facts_.complaint->at)),
                   "Do not send this address more mail that it did not ask for.",
                   "us");
      case MailState::kSuppressed:
        return Refused(*facts_.suppression);
      case MailState::kRejected:
        return Say("Not sent: refused by the mail service",
                   fmt::format("The mail service did not send it{}.", Because(*facts_.reject)),
                   "We must change the mail.",
                   "us");
      case MailState::kRenderingFailed:
        return Say("Not sent: the template failed",
                   fmt::format("The mail could not be made{}.", Because(*facts_.failure)),
                   "We must repair the template or the data that the application gives it.",
                   "us");
    }
  }

 private:
  void Say(std::string headline,
           std::string sentence,
           std::string_view advice = "",
           std::string_view actor = "") {
    view_.headline = std::move(headline);
    view_.sentence = std::move(sentence);
    view_.advice = advice;
    view_.actor = actor;
  }

  static std::string Because(const MailEvent& event) {
    return event.reason.empty() ? std::string() : fmt::format(": {}", event.reason);
  }

  // What the event says about our recipient.
  Recipient About(const MailEvent& event) const {
    if (const Recipient* named = Named(event, view_.recipient)) return *named;
    return event.recipients.empty() ? Recipient{} : event.recipients.front();
  }

  void Accepted() {
    std::string sentence = AcceptanceText(view_, server_);
    if (facts_.soft_bounce) {
      sentence += " Afterwards a temporary bounce came, which may be an automatic reply.";
    }
    if (view_.somebody_opened) {
      sentence +=
          fmt::format(" Somebody among its {} recipients opened it.", view_.recipients_count);
    }
    if (view_.state == MailState::kCaptured) {
      return Say(fmt::format("Captured on this machine; it never left for {}", server_), sentence);
    }
    if (view_.state == MailState::kRelayed) {
      return Say(fmt::format("Handed to relay {}", view_.relay_host),
                 sentence,
                 "If it did not arrive, look at the relay's own log.",
                 "us");
    }
    Say(fmt::format("Accepted by {}", server_),
        sentence,
        "Ask the customer to look in Spam and All Mail.",
        "recipient");
  }

  void Engaged() {
    const bool clicked = view_.state == MailState::kClicked;
    std::string sentence = facts_.delivery ? AcceptanceText(view_, server_) + " " : std::string();
    if (view_.opens_count > 0) {
      sentence += fmt::format(
          "Opened {}, first at {}. ", Times(view_.opens_count), InstantText(*view_.opened_at));
    }
    if (clicked) {
      sentence += fmt::format("A link was followed {}, first at {}. ",
                              Times(view_.clicks_count),
                              InstantText(*view_.clicked_at));
    }
    sentence += "Scanners and mail proxies open mails and follow links too.";
    Say(clicked ? "A link in it was followed" : "Opened", sentence);
  }

  void Delayed() {
    const Recipient about = About(*facts_.delay);
    view_.server_words = about.words;
    const std::string gives_up =
        view_.gives_up_at ? fmt::format("; it gives up at {}", InstantText(*view_.gives_up_at))
                          : std::string();
    const bool overdue = view_.gives_up_at && *view_.gives_up_at < now_;
    std::string sentence = fmt::format(
        "{} did not take it yet (last word at {}).", server_, InstantText(facts_.delay->at));
    if (!about.words.empty()) sentence += fmt::format(" It answered {}.", Quoted(about.words));
    sentence += overdue ? fmt::format(
                              " The mail service was to give up at {}, but no last word "
                              "came.",
                              InstantText(*view_.gives_up_at))
                        : fmt::format(" The mail service tries again{}.", gives_up);
    Say(view_.delays_count > 1 ? fmt::format("Being retried ({} delays so far)", view_.delays_count)
                               : std::string("Being retried"),
        sentence,
        "Wait, or ask for another address if it is urgent.",
        "nobody");
  }

  void Refused(const MailEvent& bounce) {
    const Recipient about = About(bounce);
    const BounceAdvice advice = AdviceFor(bounce, about);
    view_.server_words = about.words;
    view_.bounce_class = advice.bounce_class;
    const std::string at = InstantText(bounce.at);
    const std::string answer = about.words.empty()
                                   ? std::string()
                                   : fmt::format(" {} answered {}.", server_, Quoted(about.words));
    if (view_.state == MailState::kSuppressed) {
      return Say("Not sent: suppressed",
                 fmt::format("Not sent at {}: {}{}", at, advice.meaning, answer),
                 advice.advice,
                 advice.actor);
    }
    const bool hard = bounce.bounce_type == "Permanent";
    std::string sentence;
    if (view_.state == MailState::kReturned) {
      sentence = fmt::format("{} accepted it first and sent it back at {}.", server_, at);
    } else if (hard) {
      sentence = fmt::format("Refused by {} at {}.", server_, at);
    } else {
      sentence =
          fmt::format("{} did not take it, and the mail service gave up at {}.", server_, at);
    }
    sentence += answer + " " + advice.meaning;
    Say(view_.state == MailState::kReturned ? fmt::format("Returned by {}", server_)
                                            : fmt::format("Refused by {}", server_),
        sentence,
        advice.advice,
        advice.actor);
  }

  MailView& view_;
  const Facts& facts_;
  const Timestamp now_;
  const std::string server_;
};

// One line of the timeline.
std::string EntryText(const MailEvent& event, const MailView& view) {
  const std::string server = ServerOf(view.recipient);
  switch (event.kind) {
    case Kind::kSend:
      return "The mail service took the mail";
    case Kind::kDelivery:
      if (event.captured) return "Captured on this machine, not sent";
      if (!event.relay_host.empty()) return fmt::format("Relay {} took the mail", event.relay_host);
      return fmt::format("{} took the mail", server);
    case Kind::kBounce:
      if (IsSuppression(event.sub_type)) return "Not sent: the address is on a suppression list";
      return fmt::format("{} ({})",
                         event.bounce_type == "Permanent"
                             ? fmt::format("{} refused the mail for good", server)
                             : fmt::format("{} did not take the mail", server),
                         event.sub_type.empty() ? "bounce" : event.sub_type);
    case Kind::kComplaint:
      return "Reported as spam";
    case Kind::kReject:
      return "The mail service refused to send it";
    case Kind::kRenderingFailure:
      return "The template failed";
    case Kind::kDelay:
      return fmt::format("{} did not take the mail yet", server);
    case Kind::kOpen:
      return view.recipients_count > 1 ? "Opened by one of the recipients" : "Opened";
    case Kind::kClick:
      return view.recipients_count > 1 ? "A link was followed by one of the recipients"
                                       : "A link was followed";
    case Kind::kSubscription:
      return "The subscription changed";
    case Kind::kOther:
      return event.type;
  }
  return event.type;
}

std::string EntryWords(const MailEvent& event, const MailView& view) {
  if (!event.server_words.empty()) return event.server_words;
  if (const Recipient* named = Named(event, view.recipient)) return named->words;
  if (view.recipients_count == 1 && !event.recipients.empty()) {
    return event.recipients.front().words;
  }
  return event.reason;
}

std::optional<MailAttempt> AttemptOf(const MailEvent& event, const MailView& view) {
  MailAttempt attempt;
  attempt.at = event.at;
  switch (event.kind) {
    case Kind::kDelivery:
      break;
    case Kind::kDelay:
      attempt.outcome = MailAttempt::Outcome::kDelayed;
      break;
    case Kind::kBounce:
      if (IsSuppression(event.sub_type)) return std::nullopt;
      attempt.outcome = MailAttempt::Outcome::kRefused;
      break;
    default:
      return std::nullopt;
  }
  const Recipient* about = Named(event, view.recipient);
  if (about == nullptr && view.recipients_count == 1 && !event.recipients.empty()) {
    about = &event.recipients.front();
  }
  if (about != nullptr) attempt.status = about->status;
  attempt.server_words = EntryWords(event, view);
  return attempt;
}

bool HasNoOutcome(MailState state) {
  return state == MailState::kUnknown || state == MailState::kSent || state == MailState::kNoNews ||
         state == MailState::kDelayed;
}

void FillTimes(const Facts& facts, MailView& view) {
  const auto time = [](const MailEvent* event) {
    return event == nullptr ? std::nullopt : std::optional<Timestamp>(event->at);
  };
  view.accepted_at = time(facts.delivery);
  view.delayed_at = time(facts.delay);
  view.complained_at = time(facts.complaint);
  view.opened_at = time(facts.open);
  view.clicked_at = time(facts.click);
  if (facts.delay) view.gives_up_at = facts.delay->gives_up_at;
  const MailEvent* refusal = facts.hard_bounce ? facts.hard_bounce : facts.suppression;
  view.refused_at = time(refusal ? refusal : facts.soft_bounce);
  if (!facts.delivery) return;
  view.relay_host = facts.delivery->relay_host;
  const std::int64_t ms = (facts.delivery->at - view.requested_at).count() / 1'000'000;
  if (facts.delivery->requested_at && ms >= 0) {
    view.acceptance_ms = ms;
  } else {
    view.acceptance_ms = facts.delivery->processing_ms;
  }
}

MailView ViewOf(const Mail& mail,
                const std::string& recipient,
                Timestamp now,
                const MailViewOptions& options) {
  MailView view;
  view.message_id = mail.events.front()->message_id;
  view.recipient = recipient;
  view.recipients_count = mail.recipients.size();
  Facts facts;
  std::optional<Timestamp> requested;
  std::vector<const MailEvent*> mine;
  for (const MailEvent* event : mail.events) {
    const auto take = [](std::string& slot, const std::string& value) {
      if (slot.empty()) slot = value;
    };
    take(view.subject, event->subject);
    take(view.from, event->from);
    take(view.configuration_set, event->configuration_set);
    if (event->requested_at && (!requested || *event->requested_at < *requested)) {
      requested = event->requested_at;
    }
    const bool about_all = event->recipients.empty() || mail.recipients.size() == 1;
    if (!about_all && Named(*event, recipient) == nullptr) continue;
    mine.push_back(event);
    view.captured |= event->captured;
    const bool engagement = event->kind == Kind::kOpen || event->kind == Kind::kClick;
    if (engagement && mail.recipients.size() > 1) {
      view.somebody_opened = true;
      continue;
    }
    view.delays_count += event->kind == Kind::kDelay;
    view.opens_count += event->kind == Kind::kOpen;
    view.clicks_count += event->kind == Kind::kClick;
    facts.Add(event);
  }
  view.requested_at = requested.value_or(mail.events.front()->at);
  FillTimes(facts, view);
  view.state = Decide(facts, view, now, options);
  if (facts.delivery) view.server_words = facts.delivery->server_words;
  Wording(view, facts, now).Write();
  for (const MailEvent* event : mine) {
    view.timeline.push_back({event->id,
                             event->kind,
                             event->type,
                             event->at,
                             EntryText(*event, view),
                             EntryWords(*event, view),
                             event->verified});
    if (auto attempt = AttemptOf(*event, view)) view.attempts.push_back(std::move(*attempt));
  }
  if (HasNoOutcome(view.state) && !mine.empty()) {
    // Clocks of others may be ahead of ours.
    view.no_news_for =
        std::max(std::chrono::milliseconds(0),
                 std::chrono::duration_cast<std::chrono::milliseconds>(now - mine.back()->at));
  }
  return view;
}

}  // namespace

std::string_view MailStateName(MailState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

std::string_view OutcomeName(MailAttempt::Outcome outcome) {
  switch (outcome) {
    case MailAttempt::Outcome::kAccepted:
      return "accepted";
    case MailAttempt::Outcome::kDelayed:
      return "delayed";
    case MailAttempt::Outcome::kRefused:
      return "refused";
  }
  return "";
}

std::vector<MailView> BuildMailViews(std::span<const MailEvent> events,
                                     Timestamp now,
                                     const MailViewOptions& options) {
  // One event for each content: of several the one with the least id.
  std::map<std::string, std::map<std::string, const MailEvent*>> by_mail;
  for (const MailEvent& event : events) {
    const MailEvent*& slot = by_mail[event.message_id][ContentKey(event)];
    if (slot == nullptr || event.id < slot->id) slot = &event;
  }
  std::vector<MailView> views;
  for (const auto& [message_id, contents] : by_mail) {
    Mail mail;
    for (const auto& [key, event] : contents) mail.events.push_back(event);
    std::stable_sort(mail.events.begin(), mail.events.end(), Before);
    CollectRecipients(mail);
    for (const std::string& recipient : mail.recipients) {
      MailView view = ViewOf(mail, recipient, now, options);
      if (!view.timeline.empty()) views.push_back(std::move(view));
    }
  }
  std::stable_sort(views.begin(), views.end(), [](const MailView& a, const MailView& b) {
    return a.requested_at > b.requested_at;
  });
  return views;
}

std::string DurationText(std::chrono::nanoseconds duration) {
  const std::int64_t ms = std::max<std::int64_t>(duration.count() / 1'000'000, 0);
  if (ms < 10'000) return fmt::format("{}.{} s", ms / 1'000, ms % 1'000 / 100);
  const std::int64_t seconds = ms / 1'000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 120 * 60) return fmt::format("{} min", seconds / 60);
  if (seconds < 48 * 3'600) return fmt::format("{} h", seconds / 3'600);
  return fmt::format("{} days", seconds / 86'400);
}

std::string InstantText(Timestamp at) {
  // "Mon, 23 Nov 2026 14:03:05 GMT" without the day of the week, and with the name of the time
  // scale that people look for.
  const std::string full = FormatHttpDate(at);
  return full.substr(5, full.size() - 9) + " UTC";
}

}  // namespace postglass::query
