#include "store/embedded/exec/compiled_groups.h"

#include <algorithm>

namespace postglass::store {

namespace {

CompiledGroups::Family FamilyOf(Measure::Kind kind) {
  using Family = CompiledGroups::Family;
  switch (kind) {
    case Measure::Kind::kCount:
      return Family::kCount;
    case Measure::Kind::kQuantile:
      return Family::kQuantiles;
    case Measure::Kind::kDistinct:
      return Family::kDistinct;
    default:
      return Family::kNumbers;
  }
}

}  // namespace

CompiledGroups CompiledGroups::Of(const GroupRequest& request) {
  CompiledGroups compiled;
  compiled.request = &request;
  compiled.sets = KeySetsOf(request);
  for (const GroupKey& key : request.keys) {
    compiled.keys.push_back({key.field, TagPrefixOf(key.field)});
  }
  for (const Measure& measure : request.measures) {
    const Family family = FamilyOf(measure.kind);
    const auto same = std::find_if(
        compiled.accumulators.begin(), compiled.accumulators.end(), [&](const Accumulator& other) {
          return other.family == family && other.series == measure.series &&
                 (family == Family::kCount || other.field.field == measure.field);
        });
    compiled.accumulator_of.push_back(
        static_cast<std::size_t>(same - compiled.accumulators.begin()));
    if (same != compiled.accumulators.end()) continue;
    compiled.accumulators.push_back(
        {family, {measure.field, TagPrefixOf(measure.field)}, measure.series});
  }
  return compiled;
}

}  // namespace postglass::store
