#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/embedded/exec/field_columns.h"
#include "store/group_rules.h"
#include "store/plan.h"

namespace postglass::store {

// A field whose values are counted.
struct CountedField {
  Field field;
  std::string prefix;  // TagPrefixOf() the field
};

// A group request made ready. Measures that follow from the same numbers share them. Immutable.
struct CompiledGroups {
  // What is gathered for measures: nothing but events; count, sum, least and greatest of numbers;
  // a sketch of their spread; a sketch of distinct texts.
  enum class Family : std::uint8_t { kCount, kNumbers, kQuantiles, kDistinct };

  struct Accumulator {
    Family family = Family::kCount;
    CountedField field;
    std::optional<std::uint32_t> series;
  };

  // Borrows the request. Requires: CheckGroups() found nothing.
  static CompiledGroups Of(const GroupRequest& request);

  const GroupRequest* request = nullptr;
  std::vector<CountedField> keys;
  std::vector<Accumulator> accumulators;
  std::vector<std::size_t> accumulator_of;  // by measure
  std::vector<KeySet> sets;
};

}  // namespace postglass::store
