#include "store/embedded/table/table_builder.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "store/embedded/table/column_builder.h"
#include "store/embedded/table/flattener.h"
#include "store/embedded/table/limits.h"
#include "store/embedded/table/shape_registry.h"

namespace postglass::store {

namespace {

constexpr std::uint32_t kSlotTags = 5;
constexpr std::uint32_t kSlotText = 6;
constexpr std::uint32_t kSlotAttributes = 7;  // from here on
// Shape indexes left for opaque rows, which differ by their number of tags only.
constexpr std::size_t kOpaqueShapesMax = 16'000;
// Scratch of a larger build is not kept.
constexpr std::size_t kKeptRowsMax = 1 << 16;

}  // namespace

class TableBuilder::Impl {
 public:
  std::shared_ptr<const MemoryTable> Build(std::span<const Event* const> events) {
    Begin(events);
    auto keys = std::make_shared<MemoryRowKeys>();
    keys->timestamps_ms.reserve(events.size());
    keys->ingested_ms.reserve(events.size());
    keys->ids.reserve(events.size());
    MemoryTable::Parts parts;
    parts.shape_of_row.reserve(events.size());
    for (std::size_t row = 0; row < order_.size(); ++row) {
      PrefetchRows(row);
      const Event& event = *order_[row];
      keys->timestamps_ms.push_back(event.timestamp_ms);
      keys->ingested_ms.push_back(event.ingested_at_ms);
      keys->ids.push_back(event.id);
      parts.shape_of_row.push_back(AddRow(event));
    }
    parts.keys = std::move(keys);
    BuildColumns(parts);
    BuildShapes(parts);
    End(events.size());
    return std::make_shared<const MemoryTable>(std::move(parts));
  }

 private:
  // What makes a shape, before its columns have their final places.
  struct DraftShape {
    KnownShape* known = nullptr;  // null: opaque
    Shape::Text text = Shape::Text::kOpaque;
    std::uint32_t tags_count = 0;
  };

  void Begin(std::span<const Event* const> events) {
    CHECK(!events.empty() && events.size() <= kTableRowsMax);
    known_.BeginTable();
    slots_used_ = kSlotAttributes;
    if (slots_.size() < kSlotAttributes) {
      slots_.resize(kSlotAttributes);
      for (std::uint32_t kind = 0; kind <= kSlotTags; ++kind) {
        slots_[kind].set_key({static_cast<ColumnKind>(kind), ValueType::kString, {}});
      }
      slots_[kSlotText].set_key({ColumnKind::kAttributesText, ValueType::kString, {}});
    }
    order_.assign(events.begin(), events.end());
    const auto before = [](const Event* a, const Event* b) {
      return a->timestamp_ms != b->timestamp_ms ? a->timestamp_ms < b->timestamp_ms : a->id < b->id;
    };
    if (!std::is_sorted(order_.begin(), order_.end(), before)) {
      std::stable_sort(order_.begin(), order_.end(), before);
    }
  }

  // Events come from anywhere in memory: their structs are asked for early, then what those name.
  void PrefetchRows(std::size_t row) const {
    constexpr std::size_t kStructsAhead = 6;
    constexpr std::size_t kTextsAhead = 2;
    constexpr std::size_t kLineBytes = 64;
    if (row + kStructsAhead < order_.size()) {
      const char* next = reinterpret_cast<const char*>(order_[row + kStructsAhead]);
      for (std::size_t i = 0; i < sizeof(Event); i += kLineBytes) __builtin_prefetch(next + i);
    }
    if (row + kTextsAhead < order_.size()) {
      const Event& next = *order_[row + kTextsAhead];
      const char* tags = reinterpret_cast<const char*>(next.tags.data());
      const std::size_t tags_bytes =
          std::min<std::size_t>(next.tags.size() * sizeof(std::string), 4 * kLineBytes);
      for (std::size_t i = 0; i < tags_bytes; i += kLineBytes) __builtin_prefetch(tags + i);
      __builtin_prefetch(next.message.data());
      __builtin_prefetch(next.attributes.data());
      __builtin_prefetch(next.attributes.data() + kLineBytes);
    }
  }

  std::uint16_t AddRow(const Event& event) {
    const std::array<const std::string*, 5> reserved = {
        &event.message, &event.status, &event.service, &event.source, &event.host};
    for (std::size_t i = 0; i < reserved.size(); ++i) {
      slots_[i].Add(Leaf::Of(*reserved[i]));
    }
    for (const std::string& tag : event.tags) slots_[kSlotTags].Add(Leaf::Of(tag));
    DraftShape draft;
    draft.tags_count = static_cast<std::uint32_t>(event.tags.size());
    draft.known = KnownShapeOf(event.attributes);
    if (draft.known != nullptr) {
      draft.text = flattener_.is_verbatim() ? Shape::Text::kVerbatim : Shape::Text::kRebuilt;
      const std::span<const Leaf> leaves = flattener_.leaves();
      for (std::size_t i = 0; i < leaves.size(); ++i) {
        slots_[draft.known->slots[i]].Add(leaves[i]);
      }
    }
    if (draft.text != Shape::Text::kRebuilt) {
      slots_[kSlotText].Add(Leaf::Of(event.attributes));
    }
    return IndexOf(draft);
  }

