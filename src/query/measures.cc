#include "query/measures.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "query/field_names.h"

namespace postglass::query {

std::optional<AggregateFunction> FunctionNamed(std::string_view name) {
  using Kind = store::Measure::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 6> kNames = {
      {{"count", Kind::kCount},
       {"cardinality", Kind::kDistinct},
       {"sum", Kind::kSum},
       {"min", Kind::kMin},
       {"max", Kind::kMax},
       {"avg", Kind::kAverage}}};
  for (const auto& [known, kind] : kNames) {
    if (name == known) return AggregateFunction{kind, 0};
  }
  if (name == "median") return AggregateFunction{Kind::kQuantile, 0.5};
  if (!name.starts_with("pc")) return std::nullopt;
  name.remove_prefix(2);
  double percent = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), percent);
  if (error != std::errc() || end != name.data() + name.size() ||
      !(percent >= 0 && percent <= 100)) {
    return std::nullopt;
  }
  return AggregateFunction{Kind::kQuantile, percent / 100};
}

store::Field FacetNamed(std::string_view name) { return FieldsNamed(name).back(); }

std::uint32_t PlaceOfMeasure(std::vector<store::Measure>& measures, const store::Measure& measure) {
  const auto found = std::find(measures.begin(), measures.end(), measure);
  const auto place = static_cast<std::uint32_t>(found - measures.begin());
  if (found == measures.end()) measures.push_back(measure);
  return place;
}

}  // namespace postglass::query
