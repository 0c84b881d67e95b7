#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/embedded/segment/block_dictionary.h"
#include "store/embedded/segment/extents.h"
#include "store/embedded/segment/text_block.h"
#include "store/embedded/segment/text_list.h"
#include "store/embedded/segment/text_pieces.h"
#include "store/embedded/segment/text_template.h"

namespace postglass::store {

// Where the blocks of a dictionary of strings are, and what they share. Small, and all that a
// look-up needs before the one block that may hold the string.
class TextIndex {
 public:
  struct Written {
    Extent index;
    std::uint32_t block_values = 0;
    // By block: its strings are ids (TextTemplate::is_id), whose words are known by their form.
    std::vector<bool> id_blocks;
    // By string: it is one piece of another column, whose filter then tells.
    std::vector<bool> single_pieces;
    bool has_pieces = false;
  };

  // Writes blocks, then their index.
  // Requires: ascending, distinct, at least one.
  static Result<Written> Write(ExtentWriter& out, const TextList& texts, const PieceFinder& pieces);

  // Null when the bytes are no index of so many strings.
  static std::shared_ptr<const TextIndex> Parse(std::string_view bytes,
                                                std::uint32_t texts_count,
                                                std::uint64_t file_bytes,
                                                std::uint32_t columns_count);

  std::uint32_t blocks_count() const { return static_cast<std::uint32_t>(places_.size()); }

  std::uint32_t block_values() const { return std::uint32_t{1} << block_values_log2_; }

  std::uint32_t values_of(std::uint32_t block) const;
  // The one block that can hold the text.
  std::uint32_t BlockFor(std::string_view text) const;

  const Extent& place_of(std::uint32_t block) const { return places_[block]; }

  // Reads, checks and parses it. The block must not outlive the index.
  // Requires: `sources` has each column of the patterns.
  Result<std::shared_ptr<const TextBlock>> Load(const ExtentReader& reader,
                                                std::uint32_t block,
                                                const PieceSources& sources) const;

  const std::vector<PiecePattern>& patterns() const { return patterns_; }

  // Whether a string in one of the id blocks could hold this folded word.
  bool IdMayHoldWord(std::string_view folded_word) const;

  std::size_t memory_bytes() const;
  // For Inspect(): bytes of all blocks, and how many are of a template.
  std::uint64_t blocks_bytes() const;

 private:
  explicit TextIndex(std::string_view dictionary) : dictionary_(dictionary) {}

  std::uint32_t texts_count_ = 0;
  unsigned block_values_log2_ = 0;
  std::vector<TextTemplate> templates_;
  std::vector<PiecePattern> patterns_;
  BlockDictionary dictionary_;
  std::vector<Extent> places_;
  // By block: a text that is above all of the block before, and not above the block's first.
  TextList borders_;
};

}  // namespace postglass::store
