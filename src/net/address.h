#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/result.h"

// Numeric internet addresses. Pure functions.

namespace postglass::net {

// A socket address as the operating system takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

  std::string ip() const;  // numeric; IPv4 in IPv6 (::ffff:1.2.3.4) as IPv4
  int port() const;
};

// Requires a numeric IPv4 or IPv6 address, without brackets. kInvalidArgument otherwise.
Result<SocketAddress> ParseSocketAddress(const std::string& ip, int port);

// True when `ip` is a numeric address that the public internet routes: not loopback, private,
// link-local (169.254.169.254 gives out credentials in clouds), shared, documentation, multicast
// or reserved. IPv6 forms that embed an IPv4 address count as that address. False for anything
// that is not an address.
bool IsPublicAddress(std::string_view ip);

// True for addresses that nobody outside may make us ask: link-local ones, and the metadata servers
// of the large clouds wherever they are. IPv6 forms count as the IPv4 address they embed.
bool IsLinkLocalOrMetadataAddress(std::string_view ip);

}  // namespace postglass::net
