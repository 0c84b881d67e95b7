#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/segment/buffer.h"
#include "store/embedded/segment/text_pieces.h"
#include "store/embedded/segment/text_template.h"
#include "store/function_ref.h"

namespace postglass::store {

// Some strings of a dictionary, in order. Of three forms: differences to the string before, which
// zstd may shorten further; limbs of a template, of which each string can be had by itself; or
// pieces of other dictionaries.
//
// A block keeps what it was parsed from; templates and patterns must outlive it. Immutable,
// thread-safe. Errors of calls that return some are those of the sources.
class TextBlock {
 public:
  static std::string EncodeFront(std::span<const std::string_view> texts);
  // Requires: texts that the template learned from.
  static std::string EncodeTemplate(std::span<const std::string_view> texts,
                                    const TextTemplate& form,
                                    std::size_t form_index);

  // `numbers`: by pattern of the block, its number in the dictionary.
  static std::string EncodePieces(const PieceFinder::Found& found,
                                  const std::vector<std::uint64_t>& numbers);

  // What the strings of a dictionary share.
  struct Shared {
    std::span<const TextTemplate> templates;
    std::span<const PiecePattern> patterns;
    const PieceSources& sources;  // of all patterns; the same for each call
  };

  // Null when the bytes are no block of so many strings.
  static std::shared_ptr<const TextBlock> Parse(Buffer bytes,
                                                std::uint32_t count,
                                                const Shared& shared);

  std::uint32_t size() const { return count_; }

  // Adds the i-th string.
  Status Append(std::uint32_t i, const PieceSources& sources, std::string& out) const;
  // The first string that is not before `text`; size() when all are.
  Result<std::uint32_t> LowerBound(std::string_view text, const PieceSources& sources) const;
  Result<std::optional<std::uint32_t>> Find(std::string_view text,
                                            const PieceSources& sources) const;
  // Those in [begin, end), until `visit` says no: then false.
  Result<bool> ForEach(std::uint32_t begin,
                       std::uint32_t end,
                       const PieceSources& sources,
                       FunctionRef<bool(std::uint32_t, std::string_view)> visit) const;

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

  // Of a block that is not of pieces; may be put into `scratch`.
  std::string_view At(std::uint32_t i, std::string& scratch) const;
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
  std::optional<PieceBlock> pieces_;
};

}  // namespace postglass::store
