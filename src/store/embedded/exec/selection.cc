#include "store/embedded/exec/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/embedded/exec/code_scan.h"
#include "store/embedded/exec/row_scan.h"
#include "store/event_reader.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

// Rows in a step of a scan, between two looks at the plan's stop.
constexpr RowIndex kRowsAStep = 256 << 10;
// When fewer than one row in so many is left, the others' codes are looked up instead of scanned.
constexpr std::uint64_t kSparseShare = 64;
constexpr std::size_t kRowsAtOnce = 256;  // of those

}  // namespace

bool InTime(const TableInfo& info, const Plan& plan) {
  return info.timestamp_max_ms >= plan.from_ms && info.timestamp_min_ms < plan.to_ms &&
         info.ingested_max_ms >= plan.ingested_from_ms;
}

TableSelector::TableSelector(const LiveTable& live, const CompiledPlan& compiled)
    : live_(live), compiled_(compiled), plan_(*compiled.plan), info_(live.table->info()) {}

Result<const RowKeys*> TableSelector::Keys() {
  if (keys_ == nullptr) {
    ASSIGN_OR_RETURN(keys_, table().Keys());
  }
  return keys_.get();
}

Status TableSelector::FindRange() {
  begin_ = 0;
  end_ = info_.rows;
  if (info_.timestamp_min_ms < plan_.from_ms) {
    ASSIGN_OR_RETURN(const RowKeys* keys, Keys());
    begin_ = keys->LowerBound(plan_.from_ms);
  }
  if (info_.timestamp_max_ms >= plan_.to_ms) {
    ASSIGN_OR_RETURN(const RowKeys* keys, Keys());
    end_ = std::max(begin_, keys->LowerBound(plan_.to_ms));
  }
  return {};
}

Status TableSelector::FindOpaqueRows() {
  opaque_rows_.clear();
  if (!compiled_.reads_attributes) return {};
  // The text that such rows are matched from is in the last of columns; in most tables there is
  // none.
  const std::span<const ColumnInfo> columns = table().columns();
  if (columns.empty() || columns.back().key.kind != ColumnKind::kAttributesText) return {};
  const std::span<const Shape> shapes = table().shapes();
  const auto is_opaque = [](const Shape& shape) { return shape.text == Shape::Text::kOpaque; };
  if (std::none_of(shapes.begin(), shapes.end(), is_opaque)) return {};
  ASSIGN_OR_RETURN(const auto shape_of_row, table().ShapeOfRow());
  for (RowIndex row = begin_; row < end_; ++row) {
    if (is_opaque(shapes[(*shape_of_row)[row]])) opaque_rows_.push_back(row);
  }
  if (opaque_rows_.empty()) return {};
  if (live_.deleted != nullptr) {
    std::vector<RowIndex> kept;
    std::set_difference(opaque_rows_.begin(),
                        opaque_rows_.end(),
                        live_.deleted->begin(),
                        live_.deleted->end(),
                        std::back_inserter(kept));
    opaque_rows_ = std::move(kept);
  }
  if (info_.ingested_min_ms < plan_.ingested_from_ms) {
    ASSIGN_OR_RETURN(const RowKeys* keys, Keys());
    std::erase_if(opaque_rows_,
                  [&](RowIndex row) { return keys->ingested_at_ms(row) < plan_.ingested_from_ms; });
  }
  return {};
}

RowBitmap& TableSelector::AsBitmap(RowSet& rows) {
  if (rows.kind != RowSet::Kind::kSome) {
    RowBitmap bitmap(info_.rows);
    if (rows.kind == RowSet::Kind::kAll) bitmap.SetRange(begin_, end_);
    rows = RowSet::Some(std::move(bitmap));
  }
  return rows.some;
}

bool TableSelector::IsWhole(const RowSet& rows) const {
  return rows.kind == RowSet::Kind::kAll && begin_ == 0 && end_ == info_.rows;
}

