#include "store/embedded/exec/group_totals.h"

#include <algorithm>
#include <bit>
#include <map>

#include "store/group_rules.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

using Family = CompiledGroups::Family;

// What a node of a hash table takes beside the text's own characters, and the entry of a group.
constexpr std::size_t kTextBytes = sizeof(std::string) + 48;
constexpr std::size_t kGroupBytes = 32;

std::size_t SizeOf(KeySet set) { return static_cast<std::size_t>(std::popcount(set)); }

}  // namespace

GroupTotals::GroupTotals(const CompiledGroups& compiled, MemoryBudget& budget)
    : compiled_(compiled), request_(*compiled.request), budget_(budget) {
  part_.texts.resize(request_.keys.size());
  text_ids_.resize(request_.keys.size());
  part_.sets.resize(compiled_.sets.size());
  indexes_.resize(compiled_.sets.size());
  for (std::size_t s = 0; s < compiled_.sets.size(); ++s) {
    GroupPart::Set& set = part_.sets[s];
    set.series.resize(request_.series.size());
    indexes_[s].levels.resize(SizeOf(compiled_.sets[s]));
    indexes_[s].series.resize(request_.series.size());
    for (const CompiledGroups::Accumulator& accumulator : compiled_.accumulators) {
      set.states.emplace_back(accumulator.family);
    }
    if (compiled_.sets[s] == 0) GroupOf(s, {});  // there also without an event
  }
}

void GroupTotals::Hold(std::size_t bytes) {
  part_.bytes += bytes;
  budget_.Add(bytes);
}

std::uint32_t GroupTotals::TextId(std::size_t key, std::string_view text) {
  const auto found = text_ids_[key].find(text);
  if (found != text_ids_[key].end()) return found->second;
  std::deque<std::string>& texts = part_.texts[key];
  const auto id = static_cast<std::uint32_t>(texts.size());
  texts.emplace_back(text);
  text_ids_[key].emplace(texts.back(), id);
  Hold(text.size() + kTextBytes);
  return id;
}

std::uint32_t GroupTotals::GroupOf(std::size_t set, std::span<const std::uint32_t> tuple) {
  GroupPart::Set& groups = part_.sets[set];
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < tuple.size(); ++i) {
    group = indexes_[set].levels[i].Of(group, tuple[i]);
  }
  if (group < groups.groups) return group;
  groups.groups = group + 1;
  groups.keys.insert(groups.keys.end(), tuple.begin(), tuple.end());
  Hold(kGroupBytes + tuple.size() * 4 * sizeof(tuple[0]));
  for (std::size_t a = 0; a < compiled_.accumulators.size(); ++a) {
    const CompiledGroups::Accumulator& accumulator = compiled_.accumulators[a];
    if (accumulator.series) continue;
    groups.states[a].Resize(groups.groups);
    Hold(MeasureStates::CellBytes(accumulator.family));
  }
  return group;
}

std::uint32_t GroupTotals::CellOf(std::size_t set,
                                  std::size_t series,
                                  std::uint32_t group,
                                  std::uint32_t bucket) {
  std::vector<GroupPart::Cell>& cells = part_.sets[set].series[series];
  const std::uint32_t cell = indexes_[set].series[series].Of(group, bucket);
  if (cell < cells.size()) return cell;
  cells.push_back({group, bucket});
  Hold(kGroupBytes);
  for (std::size_t a = 0; a < compiled_.accumulators.size(); ++a) {
    const CompiledGroups::Accumulator& accumulator = compiled_.accumulators[a];
    if (accumulator.series != series) continue;
    part_.sets[set].states[a].Resize(cells.size());
    Hold(MeasureStates::CellBytes(accumulator.family));
  }
  return cell;
}

void GroupTotals::Add(const GroupPart& part) {
  std::vector<std::vector<std::uint32_t>> ids(part.texts.size());
  for (std::size_t key = 0; key < part.texts.size(); ++key) {
    ids[key].reserve(part.texts[key].size());
    for (const std::string& text : part.texts[key]) ids[key].push_back(TextId(key, text));
  }
  for (std::size_t s = 0; s < part.sets.size(); ++s) AddSet(s, part.sets[s], ids);
  budget_.Remove(part.bytes);
}

void GroupTotals::AddSet(std::size_t s,
                         const GroupPart::Set& from,
                         const std::vector<std::vector<std::uint32_t>>& ids) {
  const KeySet set = compiled_.sets[s];
  std::vector<std::size_t> keys;
  for (std::size_t key = 0; key < request_.keys.size(); ++key) {
    if ((set >> key & 1) != 0) keys.push_back(key);
  }
  std::vector<std::uint32_t> group_of(from.groups);
  std::vector<std::uint32_t> tuple(keys.size());
  for (std::uint32_t group = 0; group < from.groups; ++group) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      tuple[i] = ids[keys[i]][from.keys[group * keys.size() + i]];
    }
    group_of[group] = GroupOf(s, tuple);
  }
  std::vector<std::vector<std::uint32_t>> cell_of(from.series.size());
  for (std::size_t series = 0; series < from.series.size(); ++series) {
    for (const GroupPart::Cell& cell : from.series[series]) {
      cell_of[series].push_back(CellOf(s, series, group_of[cell.group], cell.bucket));
    }
  }
  for (std::size_t a = 0; a < compiled_.accumulators.size(); ++a) {
    const auto& series = compiled_.accumulators[a].series;
    const std::vector<std::uint32_t>& into = series ? cell_of[*series] : group_of;
    std::size_t grown = 0;
    for (std::size_t cell = 0; cell < into.size(); ++cell) {
      grown += part_.sets[s].states[a].Merge(into[cell], from.states[a], cell);
    }
    Hold(grown);
  }
}

