#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "store/embedded/segment/code_stream.h"
#include "store/embedded/segment/determined_codes.h"
#include "store/embedded/segment/segment_core.h"
#include "store/embedded/segment/segment_file.h"
#include "store/embedded/segment/segment_footer.h"
#include "store/embedded/segment/text_index.h"
#include "store/embedded/segment/value_places.h"
#include "store/embedded/segment/word_index.h"

namespace postglass::store {

// The codes of a column as its file has them: of its values, or of a key's.
struct ColumnCodes {
  std::variant<StoredCodes, DeterminedCodes> form;
  std::size_t packed_bytes = 0;  // of the file's, which the form keeps

  std::size_t memory_bytes() const {
    return packed_bytes + std::visit([](const auto& f) { return f.memory_bytes(); }, form);
  }
};

// What a segment is behind its interface; shared by reading, checking and inspecting.
class Segment::Impl {
 public:
  Impl(std::shared_ptr<const SegmentCore> core, Footer footer);

  const ExtentReader& reader() const { return core->reader(); }

  std::uint64_t file_bytes() const { return footer.info.file_bytes; }

  Result<std::shared_ptr<const RowKeys>> Keys() const;
  Result<std::shared_ptr<const std::vector<std::uint16_t>>> ShapeOfRow() const;
  Result<std::shared_ptr<const Layout>> LayoutOf(ColumnIndex column) const;
  Result<std::shared_ptr<const ValuePlaces>> Places() const;
  Result<std::shared_ptr<const Codes>> CodesOf(ColumnIndex column, int depth = 0) const;
  Result<std::optional<KeyCodes>> KeysOf(ColumnIndex column, const CodeSet& codes) const;
  Result<std::shared_ptr<const Dictionary>> DictionaryOf(ColumnIndex column, int depth = 0) const;
  // Requires: a column with codes of its own, stored or determined.
  Result<std::shared_ptr<const ColumnCodes>> StoredCodesOf(ColumnIndex column) const;
  // Those that the column's strings are made of. Requires: an index of that column.
  Result<PieceSources> SourcesOf(const TextIndex& index, int depth) const;
  Result<std::shared_ptr<const TextIndex>> TextIndexOf(ColumnIndex column) const;
  // Requires: footer.words is not empty.
  Result<std::shared_ptr<const WordIndex>> WordIndexOfAll() const;
  Result<std::shared_ptr<const std::vector<std::uint32_t>>> CountsPage(ColumnIndex column,
                                                                       std::uint32_t page) const;
  Result<std::shared_ptr<const std::vector<std::uint32_t>>> CountsOf(ColumnIndex column) const;
  Result<std::uint32_t> CountOf(ColumnIndex column, Code code) const;
  Result<bool> MayHoldFolded(ColumnIndex column, std::string_view folded) const;
  Result<WordHits> FindWord(std::string_view folded_word) const;

  Extent FilterPage(const ColumnEntry& entry, std::uint32_t page) const;
  Result<bool> FilterMayContain(ColumnIndex column, std::uint64_t hash) const;

  // The column whose strings, filter and words stand for this one's, and what is around them.
  ColumnIndex TextsOf(ColumnIndex column) const {
    const ColumnEntry& entry = footer.columns[column];
    return entry.dictionary_form == DictionaryForm::kStored ? column : entry.dictionary_of;
  }

  std::shared_ptr<const SegmentCore> core;
  Footer footer;
  std::vector<ColumnInfo> infos;
  std::vector<std::uint32_t> dictionary_sizes;  // by column
  const LayoutClasses classes;

 private:
  // What pieces are made of is not made of pieces, nor of another column.
  bool IsSource(ColumnIndex column) const {
    const ColumnEntry& entry = footer.columns[column];
    return entry.key.type == ValueType::kString &&
           entry.dictionary_form == DictionaryForm::kStored && !entry.has_pieces;
  }

  Result<std::shared_ptr<const Codes>> LoadCodes(ColumnIndex column, int depth) const;
  // What is in a column only as a piece of another.
  Result<bool> PieceMayHold(ColumnIndex column, std::string_view folded) const;
  Result<bool> PieceMayHoldWord(ColumnIndex column,
                                std::string_view folded_word,
                                const WordHits& hits_of_sources) const;
  Result<std::vector<WordPosting>> PostingsOf(std::string_view folded_word) const;
  Status AddIdColumns(std::string_view folded_word, WordHits& hits) const;
};

}  // namespace postglass::store
