#pragma once

#include "query/catalog.h"

namespace postglass::query {

// What a reader of events can count and narrow by. A facet only names a path: it holds for all
// data, old and new, because every attribute is indexed anyway. Members, after Datadog's facets
// (which have no public API): `path` (as the search language writes it: "@bounce.bounceType",
// "service", "tags"), `name` (the path when empty), `group` ("Others"), `type` string | integer |
// double, `display` list | range (range needs a number), `unit` (of bytes or time, needs a number),
// `description`, `hidden`.
Catalog::Kind FacetKind();

}  // namespace postglass::query
