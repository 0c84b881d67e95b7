#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

#include "net/http_server.h"

namespace postglass::net {
namespace {

bool IsNumericAddress(const std::string& host) {
  in6_addr storage{};
  return inet_pton(
             host.find(':') == std::string::npos ? AF_INET : AF_INET6, host.c_str(), &storage) == 1;
}

}  // namespace

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("bad address '{}': {} (as in 127.0.0.1:8080, [::1]:8080, :8080)", text, why));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("no port");
  ListenAddress address;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return bad("not IPv6 between brackets");
  } else if (host.find(':') != std::string_view::npos) {
    return bad("IPv6 goes between brackets");
  }
  if (host == "localhost") host = "127.0.0.1";
  address.host = host.empty() && !text.starts_with('[') ? "0.0.0.0" : std::string(host);
  if (!IsNumericAddress(address.host)) return bad("the host is not a numeric address");
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  constexpr int kPortMax = 65535;
  if (error != std::errc() || end != port.data() + port.size() || address.port < 0 ||
      address.port > kPortMax) {
    return bad("the port is not within 0 to 65535");
  }
  return address;
}

}  // namespace postglass::net
