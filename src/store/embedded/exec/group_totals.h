#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/embedded/exec/compiled_groups.h"
#include "store/embedded/exec/group_part.h"
#include "store/embedded/exec/memory_budget.h"
#include "store/embedded/exec/pair_ids.h"
#include "store/event_reader.h"

namespace postglass::store {

// The groups of one request over tables and single events, put together by the texts of their keys.
// Not thread-safe.
class GroupTotals {
 public:
  // Both must outlive it.
  GroupTotals(const CompiledGroups& compiled, MemoryBudget& budget);

  // Adds what a table gave, or another of these.
  void Add(const GroupPart& part);

  // Counts the event that the reader stands on. Errors: kLimit (it is in too many groups).
  Status Add(EventReader& reader);

  const GroupPart& part() const { return part_; }

  // The answer, ordered and limited.
  std::vector<Group> Take();

 private:
  using TextIds = std::unordered_map<std::string_view, std::uint32_t>;  // into part_.texts

  // How the groups of a set are found.
  struct Index {
    std::vector<PairIds> levels;  // by place in the tuple: the group so far and the text
    std::vector<PairIds> series;  // the group and the bucket
  };

  std::uint32_t TextId(std::size_t key, std::string_view text);
  std::uint32_t GroupOf(std::size_t set, std::span<const std::uint32_t> tuple);
  std::uint32_t CellOf(std::size_t set,
                       std::size_t series,
                       std::uint32_t group,
                       std::uint32_t bucket);
  void Hold(std::size_t bytes);
  void AddSet(std::size_t s,
              const GroupPart::Set& from,
              const std::vector<std::vector<std::uint32_t>>& ids);
  // The event's values of one key.
  void ReadKey(EventReader& reader, std::size_t key, std::vector<std::uint32_t>& ids);
  void AddToGroup(EventReader& reader, std::size_t set, std::span<const std::uint32_t> tuple);
  void AddToCell(EventReader& reader, std::size_t set, std::size_t accumulator, std::uint32_t cell);

  const CompiledGroups& compiled_;
  const GroupRequest& request_;
  MemoryBudget& budget_;
  GroupPart part_;
  std::vector<TextIds> text_ids_;  // by key
  std::vector<Index> indexes_;     // by set
};

}  // namespace postglass::store