  // The shape of the text that the flattener has just cut, with slots for its columns; null when
  // the row is to be opaque.
  KnownShape* KnownShapeOf(std::string_view text) {
    if (drafts_.size() >= kTableShapesMax - kOpaqueShapesMax) return nullptr;
    const std::uint32_t tokens_count = flattener_.FindTokens(text);
    if (tokens_count == 0) return nullptr;
    KnownShape* shape = known_.Guess(tokens_count);
    if (shape == nullptr || !flattener_.CutLike(shape->skeleton, unescaped_)) {
      if (!flattener_.Cut(unescaped_)) return nullptr;
      shape = known_.Find(flattener_, tokens_count);
    }
    if (shape == nullptr || shape->table == known_.table()) return shape;
    const std::uint32_t columns_max = kTableColumnsMax + kSlotAttributes - slots_used_;
    const auto make_slot = [&](const ColumnKey& key) {
      if (slots_used_ == slots_.size()) slots_.emplace_back();
      slots_[slots_used_].set_key(key);
      return slots_used_++;
    };
    if (!known_.EnterTable(*shape, columns_max, make_slot)) return nullptr;
    return shape;
  }

  std::uint16_t IndexOf(const DraftShape& draft) {
    // Neighbours are mostly alike but for what happened to the mail: ask the last of each first.
    LastShape& last = draft.known == nullptr ? last_opaque_ : draft.known->last;
    if (last.table == known_.table() && last.text == draft.text &&
        last.tags_count == draft.tags_count) {
      return last.index;
    }
    const auto key = std::tuple(draft.known, draft.text, draft.tags_count);
    const auto [found, is_new] =
        draft_index_.emplace(key, static_cast<std::uint16_t>(drafts_.size()));
    if (is_new) {
      CHECK(drafts_.size() <= std::numeric_limits<std::uint16_t>::max());
      drafts_.push_back(draft);
    }
    last = {known_.table(), draft.text, draft.tags_count, found->second};
    return found->second;
  }

  void BuildColumns(MemoryTable::Parts& parts) {
    std::vector<std::uint32_t> used;
    for (std::uint32_t slot = 0; slot < slots_used_; ++slot) {
      if (!slots_[slot].empty()) used.push_back(slot);
    }
    std::sort(used.begin(), used.end(), [&](std::uint32_t a, std::uint32_t b) {
      return slots_[a].key() < slots_[b].key();
    });
    place_of_slot_.assign(slots_used_, 0);
    parts.columns.reserve(used.size());
    for (const std::uint32_t slot : used) {
      place_of_slot_[slot] = static_cast<ColumnIndex>(parts.columns.size());
      parts.columns.push_back(slots_[slot].Finish(sorting_));
    }
  }

  void BuildShapes(MemoryTable::Parts& parts) {
    parts.shapes.reserve(drafts_.size());
    for (const DraftShape& draft : drafts_) {
      Shape& shape = parts.shapes.emplace_back();
      shape.text = draft.text;
      shape.tags_count = draft.tags_count;
      for (std::uint32_t slot = 0; slot < kSlotTags; ++slot) {
        shape.columns.push_back(place_of_slot_[slot]);
      }
      shape.columns.insert(shape.columns.end(), draft.tags_count, place_of_slot_[kSlotTags]);
      if (draft.known != nullptr) {
        shape.skeleton = draft.known->skeleton.text;
        for (const std::uint32_t slot : draft.known->slots) {
          shape.columns.push_back(place_of_slot_[slot]);
        }
      }
      if (draft.text != Shape::Text::kRebuilt) shape.columns.push_back(place_of_slot_[kSlotText]);
    }
  }

  void End(std::size_t rows) {
    drafts_.clear();
    draft_index_.clear();
    unescaped_.Clear();
    if (rows > kKeptRowsMax) {
      slots_ = {};
      sorting_ = {};
    }
  }

  Flattener flattener_;
  ShapeRegistry known_;
  // Of the table under construction; buffers stay.
  std::vector<const Event*> order_;
  // Columns; 0 to 6 are those that are not of attributes.
  std::deque<ColumnBuilder> slots_;
  std::uint32_t slots_used_ = 0;
  ColumnBuilder::Scratch sorting_;
  std::vector<DraftShape> drafts_;
  std::map<std::tuple<KnownShape*, Shape::Text, std::uint32_t>, std::uint16_t> draft_index_;
  LastShape last_opaque_;
  std::vector<ColumnIndex> place_of_slot_;
  TextArena unescaped_;
};

TableBuilder::TableBuilder() : impl_(std::make_unique<Impl>()) {}

TableBuilder::~TableBuilder() = default;

std::shared_ptr<const MemoryTable> TableBuilder::Build(std::span<const Event* const> events) {
  return impl_->Build(events);
}

}  // namespace postglass::store
