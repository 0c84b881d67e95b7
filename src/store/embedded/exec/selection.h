#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/embedded/exec/compiled_plan.h"
#include "store/embedded/exec/leaf_codes.h"
#include "store/embedded/exec/row_bitmap.h"
#include "store/embedded/exec/snapshot.h"

namespace postglass::store {

// Rows [begin, end) of a table: none of them, all, or some.
struct RowSet {
  enum class Kind { kNone, kAll, kSome };

  Kind kind = Kind::kNone;
  RowBitmap some;  // of kSome

  static RowSet None() { return {}; }

  static RowSet All() { return {Kind::kAll, {}}; }

  static RowSet Some(RowBitmap bitmap) { return {Kind::kSome, std::move(bitmap)}; }
};

// Finds the rows of one table that a plan selects. Not thread-safe; one table, then gone.
class TableSelector {
 public:
  // Both must outlive it.
  TableSelector(const LiveTable& live, const CompiledPlan& compiled);

  // The live rows that the plan selects, but for the opaque ones. Afterwards begin(), end() and
  // opaque_rows() are known.
  // Errors: of the table; kCancelled.
  Result<RowSet> Select();

  // The number of rows that Select() would give, when stored counts tell it; else nothing, and
  // Select() goes on with what was found.
  Result<std::optional<std::uint64_t>> StoredCount();

  const Table& table() const { return *live_.table; }

  const Plan& plan() const { return plan_; }

  // The rows in the plan's time range.
  RowIndex begin() const { return begin_; }

  RowIndex end() const { return end_; }

  // Rows in the time range, not deleted, that are to be matched from their text. None when the
  // plan does not depend on attributes.
  const std::vector<RowIndex>& opaque_rows() const { return opaque_rows_; }

  // Whether all rows of the table are selected, so that its stored counts are the answer.
  bool IsWhole(const RowSet& rows) const;

  Result<const RowKeys*> Keys();

  std::uint64_t codes_scanned() const { return codes_scanned_; }

  // For explain: the field of the leaf that ruled the table out by its dictionary alone; or empty.
  const std::string& ruled_out_by() const { return ruled_out_by_; }

 private:
  struct ColumnCodes {
    FieldColumn column;
    CodeSet set;
  };

  // What a leaf's dictionary work gave: rows at once, or codes to be scanned for.
  struct LeafResult {
    bool has_rows = false;
    RowSet rows;                       // when it has
    std::vector<ColumnCodes> columns;  // else
    std::uint64_t rows_estimate = 0;

    static LeafResult Of(RowSet rows) { return {true, std::move(rows), {}, 0}; }
  };

  Status FindRange();
  Status FindOpaqueRows();
  RowBitmap& AsBitmap(RowSet& rows);

  Result<RowSet> Evaluate(const Condition& condition);
  Result<RowSet> EvaluateAnd(const Condition& condition);
  Result<RowSet> EvaluateOr(const Condition& condition);
  Result<LeafResult> Find(const Leaf& leaf);
  Result<LeafResult> FindExisting(const Leaf& leaf);
  Result<RowSet> Scan(LeafResult result);
  Status KeepHolders(const LeafResult& result, RowBitmap& rows);

  Result<RowSet> RowsByKeys(const Leaf& leaf, KeyField key_field);
  Result<RowSet> RowsOfShapes(const std::vector<bool>& shapes);
  std::vector<bool> ShapesWithPath(const Field& field) const;
  std::vector<bool> ShapesWithAnyColumn(const std::vector<FieldColumn>& columns) const;

  const LiveTable& live_;
  const CompiledPlan& compiled_;
  const Plan& plan_;
  const TableInfo& info_;
  std::shared_ptr<const RowKeys> keys_;
  RowIndex begin_ = 0;
  RowIndex end_ = 0;
  std::vector<RowIndex> opaque_rows_;
  std::unique_ptr<LeafResult> found_;  // of a condition that is one leaf, by StoredCount()
  std::uint64_t codes_scanned_ = 0;
  std::string ruled_out_by_;
};

// Whether the table may hold rows of the plan, by its times alone.
bool InTime(const TableInfo& info, const Plan& plan);

}  // namespace postglass::store