Result<RowSet> TableSelector::Select() {
  RETURN_IF_ERROR(FindRange());
  if (begin_ == end_) return RowSet::None();
  RETURN_IF_ERROR(FindOpaqueRows());
  ASSIGN_OR_RETURN(RowSet rows, Evaluate(compiled_.condition));
  if (rows.kind == RowSet::Kind::kNone) return rows;
  if (info_.ingested_min_ms < plan_.ingested_from_ms) {
    ASSIGN_OR_RETURN(const RowKeys* keys, Keys());
    RowBitmap& bitmap = AsBitmap(rows);
    bitmap.ForEach(begin_, end_, [&](RowIndex row) {
      if (keys->ingested_at_ms(row) < plan_.ingested_from_ms) bitmap.Reset(row);
    });
  }
  if (live_.deleted != nullptr && !live_.deleted->empty()) {
    RowBitmap& bitmap = AsBitmap(rows);
    for (const RowIndex row : *live_.deleted) bitmap.Reset(row);
  }
  if (!opaque_rows_.empty()) {
    RowBitmap& bitmap = AsBitmap(rows);
    for (const RowIndex row : opaque_rows_) bitmap.Reset(row);
  }
  return rows;
}

Result<std::optional<std::uint64_t>> TableSelector::StoredCount() {
  using Count = std::optional<std::uint64_t>;
  const bool all_in_time = InTimeRange(plan_, info_.timestamp_min_ms, info_.ingested_min_ms) &&
                           InTimeRange(plan_, info_.timestamp_max_ms, info_.ingested_min_ms);
  if (!all_in_time || (live_.deleted != nullptr && !live_.deleted->empty())) return Count();
  if (compiled_.condition.kind == Condition::Kind::kAll) return Count(info_.rows);
  if (compiled_.condition.kind != Condition::Kind::kLeaf) return Count();
  RETURN_IF_ERROR(FindRange());
  RETURN_IF_ERROR(FindOpaqueRows());
  if (!opaque_rows_.empty()) return Count();
  ASSIGN_OR_RETURN(LeafResult result, Find(*compiled_.condition.leaf));
  found_ = std::make_unique<LeafResult>(std::move(result));
  const LeafResult& found = *found_;
  if (found.has_rows) {
    if (found.rows.kind == RowSet::Kind::kNone) return Count(0);
    return Count();
  }
  // Of several values a row may hold more than one.
  if (found.columns.size() != 1 || found.columns[0].set.size() != 1) return Count();
  ASSIGN_OR_RETURN(const std::uint32_t count,
                   table().CountOf(found.columns[0].column.column, found.columns[0].set.begin()));
  return Count(count);
}

Result<RowSet> TableSelector::Evaluate(const Condition& condition) {
  RETURN_IF_ERROR(CheckStop(plan_));
  switch (condition.kind) {
    case Condition::Kind::kAll:
      return RowSet::All();
    case Condition::Kind::kNone:
      return RowSet::None();
    case Condition::Kind::kNot: {
      ASSIGN_OR_RETURN(RowSet rows, Evaluate(condition.parts[0]));
      if (rows.kind == RowSet::Kind::kNone) return RowSet::All();
      if (rows.kind == RowSet::Kind::kAll) return RowSet::None();
      rows.some.Flip();
      rows.some.KeepRange(begin_, end_);
      return rows;
    }
    case Condition::Kind::kAnd:
      return EvaluateAnd(condition);
    case Condition::Kind::kOr:
      return EvaluateOr(condition);
    case Condition::Kind::kLeaf: {
      if (found_ != nullptr) return Scan(std::move(*std::exchange(found_, nullptr)));
      ASSIGN_OR_RETURN(LeafResult found, Find(*condition.leaf));
      return Scan(std::move(found));
    }
  }
  return RowSet::None();
}

