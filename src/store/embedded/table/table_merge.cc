#include "store/embedded/table/table_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "store/embedded/table/dictionary_merge.h"
#include "store/embedded/table/limits.h"
#include "store/embedded/table/loser_tree.h"

namespace postglass::store {

namespace {

constexpr std::uint16_t kNoShape = 0xFFFF;

struct Input {
  std::shared_ptr<const Table> table;
  const std::vector<RowIndex>* kept = nullptr;  // null: all
  std::shared_ptr<const RowKeys> keys;
  std::shared_ptr<const std::vector<std::uint16_t>> shape_of_row;
  std::vector<std::uint16_t> new_shapes;  // by old; kNoShape when no kept row has it
  std::size_t first_shape = 0;            // among the shapes of all inputs

  std::uint32_t kept_count() const {
    return kept == nullptr ? table->info().rows : static_cast<std::uint32_t>(kept->size());
  }

  RowIndex KeptRow(std::uint32_t n) const { return kept == nullptr ? n : (*kept)[n]; }
};

struct Source {
  std::uint32_t input;
  RowIndex row;
};

// How many values a column has in rows of each shape of the inputs, without those that have none.
using Arities = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

class Merge {
 public:
  Merge(std::span<const MergeInput> inputs, std::stop_token stop) : stop_(std::move(stop)) {
    for (const MergeInput& input : inputs) {
      if (input.rows != nullptr && input.rows->empty()) continue;
      inputs_.push_back({input.table, input.rows.get(), nullptr, nullptr, {}, 0});
      some_dropped_ = some_dropped_ || input.rows != nullptr;
    }
  }

  Result<std::shared_ptr<const MemoryTable>> Run() {
    RETURN_IF_ERROR(ReadRows());
    OrderRows();
    MakeKeys();
    RETURN_IF_ERROR(UniteShapes());
    RETURN_IF_ERROR(MergeColumns());
    return std::make_shared<const MemoryTable>(std::move(parts_));
  }

 private:
  Status ReadRows() {
    std::uint64_t rows_count = 0;
    std::size_t shapes_count = 0;
    for (Input& input : inputs_) {
      ASSIGN_OR_RETURN(input.keys, input.table->Keys());
      ASSIGN_OR_RETURN(input.shape_of_row, input.table->ShapeOfRow());
      input.first_shape = shapes_count;
      shapes_count += input.table->shapes().size();
      rows_count += input.kept_count();
    }
    CHECK(rows_count > 0 && rows_count <= kTableRowsMax);
    order_.reserve(rows_count);
    return {};
  }

  void OrderRows() {
    struct Head {
      std::uint32_t place = 0;  // among the kept rows
      std::uint32_t count = 0;
      RowIndex row = 0;
      std::int64_t timestamp_ms = 0;
    };

    std::vector<Head> heads(inputs_.size());
    const auto load = [&](std::size_t i) {
      Head& head = heads[i];
      if (head.place == head.count) return;
      head.row = inputs_[i].KeptRow(head.place);
      head.timestamp_ms = inputs_[i].keys->timestamp_ms(head.row);
    };
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      heads[i].count = inputs_[i].kept_count();
      load(i);
    }
    const auto before = [&](std::size_t a, std::size_t b) {
      const Head& x = heads[a];
      const Head& y = heads[b];
      const bool x_ended = x.place == x.count;
      const bool y_ended = y.place == y.count;
      if (x_ended || y_ended) return !x_ended || (y_ended && a < b);
      if (x.timestamp_ms != y.timestamp_ms) return x.timestamp_ms < y.timestamp_ms;
      const auto order = inputs_[a].keys->id(x.row) <=> inputs_[b].keys->id(y.row);
      return order != 0 ? order < 0 : a < b;
    };
    LoserTree tree(heads.size(), before);
    while (heads[tree.winner()].place < heads[tree.winner()].count) {
      const std::size_t i = tree.winner();
      order_.push_back({static_cast<std::uint32_t>(i), heads[i].row});
      ++heads[i].place;
      load(i);
      tree.Replay();
    }
  }

  void MakeKeys() {
    auto keys = std::make_shared<MemoryRowKeys>();
    keys->timestamps_ms.reserve(order_.size());
    keys->ingested_ms.reserve(order_.size());
    keys->ids.reserve(order_.size());
    for (const Source& source : order_) {
      const RowKeys& old = *inputs_[source.input].keys;
      keys->timestamps_ms.push_back(old.timestamp_ms(source.row));
      keys->ingested_ms.push_back(old.ingested_at_ms(source.row));
      keys->ids.push_back(old.id(source.row));
    }
    parts_.keys = std::move(keys);
  }

  std::vector<bool> ShapesOfKeptRows(const Input& input) const {
    std::vector<bool> used(input.table->shapes().size(), input.kept == nullptr);
    if (input.kept != nullptr) {
      for (const RowIndex row : *input.kept) used[(*input.shape_of_row)[row]] = true;
    }
    return used;
  }

