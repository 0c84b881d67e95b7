#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/predicate.h"

namespace postglass::store {

// A wildcard pattern over a whole value: '*' any run, '?' one code point. Linear memory, time at
// most pattern × text.
class Glob {
 public:
  enum class Case { kExact, kAsciiFold };

  Glob(const std::vector<WildcardMatch::Piece>& pieces, Case letter_case);

  bool Matches(std::string_view text) const;
  // Only '*': true of every value.
  bool matches_all() const;

  // In lower case when letters compare without case.
  const std::vector<WildcardMatch::Piece>& pieces() const { return pieces_; }

  Case letter_case() const { return case_; }

 private:
  std::vector<WildcardMatch::Piece> pieces_;
  Case case_;
};

}  // namespace postglass::store
