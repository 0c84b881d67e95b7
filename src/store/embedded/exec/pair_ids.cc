#include "store/embedded/exec/pair_ids.h"

#include <algorithm>
#include <utility>

namespace postglass::store {

namespace {

// An array of so many entries costs nothing to speak of, however few pairs come.
constexpr std::size_t kDenseAlways = 64 << 10;

std::size_t SlotOf(std::uint64_t key, std::size_t slots) {
  key ^= key >> 32;
  key *= 0x9E37'79B9'7F4A'7C15;
  return static_cast<std::size_t>(key ^ key >> 29) & (slots - 1);
}

}  // namespace

PairIds::PairIds(std::uint32_t first_max, std::uint32_t second_max, std::size_t expected)
    : second_max_(second_max) {
  const std::uint64_t pairs = std::uint64_t{first_max} * second_max;
  if (pairs <= std::max(kDenseAlways, 2 * expected)) {
    dense_.assign(static_cast<std::size_t>(std::max<std::uint64_t>(pairs, 1)), kNone);
  } else {
    slots_.resize(kSlotsMin);
  }
}

std::uint32_t PairIds::OfHashed(std::uint64_t key) {
  for (std::size_t i = SlotOf(key, slots_.size());; i = (i + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[i];
    if (slot.id == kNone) {
      slot = {key, size_++};
      const std::uint32_t id = slot.id;
      if (std::size_t{size_} * 2 > slots_.size()) Grow();
      return id;
    }
    if (slot.key == key) return slot.id;
  }
}

void PairIds::Grow() {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : old) {
    if (slot.id == kNone) continue;
    std::size_t i = SlotOf(slot.key, slots_.size());
    while (slots_[i].id != kNone) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = slot;
  }
}

}  // namespace postglass::store
