#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace postglass::store {

// The eight bytes of `text` from `skip` on as a number that sorts as they do; zeros behind the end.
// Equal prefixes decide nothing. Requires: skip <= text.size().
inline std::uint64_t PrefixFrom(std::string_view text, std::size_t skip) {
  static_assert(std::endian::native == std::endian::little);
  if (skip == text.size()) return 0;  // an empty view may have no address
  std::uint64_t prefix = 0;
  std::memcpy(&prefix, text.data() + skip, std::min<std::size_t>(8, text.size() - skip));
  return __builtin_bswap64(prefix);
}

inline std::size_t CommonBytes(std::string_view a, std::string_view b) {
  const std::size_t bytes_max = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < bytes_max && a[i] == b[i]) ++i;
  return i;
}

}  // namespace postglass::store
