#include "store/embedded/table/column.h"

#include <limits>
#include <type_traits>

namespace postglass::store {

namespace {

template <class Vector>
Codes Narrowed(const std::vector<Code>& codes) {
  Vector narrow(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    narrow[i] = static_cast<typename Vector::value_type>(codes[i]);
  }
  return Codes(std::move(narrow));
}

}  // namespace

Codes Codes::Pack(const std::vector<Code>& codes, std::size_t dictionary_size) {
  if (dictionary_size <= 1) return Codes(Constant{static_cast<std::uint32_t>(codes.size())});
  if (dictionary_size <= std::size_t{std::numeric_limits<std::uint8_t>::max()} + 1) {
    return Narrowed<Narrow>(codes);
  }
  if (dictionary_size <= std::size_t{std::numeric_limits<std::uint16_t>::max()} + 1) {
    return Narrowed<Medium>(codes);
  }
  return Codes(Wide(codes));
}

std::size_t Codes::memory_bytes() const {
  return Visit([](const auto& v) -> std::size_t {
    if constexpr (std::is_same_v<std::decay_t<decltype(v)>, Constant>) {
      return sizeof(v);
    } else {
      return v.size() * sizeof(v[0]);
    }
  });
}

}  // namespace postglass::store
