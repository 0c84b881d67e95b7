#include "store/embedded/table/memory_table.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/check.h"

namespace postglass::store {

namespace {

struct CharSet {
  bool capitals = false;  // of ASCII
  bool non_ascii = false;
};

// Eight bytes at a time: dictionaries are built far more often than folded.
CharSet CharsOf(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x80 * kOnes;
  std::uint64_t capitals = 0;
  std::uint64_t non_ascii = 0;
  const auto look_at = [&](std::uint64_t bytes) {
    const std::uint64_t low = bytes & ~kHigh;
    // The high bit of a byte tells whether it is at least 'A', and at least '['.
    const std::uint64_t from_a = low + (0x80 - 'A') * kOnes;
    const std::uint64_t beyond_z = low + (0x80 - 'Z' - 1) * kOnes;
    capitals |= from_a & ~beyond_z & ~bytes & kHigh;
    non_ascii |= bytes & kHigh;
  };
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, text.data() + i, 8);
    look_at(bytes);
  }
  if (i < text.size()) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + i, text.size() - i);
    look_at(bytes);
  }
  return {capitals != 0, non_ascii != 0};
}

}  // namespace

MemoryDictionary::MemoryDictionary(std::string arena, std::vector<std::uint32_t> ends)
    : arena_(std::move(arena)), ends_(std::move(ends)) {
  const CharSet chars = CharsOf(arena_);
  all_lower_case_ = !chars.capitals;
  all_folded_ = !chars.capitals && !chars.non_ascii;
}

MemoryDictionary::MemoryDictionary(std::vector<std::int64_t> integers)
    : type_(ValueType::kInteger), integers_(std::move(integers)) {}

MemoryDictionary::MemoryDictionary(std::vector<double> doubles)
    : type_(ValueType::kDouble), doubles_(std::move(doubles)) {}

MemoryDictionary::MemoryDictionary(std::vector<bool> bools)
    : type_(ValueType::kBool), bools_(std::move(bools)) {}

ValueType MemoryDictionary::type() const { return type_; }

std::uint32_t MemoryDictionary::size() const {
  return static_cast<std::uint32_t>(ends_.size() + integers_.size() + doubles_.size() +
                                    bools_.size());
}

bool MemoryDictionary::all_lower_case() const { return all_lower_case_; }

