#include "store/embedded/table/table.h"

#include <algorithm>
#include <tuple>

namespace postglass::store {

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
