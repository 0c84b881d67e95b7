#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "store/embedded/table/memory_table.h"

namespace postglass::store {

struct MergedDictionary {
  std::shared_ptr<const MemoryDictionary> dictionary;
  // The new code of every old one. Old codes are counted through all inputs: those of the second
  // begin where the first's end. What was dropped has any code.
  std::vector<Code> new_codes;
};

// One dictionary of all values of the inputs, which are of one type; each is read from its
// beginning to its end, once. `used`, unless empty, tells by old code what to keep. Errors: of the
// inputs; kLimit beyond 4 GiB of text; kCancelled.
Result<MergedDictionary> MergeDictionaries(
    std::span<const std::shared_ptr<const Dictionary>> inputs,
    const std::vector<bool>& used,
    const std::stop_token& stop);

}  // namespace postglass::store
