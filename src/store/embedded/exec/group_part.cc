#include "store/embedded/exec/group_part.h"

#include <algorithm>
#include <bit>
#include <span>

#include "store/embedded/exec/key_ids.h"
#include "store/embedded/exec/pair_ids.h"
#include "store/group_rules.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

using Family = CompiledGroups::Family;

constexpr std::uint32_t kNone = ~std::uint32_t{0};
// A table of counts by cell and code of so many entries is worth it for any number of rows.
constexpr std::size_t kMatrixAlways = 64 << 10;

// Rows of a table in groups: pair i is of the row at place place_of(i).
struct Pairs {
  std::vector<std::uint32_t> place;  // ascending; empty: i itself
  std::vector<std::uint32_t> group;

  std::size_t place_of(std::size_t i) const { return place.empty() ? i : place[i]; }
};

// Adds to the budget for as long as it lives.
class Held {
 public:
  explicit Held(MemoryBudget& budget) : budget_(budget) {}

  ~Held() { budget_.Remove(bytes_); }

  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  Status Add(std::size_t bytes) {
    bytes_ += bytes;
    budget_.Add(bytes);
    return budget_.Check();
  }

 private:
  MemoryBudget& budget_;
  std::size_t bytes_ = 0;
};

class PartMaker {
 public:
  PartMaker(const CompiledGroups& compiled, TableSelector& selector, MemoryBudget& budget)
      : compiled_(compiled),
        request_(*compiled.request),
        selector_(selector),
        budget_(budget),
        held_(budget) {}

  Result<GroupPart> Make(const RowSet& rows) {
    part_.sets.resize(compiled_.sets.size());
    ASSIGN_OR_RETURN(const bool counted, CountValues(rows));
    if (!counted) {
      RETURN_IF_ERROR(TakeRows(rows));
      RETURN_IF_ERROR(ReadKeys());
      RETURN_IF_ERROR(FindBuckets());
      for (const KeyIds& key : keys_) marked_.emplace_back(key.ids_count());
      for (std::size_t s = 0; s < compiled_.sets.size(); ++s) {
        RETURN_IF_ERROR(MakeSet(compiled_.sets[s], part_.sets[s]));
        RETURN_IF_ERROR(Hold(part_.sets[s]));
      }
    }
    RETURN_IF_ERROR(DecodeKeys());
    return std::move(part_);
  }

 private:
  // Takes what a finished set holds from the budget, for as long as the part lives.
  Status Hold(const GroupPart::Set& set) {
    std::size_t bytes = set.keys.size() * sizeof(set.keys[0]);
    for (const MeasureStates& states : set.states) bytes += states.memory_bytes();
    part_.bytes += bytes;
    budget_.Add(bytes);
    return budget_.Check();
  }

  // The commonest question, the number of events by the values of one field of which an event has
  // no more than one, needs no groups by row. False: it is not that one.
  Result<bool> CountValues(const RowSet& rows) {
    if (request_.keys.size() != 1 || request_.keys[0].bins) return false;
    for (const CompiledGroups::Accumulator& accumulator : compiled_.accumulators) {
      if (accumulator.family != Family::kCount || accumulator.series) return false;
    }
    ASSIGN_OR_RETURN(FieldValues values, FieldValues::Of(compiled_.keys[0], selector_));
    if (!values.is_single()) return false;
    RETURN_IF_ERROR(held_.Add(values.ids_count() * sizeof(std::uint32_t)));
    std::vector<std::uint32_t> counts(values.ids_count());
    if (selector_.IsWhole(rows) && values.is_separate() && !values.columns().empty()) {
      const FieldValues::Column& column = values.columns()[0];
      ASSIGN_OR_RETURN(const auto stored, selector_.table().CountsOf(column.column.column));
      counts.assign(stored->begin(), stored->end());
    } else {
      values.Count(rows, selector_.begin(), selector_.end(), counts);
    }
    std::uint64_t with_value = 0;
    for (ValueId id = 0; id < counts.size(); ++id) {
      if (counts[id] != 0 && !values.is_value(id)) counts[id] = 0;
      with_value += counts[id];
    }
    std::uint64_t all = with_value;
    if (request_.keys[0].missing) {
      all =
          rows.kind == RowSet::Kind::kAll ? selector_.end() - selector_.begin() : rows.some.Count();
      counts.push_back(static_cast<std::uint32_t>(all - with_value));
    }
    keys_.push_back(KeyIds::OfNoRows(request_.keys[0], std::move(values)));
    std::vector<std::uint8_t>& marked = marked_.emplace_back(counts.size());
    for (std::size_t s = 0; s < compiled_.sets.size(); ++s) {
      GroupPart::Set& out = part_.sets[s];
      out.series.resize(request_.series.size());
      std::vector<std::uint64_t> of_group;
      if (compiled_.sets[s] == 0) {
        of_group.push_back(all);
      } else {
        for (ValueId id = 0; id < counts.size(); ++id) {
          if (counts[id] == 0) continue;
          marked[id] = 1;
          out.keys.push_back(id);
          of_group.push_back(counts[id]);
        }
      }
      out.groups = static_cast<std::uint32_t>(of_group.size());
      for (std::size_t a = 0; a < compiled_.accumulators.size(); ++a) {
        out.states.emplace_back(Family::kCount).counts() = of_group;
      }
      RETURN_IF_ERROR(Hold(out));
    }
    return true;
  }

