#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::store {

// XXH3, 64 bits. The checksum of the formats and the key hash of filters.
std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed = 0);

// A set of hashes, for building filters: open addressing, a few nanoseconds an insert.
class HashSet {
 public:
  HashSet() : slots_(kSlotsMin) {}

  // False when it was there.
  bool Insert(std::uint64_t hash);
  void Clear();

  std::size_t size() const { return size_; }

  std::vector<std::uint64_t> ToVector() const;

 private:
  static constexpr std::size_t kSlotsMin = 1024;

  std::vector<std::uint64_t> slots_;  // 0: empty
  std::size_t size_ = 0;
};

}  // namespace postglass::store
