#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/embedded/table/code_set.h"
#include "store/embedded/table/column.h"
#include "store/embedded/table/dictionary.h"
#include "store/embedded/table/layout.h"
#include "store/embedded/table/shape.h"
#include "store/types.h"

namespace postglass::store {

// Timestamps, ingest times and ids of rows. Immutable, thread-safe.
class RowKeys {
 public:
  virtual ~RowKeys() = default;
  virtual std::int64_t timestamp_ms(RowIndex row) const = 0;
  virtual std::int64_t ingested_at_ms(RowIndex row) const = 0;
  virtual EventId id(RowIndex row) const = 0;
  // First row that is not before the instant; rows() when there is none.
  virtual RowIndex LowerBound(std::int64_t timestamp_ms) const = 0;
};

// What is known of a table without reading anything of it.
struct TableInfo {
  std::uint32_t rows = 0;
  std::int64_t timestamp_min_ms = 0;
  std::int64_t timestamp_max_ms = 0;
  std::int64_t ingested_min_ms = 0;
  std::int64_t ingested_max_ms = 0;
};

// What is known of a column without reading it.
struct ColumnInfo {
  ColumnKey key;
  std::uint32_t dictionary_size = 0;
  std::uint32_t values_count = 0;  // over all rows
};

// The values of some rows in one column, as codes: row i has those in [ends[i - 1], ends[i]).
struct RowValues {
  std::vector<Code> codes;
  std::vector<std::uint32_t> ends;

  void Clear() {
    codes.clear();
    ends.clear();
  }

  std::span<const Code> of(std::size_t i) const {
    const std::uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::span(codes).subspan(begin, ends[i] - begin);
  }
};

// Codes of a column's key, the column that its values follow from in the same row.
struct KeyCodes {
  ColumnIndex key = 0;
  CodeSet codes;
};

// Some rows of a table, whose values are read a column at a time. Not thread-safe; must not outlive
// the table.
class RowsOfTable {
 public:
  virtual ~RowsOfTable() = default;
  // Replaces what `out` holds. Errors: of the table.
  virtual Status Read(ColumnIndex column, RowValues& out) = 0;
};

// An immutable set of events as columns, rows in order of (timestamp, id): in memory (MemoryTable)
// or in a segment, which reads what is asked for through the block cache. The executor, the merge
// and the segment writer know tables only by this.
//
// Thread-safe. What a call returns stays alive as long as it is held. Errors of every call that
// returns a Result: kIo, kCorruption; they cost the query this table, not the process.
class Table {
 public:
  virtual ~Table() = default;

  virtual const TableInfo& info() const = 0;
  virtual std::string Name() const = 0;  // for damage reports: "segment 17"

  // Ascending by key; every column that some shape names.
  virtual std::span<const ColumnInfo> columns() const = 0;
  virtual std::span<const Shape> shapes() const = 0;

  virtual Result<std::shared_ptr<const RowKeys>> Keys() const = 0;
  virtual Result<std::shared_ptr<const std::vector<std::uint16_t>>> ShapeOfRow() const = 0;
  virtual Result<std::shared_ptr<const Layout>> LayoutOf(ColumnIndex column) const = 0;
  virtual Result<std::shared_ptr<const Codes>> CodesOf(ColumnIndex column) const = 0;
  // When the codes are kept by those of a key: the key's codes that one of `codes` follows from. Of
  // the rows that have the column at all, those that hold one of `codes` are those whose key is one
  // of these. Nothing when the codes are the column's own.
  virtual Result<std::optional<KeyCodes>> KeysOf(ColumnIndex column, const CodeSet& codes) const;
  virtual Result<std::shared_ptr<const Dictionary>> DictionaryOf(ColumnIndex column) const = 0;
  // For few rows, where whole columns would be more work. Requires: ascending.
  virtual Result<std::unique_ptr<RowsOfTable>> RowsAt(std::vector<RowIndex> rows) const;
  // Number of rows that hold each value at least once, by code.
  virtual Result<std::shared_ptr<const std::vector<std::uint32_t>>> CountsOf(
      ColumnIndex column) const = 0;
  // The same for one value, without reading the others' when that can be avoided.
  virtual Result<std::uint32_t> CountOf(ColumnIndex column, Code code) const = 0;

  // False only when the column has no such value; `folded` is the text as Fold() of store/text.h
  // gives it. Cheap: a filter in memory or one block.
  virtual Result<bool> MayHoldFolded(ColumnIndex column, std::string_view folded) const = 0;

  // In which values of each string column a folded word is (Words of store/text.h).
  struct WordHits {
    enum class Kind : std::uint8_t { kNone, kSome, kUnknown };

    struct OfColumn {
      Kind kind = Kind::kUnknown;
      // Of kSome: ascending, not empty, exactly those that hold the word.
      std::shared_ptr<const std::vector<Code>> codes;
    };

    std::vector<OfColumn> columns;  // by column; empty: nothing is known of any

    OfColumn Of(ColumnIndex column) const { return columns.empty() ? OfColumn() : columns[column]; }
  };

  virtual Result<WordHits> FindWord(std::string_view folded_word) const = 0;

  // The column with this key.
  std::optional<ColumnIndex> Find(const ColumnKey& key) const;
  // The attribute columns whose path is `path`, of any type.
  std::vector<ColumnIndex> FindPath(std::string_view path) const;
};

}  // namespace postglass::store
