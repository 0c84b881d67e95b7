#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/embedded/exec/compiled_groups.h"
#include "store/embedded/exec/field_values.h"
#include "store/embedded/exec/memory_budget.h"
#include "store/embedded/exec/selection.h"

namespace postglass::store {

// The values of one group key in some rows of a table, as small numbers.
class KeyIds {
 public:
  static constexpr ValueId kNone = ~ValueId{0};

  // Errors: of the table; kCancelled; kLimit.
  static Result<KeyIds> Of(const GroupKey& key,
                           const CountedField& field,
                           TableSelector& selector,
                           std::span<const RowIndex> rows,
                           MemoryBudget& budget);

  // Of no rows: for the texts of ids alone. Requires: no bins.
  static KeyIds OfNoRows(const GroupKey& key, FieldValues values);

  // Ids are below it.
  ValueId ids_count() const { return ids_count_; }

  // Whether no row has more than one.
  bool is_single() const { return ends_.empty(); }

  // By place in `rows`; each id once, none for a row that is in no group of this key.
  std::span<const ValueId> of(std::size_t place) const {
    if (ends_.empty()) {
      return std::span(ids_).subspan(place, ids_[place] == kNone ? 0 : 1);
    }
    const std::uint32_t begin = place == 0 ? 0 : ends_[place - 1];
    return std::span(ids_).subspan(begin, ends_[place] - begin);
  }

  // Keeps the places for which `keep` is not 0.
  void Keep(const std::vector<std::uint8_t>& keep);

  // The texts of the ids that are marked, by id; the others stay empty. Errors: of the table.
  Result<std::vector<std::string>> Texts(const std::vector<std::uint8_t>& marked) const;

  std::size_t memory_bytes() const { return (ids_.size() + ends_.size()) * sizeof(ids_[0]); }

 private:
  explicit KeyIds(const GroupKey& key) : key_(&key) {}

  Status AddKeys(TableSelector& selector, std::span<const RowIndex> rows);
  Status AddColumns(std::span<const RowIndex> rows, MemoryBudget& budget);
  Result<std::vector<ValueId>> IdOfCode(const FieldValues::Column& column) const;
  void AddMissing();

  const GroupKey* key_;
  std::optional<FieldValues> values_;
  ValueId ids_count_ = 0;  // the last one stands for a missing value, if that is a key
  std::vector<ValueId> ids_;
  std::vector<std::uint32_t> ends_;  // empty: one id a place, or kNone
};

// Calls `use(place, value)` for the values in `rows`, both ascending.
template <class F>
void ForEachValueOfRows(const Layout& layout, std::span<const RowIndex> rows, F&& use) {
  if (layout.is_identity()) {
    for (std::size_t place = 0; place < rows.size(); ++place) use(place, rows[place]);
    return;
  }
  const std::span<const RowIndex> row_of = layout.rows();
  // Going through all values is cheaper than looking each row up, unless rows are few.
  const bool looks_up = rows.size() < row_of.size() / 16;
  ValueIndex i = rows.empty() ? 0 : layout.LowerBound(rows[0]);
  for (std::size_t place = 0; place < rows.size(); ++place) {
    if (looks_up) i = layout.LowerBound(rows[place]);
    while (i < row_of.size() && row_of[i] < rows[place]) ++i;
    for (; i < row_of.size() && row_of[i] == rows[place]; ++i) use(place, i);
  }
}

// Visits the texts of the column's codes that are marked. Errors: of the dictionary.
Status ForEachMarkedText(const FieldValues::Column& column,
                         const std::vector<std::uint8_t>& marked,
                         FunctionRef<void(Code, std::string_view)> visit);

}  // namespace postglass::store
