#include "store/embedded/segment/block_cache.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <list>
#include <unordered_map>

#include "base/mutex.h"

namespace postglass::store {

namespace {

constexpr std::size_t kShards = 16;
constexpr std::size_t kEntryOverheadBytes = 128;  // list and map nodes

std::size_t HashOf(const BlockCache::Key& key) {
  std::uint64_t h = key.segment * 0x9E3779B97F4A7C15ULL;
  h ^= (std::uint64_t{key.part} << 32 | key.block) * 0xC2B2AE3D27D4EB4FULL;
  h ^= h >> 29;
  h *= 0xBF58476D1CE4E5B9ULL;
  return h ^ (h >> 32);
}

struct KeyHash {
  std::size_t operator()(const BlockCache::Key& key) const { return HashOf(key); }
};

}  // namespace

class BlockCache::Impl {
 public:
  struct Entry {
    Key key;
    std::shared_ptr<const void> value;
    std::size_t bytes = 0;
  };

  using Entries = std::list<Entry>;

  struct alignas(64) Shard {
    Mutex mutex;
    Entries entries GUARDED_BY(mutex);  // least recently used last
    std::unordered_map<Key, Entries::iterator, KeyHash> places GUARDED_BY(mutex);
    std::size_t bytes GUARDED_BY(mutex) = 0;
  };

  explicit Impl(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  Shard& ShardOf(const Key& key) { return shards_[(HashOf(key) >> 48) % kShards]; }

  // Moves what does not fit to `dropped`, which the caller destroys outside the lock.
  static void Shrink(Shard& shard, std::size_t bytes_max, Entries& dropped) REQUIRES(shard.mutex) {
    while (shard.bytes > bytes_max && !shard.entries.empty()) {
      const auto last = std::prev(shard.entries.end());
      shard.bytes -= last->bytes;
      shard.places.erase(last->key);
      dropped.splice(dropped.begin(), shard.entries, last);
    }
  }

  std::atomic<std::size_t> bytes_max_;
  std::atomic<std::uint64_t> next_segment_{1};
  std::array<Shard, kShards> shards_;
};

BlockCache::BlockCache(std::size_t bytes_max) : impl_(std::make_unique<Impl>(bytes_max)) {}

BlockCache::~BlockCache() = default;

std::uint64_t BlockCache::NewSegment() { return impl_->next_segment_++; }

Result<std::shared_ptr<const void>> BlockCache::Get(const Key& key, Loader load) {
  Impl::Shard& shard = impl_->ShardOf(key);
  {
    const MutexLock lock(shard.mutex);
    const auto found = shard.places.find(key);
    if (found != shard.places.end()) {
      shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
      return found->second->value;
    }
  }
  ASSIGN_OR_RETURN(Loaded loaded, load());
  const std::size_t bytes = loaded.bytes + kEntryOverheadBytes;
  const std::size_t bytes_max = impl_->bytes_max_;
  if (bytes > bytes_max / 4) return std::move(loaded.value);
  Impl::Entries dropped;
  const MutexLock lock(shard.mutex);
  const auto found = shard.places.find(key);
  if (found != shard.places.end()) return found->second->value;
  shard.entries.push_front({key, loaded.value, bytes});
  shard.places.emplace(key, shard.entries.begin());
  shard.bytes += bytes;
  // A shard may hold one large entry beyond its share; it is the first to go when another comes.
  Impl::Shrink(shard, std::max(bytes_max / kShards, bytes), dropped);
  return std::move(loaded.value);
}

void BlockCache::Forget(std::uint64_t segment) {
  for (Impl::Shard& shard : impl_->shards_) {
    Impl::Entries dropped;
    const MutexLock lock(shard.mutex);
    for (auto entry = shard.entries.begin(); entry != shard.entries.end();) {
      const auto next = std::next(entry);
      if (entry->key.segment == segment) {
        shard.bytes -= entry->bytes;
        shard.places.erase(entry->key);
        dropped.splice(dropped.end(), shard.entries, entry);
      }
      entry = next;
    }
  }
}

void BlockCache::Resize(std::size_t bytes_max) {
  impl_->bytes_max_ = bytes_max;
  for (Impl::Shard& shard : impl_->shards_) {
    Impl::Entries dropped;
    const MutexLock lock(shard.mutex);
    Impl::Shrink(shard, bytes_max / kShards, dropped);
  }
}

std::size_t BlockCache::bytes() const {
  std::size_t bytes = 0;
  for (Impl::Shard& shard : impl_->shards_) {
    const MutexLock lock(shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

}  // namespace postglass::store