void GroupTotals::ReadKey(EventReader& reader, std::size_t key, std::vector<std::uint32_t>& ids) {
  const GroupKey& group_key = request_.keys[key];
  reader.AnyValue(group_key.field, [&](const ValueView& value) {
    if (!group_key.bins) {
      ids.push_back(TextId(key, value.text));
    } else if (value.number) {
      const auto bin = BinOf(*group_key.bins, *value.number);
      if (bin) ids.push_back(TextId(key, BinText(*group_key.bins, *bin)));
    }
    return false;
  });
  if (ids.empty() && group_key.missing) ids.push_back(TextId(key, *group_key.missing));
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

Status GroupTotals::Add(EventReader& reader) {
  std::vector<std::vector<std::uint32_t>> ids(request_.keys.size());
  for (std::size_t key = 0; key < ids.size(); ++key) {
    ReadKey(reader, key, ids[key]);
    if (ids[key].empty()) return {};
  }
  for (std::size_t s = 0; s < compiled_.sets.size(); ++s) {
    std::vector<const std::vector<std::uint32_t>*> of_set;
    std::size_t groups = 1;
    for (std::size_t key = 0; key < ids.size(); ++key) {
      if ((compiled_.sets[s] >> key & 1) == 0) continue;
      of_set.push_back(&ids[key]);
      groups *= ids[key].size();
      if (groups > kGroupsOfEventMax) {
        return Fail(ErrorCode::kLimit, "one event is in too many groups");
      }
    }
    std::vector<std::uint32_t> tuple(of_set.size());
    for (std::size_t n = 0; n < groups; ++n) {
      std::size_t rest = n;
      for (std::size_t i = 0; i < of_set.size(); ++i) {
        tuple[i] = (*of_set[i])[rest % of_set[i]->size()];
        rest /= of_set[i]->size();
      }
      AddToGroup(reader, s, tuple);
    }
  }
  return {};
}

void GroupTotals::AddToGroup(EventReader& reader,
                             std::size_t set,
                             std::span<const std::uint32_t> tuple) {
  const std::uint32_t group = GroupOf(set, tuple);
  for (std::size_t a = 0; a < compiled_.accumulators.size(); ++a) {
    const auto& series = compiled_.accumulators[a].series;
    if (!series) {
      AddToCell(reader, set, a, group);
      continue;
    }
    const auto bucket = BucketOf(request_.series[*series], reader.event().timestamp_ms);
    if (bucket) AddToCell(reader, set, a, CellOf(set, *series, group, *bucket));
  }
}

void GroupTotals::AddToCell(EventReader& reader,
                            std::size_t set,
                            std::size_t accumulator,
                            std::uint32_t cell) {
  MeasureStates& states = part_.sets[set].states[accumulator];
  if (states.family() == Family::kCount) {
    ++states.counts()[cell];
    return;
  }
  reader.AnyValue(compiled_.accumulators[accumulator].field.field, [&](const ValueView& value) {
    if (states.family() == Family::kDistinct) {
      states.AddHash(cell, Hash64(value.text));
    } else if (value.number) {
      states.AddNumber(cell, *value.number, QuantileSketch::PlaceOf(*value.number), 1);
    }
    return false;
  });
}

std::vector<Group> GroupTotals::Take() {
  std::map<KeySet, std::vector<SetGroup>> sets;
  for (std::size_t s = 0; s < compiled_.sets.size(); ++s) {
    GroupPart::Set& from = part_.sets[s];
    std::vector<SetGroup>& groups = sets[compiled_.sets[s]];
    groups.resize(from.groups);
    std::size_t at = 0;
    for (SetGroup& group : groups) {
      for (std::size_t key = 0; key < request_.keys.size(); ++key) {
        if ((compiled_.sets[s] >> key & 1) == 0) continue;
        group.key.push_back(part_.texts[key][from.keys[at++]]);
      }
      group.values.resize(request_.measures.size());
    }
    for (std::size_t m = 0; m < request_.measures.size(); ++m) {
      const Measure& measure = request_.measures[m];
      MeasureStates& states = from.states[compiled_.accumulator_of[m]];
      if (!measure.series) {
        for (std::uint32_t group = 0; group < from.groups; ++group) {
          groups[group].values[m].value = states.Value(group, measure);
        }
        continue;
      }
      const std::vector<GroupPart::Cell>& cells = from.series[*measure.series];
      for (std::size_t cell = 0; cell < cells.size(); ++cell) {
        const std::optional<double> value = states.Value(cell, measure);
        if (!value) continue;
        groups[cells[cell].group].values[m].points.push_back({cells[cell].bucket, *value});
      }
      for (SetGroup& group : groups) {
        std::vector<MeasureValue::Point>& points = group.values[m].points;
        std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
          return a.bucket < b.bucket;
        });
      }
    }
  }
  return ArrangeGroups(request_, sets);
}

}  // namespace postglass::store
