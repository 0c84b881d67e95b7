#pragma once

#include <string>
#include <string_view>

#include "query/catalog.h"

namespace postglass::query {

// A look at the events that has a name. Members: `name`, `description`, `query`, `from` and `to`
// (as ParseTime; relative ones stay relative), `columns`, `facets` (paths; the first ones stand
// first), `sort` (timestamp, a path, or one of them with '-' in front), `hidden`, and `rule`: a
// list of
// {"by": subject | template | configuration_set | tag, "value"}; an event belongs to the view when
// any of them holds. A value may have wildcards; a tag's is NAME:VALUE.
//
// Besides, each has `search`: rule and query as the one query to run.
Catalog::Kind SavedViewKind();

// The path of a view's short link, and the id in one; empty when it is none.
std::string ViewLink(std::string_view id);
std::string_view ViewOfLink(std::string_view path);

}  // namespace postglass::query
