#include "store/glob.h"

#include "store/text.h"

namespace postglass::store {

namespace {

using Piece = WildcardMatch::Piece;

// Matches pieces[from, to), none of them '*', at the start of `text`; the bytes taken, or npos.
std::size_t TakeRun(const std::vector<Piece>& pieces,
                    std::size_t from,
                    std::size_t to,
                    std::string_view text) {
  std::size_t at = 0;
  for (std::size_t i = from; i < to; ++i) {
    if (pieces[i].kind == Piece::Kind::kAnyOne) {
      if (at == text.size()) return std::string_view::npos;
      at += FirstCodePoint(text.substr(at)).bytes;
    } else {
      if (!text.substr(at).starts_with(pieces[i].literal)) return std::string_view::npos;
      at += pieces[i].literal.size();
    }
  }
  return at;
}

std::size_t RunEnd(const std::vector<Piece>& pieces, std::size_t from) {
  while (from < pieces.size() && pieces[from].kind != Piece::Kind::kAnyRun) ++from;
  return from;
}

bool MatchesExactly(const std::vector<Piece>& pieces, std::string_view text) {
  std::size_t run_end = RunEnd(pieces, 0);
  const std::size_t head = TakeRun(pieces, 0, run_end, text);
  if (head == std::string_view::npos) return false;
  text.remove_prefix(head);
  if (run_end == pieces.size()) return text.empty();
  // Each later run is put at its first place: that leaves the most text for those behind it. The
  // last run must reach the end, so it is tried at every place.
  while (true) {
    const std::size_t run_begin = run_end + 1;
    run_end = RunEnd(pieces, run_begin);
    if (run_begin == run_end && run_end == pieces.size()) return true;
    if (run_begin == run_end) continue;
    const bool is_last = run_end == pieces.size();
    const bool begins_literal = pieces[run_begin].kind == Piece::Kind::kLiteral;
    while (true) {
      if (begins_literal) {
        const std::size_t at = text.find(pieces[run_begin].literal);
        if (at == std::string_view::npos) return false;
        text.remove_prefix(at);
      }
      const std::size_t taken = TakeRun(pieces, run_begin, run_end, text);
      if (taken != std::string_view::npos && (!is_last || taken == text.size())) {
        text.remove_prefix(taken);
        break;
      }
      if (text.empty()) return false;
      text.remove_prefix(FirstCodePoint(text).bytes);
    }
    if (is_last) return true;
  }
}

}  // namespace

Glob::Glob(const std::vector<Piece>& pieces, Case letter_case)
    : pieces_(pieces), case_(letter_case) {
  if (case_ == Case::kExact) return;
  for (Piece& piece : pieces_) {
    std::string folded;
    AppendAsciiFolded(folded, piece.literal);
    piece.literal = std::move(folded);
  }
}

bool Glob::Matches(std::string_view text) const {
  if (case_ == Case::kExact) return MatchesExactly(pieces_, text);
  std::string folded;
  AppendAsciiFolded(folded, text);
  return MatchesExactly(pieces_, folded);
}

bool Glob::matches_all() const {
  for (const Piece& piece : pieces_) {
    if (piece.kind != Piece::Kind::kAnyRun) return false;
  }
  return !pieces_.empty();
}

}  // namespace postglass::store