  Status TakeRows(const RowSet& rows) {
    const std::size_t count =
        rows.kind == RowSet::Kind::kAll ? selector_.end() - selector_.begin() : rows.some.Count();
    RETURN_IF_ERROR(held_.Add(count * sizeof(RowIndex)));
    rows_.reserve(count);
    if (rows.kind == RowSet::Kind::kAll) {
      for (RowIndex row = selector_.begin(); row < selector_.end(); ++row) rows_.push_back(row);
    } else {
      rows.some.ForEach(
          selector_.begin(), selector_.end(), [&](RowIndex row) { rows_.push_back(row); });
    }
    return {};
  }

  // Rows without one of the keys are in no group.
  Status ReadKeys() {
    std::vector<std::uint8_t> keep;
    for (std::size_t k = 0; k < request_.keys.size(); ++k) {
      RETURN_IF_ERROR(CheckStop(selector_.plan()));
      ASSIGN_OR_RETURN(KeyIds ids,
                       KeyIds::Of(request_.keys[k], compiled_.keys[k], selector_, rows_, budget_));
      RETURN_IF_ERROR(held_.Add(ids.memory_bytes()));
      keep.assign(rows_.size(), 1);
      std::size_t left = 0;
      for (std::size_t place = 0; place < rows_.size(); ++place) {
        if (ids.of(place).empty()) keep[place] = 0;
        left += keep[place];
      }
      keys_.push_back(std::move(ids));
      if (left == rows_.size()) continue;
      for (KeyIds& key : keys_) key.Keep(keep);
      std::size_t out = 0;
      for (std::size_t place = 0; place < rows_.size(); ++place) {
        if (keep[place] != 0) rows_[out++] = rows_[place];
      }
      rows_.resize(out);
    }
    return {};
  }

  Status FindBuckets() {
    if (request_.series.empty()) return {};
    ASSIGN_OR_RETURN(const RowKeys* keys, selector_.Keys());
    for (const std::vector<std::int64_t>& borders : request_.series) {
      RETURN_IF_ERROR(held_.Add(rows_.size() * sizeof(std::uint32_t)));
      std::vector<std::uint32_t> bucket_of(rows_.size(), kNone);
      std::size_t behind = 0;  // borders that are not behind the row
      for (std::size_t place = 0; place < rows_.size(); ++place) {
        const std::int64_t time = keys->timestamp_ms(rows_[place]);
        while (behind < borders.size() && borders[behind] <= time) ++behind;
        if (behind > 0 && behind < borders.size()) {
          bucket_of[place] = static_cast<std::uint32_t>(behind - 1);
        }
      }
      buckets_.push_back(std::move(bucket_of));
    }
    return {};
  }

  Status MakeSet(KeySet set, GroupPart::Set& out) {
    Held held(budget_);
    Pairs pairs;
    RETURN_IF_ERROR(held.Add(rows_.size() * sizeof(std::uint32_t)));
    pairs.group.resize(rows_.size());
    out.groups = set == 0 ? 1 : 0;
    std::vector<std::uint32_t> tuples;  // of the groups so far
    std::size_t size = 0;
    for (std::size_t k = 0; k < keys_.size(); ++k) {
      if ((set >> k & 1) == 0) continue;
      RETURN_IF_ERROR(CheckStop(selector_.plan()));
      RETURN_IF_ERROR(Refine(keys_[k], size == 0 ? 1 : out.groups, pairs, held));
      // The tuple of a new group is that of the one it was part of, and the id.
      out.groups = static_cast<std::uint32_t>(born_.size());
      std::vector<std::uint32_t> next;
      next.reserve(born_.size() * (size + 1));
      for (const auto& [from, id] : born_) {
        const auto first = tuples.begin() + static_cast<std::ptrdiff_t>(from * size);
        next.insert(next.end(), first, first + static_cast<std::ptrdiff_t>(size));
        next.push_back(id);
        marked_[k][id] = 1;
      }
      tuples = std::move(next);
      ++size;
    }
    out.keys = std::move(tuples);
    return Gather(pairs, held, out);
  }

