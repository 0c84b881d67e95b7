#include "query/word.h"

namespace postglass::query {
namespace {

constexpr std::string_view kWordEnds = "()[]{}\"";

}  // namespace

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

std::size_t QuoteLength(std::string_view text) {
  if (text.starts_with('"')) return 1;
  if (text.starts_with("\xE2\x80\x9C") || text.starts_with("\xE2\x80\x9D")) return 3;
  return 0;
}

RawWord TakeWord(std::string_view text, std::size_t colons_max) {
  RawWord word;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '\\' && at + 1 < text.size()) {
      word.ends_with_colon = false;
      at += 2;
      continue;
    }
    if (IsBlank(c) || kWordEnds.find(c) != std::string_view::npos) break;
    if (c == '\xE2' && QuoteLength(text.substr(at)) != 0) break;
    word.ends_with_colon = c == ':';
    if (c == ':' && word.colons.size() < colons_max) word.colons.push_back(at);
    ++at;
  }
  word.text = text.substr(0, at);
  return word;
}

std::string Unescape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size()) ++i;
    out += raw[i];
  }
  return out;
}

bool HasWildcard(std::string_view raw) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\') {
      ++i;
    } else if (raw[i] == '*' || raw[i] == '?') {
      return true;
    }
  }
  return false;
}

std::vector<store::WildcardMatch::Piece> ToPieces(std::string_view raw) {
  using Piece = store::WildcardMatch::Piece;
  std::vector<Piece> pieces;
  const auto ends_with = [&pieces](Piece::Kind kind) {
    return !pieces.empty() && pieces.back().kind == kind;
  };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '*') {
      if (!ends_with(Piece::Kind::kAnyRun)) pieces.push_back({Piece::Kind::kAnyRun, ""});
    } else if (raw[i] == '?') {
      pieces.push_back({Piece::Kind::kAnyOne, ""});
    } else {
      if (raw[i] == '\\' && i + 1 < raw.size()) ++i;
      if (!ends_with(Piece::Kind::kLiteral)) pieces.push_back({Piece::Kind::kLiteral, ""});
      pieces.back().literal += raw[i];
    }
  }
  return pieces;
}

}  // namespace postglass::query
