#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// Sorted distinct strings in one piece of memory, or sorted numbers.
class MemoryDictionary final : public Dictionary {
 public:
  // Requires: ascending, distinct. `arena` holds the strings one behind the other; `ends[i]` is
  // the end of string i.
  MemoryDictionary(std::string arena, std::vector<std::uint32_t> ends);
  explicit MemoryDictionary(std::vector<std::int64_t> integers);
  explicit MemoryDictionary(std::vector<double> doubles);
  explicit MemoryDictionary(std::vector<bool> bools);

  ValueType type() const override;
  std::uint32_t size() const override;
  bool all_lower_case() const override;
  Result<std::optional<Code>> Find(std::string_view text) const override;
  Result<Code> LowerBound(std::string_view text) const override;
  Status AppendText(Code code, std::string& out) const override;
  Status ForEachText(Code begin,
                     Code end,
                     FunctionRef<bool(Code, std::string_view)> visit) const override;
  Result<std::span<const std::int64_t>> Integers() const override;
  Result<std::span<const double>> Doubles() const override;
  bool BoolAt(Code code) const override;

  // Strings: true when every value is ASCII without capitals, so that each is its own Fold().
  bool all_folded() const { return all_folded_; }

  std::string_view TextAt(Code code) const {
    const std::uint32_t begin = code == 0 ? 0 : ends_[code - 1];
    return std::string_view(arena_).substr(begin, ends_[code] - begin);
  }

  std::size_t memory_bytes() const;

 private:
  ValueType type_ = ValueType::kString;
  bool all_lower_case_ = true;
  bool all_folded_ = true;
  std::string arena_;
  std::vector<std::uint32_t> ends_;
  std::vector<std::int64_t> integers_;
  std::vector<double> doubles_;
  std::vector<bool> bools_;
};

// Keys as plain vectors.
class MemoryRowKeys final : public RowKeys {
 public:
  std::vector<std::int64_t> timestamps_ms;  // ascending
  std::vector<std::int64_t> ingested_ms;
  std::vector<EventId> ids;

  std::int64_t timestamp_ms(RowIndex row) const override { return timestamps_ms[row]; }

  std::int64_t ingested_at_ms(RowIndex row) const override { return ingested_ms[row]; }

  EventId id(RowIndex row) const override { return ids[row]; }

  RowIndex LowerBound(std::int64_t timestamp_ms) const override;
};

// A table in memory. Layouts and counts are made on first need; nothing else changes.
class MemoryTable final : public Table {
 public:
  struct Column {
    ColumnKey key;
    std::shared_ptr<const MemoryDictionary> dictionary;
    std::shared_ptr<const Codes> codes;
  };

  struct Parts {
    std::shared_ptr<const MemoryRowKeys> keys;
    std::vector<std::uint16_t> shape_of_row;
    std::vector<Shape> shapes;    // each used by some row; columns name `columns`
    std::vector<Column> columns;  // ascending by key
  };

  // Requires: at least one row.
  explicit MemoryTable(Parts parts);

  const TableInfo& info() const override { return info_; }

  std::string Name() const override { return "a table in memory"; }

  std::span<const ColumnInfo> columns() const override { return column_infos_; }

  std::span<const Shape> shapes() const override { return shapes_; }

  Result<std::shared_ptr<const RowKeys>> Keys() const override;
  Result<std::shared_ptr<const std::vector<std::uint16_t>>> ShapeOfRow() const override;
  Result<std::shared_ptr<const Layout>> LayoutOf(ColumnIndex column) const override;
  Result<std::shared_ptr<const Codes>> CodesOf(ColumnIndex column) const override;
  Result<std::shared_ptr<const Dictionary>> DictionaryOf(ColumnIndex column) const override;
  Result<std::shared_ptr<const std::vector<std::uint32_t>>> CountsOf(
      ColumnIndex column) const override;
  Result<std::uint32_t> CountOf(ColumnIndex column, Code code) const override;
  Result<bool> MayHoldFolded(ColumnIndex column, std::string_view folded) const override;
  Result<WordHits> FindWord(std::string_view folded_word) const override;

  std::size_t memory_bytes() const { return memory_bytes_; }

 private:
  using Counts = std::vector<std::uint32_t>;

  TableInfo info_;
  std::shared_ptr<const MemoryRowKeys> keys_;
  std::shared_ptr<const std::vector<std::uint16_t>> shape_of_row_;
  std::vector<Shape> shapes_;
  std::vector<Column> columns_;
  std::vector<ColumnInfo> column_infos_;
  std::size_t memory_bytes_ = 0;

  mutable Mutex mutex_;
  mutable std::vector<std::shared_ptr<const Layout>> layouts_ GUARDED_BY(mutex_);
  // By arities; what columns with one pattern share.
  mutable std::map<std::vector<std::uint32_t>, std::shared_ptr<const Layout>> layout_of_arities_
      GUARDED_BY(mutex_);
  mutable std::vector<std::shared_ptr<const Counts>> counts_ GUARDED_BY(mutex_);
};

}  // namespace postglass::store
