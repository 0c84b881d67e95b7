#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postglass::store {

// A split-block Bloom filter: one cache line a look-up, 12 bits a key, about 0.5 % false answers.
// Built once, read from its bytes. Pure.
std::string BuildKeyFilter(std::span<const std::uint64_t> distinct_hashes);

// False only when the key was not among those it was built from. Requires: a filter of
// BuildKeyFilter(), its checksum verified; any other bytes give any answer but do no harm.
bool MayContain(std::string_view filter, std::uint64_t hash);

}  // namespace postglass::store