  // The columns that kept rows have values in, by key, with their places.
  Result<std::map<ColumnKey, ColumnIndex>> UniteColumns(
      const std::vector<std::vector<bool>>& shapes_used) const {
    std::map<ColumnKey, ColumnIndex> places;
    std::uint32_t attributes_count = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Table& table = *inputs_[i].table;
      std::vector<bool> used(table.columns().size());
      for (std::size_t s = 0; s < table.shapes().size(); ++s) {
        if (!shapes_used[i][s]) continue;
        for (const ColumnIndex column : table.shapes()[s].columns) used[column] = true;
      }
      for (ColumnIndex column = 0; column < used.size(); ++column) {
        if (!used[column]) continue;
        const ColumnKey& key = table.columns()[column].key;
        if (places.emplace(key, 0).second && key.kind == ColumnKind::kAttribute) ++attributes_count;
      }
    }
    if (attributes_count > kTableColumnsMax) {
      return Fail(ErrorCode::kLimit, fmt::format("merged table has {} columns", attributes_count));
    }
    ColumnIndex next = 0;
    for (auto& [key, place] : places) place = next++;
    return places;
  }

  Status UniteShapes() {
    std::vector<std::vector<bool>> used;
    for (const Input& input : inputs_) used.push_back(ShapesOfKeptRows(input));
    ASSIGN_OR_RETURN(const auto places, UniteColumns(used));
    parts_.columns.resize(places.size());
    arities_.resize(places.size());
    inputs_of_column_.resize(places.size());
    for (const auto& [key, place] : places) parts_.columns[place].key = key;
    // The skeletons looked up are the inputs' own, which outlive the map.
    std::map<std::tuple<std::string_view, Shape::Text, std::uint32_t>, std::vector<std::uint16_t>>
        known;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      Input& input = inputs_[i];
      const Table& table = *input.table;
      std::vector<std::optional<ColumnIndex>> place_of(table.columns().size());
      for (ColumnIndex column = 0; column < place_of.size(); ++column) {
        const auto place = places.find(table.columns()[column].key);
        if (place == places.end()) continue;
        place_of[column] = place->second;
        inputs_of_column_[place->second].emplace_back(i, column);
      }
      input.new_shapes.assign(table.shapes().size(), kNoShape);
      for (std::size_t s = 0; s < table.shapes().size(); ++s) {
        const Shape& shape = table.shapes()[s];
        CountArities(shape, static_cast<std::uint32_t>(input.first_shape + s), place_of);
        if (!used[i][s]) continue;
        Shape moved{{}, shape.text, shape.tags_count, {}};
        moved.columns.reserve(shape.columns.size());
        for (const ColumnIndex column : shape.columns) moved.columns.push_back(*place_of[column]);
        auto& alike = known[{shape.skeleton, shape.text, shape.tags_count}];
        const auto same = std::find_if(alike.begin(), alike.end(), [&](std::uint16_t other) {
          return parts_.shapes[other].columns == moved.columns;
        });
        if (same != alike.end()) {
          input.new_shapes[s] = *same;
          continue;
        }
        if (parts_.shapes.size() == kTableShapesMax) {
          return Fail(ErrorCode::kLimit, "merged table has too many shapes");
        }
        input.new_shapes[s] = static_cast<std::uint16_t>(parts_.shapes.size());
        alike.push_back(input.new_shapes[s]);
        moved.skeleton = shape.skeleton;
        parts_.shapes.push_back(std::move(moved));
      }
    }
    parts_.shape_of_row.reserve(order_.size());
    for (const Source& source : order_) {
      const Input& input = inputs_[source.input];
      parts_.shape_of_row.push_back(input.new_shapes[(*input.shape_of_row)[source.row]]);
    }
    return {};
  }

  // Shapes without a kept row count too: their rows' values lie between the others'.
  void CountArities(const Shape& shape,
                    std::uint32_t number,
                    const std::vector<std::optional<ColumnIndex>>& place_of) {
    for (const ColumnIndex column : shape.columns) {
      if (!place_of[column]) continue;
      Arities& arities = arities_[*place_of[column]];
      if (arities.empty() || arities.back().first != number) arities.emplace_back(number, 0);
      ++arities.back().second;
    }
  }

  // Columns with equal arities take their values from the same places, which are found out once.
  Status MergeColumns() {
    std::vector<ColumnIndex> by_arities(parts_.columns.size());
    std::iota(by_arities.begin(), by_arities.end(), 0U);
    std::sort(by_arities.begin(), by_arities.end(), [&](ColumnIndex a, ColumnIndex b) {
      return arities_[a] < arities_[b];
    });
    const Arities* placed = nullptr;
    for (const ColumnIndex column : by_arities) {
      if (stop_.stop_requested()) return Fail(ErrorCode::kCancelled, "merge of tables stopped");
      if (placed == nullptr || *placed != arities_[column]) {
        placed = &arities_[column];
        RETURN_IF_ERROR(PlaceValues(*placed));
      }
      RETURN_IF_ERROR(MergeColumn(column));
    }
    return {};
  }

  // Fills `places_` with the place of every value of the result among the inputs' values one input
  // behind the other.
  Status PlaceValues(const Arities& arities) {
    const Input& last = inputs_.back();
    std::vector<std::uint32_t> arity_of(last.first_shape + last.table->shapes().size());
    for (const auto& [shape, arity] : arities) arity_of[shape] = arity;

    struct Cursor {
      const std::uint16_t* shape_of_row;
      const std::uint32_t* arity_of;
      RowIndex row = 0;
      std::uint32_t place = 0;
    };

    std::vector<Cursor> cursors;
    std::uint64_t values_count = 0;
    for (const Input& input : inputs_) {
      const std::uint32_t* arity_of_shape = arity_of.data() + input.first_shape;
      cursors.push_back({input.shape_of_row->data(),
                         arity_of_shape,
                         0,
                         static_cast<std::uint32_t>(values_count)});
      for (const std::uint16_t shape : *input.shape_of_row) values_count += arity_of_shape[shape];
      if (values_count > UINT32_MAX) return Fail(ErrorCode::kLimit, "too many values of a column");
    }
    places_.clear();
    if (!some_dropped_) places_.reserve(values_count);
    for (const Source& source : order_) {
      Cursor& cursor = cursors[source.input];
      while (cursor.row < source.row) {  // rows that were dropped
        cursor.place += cursor.arity_of[cursor.shape_of_row[cursor.row++]];
      }
      const std::uint32_t arity = cursor.arity_of[cursor.shape_of_row[cursor.row++]];
      for (std::uint32_t n = 0; n < arity; ++n) places_.push_back(cursor.place++);
    }
    return {};
  }

  Status MergeColumn(ColumnIndex column) {
    std::vector<std::shared_ptr<const Dictionary>> dictionaries;
    old_codes_.clear();
    Code first_code = 0;
    for (const auto& [i, old_column] : inputs_of_column_[column]) {
      ASSIGN_OR_RETURN(const auto codes, inputs_[i].table->CodesOf(old_column));
      ASSIGN_OR_RETURN(auto dictionary, inputs_[i].table->DictionaryOf(old_column));
      codes->Visit([&](const auto& values) {
        const std::size_t begin = old_codes_.size();
        old_codes_.resize(begin + values.size());
        for (std::size_t v = 0; v < values.size(); ++v) {
          old_codes_[begin + v] = first_code + values[v];
        }
      });
      first_code += dictionary->size();
      dictionaries.push_back(std::move(dictionary));
    }
    std::vector<bool> used;
    if (some_dropped_) {
      used.resize(first_code);
      for (const std::uint32_t place : places_) used[old_codes_[place]] = true;
    }
    ASSIGN_OR_RETURN(MergedDictionary merged, MergeDictionaries(dictionaries, used, stop_));
    const std::uint32_t size = merged.dictionary->size();
    parts_.columns[column].dictionary = std::move(merged.dictionary);
    parts_.columns[column].codes = std::make_shared<const Codes>(NewCodes(merged.new_codes, size));
    return {};
  }

  Codes NewCodes(const std::vector<Code>& new_codes, std::uint32_t dictionary_size) const {
    const auto filled = [&](auto codes) {
      codes.resize(places_.size());
      for (std::size_t i = 0; i < places_.size(); ++i) {
        codes[i] =
            static_cast<typename decltype(codes)::value_type>(new_codes[old_codes_[places_[i]]]);
      }
      return Codes(std::move(codes));
    };
    if (dictionary_size <= 1)
      return Codes(Codes::Constant{static_cast<std::uint32_t>(places_.size())});
    if (dictionary_size <= 1 << 8) return filled(Codes::Narrow());
    if (dictionary_size <= 1 << 16) return filled(Codes::Medium());
    return filled(Codes::Wide());
  }

  const std::stop_token stop_;
  std::vector<Input> inputs_;
  bool some_dropped_ = false;
  std::vector<Source> order_;  // of each row of the result
  MemoryTable::Parts parts_;
  // By column of the result:
  std::vector<Arities> arities_;
  std::vector<std::vector<std::pair<std::size_t, ColumnIndex>>> inputs_of_column_;
  // Of the column being merged:
  std::vector<std::uint32_t> places_;
  std::vector<Code> old_codes_;  // counted through all inputs' dictionaries
};

}  // namespace

Result<std::shared_ptr<const MemoryTable>> MergeTables(std::span<const MergeInput> inputs,
                                                       std::stop_token stop) {
  return Merge(inputs, std::move(stop)).Run();
}

}  // namespace postglass::store
