#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postglass::store {

// An IP address as 128 bits; IPv4 lies in ::ffff:0:0/96, so that 10.0.0.1 and ::ffff:10.0.0.1 are
// the same address.
using IpAddress = std::array<std::uint8_t, 16>;
std::optional<IpAddress> ParseIpAddress(std::string_view text);

// A block of addresses: "10.0.0.0/8", "2001:db8::/32", or one address.
class Cidr {
 public:
  static std::optional<Cidr> Parse(std::string_view text);
  bool Contains(const IpAddress& address) const;

 private:
  IpAddress base_{};
  unsigned prefix_bits_ = 0;
};

}  // namespace postglass::store
