#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postglass::store {

// zstd frames. The level is a trade of the caller: 1 for the journal, 3 for what stays.
std::string Compress(std::string_view raw, int level);

// Replaces `out` by the content of the frame. Errors: kCorruption, also when the content is not
// exactly `raw_bytes`. Requires: the caller has bounded raw_bytes.
Status Decompress(std::string_view frame, std::size_t raw_bytes, std::string& out);

}  // namespace postglass::store
