#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/predicate.h"

// What a name in front of ':' means, and the names that mean another one too. Pure.

namespace postglass::query {

struct FieldAlias {
  std::string_view written;  // attribute path as other products call it
  std::string_view stored;   // attribute path of the normalised view
};

// Paths that users of Datadog type, and ours for the same thing. A query on `written` looks at
// both: other logs may really have an attribute of that name.
std::span<const FieldAlias> FieldAliases();

// The fields that `name` stands for, never empty: "@path" an attribute and, for an alias, the
// stored one too; "*" everything; "tags" the tag list; reserved names; else a tag key.
std::vector<store::Field> FieldsNamed(std::string_view name);

// Where the addresses are that "recipient" and "sender" look for, whatever their letter case; the
// tag of that name as well. Empty for all other names.
std::vector<store::Field> AddressFieldsNamed(std::string_view name);

}  // namespace postglass::query
