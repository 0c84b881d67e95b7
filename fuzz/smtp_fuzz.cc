// SMTP lines, messages and replies. What comes out must not depend on how the bytes were cut, and
// no message ever holds a bare CR or LF: that is what SMTP smuggling is made of.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/smtp_wire.h"

namespace {

using postglass::net::SmtpDataDecoder;
using postglass::net::SmtpLineDecoder;
using postglass::net::SmtpReplyDecoder;

constexpr std::size_t kLineBytesMax = 64;
constexpr std::size_t kMessageBytesMax = 2048;

void Require(bool condition) {
  if (!condition) std::abort();
}

std::string Lines(std::string_view bytes, std::size_t piece) {
  using State = SmtpLineDecoder::State;
  SmtpLineDecoder decoder(kLineBytesMax);
  std::string pending;
  std::string seen;
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    pending.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    for (;;) {
      const std::size_t taken = decoder.Consume(pending);
      Require(taken <= pending.size());
      pending.erase(0, taken);
      if (decoder.state() == State::kWanting) break;
      if (decoder.state() == State::kBareEnd) return seen + "<bare>";
      seen += decoder.state() == State::kLine ? decoder.line() + "\n" : "<too long>\n";
      Require(decoder.line().size() + 2 <= kLineBytesMax);
      decoder.Next();
    }
    // What waits is bounded: one line, and the piece that was just added.
    Require(pending.size() <= kLineBytesMax + piece);
  }
  return seen;
}

std::string Message(std::string_view bytes, std::size_t piece) {
  SmtpDataDecoder decoder(kMessageBytesMax);
  std::size_t taken = 0;
  while (taken < bytes.size() && !decoder.complete()) {
    taken += decoder.Consume(bytes.substr(taken, piece));
  }
  Require(decoder.received_bytes() == taken);
  if (!decoder.complete()) return "<open>";
  if (decoder.too_large()) return "<too large>";
  std::string message = decoder.Take();
  Require(message.size() <= kMessageBytesMax);
  for (std::size_t i = 0; i < message.size(); ++i) {
    if (message[i] == '\n') Require(i > 0 && message[i - 1] == '\r');
    if (message[i] == '\r') Require(i + 1 < message.size() && message[i + 1] == '\n');
  }
  // Sent on, it arrives as it is and ends where it ends.
  SmtpDataDecoder again(kMessageBytesMax);
  const std::string wire = postglass::net::EncodeSmtpData(message);
  Require(again.Consume(wire) == wire.size() && again.complete());
  Require(again.Take() == message);
  return message;
}

void Replies(std::string_view bytes, std::size_t piece) {
  SmtpReplyDecoder decoder;
  std::string pending;
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    pending.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    for (;;) {
      const std::size_t taken = decoder.Consume(pending);
      Require(taken <= pending.size());
      pending.erase(0, taken);
      if (decoder.state() != SmtpReplyDecoder::State::kReply) break;
      const auto reply = decoder.Take();
      Require(reply.code >= 200 && reply.code <= 599 && !reply.lines.empty());
    }
    if (decoder.state() == SmtpReplyDecoder::State::kBad) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1 + data[0] % 32;
  Require(Lines(bytes, bytes.size()) == Lines(bytes, piece));
  Require(Message(bytes, bytes.size()) == Message(bytes, piece));
  Replies(bytes, piece);
  return 0;
}
