#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "net/http_client.h"

namespace postglass::net {
namespace {

constexpr std::size_t kUrlBytesMax = 16 << 10;
constexpr std::size_t kHostBytesMax = 253;  // RFC 1035 §3.1, as text
constexpr int kHttpPort = 80;
constexpr int kHttpsPort = 443;

int DefaultPort(std::string_view scheme) { return scheme == "https" ? kHttpsPort : kHttpPort; }

tl::unexpected<Error> Bad(std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("bad URL: {}", why));
}

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool IsIpv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

Result<int> ParsePort(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  constexpr int kPortMax = 65535;
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > kPortMax) {
    return Bad("the port is not within 1 to 65535");
  }
  return port;
}

// host, host:port, [v6], [v6]:port.
Status ParseAuthority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return Bad("user information is not allowed");
  std::string_view port_part;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return Bad("no ] behind the address");
    url.host = AsciiLower(authority.substr(1, close - 1));
    if (!IsIpv6(url.host)) return Bad("not an IPv6 address between brackets");
    port_part = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    url.host = AsciiLower(authority.substr(0, colon));
    if (url.host.empty()) return Bad("no host");
    if (url.host.size() > kHostBytesMax) return Bad("the host is longer than 253 characters");
    if (!std::all_of(url.host.begin(), url.host.end(), IsHostCharacter)) {
      return Bad("the host has a character that no host name has");
    }
    if (colon != std::string_view::npos) port_part = authority.substr(colon);
  }
  url.port = DefaultPort(url.scheme);
  if (port_part.empty()) return {};
  if (!port_part.starts_with(':')) return Bad("text between host and port");
  ASSIGN_OR_RETURN(url.port, ParsePort(port_part.substr(1)));
  return {};
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  if (port != DefaultPort(scheme)) text += fmt::format(":{}", port);
  return text;
}

Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > kUrlBytesMax) return Bad("longer than 16 kB");
  for (const char c : text) {
    // Also the backslash, which browsers read as a slash and servers do not.
    if (c <= ' ' || c > '~' || c == '\\' || c == '"' || c == '<' || c == '>') {
      return Bad("a character that must be percent-encoded");
    }
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return Bad("not absolute (http://… or https://…)");
  Url url;
  url.scheme = AsciiLower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return Bad("the scheme is not http or https");
  if (text.find('#') != std::string_view::npos) return Bad("a fragment is not allowed");
  text.remove_prefix(colon + 3);
  const std::size_t authority_end = std::min(text.find_first_of("/?"), text.size());
  RETURN_IF_ERROR(ParseAuthority(text.substr(0, authority_end), url));
  url.target = text.substr(authority_end);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

}  // namespace postglass::net
