#include "query/output.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"
#include "query/object_writer.h"

namespace postglass::query {
namespace {

// How many mails the terminal shows with their timeline.
constexpr std::size_t kTerminalMailsMax = 10;

// The stored text of the attributes, on one line whatever it was stored as.
std::string OneLine(std::string_view attributes) {
  if (attributes.find_first_of("\r\n") == std::string_view::npos) return std::string(attributes);
  // Line ends cannot stand inside JSON strings, so all of them are blanks.
  std::string line(attributes);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\r', ' ');
  return line;
}

std::string_view StatusColour(std::string_view status) {
  if (status == "emergency" || status == "alert" || status == "critical" || status == "error") {
    return "\x1b[31m";
  }
  if (status == "warn" || status == "notice") return "\x1b[33m";
  if (status == "ok") return "\x1b[32m";
  return "\x1b[36m";
}

std::string_view StateColour(MailState state) {
  switch (state) {
    case MailState::kAccepted:
    case MailState::kCaptured:
    case MailState::kRelayed:
    case MailState::kOpened:
    case MailState::kClicked:
      return "\x1b[32m";
    case MailState::kUnknown:
    case MailState::kSent:
    case MailState::kNoNews:
    case MailState::kDelayed:
      return "\x1b[33m";
    case MailState::kRefused:
    case MailState::kReturned:
    case MailState::kComplained:
    case MailState::kSuppressed:
    case MailState::kRejected:
    case MailState::kRenderingFailed:
      return "\x1b[31m";
  }
  return "";
}

std::string Coloured(std::string text, std::string_view colour, Colour wanted) {
  if (wanted == Colour::kNever) return text;
  return fmt::format("{}{}\x1b[0m", colour, text);
}

void AppendEscape(std::string& out, char32_t c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += c < 0x100 ? fmt::format("\\x{:02x}", static_cast<unsigned>(c))
                       : fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  }
}

bool TurnsDirection(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

void AppendTimelineEntry(std::string& out, const TimelineEntry& entry) {
  ObjectWriter object(out);
  object.Text("id", entry.id.ToString());
  object.Text("type", entry.type);
  object.Time("timestamp", entry.at);
  object.Text("text", entry.text);
  object.TextIfAny("server_words", entry.server_words);
  object.TextIfAny("verified", entry.verified);
  object.Close();
}

void AppendAttempt(std::string& out, const MailAttempt& attempt) {
  ObjectWriter object(out);
  object.Time("timestamp", attempt.at);
  object.Text("outcome", OutcomeName(attempt.outcome));
  object.TextIfAny("status", attempt.status);
  object.TextIfAny("server_words", attempt.server_words);
  object.Close();
}

void AppendMailView(std::string& out, const MailView& view) {
  ObjectWriter object(out);
  object.Text("message_id", view.message_id);
  object.Text("recipient", view.recipient);
  object.TextIfAny("subject", view.subject);
  object.TextIfAny("from", view.from);
  object.TextIfAny("configuration_set", view.configuration_set);
  object.Number("recipients_count", view.recipients_count);
  object.Text("state", MailStateName(view.state));
  object.Text("headline", view.headline);
  object.Text("sentence", view.sentence);
  object.TextIfAny("advice", view.advice);
  object.TextIfAny("who_must_act", view.actor);
  object.TextIfAny("bounce_class", view.bounce_class);
  object.TextIfAny("server_words", view.server_words);
  object.TextIfAny("relay_host", view.relay_host);
  object.Bool("captured", view.captured);
  object.Time("requested_at", view.requested_at);
  object.TimeIfAny("accepted_at", view.accepted_at);
  if (view.acceptance_ms) object.Number("acceptance_ms", *view.acceptance_ms);
  object.TimeIfAny("delayed_at", view.delayed_at);
  object.TimeIfAny("gives_up_at", view.gives_up_at);
  object.TimeIfAny("refused_at", view.refused_at);
  object.TimeIfAny("opened_at", view.opened_at);
  object.TimeIfAny("clicked_at", view.clicked_at);
  object.TimeIfAny("complained_at", view.complained_at);
  object.Number("delays_count", view.delays_count);
  object.Number("opens_count", view.opens_count);
  object.Number("clicks_count", view.clicks_count);
  object.Bool("somebody_opened", view.somebody_opened);
  if (view.no_news_for) object.Number("no_news_for_ms", view.no_news_for->count());
  object.List("attempts", view.attempts, AppendAttempt);
  object.List("timeline", view.timeline, AppendTimelineEntry);
  object.Close();
}

void AppendStoreAge(std::string& out, const StoreAge& age) {
  ObjectWriter object(out);
  object.Number("events", age.events);
  object.TimeIfAny("first_event_at", age.first_event_at);
  object.TimeIfAny("last_event_taken_at", age.last_event_taken_at);
  object.Bool("writable", age.writable);
  object.TextIfAny("not_writable_because", age.not_writable_because);
  object.Close();
}

void AppendMailText(std::string& out, const MailView& mail, Colour colour) {
  constexpr std::string_view kBold = "\x1b[1m";
  out += fmt::format(
      "\n{}  {}\n",
      Coloured(ForTerminal(mail.subject.empty() ? "(no subject)" : mail.subject), kBold, colour),
      InstantText(mail.requested_at));
  out += fmt::format(
      "  to {}  message id {}\n", ForTerminal(mail.recipient), ForTerminal(mail.message_id));
  out +=
      fmt::format("  {}\n", Coloured(ForTerminal(mail.headline), StateColour(mail.state), colour));
  for (const TimelineEntry& entry : mail.timeline) {
    out += fmt::format("    {}  {:<18}{}",
                       FormatIso8601Millis(entry.at),
                       ForTerminal(entry.type),
                       ForTerminal(entry.text));
    if (!entry.server_words.empty()) out += fmt::format(": {}", ForTerminal(entry.server_words));
    out += '\n';
  }
}

}  // namespace

std::string ForTerminal(std::string_view text) {
  const std::string valid = ToValidUtf8(text);
  std::string out;
  out.reserve(valid.size());
  for (std::size_t i = 0; i < valid.size();) {
    const auto lead = static_cast<unsigned char>(valid[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      c = (c << 6) | (static_cast<unsigned char>(valid[i + k]) & 0x3Fu);
    }
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    if (control || TurnsDirection(c)) {
      AppendEscape(out, c);
    } else {
      out.append(valid, i, length);
    }
    i += length;
  }
  return out;
}

std::string EventJsonLine(const store::Event& event) {
  std::string out;
  ObjectWriter object(out);
  object.Text("id", event.id.ToString());
  object.Time("timestamp", Timestamp::FromMillis(event.timestamp_ms));
  object.Time("ingested_at", Timestamp::FromMillis(event.ingested_at_ms));
  object.Text("status", event.status);
  object.TextIfAny("service", event.service);
  object.TextIfAny("source", event.source);
  object.TextIfAny("host", event.host);
  object.TextIfAny("message", event.message);
  object.Texts("tags", event.tags);
  object.Raw("attributes", OneLine(event.attributes));
  object.Close();
  return out;
}

std::string EventTerminalLine(const store::Event& event, Colour colour) {
  std::string out = FormatIso8601Millis(Timestamp::FromMillis(event.timestamp_ms));
  out += ' ';
  out +=
      Coloured(fmt::format("{:<6}", ForTerminal(event.status)), StatusColour(event.status), colour);
  if (!event.service.empty()) out += fmt::format(" [{}]", ForTerminal(event.service));
  out += ' ';
  out += ForTerminal(event.message.empty() ? event.attributes : event.message);
  return out;
}

std::vector<std::string> TagsWithSource(const store::Event& event) {
  std::vector<std::string> tags = event.tags;
  const std::string source = "source:" + event.source;
  if (!event.source.empty() && std::find(tags.begin(), tags.end(), source) == tags.end()) {
    tags.push_back(source);
  }
  return tags;
}

void AppendDatadogEvent(std::string& out, const store::Event& event) {
  ObjectWriter object(out);
  object.Text("id", event.id.ToString());
  object.Text("type", "log");
  {
    ObjectWriter attributes(object.Key("attributes"));
    attributes.TextIfAny("status", event.status);
    attributes.Time("timestamp", Timestamp::FromMillis(event.timestamp_ms));
    attributes.TextIfAny("host", event.host);
    attributes.TextIfAny("service", event.service);
    attributes.TextIfAny("message", event.message);
    attributes.Texts("tags", TagsWithSource(event));
    attributes.Raw("attributes", event.attributes);
    attributes.Close();
  }
  object.Close();
}

std::string MailViewJson(const MailView& view) {
  std::string out;
  AppendMailView(out, view);
  return out;
}

std::string AnswerJson(const Answer& answer) {
  std::string out;
  ObjectWriter object(out);
  object.Text("asked", answer.asked);
  object.Text("kind", answer.kind == Answer::Kind::kMessageId ? "message_id" : "address");
  object.Time("now", answer.now);
  object.Bool("found", !answer.mails.empty());
  object.Text("summary", answer.summary);
  object.Number("mails_count", answer.mails_count);
  object.List("mails", answer.mails, AppendMailView);
  AppendStoreAge(object.Key("store"), answer.store);
  if (answer.near) {
    ObjectWriter near(object.Key("near"));
    near.Text("address", answer.near->address);
    near.Number("mails", answer.near->mails);
    near.Close();
  }
  object.Bool("incomplete", answer.incomplete);
  object.Texts("damage", answer.damage);
  object.Close();
  return out;
}

std::string MailDetailJson(const MailDetail& detail) {
  std::string out;
  ObjectWriter object(out);
  object.List("mails", detail.views, AppendMailView);
  object.List("events", detail.events, [](std::string& to, const store::Event& event) {
    to += EventJsonLine(event);
  });
  object.Bool("incomplete", detail.incomplete);
  object.Texts("damage", detail.damage);
  object.Close();
  return out;
}

std::string MailDetailTerminalText(const MailDetail& detail, Colour colour) {
  std::string out;
  for (const MailView& view : detail.views) {
    AppendMailText(out, view, colour);
    out += fmt::format("  {}\n", ForTerminal(view.sentence));
    if (!view.advice.empty()) out += fmt::format("  {}\n", ForTerminal(view.advice));
  }
  if (detail.incomplete) out += "\nThe mail has more events than were looked at.\n";
  for (const std::string& damage : detail.damage) {
    out += "Stored events could not be read: " + ForTerminal(damage) + "\n";
  }
  // The first mail begins with an empty line, which belongs between mails.
  return out.starts_with('\n') ? out.substr(1) : out;
}

std::string AnswerTerminalText(const Answer& answer, Colour colour) {
  std::string out;
  if (answer.mails.empty()) {
    out = ForTerminal(answer.summary) + "\n";
  } else {
    const MailView& newest = answer.mails.front();
    out = Coloured(ForTerminal(answer.summary), StateColour(newest.state), colour) + "\n";
    if (!newest.advice.empty()) out += ForTerminal(newest.advice) + "\n";
    const std::size_t shown = std::min(answer.mails.size(), kTerminalMailsMax);
    for (std::size_t i = 0; i < shown; ++i) AppendMailText(out, answer.mails[i], colour);
    if (answer.mails_count > shown) {
      out += fmt::format("\n{} older mails are not shown.\n", answer.mails_count - shown);
    }
  }
  if (answer.incomplete) {
    out += "There are more events than were looked at; older mails may be missing.\n";
  }
  for (const std::string& damage : answer.damage) {
    out += "Stored events could not be read: " + ForTerminal(damage) + "\n";
  }
  return out;
}

}  // namespace postglass::query
