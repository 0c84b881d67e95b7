#include "net/smtp_wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace postglass::net {
namespace {

// RFC 5321 §4.5.3.1.5 asks for 512; servers that explain themselves pass it.
constexpr std::size_t kReplyLineBytesMax = 4096;
constexpr std::size_t kReplyLinesMax = 128;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string SmtpReply::ToString() const {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text += fmt::format("{}{}", code, i + 1 < lines.size() ? '-' : ' ');
    // Text from outside (an address, say) must not start a reply of its own.
    for (const char c : lines[i]) text.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
    text += "\r\n";
  }
  return lines.empty() ? fmt::format("{}\r\n", code) : text;
}

std::string SmtpReply::Text() const {
  std::string text = fmt::format("{}", code);
  for (const std::string& line : lines) text.append(" ").append(line);
  return text;
}

std::size_t SmtpLineDecoder::Consume(std::string_view bytes) {
  if (state_ != State::kWanting || bytes.empty()) return 0;
  const std::size_t end = bytes.find_first_of(std::string_view("\r\n\0", 3));
  // Two bytes of room for CR LF itself, which RFC 5321 counts.
  const std::size_t text_bytes = std::min(end, bytes.size());
  if (text_bytes + 2 > line_bytes_max_) skipping_ = true;
  if (end == std::string_view::npos) {
    if (!skipping_) return 0;
    return bytes.size();  // thrown away as it comes
  }
  if (bytes[end] == '\r' && end + 1 == bytes.size()) return skipping_ ? end : 0;
  if (bytes[end] != '\r' || bytes[end + 1] != '\n') {
    state_ = State::kBareEnd;
    return end + 1;
  }
  state_ = skipping_ ? State::kTooLong : State::kLine;
  if (!skipping_) line_ = bytes.substr(0, end);
  return end + 2;
}

void SmtpLineDecoder::Next() {
  state_ = State::kWanting;
  skipping_ = false;
  line_.clear();
}

void SmtpDataDecoder::Emit(std::string_view text) {
  if (too_large_) return;
  if (text.size() > message_bytes_max_ - message_.size()) {
    too_large_ = true;
    message_ = std::string();  // what follows is only counted
    return;
  }
  message_.append(text);
}

void SmtpDataDecoder::Step(char c) {
  if (at_ == At::kDotCr || at_ == At::kCr) {
    if (c == '\n') {
      complete_ = at_ == At::kDotCr;
      if (!complete_) Emit("\r\n");
      at_ = At::kLineStart;
      return;
    }
    Emit("\r\n");  // the CR stood alone
    at_ = At::kInLine;
  }
  switch (c) {
    case '\r':
      at_ = at_ == At::kDot ? At::kDotCr : At::kCr;
      return;
    case '\n':
      Emit("\r\n");
      at_ = At::kInLine;
      return;
    case '.':
      if (at_ == At::kLineStart) {
        at_ = At::kDot;  // the end, or stuffing: not part of the message either way
        return;
      }
      break;
    default:
      break;
  }
  Emit({&c, 1});
  at_ = At::kInLine;
}

std::size_t SmtpDataDecoder::Consume(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !complete_) {
    if (at_ == At::kInLine) {
      // Nothing in the middle of a line matters but its end.
      const std::string_view rest = bytes.substr(taken);
      const std::size_t run = std::min(rest.find_first_of("\r\n"), rest.size());
      Emit(rest.substr(0, run));
      taken += run;
      if (taken == bytes.size()) break;
    }
    Step(bytes[taken]);
    ++taken;
  }
  received_bytes_ += taken;
  return taken;
}

std::string EncodeSmtpData(std::string_view message) {
  std::string wire;
  wire.reserve(message.size() + message.size() / 32 + 8);
  while (!message.empty()) {
    const std::size_t end = std::min(message.find_first_of("\r\n"), message.size());
    if (message.front() == '.') wire.push_back('.');
    wire.append(message.substr(0, end)).append("\r\n");
    const bool is_pair = message.substr(end).starts_with("\r\n");
    message.remove_prefix(std::min(end + (is_pair ? 2 : 1), message.size()));
  }
  return wire.append(".\r\n");
}

// "250-text" or "250 text" or "250".
bool SmtpReplyDecoder::AddLine(std::string_view line) {
  if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, IsDigit)) return false;
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  const char separator = line.size() > 3 ? line[3] : ' ';
  if (code < 200 || code > 599 || (separator != ' ' && separator != '-')) return false;
  if (!reply_.lines.empty() && code != reply_.code) return false;
  reply_.code = code;
  reply_.lines.emplace_back(line.substr(std::min<std::size_t>(4, line.size())));
  if (separator == ' ') state_ = State::kReply;
  return reply_.lines.size() <= kReplyLinesMax;
}

std::size_t SmtpReplyDecoder::Consume(std::string_view bytes) {
  std::size_t taken = 0;
  while (state_ == State::kWanting) {
    const std::string_view rest = bytes.substr(taken);
    const std::size_t end = rest.find('\n');
    if (std::min(end, rest.size()) > kReplyLineBytesMax) state_ = State::kBad;
    if (end == std::string_view::npos) break;
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    taken += end + 1;
    if (!AddLine(line)) state_ = State::kBad;
  }
  return taken;
}

SmtpReply SmtpReplyDecoder::Take() {
  CHECK(state_ == State::kReply);
  state_ = State::kWanting;
  return std::exchange(reply_, {});
}

}  // namespace postglass::net
