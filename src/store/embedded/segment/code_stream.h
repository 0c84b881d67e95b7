#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/embedded/table/column.h"

namespace postglass::store {

// The codes of a column, read as a whole. Packed at the width of the dictionary, or as planes of
// bytes that zstd then shortens: of the codes, of their differences, or of their distance to the
// largest before, which is small when values come in the order of the dictionary and are then met
// again soon after (ids that begin with the time).
std::string EncodeCodes(const Codes& codes, std::uint32_t dictionary_size);

// Requires: slack behind the bytes, as Buffer has it.
// Errors: kCorruption: not `count` codes below `dictionary_size`.
Result<Codes> DecodeCodes(std::string_view bytes,
                          std::uint32_t count,
                          std::uint32_t dictionary_size);

}  // namespace postglass::store
