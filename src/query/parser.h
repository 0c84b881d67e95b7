#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/predicate.h"

namespace postglass::query {

// Why a query does not parse, and where.
struct SyntaxError {
  std::size_t position = 0;  // byte offset in the query
  std::string message;       // "missing value after \"@a:\"", for the search bar
};

inline constexpr std::size_t kQueryBytesMax = 64 << 10;
inline constexpr std::size_t kQueryTermsMax = 10'000;
inline constexpr std::size_t kQueryDepthMax = 200;

// Datadog's log search syntax, whole (docs/compat/search.md). Pure. Subqueries are an error.
std::variant<store::Predicate, SyntaxError> Parse(std::string_view query);

// What `field IN (where)` means: the events whose field, in any of `fields`, has a value that a
// field of these has in some event that `where` is true of. Nothing ends the parsing.
using ResolveSubquery = std::function<std::optional<store::Predicate>(
    const std::vector<store::Field>& fields, const store::Predicate& where)>;

// The same with subqueries; inner ones are resolved before outer ones.
std::variant<store::Predicate, SyntaxError> Parse(std::string_view query,
                                                  const ResolveSubquery& resolve);

// The query text with `"` and `\` escaped inside quotes: Quote(`a"b`) is `"a\"b"`.
std::string Quote(std::string_view value);

}  // namespace postglass::query
