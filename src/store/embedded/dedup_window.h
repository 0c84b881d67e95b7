#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "store/types.h"

namespace postglass::store {

inline constexpr std::int64_t kDedupWindowHours = 72;

// Hours of ingest since 1970, rounded toward the past.
std::int64_t HourOf(std::int64_t ingested_at_ms);

struct SeenKey {
  DedupKey key;
  std::int64_t hour = 0;
};

// The keys of the last 72 hours of ingest, in memory: 18 bytes a slot, three quarters of them used
// at most. Split in shards that grow one by one, so that growing neither doubles the memory nor
// holds an append up. Not thread-safe.
class DedupWindow {
 public:
  // Above this the oldest hours go before their time; counted in dropped_early().
  explicit DedupWindow(std::size_t keys_max);

  // Fetches what the next calls with this key will need; for a batch of keys one behind the other.
  void Prefetch(const DedupKey& key) const;

  // Seen at most kDedupWindowHours before `hour`, or after it. Reserved is not seen.
  bool Contains(const DedupKey& key, std::int64_t hour) const;
  bool IsReserved(const DedupKey& key) const;

  // Keeps the key for a batch that is under way; false when it is reserved or Contains() it. Ends
  // with Insert() or Release().
  bool Reserve(const SeenKey& seen);
  // Remembers the later of this hour and the one known.
  void Insert(const SeenKey& seen);
  // Forgets a reserved key.
  void Release(const DedupKey& key);

  // Forgets keys that no event of `hour` or later can meet.
  void Expire(std::int64_t hour);

  std::size_t size() const { return size_; }  // reserved ones included

  std::size_t memory_bytes() const;

  std::uint64_t dropped_early() const { return dropped_early_; }

 private:
  using SlotHour = std::uint16_t;  // hours after base_hour_, from 1
  static constexpr SlotHour kEmpty = 0;
  static constexpr SlotHour kReserved = 0x8000;  // flag beside the hour
  static constexpr SlotHour kHourMask = 0x7FFF;
  static constexpr std::size_t kShards = 64;

  struct Shard {
    std::vector<DedupKey> keys;
    std::vector<SlotHour> hours;
    std::size_t size = 0;
  };

  struct Place {
    std::size_t shard = 0;
    std::size_t slot = 0;
  };

  static std::size_t ShardOf(std::uint64_t hash);
  static std::size_t HomeSlot(std::uint64_t hash, std::size_t slots);
  Place Find(const DedupKey& key) const;  // its slot or the empty one for it
  bool IsInWindow(SlotHour slot, std::int64_t hour) const;
  SlotHour ToSlotHour(std::int64_t hour);
  Place Occupy(const DedupKey& key);
  void Resize(Shard& shard, std::size_t slots);
  void Rebase(std::int64_t oldest_hour);

  const std::size_t keys_max_;
  std::int64_t base_hour_ = 0;
  std::array<Shard, kShards> shards_;
  std::size_t size_ = 0;
  std::uint64_t dropped_early_ = 0;
};

}  // namespace postglass::store
