#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/smtp.h"

// Lines, messages and replies of SMTP as bytes (RFC 5321). No sockets here.
//
// Only CR LF ends a line, and only CR LF . CR LF ends a message. Software that takes a bare LF or
// CR for a line end can be made to see a second message inside the first (SMTP smuggling,
// CVE-2023-51764 and its kin), so none is taken in here and none is ever sent on.

namespace postglass::net {

// Takes command lines off received bytes. Not thread-safe.
class SmtpLineDecoder {
 public:
  enum class State {
    kWanting,
    kLine,     // line() is one
    kTooLong,  // a line above the limit was read and thrown away
    kBareEnd,  // a CR or LF alone, or a NUL: answer and close
  };

  explicit SmtpLineDecoder(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // Returns how many bytes it took off the front of `bytes`; what it leaves must be the beginning
  // of the next call's. Once state() is not kWanting, Next() comes first.
  std::size_t Consume(std::string_view bytes);

  State state() const { return state_; }

  const std::string& line() const { return line_; }  // without CR LF

  void Next();

 private:
  const std::size_t line_bytes_max_;
  State state_ = State::kWanting;
  bool skipping_ = false;
  std::string line_;
};

// Takes one message after DATA off received bytes: undoes dot-stuffing, makes bare CR and LF
// into CR LF. Not thread-safe.
class SmtpDataDecoder {
 public:
  explicit SmtpDataDecoder(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  // Returns how many bytes it took: all, unless the message ended among them.
  std::size_t Consume(std::string_view bytes);

  bool complete() const { return complete_; }

  bool too_large() const { return too_large_; }

  std::size_t kept_bytes() const { return message_.size(); }

  // Bytes received for this message, kept or not.
  std::size_t received_bytes() const { return received_bytes_; }

  std::string Take() { return std::move(message_); }

 private:
  // Where in the line the next byte stands. A line starts only behind a true CR LF.
  enum class At { kLineStart, kInLine, kCr, kDot, kDotCr };

  void Step(char c);
  void Emit(std::string_view text);

  const std::size_t message_bytes_max_;
  At at_ = At::kLineStart;
  bool complete_ = false;
  bool too_large_ = false;
  std::size_t received_bytes_ = 0;
  std::string message_;
};

// `message` as it goes over the wire after 354: CR LF line ends, dots stuffed, the ending dot.
std::string EncodeSmtpData(std::string_view message);

// Takes one reply, of one line or several, off received bytes. Not thread-safe.
class SmtpReplyDecoder {
 public:
  enum class State { kWanting, kReply, kBad };

  std::size_t Consume(std::string_view bytes);

  State state() const { return state_; }

  SmtpReply Take();  // requires kReply; ready for the next one

 private:
  bool AddLine(std::string_view line);

  State state_ = State::kWanting;
  SmtpReply reply_;
};

}  // namespace postglass::net
