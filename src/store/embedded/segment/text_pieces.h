#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/coding.h"
#include "store/embedded/segment/text_list.h"
#include "store/embedded/table/dictionary.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// The form of texts that are made of values of other columns: a header that repeats the message id
// between brackets, a summary of subject and recipient. Literal text, value, literal text, ….
struct PiecePattern {
  std::vector<std::string> literals;  // one more than columns
  std::vector<ColumnIndex> columns;   // the sources

  // One value, alone or beside separators only: the words of a text are those of the literals and
  // those of the value, and folding takes nothing together across their borders.
  bool is_single() const;

  auto operator<=>(const PiecePattern&) const = default;
};

// Whether words end at this byte, and nothing is folded together with it.
bool IsBorder(char c);

void PutPattern(std::string& out, const PiecePattern& pattern);
std::optional<PiecePattern> TakePattern(ByteReader& in, std::uint32_t columns_max);

// Knows the values of the columns that others may be made of, and recognises them in texts.
class PieceFinder {
 public:
  // `table` must outlive the finder.
  explicit PieceFinder(const Table& table) : table_(table) {}

  // Makes a column a source. Requires: its own texts are not made of pieces.
  void Add(ColumnIndex column, const TextList& texts);

  // The texts of a block by patterns, a few of which they share.
  struct Found {
    std::vector<PiecePattern> patterns;
    // By text: 0: made of none; else the pattern's place and one.
    std::vector<std::uint64_t> pattern_of;
    // By pattern, by piece: one a text that is of the pattern.
    std::vector<std::vector<std::vector<std::uint64_t>>> codes;
    TextList others;  // of no pattern
  };

  // Nothing when too few of the texts are made of pieces.
  std::optional<Found> Find(std::span<const std::string_view> texts) const;

 private:
  struct Place {
    std::uint64_t hash = 0;
    ColumnIndex column = 0;
    Code code = 0;
  };

  const Place* Lookup(std::string_view text) const;
  void Insert(const Place& place);
  std::optional<PiecePattern> PatternOf(std::string_view text) const;
  // Adds the text's codes when it is of the pattern.
  bool Parse(std::string_view text,
             const PiecePattern& pattern,
             std::vector<std::vector<std::uint64_t>>& codes) const;

  const Table& table_;
  std::size_t size_ = 0;
  std::vector<Place> slots_;
  // By hash: whether some value begins, or ends, with these eight bytes. Says at once of nearly
  // every place in a text that no piece begins there.
  std::vector<bool> begins_;
  std::vector<bool> ends_;
  std::map<ColumnIndex, std::shared_ptr<const Dictionary>> sources_;
};

// `numbers`: by pattern of the block, its number in the dictionary.
void PutPieces(std::string& out,
               const PieceFinder::Found& found,
               const std::vector<std::uint64_t>& numbers);

// The dictionaries that pieces are of.
using PieceSources = std::map<ColumnIndex, std::shared_ptr<const Dictionary>>;

// The texts of a block as PutPieces() wrote them, each put together when it is asked for: a block
// is small, but leans on as many blocks of other columns as it has texts. Immutable, thread-safe.
class PieceBlock {
 public:
  // `count` texts. The patterns must outlive it; `sources` has each column of theirs.
  // Errors: kCorruption.
  static Result<PieceBlock> Parse(ByteReader in,
                                  std::uint32_t count,
                                  std::span<const PiecePattern> patterns,
                                  const PieceSources& sources);

  // Adds text i. Errors: those of the sources, which are those of Parse().
  Status Append(std::uint32_t i, const PieceSources& sources, std::string& out) const;

  std::size_t memory_bytes() const;

 private:
  struct Pattern {
    const PiecePattern* form = nullptr;
    std::vector<std::vector<Code>> codes;  // by piece, by text of the pattern
  };

  struct Place {
    std::uint16_t pattern = 0;  // 0: of none; else its place and one
    std::uint16_t text = 0;     // among those of the pattern, or of none
  };

  std::vector<Pattern> patterns_;
  std::vector<Place> places_;  // by text
  TextList others_;
};

}  // namespace postglass::store
