#include "aws/ip_network.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <string>

namespace postglass::aws {

bool InNetwork(std::string_view network_text, std::string_view address_text) {
  namespace ip = boost::asio::ip;
  const std::size_t slash = network_text.find('/');
  boost::system::error_code error;
  const ip::address network = ip::make_address(std::string(network_text.substr(0, slash)), error);
  if (error) return false;
  const ip::address address = ip::make_address(std::string(address_text), error);
  if (error || network.is_v4() != address.is_v4()) return false;
  const int width = network.is_v4() ? 32 : 128;
  int prefix = width;
  if (slash != std::string_view::npos) {
    const std::string_view digits = network_text.substr(slash + 1);
    const auto [end, trouble] =
        std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (trouble != std::errc() || end != digits.data() + digits.size() || prefix < 0 ||
        prefix > width) {
      return false;
    }
  }
  const auto same_prefix = [prefix](const auto& a, const auto& b) {
    for (int bit = 0; bit < prefix; ++bit) {
      const auto byte = static_cast<std::size_t>(bit / 8);
      if (((a[byte] ^ b[byte]) >> (7 - bit % 8)) & 1) return false;
    }
    return true;
  };
  return network.is_v4() ? same_prefix(network.to_v4().to_bytes(), address.to_v4().to_bytes())
                         : same_prefix(network.to_v6().to_bytes(), address.to_v6().to_bytes());
}

}  // namespace postglass::aws
