#pragma once

#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "store/embedded/segment/column_relations.h"
#include "store/embedded/segment/extents.h"
#include "store/embedded/segment/segment_footer.h"
#include "store/embedded/segment/text_index.h"
#include "store/embedded/segment/text_list.h"
#include "store/embedded/segment/text_pieces.h"
#include "store/embedded/segment/word_index.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// Seeds of the keys in a column's filter.
inline constexpr std::uint64_t kValueSeed = 1;
inline constexpr std::uint64_t kWordSeed = 2;

// Whether a word is taken for an id: it has an ASCII digit.
bool HasDigit(std::string_view word);

// Writes a table's columns one after another; holds one column's strings at a time.
class ColumnWriter {
 public:
  // All must outlive the writer.
  ColumnWriter(const Table& table, std::span<const CodesRelation> relations, ExtentWriter& out)
      : table_(table), relations_(relations), out_(out), finder_(table) {}

  Status Write();

  std::vector<ColumnEntry> TakeEntries() { return std::move(entries_); }

  // The index of the words of all columns.
  Result<Extent> WriteWords() { return words_.Write(out_); }

 private:
  // Short and simple values first: others may be made of them.
  std::vector<ColumnIndex> OrderOfColumns() const;
  Status WriteColumn(ColumnIndex column);
  Status WriteCodes(ColumnIndex column, ColumnEntry& entry);
  Status WriteCounts(ColumnIndex column, ColumnEntry& entry);
  Status WriteNumbers(ColumnIndex column, ColumnEntry& entry);
  Status WriteTexts(ColumnIndex column, ColumnEntry& entry);
  Status WriteFilterAndWords(ColumnIndex column,
                             const TextList& texts,
                             const TextIndex::Written& written,
                             ColumnEntry& entry);
  Result<TextList> LoadTexts(ColumnIndex column) const;
  // Whether another column that is written has these values, or the same between affixes.
  Result<bool> FindAlike(const TextList& texts, ColumnEntry& entry) const;

  struct Texts {
    ColumnIndex column = 0;
    std::uint64_t hash = 0;
    std::string first;
    std::string last;
  };

  const Table& table_;
  std::span<const CodesRelation> relations_;
  ExtentWriter& out_;
  PieceFinder finder_;
  WordIndexWriter words_;
  std::vector<ColumnEntry> entries_;
  std::multimap<std::uint32_t, Texts> texts_by_size_;
};

}  // namespace postglass::store
