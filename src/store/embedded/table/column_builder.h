#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "store/embedded/table/flattener.h"
#include "store/embedded/table/memory_table.h"

namespace postglass::store {

// Takes the values of one column, and makes dictionary and codes of them. Values are interned some
// hundred at a time, while their texts are still in the processor's cache. Keeps its buffers from
// column to column.
class ColumnBuilder {
 public:
  // A distinct value on its way to its place: what sorts first, and where it is.
  struct Entry {
    std::uint64_t prefix;
    Code code;
  };

  // What sorting needs; one for all columns.
  struct Scratch {
    std::vector<Entry> order;
    std::vector<Entry> swap;
    std::vector<Code> place_of;  // in the sorted dictionary, by code
  };

  ColumnBuilder();

  // Requires: nothing added since the last Finish().
  void set_key(ColumnKey key) { key_ = std::move(key); }

  const ColumnKey& key() const { return key_; }

  bool empty() const { return codes_.empty() && pending_count_ == 0; }

  // Texts must live until Finish(), which copies them.
  void Add(const Leaf& leaf) {
    pending_[pending_count_++] = leaf;
    if (pending_count_ == pending_.size()) Intern();
  }

  // Forgets the values.
  MemoryTable::Column Finish(Scratch& scratch);

 private:
  struct Slot {
    std::uint32_t hash = 0;
    Code code_plus_1 = 0;  // 0: empty
  };

  struct Range {  // of the arena
    std::uint32_t begin;
    std::uint32_t bytes;
  };

  void Intern();
  Code CodeOf(std::string_view bytes, std::uint64_t hash);
  void GrowTable();

  std::string_view TextOf(Code code) const {
    return {arena_.data() + distinct_[code].begin, distinct_[code].bytes};
  }

  void SortTexts(Scratch& scratch) const;
  void SortByPrefix(std::size_t common_bytes, Scratch& scratch) const;
  std::shared_ptr<const MemoryDictionary> TextDictionary(const Scratch& scratch) const;
  // The distinct eight bytes as numbers.
  template <class T>
  std::shared_ptr<const MemoryDictionary> SortedNumbers(Scratch& scratch) const;
  std::shared_ptr<const MemoryDictionary> SortedBools(Scratch& scratch) const;

  ColumnKey key_;
  std::uint64_t seed_;
  std::size_t pending_count_ = 0;
  std::vector<Code> codes_;  // of the values, by order of first appearance
  // By code:
  std::vector<Range> distinct_;
  std::vector<std::uint32_t> hashes_;
  std::vector<char> arena_;
  std::vector<Slot> table_;
  // About what fits a second-level cache with its texts, all columns together. Not a power of two:
  // all columns fill up alike, and would write to the same sets of the cache.
  std::array<Leaf, 122> pending_;
};

}  // namespace postglass::store
