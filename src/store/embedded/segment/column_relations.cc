#include "store/embedded/segment/column_relations.h"

#include <algorithm>
#include <map>
#include <utility>

#include "store/embedded/segment/determined_codes.h"
#include "store/embedded/segment/limits.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::uint32_t kValuesMin = 256;  // a column with fewer costs next to nothing
constexpr std::size_t kKeysMax = 256;      // against tables of thousands of columns

std::uint64_t HashOf(const Codes& codes) {
  return codes.Visit([](const auto& values) -> std::uint64_t {
    if constexpr (std::is_same_v<std::decay_t<decltype(values)>, Codes::Constant>) {
      return values.count;
    } else {
      return Hash64(
          {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
    }
  });
}

bool Equal(const Codes& a, const Codes& b) {
  return a.Visit([&](const auto& x) {
    return b.Visit([&](const auto& y) {
      if (x.size() != y.size()) return false;
      if constexpr (std::is_same_v<decltype(x), decltype(y)>) {
        if constexpr (std::is_same_v<std::decay_t<decltype(x)>, Codes::Constant>) {
          return true;
        } else {
          return x == y;
        }
      } else {
        return false;
      }
    });
  });
}

struct Column {
  std::shared_ptr<const Codes> codes;
  std::shared_ptr<const Layout> layout;
};

}  // namespace

Result<std::vector<CodesRelation>> FindRelations(const Table& table) {
  const std::span<const ColumnInfo> infos = table.columns();
  std::vector<CodesRelation> relations(infos.size());
  std::vector<Column> columns(infos.size());
  // Equal columns meet here; which of those with one hash are equal is then compared.
  std::multimap<std::uint64_t, ColumnIndex> seen;
  std::vector<ColumnIndex> keys;
  for (ColumnIndex c = 0; c < infos.size(); ++c) {
    ASSIGN_OR_RETURN(columns[c].codes, table.CodesOf(c));
    ASSIGN_OR_RETURN(columns[c].layout, table.LayoutOf(c));
    if (infos[c].dictionary_size <= 1) continue;
    const std::uint64_t hash = HashOf(*columns[c].codes);
    const auto [begin, end] = seen.equal_range(hash);
    for (auto it = begin; it != end && !relations[c].same_as; ++it) {
      const ColumnIndex other = it->second;
      const Layout& layout = *columns[c].layout;
      const Layout& of = *columns[other].layout;
      if (infos[other].dictionary_size == infos[c].dictionary_size &&
          layout.is_identity() == of.is_identity() &&
          std::equal(
              layout.rows().begin(), layout.rows().end(), of.rows().begin(), of.rows().end()) &&
          Equal(*columns[c].codes, *columns[other].codes)) {
        relations[c].same_as = other;
      }
    }
    if (relations[c].same_as) continue;
    seen.emplace(hash, c);
    keys.push_back(c);
  }

  // Few values first: the first that determines a column is then the cheapest.
  std::sort(keys.begin(), keys.end(), [&](ColumnIndex a, ColumnIndex b) {
    return std::pair(infos[a].dictionary_size, b) < std::pair(infos[b].dictionary_size, a);
  });
  std::vector<int> depth(infos.size());
  Determination determination;
  const std::size_t first = keys.size() > kKeysMax ? keys.size() - kKeysMax : 0;
  for (std::size_t k = first; k < keys.size(); ++k) {
    const ColumnIndex key = keys[k];
    const std::uint32_t key_size = infos[key].dictionary_size;
    std::optional<std::vector<Code>> key_of_row;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const ColumnIndex c = keys[i];
      // Columns lean without a circle: those before the key in the order have fewer values, or as
      // many and a higher index; and one with several values in a row is never a key.
      if (i == k || (i > k && columns[c].layout->is_single())) continue;
      const bool alike =
          infos[c].dictionary_size > key_size / 2;  // then a table is next to nothing
      if (relations[c].determined_by || infos[c].values_count < kValuesMin ||
          (!alike && key_size > infos[c].values_count / 5 * 4)) {
        continue;
      }
      if (!key_of_row) {
        key_of_row = CodeOfRow(*columns[key].codes, *columns[key].layout, table.info().rows);
        if (!key_of_row) break;
      }
      if (determination.Try(*columns[c].codes, *columns[c].layout, *key_of_row, key_size)) {
        relations[c].determined_by = key;
      }
    }
  }
  // A chain that is too deep to follow is cut.
  for (std::size_t k = keys.size(); k-- > 0;) {
    const ColumnIndex c = keys[k];
    // Nothing leans on a column with several values in a row.
    if (!relations[c].determined_by || !columns[c].layout->is_single()) continue;
    depth[c] = depth[*relations[c].determined_by] + 1;
    if (depth[c] < kColumnDepthMax - 1) continue;
    relations[c].determined_by.reset();
    depth[c] = 0;
  }
  return relations;
}

}  // namespace postglass::store
