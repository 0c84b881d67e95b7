#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

// Errors: kCorruption.
Result<Codes> DecodeDetermined(std::string_view bytes,
                               const Layout& layout,
                               std::uint32_t dictionary_size,
                               std::span<const Code> key_of_row,
                               std::uint32_t key_size);

}  // namespace postglass::store
