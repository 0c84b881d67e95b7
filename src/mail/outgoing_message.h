#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "mail/header_block.h"

// The message as it leaves: the caller's bytes, with only these headers changed.

namespace postglass::mail {

struct OutgoingHeaders {
  std::string_view message_id;  // SES's
  std::string_view region;
  Timestamp accepted_at;
};

// SES's Message-ID and Date come first and replace the caller's; Bcc, Return-Path and X-SES-* go;
// every other byte stays, lines that are no header field excepted.
std::string MakeOutgoingMessage(const HeaderBlock& header, const OutgoingHeaders& outgoing);

}  // namespace postglass::mail