  // Divides the groups by the values of a key; born_ are then the new ones.
  Status Refine(const KeyIds& key, std::uint32_t groups, Pairs& pairs, Held& held) {
    const std::size_t before = pairs.group.size();
    born_.clear();
    PairIds ids(groups, key.ids_count(), before);
    const auto group_of = [&](std::uint32_t from, ValueId id) {
      const std::uint32_t group = ids.Of(from, id);
      if (group == born_.size()) born_.emplace_back(from, id);
      return group;
    };
    if (key.is_single()) {
      for (std::size_t i = 0; i < before; ++i) {
        pairs.group[i] = group_of(pairs.group[i], key.of(pairs.place_of(i))[0]);
      }
      return held.Add(ids.memory_bytes() + born_.size() * 2 * sizeof(born_[0]));
    }
    std::uint64_t after = 0;
    std::uint64_t of_row = 0;
    for (std::size_t i = 0; i < before; ++i) {
      if (i == 0 || pairs.place_of(i) != pairs.place_of(i - 1)) of_row = 0;
      after += key.of(pairs.place_of(i)).size();
      of_row += key.of(pairs.place_of(i)).size();
      if (of_row > kGroupsOfEventMax) {
        return Fail(ErrorCode::kLimit, "one event is in too many groups");
      }
    }
    RETURN_IF_ERROR(held.Add(after * 2 * sizeof(std::uint32_t)));
    Pairs next;
    next.place.reserve(after);
    next.group.reserve(after);
    for (std::size_t i = 0; i < before; ++i) {
      const std::size_t place = pairs.place_of(i);
      for (const ValueId id : key.of(place)) {
        next.place.push_back(static_cast<std::uint32_t>(place));
        next.group.push_back(group_of(pairs.group[i], id));
      }
    }
    pairs = std::move(next);
    return held.Add(ids.memory_bytes() + born_.size() * 2 * sizeof(born_[0]));
  }

  Status Gather(const Pairs& pairs, Held& held, GroupPart::Set& out) {
    std::vector<std::vector<std::uint32_t>> cells_of(request_.series.size());
    out.series.resize(request_.series.size());
    for (std::size_t s = 0; s < request_.series.size(); ++s) {
      RETURN_IF_ERROR(held.Add(pairs.group.size() * sizeof(std::uint32_t)));
      cells_of[s].resize(pairs.group.size(), kNone);
      PairIds ids(
          out.groups, static_cast<std::uint32_t>(request_.series[s].size()), pairs.group.size());
      for (std::size_t i = 0; i < pairs.group.size(); ++i) {
        const std::uint32_t bucket = buckets_[s][pairs.place_of(i)];
        if (bucket == kNone) continue;
        const std::uint32_t cell = ids.Of(pairs.group[i], bucket);
        cells_of[s][i] = cell;
        if (cell == out.series[s].size()) out.series[s].push_back({pairs.group[i], bucket});
      }
      RETURN_IF_ERROR(held.Add(ids.memory_bytes()));
    }
    for (const CompiledGroups::Accumulator& accumulator : compiled_.accumulators) {
      RETURN_IF_ERROR(CheckStop(selector_.plan()));
      const std::size_t cells =
          accumulator.series ? out.series[*accumulator.series].size() : out.groups;
      RETURN_IF_ERROR(held.Add(cells * MeasureStates::CellBytes(accumulator.family)));
      MeasureStates& states = out.states.emplace_back(accumulator.family);
      states.Resize(cells);
      const std::vector<std::uint32_t>& cell_of =
          accumulator.series ? cells_of[*accumulator.series] : pairs.group;
      RETURN_IF_ERROR(Accumulate(accumulator, pairs, cell_of, cells, states));
    }
    return {};
  }

