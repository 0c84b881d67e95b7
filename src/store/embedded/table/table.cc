#include "store/embedded/table/table.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace postglass::store {

namespace {

// From whole columns.
class RowsOfColumns final : public RowsOfTable {
 public:
  RowsOfColumns(const Table& table, std::vector<RowIndex> rows)
      : table_(table), rows_(std::move(rows)) {}

  Status Read(ColumnIndex column, RowValues& out) override {
    ASSIGN_OR_RETURN(const auto layout, table_.LayoutOf(column));
    ASSIGN_OR_RETURN(const auto codes, table_.CodesOf(column));
    out.Clear();
    for (const RowIndex row : rows_) {
      for (ValueIndex value = layout->LowerBound(row);
           value < layout->values_count() && layout->RowOf(value) == row;
           ++value) {
        out.codes.push_back((*codes)[value]);
      }
      out.ends.push_back(static_cast<std::uint32_t>(out.codes.size()));
    }
    return {};
  }

 private:
  const Table& table_;
  const std::vector<RowIndex> rows_;
};

}  // namespace

Result<std::optional<KeyCodes>> Table::KeysOf(ColumnIndex, const CodeSet&) const {
  return std::optional<KeyCodes>();
}

Result<std::unique_ptr<RowsOfTable>> Table::RowsAt(std::vector<RowIndex> rows) const {
  return std::make_unique<RowsOfColumns>(*this, std::move(rows));
}

std::optional<ColumnIndex> Table::Find(const ColumnKey& key) const {
  const std::span<const ColumnInfo> all = columns();
  const auto found =
      std::lower_bound(all.begin(), all.end(), key, [](const ColumnInfo& c, const ColumnKey& k) {
        return c.key < k;
      });
  if (found == all.end() || found->key != key) return std::nullopt;
  return static_cast<ColumnIndex>(found - all.begin());
}

std::vector<ColumnIndex> Table::FindPath(std::string_view path) const {
  // Keys are in order of (kind, type, path): the twins of a path are in one run for each type.
  std::vector<ColumnIndex> twins;
  for (const ValueType type :
       {ValueType::kString, ValueType::kInteger, ValueType::kDouble, ValueType::kBool}) {
    const std::span<const ColumnInfo> all = columns();
    const auto wanted = std::tuple(ColumnKind::kAttribute, type, path);
    const auto found =
        std::lower_bound(all.begin(), all.end(), wanted, [](const ColumnInfo& c, const auto& k) {
          return std::tuple(c.key.kind, c.key.type, std::string_view(c.key.path)) < k;
        });
    if (found == all.end() || found->key.kind != ColumnKind::kAttribute ||
        found->key.type != type || found->key.path != path) {
      continue;
    }
    twins.push_back(static_cast<ColumnIndex>(found - all.begin()));
  }
  return twins;
}

}  // namespace postglass::store
