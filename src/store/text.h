#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// How free text is compared: folded, then cut into words. Rules: docs/semantics.md. Pure.

namespace postglass::store {

// The version of the folding and word rules. Filters on disk are built with them, so a change of
// the rules must change this number.
inline constexpr unsigned kTextRulesVersion = 1;

// Lower case by simple folding (one code point to one): ASCII, Latin-1, Latin Extended-A, Greek and
// Cyrillic. Everything else, ill-formed UTF-8 included, stays as it is.
std::string Fold(std::string_view text);
void AppendFolded(std::string& out, std::string_view text);
void AppendAsciiFolded(std::string& out, std::string_view text);

// The first code point of `text` and its length in bytes; an ill-formed byte is itself, length 1.
// Requires: !text.empty().
struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
};

CodePoint FirstCodePoint(std::string_view text);

// Whether a code point parts words: everything but letters, digits and '_', as far as the tables
// go (ASCII, Latin-1 signs, general and CJK punctuation, full-width ASCII punctuation).
bool IsSeparator(char32_t code_point);
// The same set as the inside of an RE2 character class.
std::string SeparatorClass();

// Goes through the words of a text.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  // Empty at the end.
  std::string_view Next();

 private:
  std::string_view rest_;
};

}  // namespace postglass::store
