#include "query/cidr.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <string>

namespace postglass::query {

bool IsCidrBlock(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  std::array<unsigned char, 16> bytes;
  int bits_max = 0;
  if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
    bits_max = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) {
    bits_max = 128;
  } else {
    return false;
  }
  if (slash == std::string_view::npos) return true;
  const std::string_view length = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  return error == std::errc() && end == length.data() + length.size() && bits >= 0 &&
         bits <= bits_max;
}

}  // namespace postglass::query
