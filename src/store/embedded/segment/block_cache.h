#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "store/function_ref.h"

namespace postglass::store {

// What was read and decoded of segments, bounded by bytes: what was not used for a while goes first
// (the clock algorithm: a hand goes round the entries, and one that was used since it last came by
// stays for another round). A hit changes nothing but that mark: a look-up takes hundreds of them,
// and a list in order of use would cost each several more lines of memory. Entries are immutable
// and shared, so that a query keeps what it holds while the cache drops it. Thread-safe; loading
// runs outside the lock, two threads may load the same thing once each.
class BlockCache {
 public:
  explicit BlockCache(std::size_t bytes_max);
  ~BlockCache();

  struct Key {
    std::uint64_t segment = 0;  // of NewSegment()
    std::uint32_t part = 0;     // of the segment's choosing
    std::uint32_t block = 0;
    bool operator==(const Key&) const = default;
  };

  struct Loaded {
    std::shared_ptr<const void> value;
    std::size_t bytes = 0;
  };

  // The cached value, or what `load` gives, which is then kept. Larger than a quarter of the cache
  // is given but not kept.
  using Loader = FunctionRef<Result<Loaded>()>;
  Result<std::shared_ptr<const void>> Get(const Key& key, Loader load);
  // A number that no other opened segment has.
  std::uint64_t NewSegment();
  void Forget(std::uint64_t segment);
  // Changes the bound, dropping what is above it now (memory pressure).
  void Resize(std::size_t bytes_max);
  std::size_t bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postglass::store
