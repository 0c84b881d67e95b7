#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// Little-endian integers, varints and length-prefixed bytes: the words of all formats in this
// folder.

namespace postglass::store {

static_assert(std::endian::native == std::endian::little, "formats are written by memcpy");

template <std::integral T>
void PutFixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void PutVarint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(0x80 | (value & 0x7F));
    value >>= 7;
  }
  out += static_cast<char>(value);
}

inline std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

inline std::int64_t UnZigZag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

inline void PutBytes(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out += bytes;
}

// Reads what the Put functions wrote. Reading past the end gives zeros and makes ok() false, so
// that a decoder may check once behind a group of reads.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <std::integral T>
  T Fixed() {
    T value{};
    if (rest_.size() < sizeof value) {
      Break();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }

  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = Fixed<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    Break();
    return 0;
  }

  std::string_view Take(std::uint64_t size) {
    if (size > rest_.size()) {
      Break();
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view Bytes() { return Take(Varint()); }

  bool ok() const { return ok_; }

  std::size_t remaining() const { return rest_.size(); }

  // All was read and nothing too much.
  bool AtEnd() const { return ok_ && rest_.empty(); }

 private:
  void Break() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace postglass::store
