#include "aws/wildcard.h"

namespace postglass::aws {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameCharacter(char a, char b, Case letters) {
  return letters == Case::kIgnored ? Lower(a) == Lower(b) : a == b;
}

// The part before the next colon, which is taken off `rest`.
std::string_view TakePart(std::string_view& rest) {
  const std::size_t colon = rest.find(':');
  const std::string_view part = rest.substr(0, colon);
  rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  return part;
}

}  // namespace

bool MatchesWildcard(std::string_view pattern, std::string_view text, Case letters) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last '*' seen
  std::size_t star_text = 0;                  // how far that '*' reaches
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' || SameCharacter(pattern[p], text[t], letters))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool MatchesArn(std::string_view pattern, std::string_view arn) {
  // A bare "*" is any ARN.
  if (pattern == "*") return true;
  for (int part = 0; part < 5; ++part) {
    if (pattern.find(':') == std::string_view::npos || arn.find(':') == std::string_view::npos) {
      return false;
    }
    const std::string_view wanted = TakePart(pattern);
    if (!MatchesWildcard(wanted, TakePart(arn), Case::kSensitive)) return false;
  }
  return MatchesWildcard(pattern, arn, Case::kSensitive);
}

}  // namespace postglass::aws
