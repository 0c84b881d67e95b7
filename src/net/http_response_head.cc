#include "net/http_response_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/encoding.h"
#include "base/time_format.h"
#include "net/http_syntax.h"

namespace postglass::net {
namespace {

bool IsOurs(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOurs = {
      "content-length", "transfer-encoding", "connection", "date", "keep-alive"};
  return std::any_of(kOurs.begin(), kOurs.end(), [&](std::string_view ours) {
    return EqualsIgnoreAsciiCase(ours, name);
  });
}

void AppendValue(std::string& out, std::string_view value) {
  if (IsFieldValue(value)) {
    out.append(value);
    return;
  }
  for (const char c : value) out.push_back(IsFieldValue({&c, 1}) ? c : ' ');
}

}  // namespace

bool IsBodyless(int status) { return status < 200 || status == 204 || status == 304; }

std::string FormatResponseHead(const HttpResponse& response, const HttpFraming& framing) {
  std::string head;
  head.reserve(256);
  const auto out = std::back_inserter(head);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status, HttpReason(response.status));
  for (const auto& [name, value] : response.headers) {
    if (IsOurs(name) || !IsToken(name)) continue;
    head.append(name).append(": ");
    AppendValue(head, value);
    head.append("\r\n");
  }
  head.append("Date: ").append(FormatHttpDate(framing.date)).append("\r\n");
  if (!IsBodyless(response.status)) {
    if (framing.body == HttpFraming::Body::kLength) {
      fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
    } else if (framing.body == HttpFraming::Body::kChunked) {
      head.append("Transfer-Encoding: chunked\r\n");
    }
  }
  if (!framing.keep_alive) {
    head.append("Connection: close\r\n");
  } else if (framing.http_1_0) {
    head.append("Connection: keep-alive\r\n");
  }
  head.append("\r\n");
  return head;
}

}  // namespace postglass::net