  Status Accumulate(const CompiledGroups::Accumulator& accumulator,
                    const Pairs& pairs,
                    const std::vector<std::uint32_t>& cell_of,
                    std::size_t cells,
                    MeasureStates& states) {
    if (accumulator.family == Family::kCount) {
      for (const std::uint32_t cell : cell_of) {
        if (cell != kNone) ++states.counts()[cell];
      }
      return {};
    }
    const CountedField& field = accumulator.field;
    if (KeyFieldOf(field.field) != KeyField::kNone) {
      return AccumulateKeys(field, pairs, cell_of, states);
    }
    for (const FieldColumn& column : ColumnsOf(field.field, field.prefix, selector_.table())) {
      const bool is_number = !column.text_only && (column.type == ValueType::kInteger ||
                                                   column.type == ValueType::kDouble);
      if (accumulator.family != Family::kDistinct && !is_number) continue;
      ASSIGN_OR_RETURN(const FieldValues::Column read, ReadColumn(column));
      if (read.begin == read.end) continue;
      RETURN_IF_ERROR(AccumulateColumn(read, pairs, cell_of, cells, states));
    }
    return {};
  }

  Result<FieldValues::Column> ReadColumn(const FieldColumn& column) const {
    const Table& table = selector_.table();
    FieldValues::Column read;
    read.column = column;
    ASSIGN_OR_RETURN(read.dictionary, table.DictionaryOf(column.column));
    ASSIGN_OR_RETURN(const auto bounds, CodesOfField(column, *read.dictionary));
    read.begin = bounds.first;
    read.end = bounds.second;
    if (read.begin == read.end) return read;
    ASSIGN_OR_RETURN(read.codes, table.CodesOf(column.column));
    ASSIGN_OR_RETURN(read.layout, table.LayoutOf(column.column));
    return read;
  }

  Status AccumulateKeys(const CountedField& field,
                        const Pairs& pairs,
                        const std::vector<std::uint32_t>& cell_of,
                        MeasureStates& states) {
    ASSIGN_OR_RETURN(const FieldValues values, FieldValues::Of(field, selector_));
    ASSIGN_OR_RETURN(const RowKeys* keys, selector_.Keys());
    const bool is_time = values.key_field() == KeyField::kTimestamp;
    if (states.family() != Family::kDistinct && !is_time) return {};  // no numbers
    std::string text;
    for (std::size_t i = 0; i < cell_of.size(); ++i) {
      if (cell_of[i] == kNone) continue;
      const RowIndex row = rows_[pairs.place_of(i)];
      if (states.family() == Family::kDistinct) {
        text.clear();
        RETURN_IF_ERROR(values.AppendText(values.key_field() == KeyField::kIndex ? 0 : row, text));
        states.AddHash(cell_of[i], Hash64(text));
      } else {
        const auto time = static_cast<double>(keys->timestamp_ms(row));
        states.AddNumber(cell_of[i], time, QuantileSketch::PlaceOf(time), 1);
      }
    }
    return {};
  }

  // Calls `use(cell, code)` for every value of the column in every cell that its row is in.
  template <class F>
  void ForEachInCell(const FieldValues::Column& column,
                     const Pairs& pairs,
                     const std::vector<std::uint32_t>& cell_of,
                     F&& use) const {
    column.codes->Visit([&](const auto& codes) {
      std::size_t first = 0;
      ForEachValueOfRows(*column.layout, rows_, [&](std::size_t place, ValueIndex i) {
        const Code code = codes[i];
        if (code < column.begin || code >= column.end) return;
        if (pairs.place.empty()) {
          if (cell_of[place] != kNone) use(cell_of[place], code);
          return;
        }
        while (first < pairs.place.size() && pairs.place[first] < place) ++first;
        for (std::size_t p = first; p < pairs.place.size() && pairs.place[p] == place; ++p) {
          if (cell_of[p] != kNone) use(cell_of[p], code);
        }
      });
    });
  }

