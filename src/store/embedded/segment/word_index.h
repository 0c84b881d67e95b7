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

// The codes of one column whose strings hold a word, ascending.
struct WordPosting {
  ColumnIndex column = 0;
  std::vector<Code> codes;

  bool operator==(const WordPosting&) const = default;
};

// Gathers the folded words of all columns of a segment, then writes for each word where it is. Not
// thread-safe.
class WordIndexWriter {
 public:
  WordIndexWriter();
  ~WordIndexWriter();

  // A word of the column that EndColumn() will name. Requires: codes ascending.
  void Add(Code code, std::string_view folded_word);
  // Requires: each column once.
  void EndColumn(ColumnIndex column, std::uint32_t dictionary_size);

  // Blocks of words with their codes, then the blocks' index, whose place is returned; empty when
  // there was no word.
  Result<Extent> Write(ExtentWriter& out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Which block holds a word, and where it is.
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

// Where a word of a block is, by column; empty when it is nowhere. `dictionary_sizes`: of all
// columns.
// Errors: kCorruption.
Result<std::vector<WordPosting>> FindInWordBlock(std::string_view block,
                                                 std::string_view folded_word,
                                                 std::span<const std::uint32_t> dictionary_sizes);

}  // namespace postglass::store
