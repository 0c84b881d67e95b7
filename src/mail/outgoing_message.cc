#include "mail/outgoing_message.h"

#include <fmt/format.h>

#include <array>

#include "base/encoding.h"
#include "base/time_format.h"

namespace postglass::mail {
namespace {

bool IsRemoved(std::string_view name) {
  constexpr std::string_view kControl = "x-ses-";
  if (name.size() >= kControl.size() &&
      EqualsIgnoreAsciiCase(name.substr(0, kControl.size()), kControl)) {
    return true;
  }
  constexpr std::array<std::string_view, 4> kReplaced = {
      "message-id", "date", "bcc", "return-path"};
  for (const std::string_view removed : kReplaced) {
    if (EqualsIgnoreAsciiCase(name, removed)) return true;
  }
  return false;
}

// us-east-1 is the one Region whose ids are of email.amazonses.com.
std::string_view IdHost(std::string_view region) {
  return region == "us-east-1" ? std::string_view("email") : region;
}

}  // namespace

std::string MakeOutgoingMessage(const HeaderBlock& header, const OutgoingHeaders& outgoing) {
  std::size_t bytes = 256 + header.body().size();
  for (const HeaderField& field : header.fields()) bytes += field.bytes.size();
  std::string out;
  out.reserve(bytes);
  fmt::format_to(std::back_inserter(out),
                 "Message-ID: <{}@{}.amazonses.com>\r\nDate: {}\r\n",
                 outgoing.message_id,
                 IdHost(outgoing.region),
                 FormatMailDate(outgoing.accepted_at));
  for (const HeaderField& field : header.fields()) {
    if (IsRemoved(field.name)) continue;
    out += field.bytes;
    if (!field.bytes.ends_with("\r\n")) out += "\r\n";  // the message ended with its header
  }
  out += "\r\n";
  out += header.body();
  return out;
}

}  // namespace postglass::mail
