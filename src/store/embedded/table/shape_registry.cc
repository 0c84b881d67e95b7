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
  return sizeof(shape) + shape.skeleton.text.size() +
         shape.columns.size() *
             (sizeof(void*) + sizeof(std::uint32_t) + sizeof(MarkedSkeleton::Mark));
}

}  // namespace

void ShapeRegistry::BeginTable() {
  ++table_;
  learned_in_table_ = 0;
  if (shapes_.size() > kKnownShapesMax || bytes_ > kKnownBytesMax) {
    shapes_.clear();
    columns_.clear();
    guesses_ = {};
    bytes_ = 0;
  }
  bytes_at_begin_ = bytes_;
}

KnownShape* ShapeRegistry::Find(Flattener& flattener, std::uint32_t tokens_count) {
  const std::uint64_t hash = Hash64(flattener.skeleton());
  const auto known = shapes_.find(hash);
  KnownShape* shape = nullptr;
  if (known == shapes_.end()) {
    shape = Learn(flattener, tokens_count, hash);
  } else if (known->second->skeleton.text == flattener.skeleton()) {
    shape = known->second.get();
  }  // else two skeletons have one hash, and the second is never learned
  if (shape != nullptr) guesses_[tokens_count % kGuesses] = shape;
  return shape;
}

KnownShape* ShapeRegistry::Learn(Flattener& flattener,
                                 std::uint32_t tokens_count,
                                 std::uint64_t hash) {
  if (learned_in_table_ >= kBuilderShapesMax || bytes_ - bytes_at_begin_ > kLearnedBytesMax) {
    return nullptr;
  }
  if (!flattener.IsObject()) return nullptr;
  std::vector<ColumnKey> keys = ColumnsOfSkeleton(flattener.skeleton());
  if (keys.size() != flattener.leaves().size()) return nullptr;  // a key that is no text
  const auto too_long = [](const ColumnKey& key) { return key.path.size() > kPathBytesMax; };
  if (std::any_of(keys.begin(), keys.end(), too_long)) return nullptr;
  auto shape = std::make_unique<KnownShape>();
  const std::span<const MarkedSkeleton::Mark> marks = flattener.marks();
  shape->skeleton = {std::string(flattener.skeleton()), tokens_count, {marks.begin(), marks.end()}};
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
