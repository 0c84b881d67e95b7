// Facets and saved views from outside. What is taken has a query that parses, and comes out in a
// form that is taken again.

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "base/json.h"
#include "query/facets.h"
#include "query/parser.h"
#include "query/saved_views.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const postglass::query::Catalog::Kind kinds[] = {postglass::query::FacetKind(),
                                                          postglass::query::SavedViewKind()};
  const auto input =
      postglass::json::ParseObject(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!input) return 0;
  for (const postglass::query::Catalog::Kind& kind : kinds) {
    const auto document = kind.check(*input);
    if (!document) continue;
    const auto again = kind.check(*document);
    CHECK(again.has_value() && *again == *document);
    const auto query =
        postglass::query::Parse(postglass::json::GetStringOr(*document, "search", "*"));
    CHECK(std::holds_alternative<postglass::store::Predicate>(query));
  }
  return 0;
}
