#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/segment/buffer.h"
#include "store/embedded/segment/text_list.h"
#include "store/embedded/segment/text_pieces.h"
#include "store/embedded/segment/text_template.h"

namespace postglass::store {

// Some strings of a dictionary, in order. Of three forms: differences to the string before, which
// zstd may shorten further; limbs of a template, of which each string can be had by itself; or
// pieces of other dictionaries.
//
// A block keeps what it was parsed from; templates must outlive it.
class TextBlock {
 public:
  static std::string EncodeFront(std::span<const std::string_view> texts);
  // Requires: texts that the template learned from.
  static std::string EncodeTemplate(std::span<const std::string_view> texts,
                                    const TextTemplate& form,
                                    std::size_t form_index);

  // Whether it is a block of pieces, which JoinPieces() then reads from `in`.
  static bool IsPieces(ByteReader& in);
  // `numbers`: by pattern of the block, its number in the dictionary.
  static std::string EncodePieces(const PieceFinder::Found& found,
                                  const std::vector<std::uint64_t>& numbers);
  // A block of these strings.
  static std::shared_ptr<const TextBlock> Make(TextList texts);

  // Null when the bytes are no block of so many strings (or one of pieces).
  static std::shared_ptr<const TextBlock> Parse(Buffer bytes,
                                                std::uint32_t count,
                                                std::span<const TextTemplate> templates);

  std::uint32_t size() const { return count_; }

  // The i-th string; may be put into `scratch`.
  std::string_view At(std::uint32_t i, std::string& scratch) const;
  // The first string that is not before `text`; size() when all are.
  std::uint32_t LowerBound(std::string_view text) const;

  // The template's index; nothing when the block has none.
  std::optional<std::size_t> template_index() const;

  std::size_t memory_bytes() const;

 private:
  struct Limb {
    std::uint64_t base = 0;
    unsigned width = 0;
    const char* packed = nullptr;
  };

  TextBlock() : bytes_(0) {}

  bool ParseFront(ByteReader in);
  bool ParseTemplate(ByteReader in, std::span<const TextTemplate> templates);

  std::uint32_t count_ = 0;
  // Front: all strings one behind the other.
  std::string arena_;
  std::vector<std::uint32_t> ends_;
  // Template.
  const TextTemplate* form_ = nullptr;
  std::size_t form_index_ = 0;
  std::vector<Limb> limbs_;
  Buffer bytes_;
};

}  // namespace postglass::store
