#include "bench/corpus/layout.h"

#include <charconv>
#include <chrono>

#include "base/check.h"

namespace postglass::bench {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Slot::kCount)> kNames = {
    "mail",      "mail_time",   "mail_date",   "message_id", "header_id",  "destination",
    "to",        "subject",     "raw_subject", "boundary",   "entity_id",  "contact",
    "source_ip", "outgoing_ip", "event_time",  "recipient",  "processing", "reply",
    "mta",       "remote_ip",   "feedback_id", "agent",      "client_ip",  "link",
    "link_tags", "expires",     "sns_id",      "sns_time",   "addresses",  "domains"};

constexpr std::int64_t kDayMs = 86'400'000;

Slot SlotNamed(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Slot>(i);
  }
  CHECK(false);
  return Slot::kCount;
}

void AppendPadded(std::string& out, std::int64_t number, std::size_t width) {
  char digits[8];
  for (std::size_t i = width; i-- > 0; number /= 10)
    digits[i] = static_cast<char>('0' + number % 10);
  out.append(digits, width);
}

void AppendClock(std::string& out, std::int64_t ms_of_day) {
  AppendPadded(out, ms_of_day / 3'600'000, 2);
  out += ':';
  AppendPadded(out, ms_of_day / 60'000 % 60, 2);
  out += ':';
  AppendPadded(out, ms_of_day / 1000 % 60, 2);
}

std::chrono::sys_days DayOf(std::int64_t ms) {
  return std::chrono::sys_days(std::chrono::days(ms / kDayMs));
}

}  // namespace

Layout::Layout(std::string_view pattern) {
  while (!pattern.empty()) {
    const std::size_t at = pattern.find("${");
    Piece piece;
    piece.begin = static_cast<std::uint32_t>(text_.size());
    piece.bytes = static_cast<std::uint32_t>(std::min(at, pattern.size()));
    text_ += pattern.substr(0, at);
    if (at == std::string_view::npos) {
      pattern = {};
    } else {
      const std::size_t end = pattern.find('}', at);
      piece.slot = SlotNamed(pattern.substr(at + 2, end - at - 2));
      pattern.remove_prefix(end + 1);
    }
    pieces_.push_back(piece);
  }
}

void Layout::AppendTo(std::string& out, const SlotValues& values) const {
  for (const Piece& piece : pieces_) {
    out.append(text_, piece.begin, piece.bytes);
    if (piece.slot != Slot::kCount) out += values[static_cast<std::size_t>(piece.slot)];
  }
}

void AppendIsoMillis(std::string& out, std::int64_t ms) {
  const std::chrono::year_month_day date(DayOf(ms));
  AppendPadded(out, int{date.year()}, 4);
  out += '-';
  AppendPadded(out, unsigned{date.month()}, 2);
  out += '-';
  AppendPadded(out, unsigned{date.day()}, 2);
  out += 'T';
  AppendClock(out, ms % kDayMs);
  out += '.';
  AppendPadded(out, ms % 1000, 3);
  out += 'Z';
}

void AppendMailDate(std::string& out, std::int64_t ms) {
  constexpr std::string_view kDays = "Sun, Mon, Tue, Wed, Thu, Fri, Sat, ";
  constexpr std::string_view kMonths =
      " Jan  Feb  Mar  Apr  May  Jun  Jul  Aug  Sep  Oct  Nov  Dec ";
  const std::chrono::year_month_day date(DayOf(ms));
  out += kDays.substr(5 * std::chrono::weekday(DayOf(ms)).c_encoding(), 5);
  AppendPadded(out, unsigned{date.day()}, 2);
  out += kMonths.substr(5 * (unsigned{date.month()} - 1), 5);
  AppendPadded(out, int{date.year()}, 4);
  out += ' ';
  AppendClock(out, ms % kDayMs);
  out += " +0000";
}

void AppendNumber(std::string& out, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace postglass::bench
