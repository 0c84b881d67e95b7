#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

// What receiving servers say: replies in the style of the mail systems one meets most, for the
// simulator. Deterministic: the same mail and recipient get the same server and the same words.

namespace postglass::mail {

// A repeatable stream of numbers from texts (FNV-1a into splitmix64). Not for secrets.
class TextHash {
 public:
  explicit TextHash(std::string_view text) { Mix(text); }

  TextHash& Mix(std::string_view text);
  std::uint64_t Next();

  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

enum class ServerSays {
  kAccepted,
  kUnknownUser,
  kTemporarilyRefused,  // after days of trying, as a soft bounce
  kMailboxFull,
  kDelayed,
  kGaveUp,  // delay-bounce
};

struct ServerReply {
  std::string text;        // "550 5.1.1 …", lines joined by a blank
  std::string status;      // enhanced status code
  std::string host;        // of the receiving server
  std::string ip;          // of documentation networks (RFC 5737)
  std::string delay_type;  // for kDelayed
};

ServerReply WhatServerSays(ServerSays what,
                           std::string_view message_id,
                           std::string_view recipient,
                           std::size_t message_bytes,
                           Timestamp now);

// A host of the provider as its reportingMTA: a8-55.smtp-out.amazonses.com.
std::string SendingHost(std::string_view message_id);

}  // namespace postglass::mail
