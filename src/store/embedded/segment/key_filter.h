#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace postglass::store {

// A split-block Bloom filter: one cache line a look-up, 12 bits a key, about 0.5 % false answers.
// Built once; read line by line, so that a look-up needs no more of it than that. Pure.
inline constexpr std::size_t kFilterLineBytes = 32;

// Duplicates do no harm but take their bits.
std::string BuildKeyFilter(std::span<const std::uint64_t> hashes);

// Which of `lines` the key is in. Requires: lines > 0.
inline std::size_t FilterLineOf(std::uint64_t hash, std::size_t lines) {
  return static_cast<std::size_t>(((hash >> 32) * lines) >> 32);
}

// False only when the key was not among those the filter was built from. Any bytes give some
// answer.
bool LineMayContain(const char* line, std::uint64_t hash);

}  // namespace postglass::store