  Status AccumulateColumn(const FieldValues::Column& column,
                          const Pairs& pairs,
                          const std::vector<std::uint32_t>& cell_of,
                          std::size_t cells,
                          MeasureStates& states) {
    const bool is_distinct = states.family() == Family::kDistinct;
    Held held(budget_);
    const std::size_t codes = column.dictionary->size();
    RETURN_IF_ERROR(held.Add(codes * sizeof(std::uint64_t) * 2));
    // What is costly is done once a code: where there are few, rows are counted by cell and code.
    const bool counts = cells * codes <= std::max(kMatrixAlways, 2 * cell_of.size());
    std::vector<std::uint32_t> count_of;
    std::vector<std::uint8_t> marked(codes);
    if (counts) {
      RETURN_IF_ERROR(held.Add(cells * codes * sizeof(count_of[0])));
      count_of.resize(cells * codes);
      ForEachInCell(column, pairs, cell_of, [&](std::uint32_t cell, Code code) {
        ++count_of[cell * codes + code];
        marked[code] = 1;
      });
    } else {
      ForEachInCell(column, pairs, cell_of, [&](std::uint32_t, Code code) { marked[code] = 1; });
    }
    const auto add_all = [&](auto&& add) {
      if (!counts) {
        ForEachInCell(
            column, pairs, cell_of, [&](std::uint32_t cell, Code code) { add(cell, code, 1U); });
        return;
      }
      for (std::size_t cell = 0; cell < cells; ++cell) {
        for (std::size_t code = 0; code < codes; ++code) {
          const std::uint32_t count = count_of[cell * codes + code];
          if (count != 0) add(cell, code, count);
        }
      }
    };
    if (is_distinct) {
      std::vector<std::uint64_t> hash_of(codes);
      RETURN_IF_ERROR(ForEachMarkedText(
          column, marked, [&](Code code, std::string_view text) { hash_of[code] = Hash64(text); }));
      add_all([&](std::size_t cell, std::size_t code, std::uint32_t) {
        states.AddHash(cell, hash_of[code]);
      });
      return {};
    }
    const auto add_numbers = [&](const auto& numbers) {
      std::vector<QuantileSketch::Place> place_of;
      if (states.family() == Family::kQuantiles) {
        place_of.resize(codes);
        for (std::size_t code = 0; code < codes; ++code) {
          if (marked[code] == 0) continue;
          place_of[code] = QuantileSketch::PlaceOf(static_cast<double>(numbers[code]));
        }
      }
      add_all([&](std::size_t cell, std::size_t code, std::uint32_t count) {
        states.AddNumber(cell,
                         static_cast<double>(numbers[code]),
                         place_of.empty() ? QuantileSketch::Place{} : place_of[code],
                         count);
      });
    };
    if (column.column.type == ValueType::kInteger) {
      ASSIGN_OR_RETURN(const auto integers, column.dictionary->Integers());
      add_numbers(integers);
    } else {
      ASSIGN_OR_RETURN(const auto doubles, column.dictionary->Doubles());
      add_numbers(doubles);
    }
    return {};
  }

  // Replaces ids in tuples by places of their texts.
  Status DecodeKeys() {
    for (std::size_t k = 0; k < keys_.size(); ++k) {
      RETURN_IF_ERROR(CheckStop(selector_.plan()));
      ASSIGN_OR_RETURN(std::vector<std::string> text_of, keys_[k].Texts(marked_[k]));
      std::deque<std::string>& texts = part_.texts.emplace_back();
      std::size_t bytes = 0;
      std::vector<std::uint32_t> place_of(text_of.size(), kNone);
      for (std::size_t id = 0; id < text_of.size(); ++id) {
        if (marked_[k][id] == 0) continue;
        place_of[id] = static_cast<std::uint32_t>(texts.size());
        bytes += text_of[id].size() + sizeof(std::string);
        texts.push_back(std::move(text_of[id]));
      }
      part_.bytes += bytes;
      budget_.Add(bytes);
      RETURN_IF_ERROR(budget_.Check());
      for (std::size_t s = 0; s < part_.sets.size(); ++s) {
        const KeySet set = compiled_.sets[s];
        if ((set >> k & 1) == 0) continue;
        std::vector<std::uint32_t>& tuples = part_.sets[s].keys;
        const auto size = static_cast<std::size_t>(std::popcount(set));
        for (std::size_t i = PlaceInSet(set, k); i < tuples.size(); i += size) {
          tuples[i] = place_of[tuples[i]];
        }
      }
    }
    return {};
  }

  const CompiledGroups& compiled_;
  const GroupRequest& request_;
  TableSelector& selector_;
  MemoryBudget& budget_;
  Held held_;
  std::vector<RowIndex> rows_;  // in some group, ascending
  std::vector<KeyIds> keys_;
  std::vector<std::vector<std::uint32_t>> buckets_;            // by series and place in rows_
  std::vector<std::vector<std::uint8_t>> marked_;              // by key and id: in some group
  std::vector<std::pair<std::uint32_t, std::uint32_t>> born_;  // of Refine(): group before, id
  GroupPart part_;
};

}  // namespace

Result<GroupPart> GroupPart::Of(const CompiledGroups& compiled,
                                TableSelector& selector,
                                const RowSet& rows,
                                MemoryBudget& budget) {
  return PartMaker(compiled, selector, budget).Make(rows);
}

}  // namespace postglass::store