// First all dictionaries, the cheap ones first: most tables are ruled out by one of them. Then the
// rows of the leaf that has fewest.
Result<RowSet> TableSelector::EvaluateAnd(const Condition& condition) {
  std::vector<LeafResult> leaves;
  std::vector<const Condition*> others;
  for (const Condition& part : condition.parts) {
    if (part.kind == Condition::Kind::kNone) return RowSet::None();
    if (part.kind == Condition::Kind::kAll) continue;
    if (part.kind != Condition::Kind::kLeaf) {
      others.push_back(&part);
      continue;
    }
    RETURN_IF_ERROR(CheckStop(plan_));
    ASSIGN_OR_RETURN(LeafResult found, Find(*part.leaf));
    if (found.has_rows && found.rows.kind == RowSet::Kind::kNone) return RowSet::None();
    if (found.has_rows && found.rows.kind == RowSet::Kind::kAll) continue;
    leaves.push_back(std::move(found));
  }
  std::stable_sort(leaves.begin(), leaves.end(), [](const LeafResult& a, const LeafResult& b) {
    return a.rows_estimate < b.rows_estimate;
  });
  RowSet rows = RowSet::All();
  const auto keep = [&](RowSet more) {
    if (more.kind == RowSet::Kind::kAll || rows.kind == RowSet::Kind::kNone) return;
    if (more.kind == RowSet::Kind::kNone || rows.kind == RowSet::Kind::kAll) {
      rows = std::move(more);
    } else {
      rows.some.And(more.some);
    }
    if (rows.kind == RowSet::Kind::kSome && !rows.some.Any()) rows = RowSet::None();
  };
  for (LeafResult& leaf : leaves) {
    RETURN_IF_ERROR(CheckStop(plan_));
    const bool few = rows.kind == RowSet::Kind::kSome &&
                     std::uint64_t{rows.some.Count()} * kSparseShare < end_ - begin_;
    if (few && !leaf.has_rows) {
      RETURN_IF_ERROR(KeepHolders(leaf, rows.some));
      if (!rows.some.Any()) return RowSet::None();
      continue;
    }
    ASSIGN_OR_RETURN(RowSet more, Scan(std::move(leaf)));
    keep(std::move(more));
    if (rows.kind == RowSet::Kind::kNone) return rows;
  }
  for (const Condition* part : others) {
    ASSIGN_OR_RETURN(RowSet more, Evaluate(*part));
    keep(std::move(more));
    if (rows.kind == RowSet::Kind::kNone) return rows;
  }
  return rows;
}

Result<RowSet> TableSelector::EvaluateOr(const Condition& condition) {
  RowSet rows;
  for (const Condition& part : condition.parts) {
    ASSIGN_OR_RETURN(RowSet more, Evaluate(part));
    if (more.kind == RowSet::Kind::kAll) return more;
    if (more.kind == RowSet::Kind::kNone) continue;
    if (rows.kind == RowSet::Kind::kNone) {
      rows = std::move(more);
    } else {
      rows.some.Or(more.some);
    }
  }
  return rows;
}

Result<TableSelector::LeafResult> TableSelector::Find(const Leaf& leaf) {
  const Field& field = leaf.node->field;
  const KeyField key_field = KeyFieldOf(field);
  if (key_field != KeyField::kNone) {
    ASSIGN_OR_RETURN(RowSet rows, RowsByKeys(leaf, key_field));
    return LeafResult::Of(std::move(rows));
  }
  if (leaf.node->kind == Matcher::Node::Kind::kExists) return FindExisting(leaf);
  LeafResult result;
  ASSIGN_OR_RETURN(const LeafWords words, LeafWords::Of(leaf, table()));
  for (const FieldColumn& column : ColumnsOf(field, leaf.prefix, table())) {
    ASSIGN_OR_RETURN(CodeSet set, CodesOfLeaf(leaf, words, column, table()));
    if (set.empty()) continue;
    const ColumnInfo& info = table().columns()[column.column];
    result.rows_estimate +=
        std::uint64_t{info.values_count} * set.size() / std::max(info.dictionary_size, 1U);
    result.columns.push_back({column, std::move(set)});
  }
  if (result.columns.empty()) {
    result.has_rows = true;  // none
    if (ruled_out_by_.empty()) ruled_out_by_ = field.name.empty() ? "text" : field.name;
  }
  return result;
}

