#include "store/embedded/segment/key_filter.h"

#include <array>
#include <cstring>

namespace postglass::store {

namespace {

constexpr std::size_t kBitsAKey = 12;
// A line has eight words, one bit of a key in each.
constexpr std::array<std::uint32_t, 8> kSalts = {0x47b6137bU,
                                                 0x44974d91U,
                                                 0x8824ad5bU,
                                                 0xa2b7289dU,
                                                 0x705495c7U,
                                                 0x2df1424bU,
                                                 0x9efc4947U,
                                                 0x5c6bfb31U};

std::uint32_t Bit(std::uint64_t hash, std::size_t word) {
  const auto low = static_cast<std::uint32_t>(hash);
  return std::uint32_t{1} << ((low * kSalts[word]) >> 27);
}

}  // namespace

std::string BuildKeyFilter(std::span<const std::uint64_t> hashes) {
  const std::size_t bits = hashes.size() * kBitsAKey;
  const std::size_t lines = bits / (8 * kFilterLineBytes) + 1;
  std::string filter(lines * kFilterLineBytes, '\0');
  for (const std::uint64_t hash : hashes) {
    char* line = filter.data() + FilterLineOf(hash, lines) * kFilterLineBytes;
    for (std::size_t i = 0; i < kSalts.size(); ++i) {
      std::uint32_t word = 0;
      std::memcpy(&word, line + 4 * i, sizeof word);
      word |= Bit(hash, i);
      std::memcpy(line + 4 * i, &word, sizeof word);
    }
  }
  return filter;
}

bool LineMayContain(const char* line, std::uint64_t hash) {
  for (std::size_t i = 0; i < kSalts.size(); ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, line + 4 * i, sizeof word);
    if ((word & Bit(hash, i)) == 0) return false;
  }
  return true;
}

}  // namespace postglass::store
