#include "store/cidr.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace postglass::store {

namespace {

constexpr unsigned kMappedBits = 96;
constexpr std::size_t kAddressCharsMax = 45;  // the longest IPv6 text, with an embedded IPv4

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  if (text.empty() || text.size() > kAddressCharsMax) return std::nullopt;
  if (text.find('\0') != text.npos) return std::nullopt;
  std::array<char, kAddressCharsMax + 1> terminated{};
  std::memcpy(terminated.data(), text.data(), text.size());
  IpAddress address{};
  if (inet_pton(AF_INET6, terminated.data(), address.data()) == 1) return address;
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, terminated.data(), v4.data()) != 1) return std::nullopt;
  address.fill(0);
  address[10] = address[11] = 0xFF;
  std::memcpy(address.data() + 12, v4.data(), v4.size());
  return address;
}

std::optional<Cidr> Cidr::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const std::optional<IpAddress> base = ParseIpAddress(address_text);
  if (!base) return std::nullopt;
  const bool is_v4 = address_text.find(':') == address_text.npos;
  const unsigned bits_max = is_v4 ? 32 : 128;
  unsigned bits = bits_max;
  if (slash != text.npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > bits_max) {
      return std::nullopt;
    }
  }
  Cidr cidr;
  cidr.base_ = *base;
  cidr.prefix_bits_ = is_v4 ? bits + kMappedBits : bits;
  return cidr;
}

bool Cidr::Contains(const IpAddress& address) const {
  const std::size_t whole_bytes = prefix_bits_ / 8;
  if (std::memcmp(address.data(), base_.data(), whole_bytes) != 0) return false;
  const unsigned rest_bits = prefix_bits_ % 8;
  if (rest_bits == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - rest_bits));
  return (address[whole_bytes] & mask) == (base_[whole_bytes] & mask);
}

}  // namespace postglass::store
