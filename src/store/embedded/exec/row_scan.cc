#include "store/embedded/exec/row_scan.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "store/embedded/exec/code_scan.h"
#include "store/embedded/exec/compiled_plan.h"

namespace postglass::store {

namespace {

// Rows in a step of a scan, between two looks at the plan's stop.
constexpr RowIndex kRowsAStep = 256 << 10;

std::vector<Code> ToList(const CodeSet& set) {
  if (!set.is_range()) return set.codes();
  std::vector<Code> codes;
  for (Code code = set.begin(); code < set.end(); ++code) codes.push_back(code);
  return codes;
}

CodeSet Union(const CodeSet& a, const CodeSet& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  const std::vector<Code> of_a = ToList(a);
  const std::vector<Code> of_b = ToList(b);
  std::vector<Code> both;
  std::set_union(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), std::back_inserter(both));
  return CodeSet::List(std::move(both));
}

}  // namespace

std::vector<bool> RowScan::ShapesWith(ColumnIndex column) const {
  std::vector<bool> with;
  for (const Shape& shape : table_.shapes()) {
    with.push_back(std::find(shape.columns.begin(), shape.columns.end(), column) !=
                   shape.columns.end());
  }
  return with;
}

Status RowScan::Add(ColumnIndex column, CodeSet codes) {
  Part part{column, {}, std::move(codes)};
  // With about one value a row, the column's own codes are few enough to be kept in the cache, and
  // quicker to scan than the key's are to find.
  while (!part.codes.empty() &&
         table_.columns()[part.column].values_count / 2 > table_.info().rows) {
    ASSIGN_OR_RETURN(std::optional<KeyCodes> keys, table_.KeysOf(part.column, part.codes));
    if (!keys) break;
    part.column = keys->key;
    part.codes = std::move(keys->codes);
  }
  if (part.codes.empty()) return {};
  if (part.column != column) {
    // A row that has the key's value may be without the column.
    part.shapes = ShapesWith(column);
    if (part.shapes == ShapesWith(part.column)) part.shapes.clear();
  }
  const auto like = std::find_if(parts_.begin(), parts_.end(), [&](const Part& other) {
    return other.column == part.column && other.shapes == part.shapes;
  });
  if (like != parts_.end()) {
    like->codes = Union(like->codes, part.codes);
  } else {
    parts_.push_back(std::move(part));
  }
  return {};
}

Status RowScan::Run(RowBitmap& out) {
  for (const Part& part : parts_) {
    if (part.shapes.empty()) {
      RETURN_IF_ERROR(ScanPart(part, out));
      continue;
    }
    RowBitmap hits(table_.info().rows);
    RETURN_IF_ERROR(ScanPart(part, hits));
    ASSIGN_OR_RETURN(const auto shape_of_row, table_.ShapeOfRow());
    hits.ForEach(begin_, end_, [&](RowIndex row) {
      if (part.shapes[(*shape_of_row)[row]]) out.Set(row);
    });
  }
  return {};
}

Status RowScan::ScanPart(const Part& part, RowBitmap& out) {
  ASSIGN_OR_RETURN(const auto codes, table_.CodesOf(part.column));
  ASSIGN_OR_RETURN(const auto layout, table_.LayoutOf(part.column));
  for (RowIndex row = begin_; row < end_; row += std::min(kRowsAStep, end_ - row)) {
    RETURN_IF_ERROR(CheckStop(plan_));
    ScanCodes(*codes, *layout, part.codes, row, row + std::min(kRowsAStep, end_ - row), out);
  }
  codes_scanned_ += end_ - begin_;
  return {};
}

}  // namespace postglass::store
