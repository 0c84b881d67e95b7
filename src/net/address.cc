#include "net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace postglass::net {
namespace {

struct Ipv4Block {
  std::uint32_t network;
  int bits;
};

constexpr std::uint32_t V4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return (a << 24) | (b << 16) | (c << 8) | d;
}

// IANA's special-purpose registry for IPv4 (RFC 6890 and its updates), and multicast.
constexpr std::array<Ipv4Block, 15> kSpecialIpv4 = {{
    {V4(0, 0, 0, 0), 8},        // this network
    {V4(10, 0, 0, 0), 8},       // private
    {V4(100, 64, 0, 0), 10},    // carrier-grade NAT
    {V4(127, 0, 0, 0), 8},      // loopback
    {V4(169, 254, 0, 0), 16},   // link-local, cloud metadata
    {V4(172, 16, 0, 0), 12},    // private
    {V4(192, 0, 0, 0), 24},     // protocol assignments
    {V4(192, 0, 2, 0), 24},     // documentation
    {V4(192, 88, 99, 0), 24},   // 6to4 relays
    {V4(192, 168, 0, 0), 16},   // private
    {V4(198, 18, 0, 0), 15},    // benchmarks
    {V4(198, 51, 100, 0), 24},  // documentation
    {V4(203, 0, 113, 0), 24},   // documentation
    {V4(224, 0, 0, 0), 4},      // multicast
    {V4(240, 0, 0, 0), 4},      // reserved, broadcast
}};

bool IsPublicIpv4(std::uint32_t address) {
  return std::none_of(kSpecialIpv4.begin(), kSpecialIpv4.end(), [&](const Ipv4Block& block) {
    return (address >> (32 - block.bits)) == (block.network >> (32 - block.bits));
  });
}

using Ipv6 = std::array<std::uint8_t, 16>;

bool StartsWith(const Ipv6& address, std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

std::uint32_t Ipv4At(const Ipv6& address, std::size_t offset) {
  return V4(address[offset], address[offset + 1], address[offset + 2], address[offset + 3]);
}

// IPv4-mapped ::ffff:0:0/96 and NAT64 64:ff9b::/96 (RFC 6052) reach the embedded address.
bool EmbedsIpv4(const Ipv6& address) {
  return StartsWith(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}) ||
         StartsWith(address, {0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0});
}

bool IsMetadataIpv4(std::uint32_t address) {
  return address >> 16 == V4(169, 254, 0, 0) >> 16 ||  // link-local: AWS, Google, Azure and others
         address == V4(100, 100, 100, 200) ||          // Alibaba
         address == V4(168, 63, 129, 16) ||            // Azure's wire server
         address == V4(192, 0, 0, 192);                // Oracle
}

bool IsMetadataIpv6(const Ipv6& address) {
  if (EmbedsIpv4(address)) return IsMetadataIpv4(Ipv4At(address, 12));
  if (address[0] == 0xFE && (address[1] & 0xC0) == 0x80) return true;  // fe80::/10
  return StartsWith(address, {0xFD, 0x00, 0x0E, 0xC2});                // fd00:ec2::/32, AWS
}

bool IsPublicIpv6(const Ipv6& address) {
  if (EmbedsIpv4(address)) return IsPublicIpv4(Ipv4At(address, 12));
  if ((address[0] & 0xE0) != 0x20) return false;        // only 2000::/3 is global unicast
  if (StartsWith(address, {0x20, 0x02})) return false;  // 6to4: embeds any IPv4 address
  if (StartsWith(address, {0x20, 0x01}) && address[2] < 0x02) return false;  // 2001::/23, Teredo
  if (StartsWith(address, {0x20, 0x01, 0x0D, 0xB8})) return false;           // documentation
  return !(StartsWith(address, {0x3F, 0xFF}) && address[2] < 0x10);  // 3fff::/20, documentation
}

}  // namespace

std::string SocketAddress::ip() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
  }
  return text.data();
}

int SocketAddress::port() const {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    return ntohs(v4.sin_port);
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    return ntohs(v6.sin6_port);
  }
  return 0;
}

Result<SocketAddress> ParseSocketAddress(const std::string& ip, int port) {
  SocketAddress address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
  } else if (inet_pton(AF_INET6, ip.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof v6;
    std::memcpy(&address.storage, &v6, sizeof v6);
  } else {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a numeric address", ip));
  }
  return address;
}

bool IsPublicAddress(std::string_view ip) {
  const std::string text(ip);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return IsPublicIpv4(ntohl(v4.s_addr));
  Ipv6 v6{};
  return inet_pton(AF_INET6, text.c_str(), v6.data()) == 1 && IsPublicIpv6(v6);
}

bool IsLinkLocalOrMetadataAddress(std::string_view ip) {
  const std::string text(ip);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return IsMetadataIpv4(ntohl(v4.s_addr));
  Ipv6 v6{};
  return inet_pton(AF_INET6, text.c_str(), v6.data()) == 1 && IsMetadataIpv6(v6);
}

}  // namespace postglass::net
