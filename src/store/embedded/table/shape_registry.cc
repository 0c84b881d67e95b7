#include "store/embedded/table/shape_registry.h"

#include <algorithm>

#include "store/embedded/table/limits.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

// What is kept from table to table, and what one table may add.
constexpr std::size_t kKnownShapesMax = 16 * 1024;
constexpr std::size_t kKnownBytesMax = 64 << 20;
constexpr std::size_t kLearnedBytesMax = 16 << 20;

std::size_t BytesOf(const KnownShape& shape) {
  return sizeof(shape) + shape.skeleton.size() +
         shape.columns.size() * (sizeof(KnownColumn*) + sizeof(std::uint32_t));
}

}  // namespace

void ShapeRegistry::BeginTable() {
  ++table_;
  learned_in_table_ = 0;
  if (shapes_.size() > kKnownShapesMax || bytes_ > kKnownBytesMax) {
    shapes_.clear();
    columns_.clear();
    bytes_ = 0;
  }
  bytes_at_begin_ = bytes_;
}

KnownShape* ShapeRegistry::Find(Flattener& flattener) {
  const std::uint64_t hash = Hash64(flattener.skeleton());
  const auto known = shapes_.find(hash);
  if (known == shapes_.end()) return Learn(flattener, hash);
  // Two skeletons with one hash: the second is never learned.
  return known->second->skeleton == flattener.skeleton() ? known->second.get() : nullptr;
}

KnownShape* ShapeRegistry::Learn(Flattener& flattener, std::uint64_t hash) {
  if (learned_in_table_ >= kBuilderShapesMax || bytes_ - bytes_at_begin_ > kLearnedBytesMax) {
    return nullptr;
  }
  if (!flattener.IsObject()) return nullptr;
  std::vector<ColumnKey> keys = ColumnsOfSkeleton(flattener.skeleton());
  if (keys.size() != flattener.leaves().size()) return nullptr;  // a key that is no text
  const auto too_long = [](const ColumnKey& key) { return key.path.size() > kPathBytesMax; };
  if (std::any_of(keys.begin(), keys.end(), too_long)) return nullptr;
  auto shape = std::make_unique<KnownShape>();
  shape->skeleton = flattener.skeleton();
  shape->columns.reserve(keys.size());
  for (ColumnKey& key : keys) {
    const auto [column, is_new] = columns_.try_emplace(std::move(key));
    column->second.key = &column->first;
    shape->columns.push_back(&column->second);
    if (is_new) bytes_ += sizeof(*column) + column->first.path.size();
  }
  ++learned_in_table_;
  bytes_ += BytesOf(*shape);
  return shapes_.emplace(hash, std::move(shape)).first->second.get();
}

bool ShapeRegistry::EnterTable(KnownShape& shape,
                               std::uint32_t columns_max,
                               FunctionRef<std::uint32_t(const ColumnKey&)> make_slot) {
  std::vector<KnownColumn*> fresh;
  for (KnownColumn* column : shape.columns) {
    if (column->table != table_) fresh.push_back(column);
  }
  std::sort(fresh.begin(), fresh.end());
  fresh.erase(std::unique(fresh.begin(), fresh.end()), fresh.end());
  if (fresh.size() > columns_max) return false;
  shape.table = table_;
  shape.slots.clear();
  for (KnownColumn* column : shape.columns) {
    if (column->table != table_) *column = {column->key, table_, make_slot(*column->key)};
    shape.slots.push_back(column->slot);
  }
  return true;
}

}  // namespace postglass::store
