#include "store/embedded/dedup_window.h"

#include <algorithm>
#include <string_view>

#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::size_t kSlotsMin = 32;
constexpr std::size_t kKeysMaxMin = 1024;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kSpanMax = 0x7FFE;  // hours that a slot can tell apart

// Keys are hashes or random ids, but the peer chooses some of them; hash again.
std::uint64_t HashOf(const DedupKey& key) {
  return Hash64({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
}

}  // namespace

std::int64_t HourOf(std::int64_t ingested_at_ms) {
  const std::int64_t rest = ingested_at_ms % kHourMs;
  return (ingested_at_ms - (rest < 0 ? rest + kHourMs : rest)) / kHourMs;
}

DedupWindow::DedupWindow(std::size_t keys_max) : keys_max_(std::max(keys_max, kKeysMaxMin)) {
  for (Shard& shard : shards_) {
    shard.keys.resize(kSlotsMin);
    shard.hours.resize(kSlotsMin, kEmpty);
  }
}

std::size_t DedupWindow::ShardOf(std::uint64_t hash) { return hash >> 58; }

std::size_t DedupWindow::HomeSlot(std::uint64_t hash, std::size_t slots) {
  return ((hash & 0xFFFF'FFFF) * slots) >> 32;
}

DedupWindow::Place DedupWindow::Find(const DedupKey& key) const {
  const std::uint64_t hash = HashOf(key);
  Place place{ShardOf(hash), 0};
  const Shard& shard = shards_[place.shard];
  const std::size_t slots = shard.keys.size();
  place.slot = HomeSlot(hash, slots);
  while (shard.hours[place.slot] != kEmpty && shard.keys[place.slot] != key) {
    if (++place.slot == slots) place.slot = 0;
  }
  return place;
}

void DedupWindow::Prefetch(const DedupKey& key) const {
  const std::uint64_t hash = HashOf(key);
  const Shard& shard = shards_[ShardOf(hash)];
  const std::size_t slot = HomeSlot(hash, shard.keys.size());
  __builtin_prefetch(&shard.hours[slot]);
  __builtin_prefetch(&shard.keys[slot]);
}

bool DedupWindow::IsInWindow(SlotHour slot, std::int64_t hour) const {
  return base_hour_ + slot - 1 + kDedupWindowHours >= hour;
}

bool DedupWindow::Contains(const DedupKey& key, std::int64_t hour) const {
  const Place place = Find(key);
  const SlotHour slot = shards_[place.shard].hours[place.slot];
  return slot != kEmpty && (slot & kReserved) == 0 && IsInWindow(slot, hour);
}

bool DedupWindow::IsReserved(const DedupKey& key) const {
  const Place place = Find(key);
  return (shards_[place.shard].hours[place.slot] & kReserved) != 0;
}

void DedupWindow::Resize(Shard& shard, std::size_t slots) {
  std::vector<DedupKey> keys(slots);
  std::vector<SlotHour> hours(slots, kEmpty);
  for (std::size_t i = 0; i < shard.keys.size(); ++i) {
    if (shard.hours[i] == kEmpty) continue;
    std::size_t slot = HomeSlot(HashOf(shard.keys[i]), slots);
    while (hours[slot] != kEmpty) {
      if (++slot == slots) slot = 0;
    }
    keys[slot] = shard.keys[i];
    hours[slot] = shard.hours[i];
  }
  shard.keys = std::move(keys);
  shard.hours = std::move(hours);
}

// Drops what is older than `oldest_hour`, which becomes the base. Reserved keys stay.
void DedupWindow::Rebase(std::int64_t oldest_hour) {
  size_ = 0;
  for (Shard& shard : shards_) {
    shard.size = 0;
    for (SlotHour& slot : shard.hours) {
      if (slot == kEmpty) continue;
      const SlotHour flag = slot & kReserved;
      const std::int64_t hour = base_hour_ + (slot & kHourMask) - 1;
      if (hour < oldest_hour && flag == 0) {
        slot = kEmpty;
        continue;
      }
      const std::int64_t offset = std::clamp<std::int64_t>(hour - oldest_hour + 1, 1, kSpanMax);
      slot = static_cast<SlotHour>(offset | flag);
      ++shard.size;
    }
    size_ += shard.size;
    // Also closes the holes that look-ups would stop at.
    Resize(shard, std::max(kSlotsMin, std::min(shard.keys.size(), 4 * shard.size)));
  }
  base_hour_ = oldest_hour;
}

DedupWindow::SlotHour DedupWindow::ToSlotHour(std::int64_t hour) {
  if (size_ == 0) base_hour_ = hour;
  if (hour < base_hour_) {
    // A clock that jumped back. When the span grows too long, keys count as of the oldest hour.
    std::int64_t newest = base_hour_;
    for (const Shard& shard : shards_) {
      for (const SlotHour slot : shard.hours) {
        newest = std::max(newest, base_hour_ + (slot & kHourMask) - 1);
      }
    }
    if (newest - hour < kSpanMax) Rebase(hour);
  } else if (hour - base_hour_ >= kSpanMax) {
    Rebase(hour - kDedupWindowHours);
  }
  if (size_ >= keys_max_) {
    // Half of the span goes: rare, and cheaper than an order of keys.
    const std::size_t before = size_;
    Rebase(base_hour_ + (std::max(hour, base_hour_) - base_hour_) / 2 + 1);
    dropped_early_ += before - size_;
  }
  return static_cast<SlotHour>(std::max(hour, base_hour_) - base_hour_ + 1);
}

// The key's slot; a new one has no hour yet.
DedupWindow::Place DedupWindow::Occupy(const DedupKey& key) {
  Place place = Find(key);
  Shard& shard = shards_[place.shard];
  if (shard.hours[place.slot] != kEmpty) return place;
  if (4 * (shard.size + 1) > 3 * shard.keys.size()) {
    Resize(shard, shard.keys.size() + shard.keys.size() / 2);
    place = Find(key);
  }
  shard.keys[place.slot] = key;
  ++shard.size;
  ++size_;
  return place;
}

bool DedupWindow::Reserve(const SeenKey& seen) {
  const SlotHour slot_hour = ToSlotHour(seen.hour);
  const Place place = Occupy(seen.key);
  SlotHour& slot = shards_[place.shard].hours[place.slot];
  if ((slot & kReserved) != 0 || (slot != kEmpty && IsInWindow(slot, seen.hour))) return false;
  slot = slot_hour | kReserved;
  return true;
}

void DedupWindow::Insert(const SeenKey& seen) {
  const SlotHour slot_hour = ToSlotHour(seen.hour);
  const Place place = Occupy(seen.key);
  SlotHour& slot = shards_[place.shard].hours[place.slot];
  slot = std::max<SlotHour>(slot & kHourMask, slot_hour);
}

void DedupWindow::Release(const DedupKey& key) {
  const Place place = Find(key);
  Shard& shard = shards_[place.shard];
  if ((shard.hours[place.slot] & kReserved) == 0) return;
  // Those behind it move up, so that no look-up stops at the hole.
  const std::size_t slots = shard.keys.size();
  std::size_t hole = place.slot;
  for (std::size_t i = hole;;) {
    if (++i == slots) i = 0;
    if (shard.hours[i] == kEmpty) break;
    const std::size_t home = HomeSlot(HashOf(shard.keys[i]), slots);
    const bool home_is_between = hole < i ? home > hole && home <= i : home > hole || home <= i;
    if (home_is_between) continue;
    shard.keys[hole] = shard.keys[i];
    shard.hours[hole] = shard.hours[i];
    hole = i;
  }
  shard.hours[hole] = kEmpty;
  --shard.size;
  --size_;
}

void DedupWindow::Expire(std::int64_t hour) {
  const std::int64_t oldest = hour - kDedupWindowHours;
  if (size_ > 0 && oldest > base_hour_) Rebase(oldest);
}

std::size_t DedupWindow::memory_bytes() const {
  std::size_t slots = 0;
  for (const Shard& shard : shards_) slots += shard.keys.size();
  return slots * (sizeof(DedupKey) + sizeof(SlotHour));
}

}  // namespace postglass::store
