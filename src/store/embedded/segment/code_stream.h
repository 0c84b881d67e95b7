#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "store/embedded/segment/buffer.h"
#include "store/embedded/segment/number_array.h"
#include "store/embedded/table/code_set.h"
#include "store/embedded/table/column.h"

namespace postglass::store {

// The codes of a column, read as a whole. Packed at the width of the dictionary, or as planes of
// bytes that zstd then shortens: of the codes, of their differences, or of their distance to the
// largest before, which is small when values come in the order of the dictionary and are then met
// again soon after (ids that begin with the time).
std::string EncodeCodes(const Codes& codes, std::uint32_t dictionary_size);

// Codes as they are stored: what is packed stays so, and each code is reachable by itself. For
// those of whom few are wanted, and to be kept in few bytes. Immutable, thread-safe.
class StoredCodes {
 public:
  // `bytes` are a part of what `owner` holds.
  // Errors: kCorruption: not `count` codes; of planes, not below `dictionary_size`.
  static Result<StoredCodes> Parse(std::shared_ptr<const Buffer> owner,
                                   std::string_view bytes,
                                   std::uint32_t count,
                                   std::uint32_t dictionary_size);

  // The same, kept in as little memory as single codes can be had from, and nothing of `bytes`:
  // what is whole is packed at the width of its values when that saves a quarter.
  static Result<StoredCodes> ParseTight(std::string_view bytes,
                                        std::uint32_t count,
                                        std::uint32_t dictionary_size);

  std::uint32_t size() const;
  // Damaged ones can be at or above the dictionary's size. Requires: i < size().
  Code operator[](std::size_t i) const;

  // The codes, when they are not packed but whole already; else null.
  const Codes* whole() const { return std::get_if<Codes>(&codes_); }

  // False only when none of them is in the set, as far as the least and the greatest tell.
  bool MayHold(const CodeSet& set) const {
    return !set.empty() && set.begin() <= max_ && set.end() > min_;
  }

  // All of them, as narrow as the dictionary allows. Errors: kCorruption.
  Result<Codes> Unpack(std::uint32_t dictionary_size) const;

  // Of what is not a caller's `owner`.
  std::size_t memory_bytes() const;

 private:
  explicit StoredCodes(std::variant<NumberArray, Codes> codes);

  void Tighten();

  std::shared_ptr<const Buffer> owner_;  // of packed ones
  std::size_t own_bytes_ = 0;            // of the owner, when nobody else has it
  std::variant<NumberArray, Codes> codes_;
  std::uint64_t min_ = 0;  // none is below
  std::uint64_t max_ = 0;  // or above
};

// Requires: slack behind the bytes, as Buffer has it.
// Errors: kCorruption: not `count` codes below `dictionary_size`.
Result<Codes> DecodeCodes(std::string_view bytes,
                          std::uint32_t count,
                          std::uint32_t dictionary_size);

}  // namespace postglass::store