Result<Code> MemoryDictionary::LowerBound(std::string_view text) const {
  Code low = 0;
  Code high = static_cast<Code>(ends_.size());
  while (low < high) {
    const Code middle = low + (high - low) / 2;
    if (TextAt(middle) < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<std::optional<Code>> MemoryDictionary::Find(std::string_view text) const {
  const Code code = *LowerBound(text);
  if (code == ends_.size() || TextAt(code) != text) return std::optional<Code>();
  return std::optional<Code>(code);
}

Status MemoryDictionary::AppendText(Code code, std::string& out) const {
  out += TextAt(code);
  return {};
}

Status MemoryDictionary::ForEachText(Code begin,
                                     Code end,
                                     FunctionRef<bool(Code, std::string_view)> visit) const {
  for (Code code = begin; code < end; ++code) {
    if (!visit(code, TextAt(code))) break;
  }
  return {};
}

Result<std::span<const std::int64_t>> MemoryDictionary::Integers() const {
  return std::span<const std::int64_t>(integers_);
}

Result<std::span<const double>> MemoryDictionary::Doubles() const {
  return std::span<const double>(doubles_);
}

bool MemoryDictionary::BoolAt(Code code) const { return bools_[code]; }

std::size_t MemoryDictionary::memory_bytes() const {
  return sizeof(*this) + arena_.capacity() + ends_.capacity() * sizeof(ends_[0]) +
         integers_.capacity() * sizeof(std::int64_t) + doubles_.capacity() * sizeof(double) +
         bools_.size() / 8;
}

RowIndex MemoryRowKeys::LowerBound(std::int64_t timestamp_ms) const {
  return static_cast<RowIndex>(
      std::lower_bound(timestamps_ms.begin(), timestamps_ms.end(), timestamp_ms) -
      timestamps_ms.begin());
}

MemoryTable::MemoryTable(Parts parts)
    : keys_(std::move(parts.keys)),
      shape_of_row_(
          std::make_shared<const std::vector<std::uint16_t>>(std::move(parts.shape_of_row))),
      shapes_(std::move(parts.shapes)),
      columns_(std::move(parts.columns)),
      layouts_(columns_.size()),
      counts_(columns_.size()) {
  CHECK(!keys_->ids.empty() && shape_of_row_->size() == keys_->ids.size());
  const auto [ingested_min, ingested_max] =
      std::minmax_element(keys_->ingested_ms.begin(), keys_->ingested_ms.end());
  info_ = {static_cast<std::uint32_t>(keys_->ids.size()),
           keys_->timestamps_ms.front(),
           keys_->timestamps_ms.back(),
           *ingested_min,
           *ingested_max};
  memory_bytes_ = sizeof(*this) +
                  info_.rows * (2 * sizeof(std::int64_t) + sizeof(EventId) + sizeof(std::uint16_t));
  for (const Shape& shape : shapes_) {
    memory_bytes_ +=
        sizeof(Shape) + shape.skeleton.size() + shape.columns.size() * sizeof(ColumnIndex);
  }
  column_infos_.reserve(columns_.size());
  for (const Column& column : columns_) {
    const auto values_count = static_cast<std::uint32_t>(column.codes->size());
    column_infos_.push_back({column.key, column.dictionary->size(), values_count});
    memory_bytes_ += 2 * (sizeof(ColumnInfo) + column.key.path.size()) +
                     column.dictionary->memory_bytes() + column.codes->memory_bytes();
  }
}

Result<std::shared_ptr<const RowKeys>> MemoryTable::Keys() const { return keys_; }

Result<std::shared_ptr<const std::vector<std::uint16_t>>> MemoryTable::ShapeOfRow() const {
  return shape_of_row_;
}

Result<std::shared_ptr<const Layout>> MemoryTable::LayoutOf(ColumnIndex column) const {
  {
    const MutexLock lock(mutex_);
    if (layouts_[column] != nullptr) return layouts_[column];
  }
  // Two threads may make one layout each; the first that is kept is the one that is shared.
  std::vector<std::uint32_t> arities = Layout::Arities(shapes_, column);
  {
    const MutexLock lock(mutex_);
    const auto known = layout_of_arities_.find(arities);
    if (known != layout_of_arities_.end()) return layouts_[column] = known->second;
  }
  std::shared_ptr<const Layout> layout = Layout::Make(arities, *shape_of_row_);
  const MutexLock lock(mutex_);
  const auto kept = layout_of_arities_.emplace(std::move(arities), std::move(layout)).first;
  return layouts_[column] = kept->second;
}

Result<std::shared_ptr<const Codes>> MemoryTable::CodesOf(ColumnIndex column) const {
  return columns_[column].codes;
}

Result<std::shared_ptr<const Dictionary>> MemoryTable::DictionaryOf(ColumnIndex column) const {
  return columns_[column].dictionary;
}

Result<std::shared_ptr<const std::vector<std::uint32_t>>> MemoryTable::CountsOf(
    ColumnIndex column) const {
  {
    const MutexLock lock(mutex_);
    if (counts_[column] != nullptr) return counts_[column];
  }
  ASSIGN_OR_RETURN(const auto layout, LayoutOf(column));
  auto counts = std::make_shared<const Counts>(
      CountRows(*columns_[column].codes, *layout, columns_[column].dictionary->size()));
  const MutexLock lock(mutex_);
  if (counts_[column] == nullptr) counts_[column] = std::move(counts);
  return counts_[column];
}

Result<std::uint32_t> MemoryTable::CountOf(ColumnIndex column, Code code) const {
  ASSIGN_OR_RETURN(const auto counts, CountsOf(column));
  return (*counts)[code];
}

Result<bool> MemoryTable::MayHoldFolded(ColumnIndex column, std::string_view folded) const {
  // Only where values are their own folded text a look-up can tell. Without capitals is not
  // enough: Fold() maps U+017F to 's', for example.
  const MemoryDictionary& dictionary = *columns_[column].dictionary;
  if (dictionary.type() != ValueType::kString || !dictionary.all_folded()) return true;
  return dictionary.Find(folded)->has_value();
}

Result<Table::WordHits> MemoryTable::FindWord(std::string_view) const { return WordHits{}; }

}  // namespace postglass::store
