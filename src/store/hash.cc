#include "store/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

namespace postglass::store {

std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

bool HashSet::Insert(std::uint64_t hash) {
  if (hash == 0) hash = 1;  // 0 marks an empty slot; one more collision in 2^64 does no harm
  if (2 * (size_ + 1) > slots_.size()) {
    std::vector<std::uint64_t> old(2 * slots_.size());
    std::swap(old, slots_);
    size_ = 0;
    for (const std::uint64_t kept : old) {
      if (kept != 0) Insert(kept);
    }
  }
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    if (slots_[i] == hash) return false;
    if (slots_[i] == 0) {
      slots_[i] = hash;
      ++size_;
      return true;
    }
  }
}

void HashSet::Clear() {
  slots_.assign(slots_.size(), 0);
  size_ = 0;
}

std::vector<std::uint64_t> HashSet::ToVector() const {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(size_);
  for (const std::uint64_t hash : slots_) {
    if (hash != 0) hashes.push_back(hash);
  }
  return hashes;
}

}  // namespace postglass::store
