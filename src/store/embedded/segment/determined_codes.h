#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/embedded/segment/code_stream.h"
#include "store/embedded/segment/length_ranks.h"
#include "store/embedded/table/code_set.h"
#include "store/embedded/table/column.h"
#include "store/embedded/table/layout.h"

namespace postglass::store {

// Codes that follow from another column's, the key's, in the same row: what hangs on the message id
// is stored once a mail instead of once an event. A row may have several values; they follow as a
// list.

inline constexpr Code kNoCode = ~Code{0};

// By row, the key's code; kNoCode where it has no value. Nothing when a row has more than one.
std::optional<std::vector<Code>> CodeOfRow(const Codes& codes,
                                           const Layout& layout,
                                           std::uint32_t rows);

// Finds the values that follow, without allocating for each pair that is tried.
class Determination {
 public:
  // Whether the codes follow from the key's. Where they do, Encode() writes them.
  bool Try(const Codes& codes,
           const Layout& layout,
           std::span<const Code> key_of_row,
           std::uint32_t key_size);

  // Requires: Try() was true of these.
  std::string Encode(const Codes& codes,
                     std::uint32_t dictionary_size,
                     std::uint32_t key_size) const;

 private:
  // The list of values that a key code was first met with.
  struct Met {
    std::uint32_t round = 0;
    std::uint32_t begin = 0;  // among the column's values
    std::uint32_t count = 0;
  };

  std::uint32_t round_ = 0;
  std::vector<Met> met_;
};

// What Encode() wrote: the values of each of the key's codes. Immutable, thread-safe.
class DeterminedCodes {
 public:
  // Errors: kCorruption: no such values, or more than `values_max` of them.
  // Keeps nothing of `bytes`. Requires: slack behind them, as Buffer has it.
  static Result<DeterminedCodes> Parse(std::string_view bytes,
                                       std::uint32_t values_max,
                                       std::uint32_t dictionary_size,
                                       std::uint32_t key_size);

  // Adds those of one code of the key, which can be none. As StoredCodes: not checked against the
  // dictionary.
  void Append(Code key, std::vector<Code>& out) const;

  // The codes of the key that have a value in `codes`. Errors: kCorruption.
  Result<CodeSet> KeysOf(const CodeSet& codes, std::uint32_t dictionary_size) const;

  // Those of all rows. Errors: kCorruption.
  Result<Codes> Expand(const Layout& layout,
                       std::uint32_t dictionary_size,
                       std::span<const Code> key_of_row) const;

  std::size_t memory_bytes() const;

 private:
  // The lists of one length: place by place, by the rank of the key's code among those of them.
  using Lists = std::vector<StoredCodes>;

  Result<Codes> ExpandOne(const Layout& layout,
                          std::uint32_t dictionary_size,
                          std::span<const Code> key_of_row) const;
  Result<Codes> ExpandLists(const Layout& layout,
                            std::uint32_t dictionary_size,
                            std::span<const Code> key_of_row) const;

  std::uint32_t key_size_ = 0;
  std::optional<StoredCodes> one_;  // each code of the key has one value
  LengthRanks lengths_;             // else: by the key's code, how many values it has
  std::map<std::uint32_t, Lists> lists_;
};

}  // namespace postglass::store
