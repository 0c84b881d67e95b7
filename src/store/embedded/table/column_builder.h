#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "store/embedded/table/flattener.h"
#include "store/embedded/table/memory_table.h"

namespace postglass::store {

// Makes dictionary and codes of one column's values. Keeps its buffers from column to column.
class ColumnBuilder {
 public:
  ColumnBuilder();

  // `column` gets both; its key tells the type. The values are copied.
  void Build(std::span<const Leaf> values, MemoryTable::Column& column);

 private:
  struct Slot {
    std::uint32_t hash = 0;
    Code code_plus_1 = 0;  // 0: empty
  };

  // A distinct value on its way to its place: what sorts first, and where it is.
  struct Entry {
    std::uint64_t prefix;
    Code code;
  };

  void InternTexts(std::span<const Leaf> values);
  Code Intern(const Leaf& value, std::uint64_t hash);
  void GrowTable();
  void SortTexts();
  void SortByPrefix(std::size_t common_bytes);
  std::shared_ptr<const MemoryDictionary> TextDictionary() const;
  // The distinct eight bytes as numbers.
  template <class T>
  std::shared_ptr<const MemoryDictionary> SortedNumbers();
  std::shared_ptr<const MemoryDictionary> InternBools(std::span<const Leaf> values);
  std::shared_ptr<const Codes> PlacedCodes(std::size_t dictionary_size) const;

  std::uint64_t seed_;
  std::vector<Slot> table_;
  std::vector<Leaf> distinct_;  // by code, in order of appearance
  std::vector<std::uint32_t> hashes_;
  std::vector<Code> codes_;  // of the values
  std::vector<Entry> order_;
  std::vector<Entry> order_scratch_;
  std::vector<Code> place_of_;  // in the sorted dictionary, by code
};

}  // namespace postglass::store
