#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace postglass::store {

// Numbers of `width` bits (0 to 64) one behind the other, lowest bit first. Readers load eight
// bytes at a time, so up to this many bytes behind the last number must be readable.
inline constexpr std::size_t kPackingSlackBytes = 16;

constexpr std::uint64_t PackedBytes(std::uint64_t count, unsigned width) {
  return (count * width + 7) / 8;
}

// The i-th number. Requires: slack behind the numbers, as Buffer has it.
inline std::uint64_t LoadBits(const char* packed, std::size_t i, unsigned width) {
  const std::size_t bit = i * width;
  const char* from = packed + bit / 8;
  const unsigned shift = bit % 8;
  std::uint64_t bits = 0;
  std::memcpy(&bits, from, sizeof bits);
  bits >>= shift;
  if (shift + width > 64) {
    bits |= std::uint64_t{static_cast<unsigned char>(from[8])} << (64 - shift);
  }
  return width == 64 ? bits : bits & ((std::uint64_t{1} << width) - 1);
}

// Appends numbers to `out`; Finish() fills the last byte.
class BitPacker {
 public:
  BitPacker(std::string& out, unsigned width) : out_(out), width_(width) {}

  void Add(std::uint64_t value) {
    if (width_ == 0) return;
    pending_ |= value << pending_bits_;
    if (pending_bits_ + width_ < 64) {
      pending_bits_ += width_;
      return;
    }
    out_.append(reinterpret_cast<const char*>(&pending_), sizeof pending_);
    const unsigned taken = 64 - pending_bits_;
    pending_ = taken == 64 ? 0 : value >> taken;
    pending_bits_ = width_ - taken;
  }

  void Finish() {
    out_.append(reinterpret_cast<const char*>(&pending_), (pending_bits_ + 7) / 8);
    pending_ = 0;
    pending_bits_ = 0;
  }

 private:
  std::string& out_;
  unsigned width_;
  std::uint64_t pending_ = 0;
  unsigned pending_bits_ = 0;
};

// `Values` is anything with size() and operator[].
template <class Values>
void AppendPacked(std::string& out, const Values& values, std::uint64_t base, unsigned width) {
  BitPacker packer(out, width);
  for (std::size_t i = 0; i < values.size(); ++i) {
    packer.Add(static_cast<std::uint64_t>(values[i]) - base);
  }
  packer.Finish();
}

}  // namespace postglass::store
