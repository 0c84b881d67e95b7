#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/answer.h"
#include "store/types.h"

// Events, mails and answers as text: JSON for programs, lines for terminals. Pure.

namespace postglass::query {

enum class Colour { kNever, kAlways };

// Text that a terminal shows as it is: control characters (C0, DEL, C1, and the characters that
// turn the writing direction) as "\x1b", "\n", "\u202e"; ill-formed UTF-8 replaced.
std::string ForTerminal(std::string_view text);

// One line without its end: {"id","timestamp","ingested_at","status","service","source","host",
// "message","tags","attributes"}; empty texts are left out, attributes as stored.
std::string EventJsonLine(const store::Event& event);

// One line: time, status, service, message; for an event without a message its attributes.
std::string EventTerminalLine(const store::Event& event, Colour colour);

// The tags as the API shows them: "source:x" is among them.
std::vector<std::string> TagsWithSource(const store::Event& event);

// The members of `data` in Datadog's search replies: {"id","type":"log","attributes":{…}}.
void AppendDatadogEvent(std::string& out, const store::Event& event);

std::string MailViewJson(const MailView& view);
std::string AnswerJson(const Answer& answer);
// With every event's JSON, as EventJsonLine() has it.
std::string MailDetailJson(const MailDetail& detail);

// Each recipient's state and timeline.
std::string MailDetailTerminalText(const MailDetail& detail, Colour colour);

// The card and below it each mail with its timeline; lines end in '\n'.
std::string AnswerTerminalText(const Answer& answer, Colour colour);

}  // namespace postglass::query
