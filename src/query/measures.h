#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/group.h"

// Aggregation functions as the analytics API names them. Pure.

namespace postglass::query {

struct AggregateFunction {
  store::Measure::Kind kind = store::Measure::Kind::kCount;
  double quantile = 0;  // of kQuantile
  bool operator==(const AggregateFunction&) const = default;
};

// count cardinality sum min max avg median, and pcN for any 0 <= N <= 100 ("pc75", "pc99.9").
std::optional<AggregateFunction> FunctionNamed(std::string_view name);

// The one field that values are taken from: as FieldsNamed(), of an alias the stored attribute.
store::Field FacetNamed(std::string_view name);

// The measure's place among `measures`, where it is added when it is not there yet.
std::uint32_t PlaceOfMeasure(std::vector<store::Measure>& measures, const store::Measure& measure);

}  // namespace postglass::query