Result<TableSelector::LeafResult> TableSelector::FindExisting(const Leaf& leaf) {
  const Field& field = leaf.node->field;
  if (field.kind == Field::Kind::kAttribute) {
    ASSIGN_OR_RETURN(RowSet rows, RowsOfShapes(ShapesWithPath(field)));
    return LeafResult::Of(std::move(rows));
  }
  LeafResult result;
  std::vector<FieldColumn> whole;  // columns whose every value is one of the field
  for (const FieldColumn& column : ColumnsOf(field, leaf.prefix, table())) {
    if (!column.skips_empty && column.prefix.empty()) {
      whole.push_back(column);
      continue;
    }
    ASSIGN_OR_RETURN(const auto dictionary, table().DictionaryOf(column.column));
    ASSIGN_OR_RETURN(const auto codes, CodesOfField(column, *dictionary));
    if (codes.first < codes.second) {
      result.columns.push_back({column, CodeSet::Range(codes.first, codes.second)});
    }
    if (field.kind == Field::Kind::kTag) {  // a bare tag exists, though it has no value
      ASSIGN_OR_RETURN(const std::optional<Code> bare, dictionary->Find(field.name));
      if (bare) result.columns.push_back({column, CodeSet::Range(*bare, *bare + 1)});
    }
  }
  result.rows_estimate = info_.rows;
  if (whole.empty()) {
    result.has_rows = result.columns.empty();  // none
    return result;
  }
  ASSIGN_OR_RETURN(RowSet rows, RowsOfShapes(ShapesWithAnyColumn(whole)));
  if (result.columns.empty() || rows.kind == RowSet::Kind::kAll) {
    return LeafResult::Of(std::move(rows));
  }
  RowBitmap& bitmap = AsBitmap(rows);
  RowScan scan(table(), plan_, begin_, end_);
  for (ColumnCodes& column : result.columns) {
    RETURN_IF_ERROR(scan.Add(column.column.column, std::move(column.set)));
  }
  RETURN_IF_ERROR(scan.Run(bitmap));
  codes_scanned_ += scan.codes_scanned();
  return LeafResult::Of(std::move(rows));
}

Result<RowSet> TableSelector::Scan(LeafResult result) {
  if (result.has_rows) return std::move(result.rows);
  RowScan scan(table(), plan_, begin_, end_);
  for (ColumnCodes& column : result.columns) {
    const ColumnInfo& info = table().columns()[column.column.column];
    // Without looking at a row: all values fit, and every row has one.
    if (column.set.size() == info.dictionary_size && info.values_count >= info_.rows) {
      ASSIGN_OR_RETURN(const auto layout, table().LayoutOf(column.column.column));
      if (layout->is_identity()) return RowSet::All();
    }
    RETURN_IF_ERROR(scan.Add(column.column.column, std::move(column.set)));
  }
  RowBitmap bitmap(info_.rows);
  RETURN_IF_ERROR(scan.Run(bitmap));
  codes_scanned_ += scan.codes_scanned();
  if (!bitmap.Any()) return RowSet::None();
  return RowSet::Some(std::move(bitmap));
}

// Keeps the rows that hold one of the codes.
Status TableSelector::KeepHolders(const LeafResult& result, RowBitmap& rows) {
  RowBitmap kept(info_.rows);
  std::vector<RowIndex> some;
  RowValues values;
  const auto keep = [&]() -> Status {
    if (some.empty()) return {};
    RETURN_IF_ERROR(CheckStop(plan_));
    ASSIGN_OR_RETURN(const auto reader, table().RowsAt(some));
    for (const ColumnCodes& column : result.columns) {
      RETURN_IF_ERROR(reader->Read(column.column.column, values));
      for (std::size_t i = 0; i < some.size(); ++i) {
        const std::span<const Code> codes = values.of(i);
        if (std::any_of(
                codes.begin(), codes.end(), [&](Code code) { return column.set.Contains(code); })) {
          kept.Set(some[i]);
        }
      }
    }
    some.clear();
    return {};
  };
  Status status;
  rows.ForEach(begin_, end_, [&](RowIndex row) {
    some.push_back(row);
    if (some.size() == kRowsAtOnce && status) status = keep();
  });
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(keep());
  rows = std::move(kept);
  return {};
}

