#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/predicate.h"

// The smallest parts of a query text: unquoted words with escapes and wildcards, and phrases. Pure.

namespace postglass::query {

bool IsBlank(char c);

// An unquoted run of characters as written: up to a blank, a quote or a bracket that no backslash
// precedes.
struct RawWord {
  std::string_view text;
  std::vector<std::size_t> colons;  // offsets in `text` of those that are not escaped
  bool ends_with_colon = false;     // the last character is an unescaped ':'
};

// The word at the front of `text`; colons beyond `colons_max` are not listed.
RawWord TakeWord(std::string_view text, std::size_t colons_max);

// Bytes of the opening or closing quote at the front of `text`: '"' or one of U+201C, U+201D, that
// word processors put in its place. 0 when there is none.
std::size_t QuoteLength(std::string_view text);

// Removes each backslash that stands before a character.
std::string Unescape(std::string_view raw);
bool HasWildcard(std::string_view raw);

// The word cut at its wildcards, literals unescaped; runs of '*' are one.
std::vector<store::WildcardMatch::Piece> ToPieces(std::string_view raw);

}  // namespace postglass::query
