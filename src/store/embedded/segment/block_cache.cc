#include "store/embedded/segment/block_cache.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace postglass::store {

namespace {

constexpr std::size_t kShards = 16;
constexpr std::size_t kEntryOverheadBytes = 128;  // of the entry, its places and the value's owner

std::size_t HashOf(const BlockCache::Key& key) {
  std::uint64_t h = key.segment * 0x9E3779B97F4A7C15ULL;
  h ^= (std::uint64_t{key.part} << 32 | key.block) * 0xC2B2AE3D27D4EB4FULL;
  h ^= h >> 29;
  h *= 0xBF58476D1CE4E5B9ULL;
  return h ^ (h >> 32);
}

using Values = std::vector<std::shared_ptr<const void>>;

// Entries by key, and the hand that goes round them. Not thread-safe.
class Entries {
 public:
  // Null when there is none; else a hit, which keeps it for another round.
  const std::shared_ptr<const void>* Find(const BlockCache::Key& key, std::size_t hash) {
    if (entry_count_ == 0) return nullptr;
    const std::size_t place = PlaceOf(key, hash);
    if (places_[place].number == 0) return nullptr;
    Entry& entry = entries_[places_[place].number - 1];
    entry.used = true;
    return &entry.value;
  }

  // Requires: there is none with this key. Others go until it fits into `bytes_max`, or is alone.
  void Add(const BlockCache::Key& key,
           std::size_t hash,
           std::shared_ptr<const void> value,
           std::size_t bytes,
           std::size_t bytes_max,
           Values& dropped) {
    Shrink(bytes_max > bytes ? bytes_max - bytes : 0, dropped);
    if (2 * (entry_count_ + 1) > places_.size()) Grow();
    std::uint32_t number = 0;
    if (free_.empty()) {
      entries_.emplace_back();
      number = static_cast<std::uint32_t>(entries_.size());
    } else {
      number = free_.back();
      free_.pop_back();
    }
    entries_[number - 1] = {key, hash, std::move(value), bytes, false};
    places_[PlaceOf(key, hash)] = {TagOf(hash), number};
    ++entry_count_;
    bytes_ += bytes;
  }

  // What goes is moved to `dropped`, for the caller to destroy outside a lock.
  void Shrink(std::size_t bytes_max, Values& dropped) {
    while (bytes_ > bytes_max) {
      if (hand_ >= entries_.size()) hand_ = 0;
      Entry& entry = entries_[hand_++];
      if (entry.bytes == 0 || std::exchange(entry.used, false)) continue;
      Drop(entry, dropped);
    }
  }

  void Forget(std::uint64_t segment, Values& dropped) {
    for (Entry& entry : entries_) {
      if (entry.bytes > 0 && entry.key.segment == segment) Drop(entry, dropped);
    }
  }

  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    BlockCache::Key key;
    std::size_t hash = 0;
    std::shared_ptr<const void> value;
    std::size_t bytes = 0;  // 0: free
    bool used = false;
  };

  // Of the table of hashes, with steps of one; `number`: the entry's place and one, 0: empty.
  struct Place {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;
  };

  static std::uint32_t TagOf(std::size_t hash) { return static_cast<std::uint32_t>(hash >> 16); }

  // Where the key is, or would go.
  std::size_t PlaceOf(const BlockCache::Key& key, std::size_t hash) const {
    const std::size_t mask = places_.size() - 1;
    std::size_t i = hash & mask;
    while (places_[i].number != 0 &&
           (places_[i].tag != TagOf(hash) || entries_[places_[i].number - 1].key != key)) {
      i = (i + 1) & mask;
    }
    return i;
  }

  void Grow() {
    places_.assign(std::max<std::size_t>(64, 2 * places_.size()), {});
    for (std::uint32_t number = 1; number <= entries_.size(); ++number) {
      const Entry& entry = entries_[number - 1];
      if (entry.bytes > 0) places_[PlaceOf(entry.key, entry.hash)] = {TagOf(entry.hash), number};
    }
  }

  void Drop(Entry& entry, Values& dropped) {
    const std::size_t mask = places_.size() - 1;
    std::size_t hole = PlaceOf(entry.key, entry.hash);
    free_.push_back(places_[hole].number);
    // Those behind it that would no longer be found across the hole move into it.
    for (std::size_t i = (hole + 1) & mask; places_[i].number != 0; i = (i + 1) & mask) {
      const std::size_t home = entries_[places_[i].number - 1].hash & mask;
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      places_[hole] = places_[i];
      hole = i;
    }
    places_[hole] = {};
    bytes_ -= entry.bytes;
    --entry_count_;
    dropped.push_back(std::move(entry.value));
    entry = {};
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;  // numbers
  std::vector<Place> places_;        // a power of two, half of them empty
  std::size_t entry_count_ = 0;
  std::size_t hand_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

class BlockCache::Impl {
 public:
  struct alignas(64) Shard {
    Mutex mutex;
    Entries entries GUARDED_BY(mutex);
  };

  explicit Impl(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  Shard& ShardOf(std::size_t hash) { return shards_[(hash >> 48) % kShards]; }

  std::atomic<std::size_t> bytes_max_;
  std::atomic<std::uint64_t> next_segment_{1};
  std::array<Shard, kShards> shards_;
};

BlockCache::BlockCache(std::size_t bytes_max) : impl_(std::make_unique<Impl>(bytes_max)) {}

BlockCache::~BlockCache() = default;

std::uint64_t BlockCache::NewSegment() { return impl_->next_segment_++; }

Result<std::shared_ptr<const void>> BlockCache::Get(const Key& key, Loader load) {
  const std::size_t hash = HashOf(key);
  Impl::Shard& shard = impl_->ShardOf(hash);
  {
    const MutexLock lock(shard.mutex);
    if (const auto* found = shard.entries.Find(key, hash)) return *found;
  }
  ASSIGN_OR_RETURN(Loaded loaded, load());
  const std::size_t bytes = loaded.bytes + kEntryOverheadBytes;
  const std::size_t bytes_max = impl_->bytes_max_;
  if (bytes > bytes_max / 4) return std::move(loaded.value);
  Values dropped;
  const MutexLock lock(shard.mutex);
  if (const auto* found = shard.entries.Find(key, hash)) return *found;
  // A shard may hold one large entry beyond its share; it is among the first to go when others
  // come.
  shard.entries.Add(key, hash, loaded.value, bytes, bytes_max / kShards, dropped);
  return std::move(loaded.value);
}

void BlockCache::Forget(std::uint64_t segment) {
  for (Impl::Shard& shard : impl_->shards_) {
    Values dropped;
    const MutexLock lock(shard.mutex);
    shard.entries.Forget(segment, dropped);
  }
}

void BlockCache::Resize(std::size_t bytes_max) {
  impl_->bytes_max_ = bytes_max;
  for (Impl::Shard& shard : impl_->shards_) {
    Values dropped;
    const MutexLock lock(shard.mutex);
    shard.entries.Shrink(bytes_max / kShards, dropped);
  }
}

std::size_t BlockCache::bytes() const {
  std::size_t bytes = 0;
  for (Impl::Shard& shard : impl_->shards_) {
    const MutexLock lock(shard.mutex);
    bytes += shard.entries.bytes();
  }
  return bytes;
}

}  // namespace postglass::store