Result<RowSet> TableSelector::RowsByKeys(const Leaf& leaf, KeyField key_field) {
  if (leaf.node->kind == Matcher::Node::Kind::kExists) return RowSet::All();
  const ValueTest& test = *leaf.node->value_test;
  if (key_field == KeyField::kIndex) {
    return Test(test, {"main", std::nullopt}) ? RowSet::All() : RowSet::None();
  }
  std::vector<EventId> ids;  // of an EqualTest
  if (const auto* equal = std::get_if<EqualTest>(&test);
      equal != nullptr && key_field == KeyField::kId && !equal->ignore_case) {
    const std::optional<EventId> id = EventId::Parse(equal->text);
    if (!id) return RowSet::None();
    ids.push_back(*id);
  }
  ASSIGN_OR_RETURN(const RowKeys* keys, Keys());
  RowBitmap bitmap(info_.rows);
  for (RowIndex row = begin_; row < end_; ++row) {
    if (row % kRowsAStep == 0) RETURN_IF_ERROR(CheckStop(plan_));
    bool matches = false;
    if (!ids.empty()) {
      matches = keys->id(row) == ids[0];
    } else if (key_field == KeyField::kId) {
      matches = Test(test, {keys->id(row).ToString(), std::nullopt});
    } else {
      const std::int64_t timestamp_ms = keys->timestamp_ms(row);
      const fmt::format_int text(timestamp_ms);
      matches = Test(test, {{text.data(), text.size()}, static_cast<double>(timestamp_ms)});
    }
    if (matches) bitmap.Set(row);
  }
  codes_scanned_ += end_ - begin_;
  if (!bitmap.Any()) return RowSet::None();
  return RowSet::Some(std::move(bitmap));
}

Result<RowSet> TableSelector::RowsOfShapes(const std::vector<bool>& shapes) {
  const auto with = static_cast<std::size_t>(std::count(shapes.begin(), shapes.end(), true));
  if (with == 0) return RowSet::None();
  if (with == shapes.size()) return RowSet::All();
  ASSIGN_OR_RETURN(const auto shape_of_row, table().ShapeOfRow());
  const std::vector<std::uint8_t> table_of_shapes(shapes.begin(), shapes.end());
  RowBitmap bitmap(info_.rows);
  for (RowIndex row = begin_; row < end_; ++row) {
    if (table_of_shapes[(*shape_of_row)[row]] != 0) bitmap.Set(row);
  }
  codes_scanned_ += end_ - begin_;
  if (!bitmap.Any()) return RowSet::None();
  return RowSet::Some(std::move(bitmap));
}

std::vector<bool> TableSelector::ShapesWithAnyColumn(
    const std::vector<FieldColumn>& columns) const {
  std::vector<bool> wanted(table().columns().size());
  for (const FieldColumn& column : columns) wanted[column.column] = true;
  std::vector<bool> with;
  for (const Shape& shape : table().shapes()) {
    with.push_back(std::any_of(
        shape.columns.begin(), shape.columns.end(), [&](ColumnIndex c) { return wanted[c]; }));
  }
  return with;
}

// A value at the path itself is told by its column. Whether a column further down is below it is
// not: "a.b" is below "a" in {"a":{"b":1}} but not in {"a.b":1}. The shape's skeleton, with any
// values in it, tells.
std::vector<bool> TableSelector::ShapesWithPath(const Field& field) const {
  std::vector<bool> with = ShapesWithAnyColumn(ColumnsOf(field, {}, table()));
  const std::string below = field.name + '.';
  std::vector<FieldColumn> columns_below;
  const auto columns = table().columns();
  for (ColumnIndex column = 0; column < columns.size(); ++column) {
    const ColumnKey& key = columns[column].key;
    if (key.kind == ColumnKind::kAttribute && key.path.starts_with(below)) {
      columns_below.push_back({column, key.type, false, false, {}});
    }
  }
  if (columns_below.empty()) return with;
  const std::vector<bool> maybe = ShapesWithAnyColumn(columns_below);
  EventReader reader;
  for (std::size_t i = 0; i < with.size(); ++i) {
    if (with[i] || !maybe[i]) continue;
    std::string text = table().shapes()[i].skeleton;
    for (char& c : text) {
      if (c >= kMarks[0] && c <= kScientificMark) c = '0';
    }
    EventView view;
    view.attributes = text;
    reader.Reset(view);
    with[i] = reader.Exists(field);
  }
  return with;
}

}  // namespace postglass::store
