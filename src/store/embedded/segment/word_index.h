#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/embedded/segment/extents.h"
#include "store/embedded/segment/text_list.h"
#include "store/embedded/table/column.h"

namespace postglass::store {

// Gathers the folded words of a column's strings, then writes for each word the codes that hold it.
class WordIndexWriter {
 public:
  WordIndexWriter();
  ~WordIndexWriter();

  // Requires: codes ascending.
  void Add(Code code, std::string_view folded_word);
  bool empty() const;
  // Blocks of words with their codes, then the blocks' index, whose place is returned.
  // Requires: not empty.
  Result<Extent> Write(ExtentWriter& out, std::uint32_t dictionary_size) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Words whose codes are in one block, and where it is.
class WordIndex {
 public:
  // Null when the bytes are no index.
  static std::shared_ptr<const WordIndex> Parse(std::string_view bytes, std::uint64_t file_bytes);

  std::uint32_t blocks_count() const { return static_cast<std::uint32_t>(places_.size()); }

  // The one block that can hold the word; nothing when it is before all.
  std::optional<std::uint32_t> BlockFor(std::string_view folded_word) const;

  const Extent& place_of(std::uint32_t block) const { return places_[block]; }

  std::size_t memory_bytes() const;
  std::uint64_t blocks_bytes() const;

 private:
  std::vector<Extent> places_;
  TextList first_words_;
};

// The codes of a word in a block, ascending; empty when it is not there.
// Errors: kCorruption.
Result<std::vector<Code>> FindInWordBlock(std::string_view block,
                                          std::string_view folded_word,
                                          std::uint32_t dictionary_size);

}  // namespace postglass::store
