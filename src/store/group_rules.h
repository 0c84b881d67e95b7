#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/group.h"

// What every store does the same way with groups. Pure.

namespace postglass::store {

// kInvalidArgument for what no store can answer.
Status CheckGroups(const GroupRequest& request);

// Sets of keys: bit i is key i. To choose the groups of a key, and for totals, groups are also
// made of some of the keys alone; of the same events each time: those that have all keys.
using KeySet = std::uint32_t;

// The sets that the request needs, ascending.
std::vector<KeySet> KeySetsOf(const GroupRequest& request);

// Place of the key in a tuple of the set's keys.
inline std::size_t PlaceInSet(KeySet set, std::size_t key) {
  return static_cast<std::size_t>(std::popcount(set & ((KeySet{1} << key) - 1)));
}

// The step that the number is in; nothing when it is outside.
std::optional<std::uint32_t> BinOf(const GroupBins& bins, double number);
std::size_t BinsCount(const GroupBins& bins);
// The key of a step.
std::string BinText(const GroupBins& bins, std::uint32_t bin);

// The bucket that holds the instant.
std::optional<std::uint32_t> BucketOf(const std::vector<std::int64_t>& borders,
                                      std::int64_t timestamp_ms);

// A group of one set. Keys are those of the set, in order, and borrowed.
struct SetGroup {
  std::vector<std::string_view> key;
  std::vector<MeasureValue> values;
};

// Orders and limits the groups key by key; a total follows the groups it sums up. Requires: the
// sets of KeySetsOf(), each group once, in any order; of the set of no keys its one group.
std::vector<Group> ArrangeGroups(const GroupRequest& request,
                                 const std::map<KeySet, std::vector<SetGroup>>& sets);

}  // namespace postglass::store
