#include "store/oracle_groups.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "store/distinct_sketch.h"
#include "store/event_reader.h"
#include "store/group_rules.h"
#include "store/hash.h"
#include "store/quantile_sketch.h"

namespace postglass::store {

namespace {

using Events = std::vector<const Event*>;
using Key = std::vector<std::string>;

std::set<std::string> KeysOf(const Event& event, const GroupKey& key) {
  EventReader reader;
  reader.Reset(event);
  std::set<std::string> keys;
  reader.AnyValue(key.field, [&](const ValueView& value) {
    if (!key.bins) {
      keys.insert(std::string(value.text));
    } else if (value.number) {
      if (const auto bin = BinOf(*key.bins, *value.number)) keys.insert(BinText(*key.bins, *bin));
    }
    return false;
  });
  if (keys.empty() && key.missing) keys.insert(*key.missing);
  return keys;
}

std::optional<double> ValueOf(const Events& events, const Measure& measure) {
  if (measure.kind == Measure::Kind::kCount) return static_cast<double>(events.size());
  std::vector<double> numbers;
  DistinctSketch distinct;
  for (const Event* event : events) {
    EventReader reader;
    reader.Reset(*event);
    reader.AnyValue(measure.field, [&](const ValueView& value) {
      distinct.Add(Hash64(value.text));
      if (value.number) numbers.push_back(*value.number);
      return false;
    });
  }
  if (measure.kind == Measure::Kind::kDistinct) return static_cast<double>(distinct.Estimate());
  if (numbers.empty()) return std::nullopt;
  double sum = 0;
  QuantileSketch sketch;
  for (const double number : numbers) {
    sum += number;
    sketch.Add(number, 1);
  }
  const auto count = static_cast<double>(numbers.size());
  switch (measure.kind) {
    case Measure::Kind::kSum:
      return std::isfinite(sum) ? std::optional(sum) : std::nullopt;
    case Measure::Kind::kMin:
      return *std::min_element(numbers.begin(), numbers.end());
    case Measure::Kind::kMax:
      return *std::max_element(numbers.begin(), numbers.end());
    case Measure::Kind::kAverage:
      return std::isfinite(sum) ? std::optional(sum / count) : std::nullopt;
    default:
      return sketch.Quantile(measure.quantile);
  }
}

MeasureValue ValuesOf(const Events& events, const GroupRequest& request, const Measure& measure) {
  if (!measure.series) return {ValueOf(events, measure), {}};
  std::map<std::uint32_t, Events> buckets;
  for (const Event* event : events) {
    const auto bucket = BucketOf(request.series[*measure.series], event->timestamp_ms);
    if (bucket) buckets[*bucket].push_back(event);
  }
  MeasureValue values;
  for (const auto& [bucket, members] : buckets) {
    if (const auto value = ValueOf(members, measure)) values.points.push_back({bucket, *value});
  }
  return values;
}

// Every combination of a value of each of the set's keys.
Result<std::vector<Key>> Combinations(const std::vector<std::set<std::string>>& keys, KeySet set) {
  std::vector<Key> all = {{}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if ((set >> i & 1) == 0) continue;
    std::vector<Key> next;
    if (all.size() * keys[i].size() > kGroupsOfEventMax) {
      return Fail(ErrorCode::kLimit, "one event is in too many groups");
    }
    for (const Key& key : all) {
      for (const std::string& value : keys[i]) {
        next.push_back(key);
        next.back().push_back(value);
      }
    }
    all = std::move(next);
  }
  return all;
}

}  // namespace

Result<std::vector<Group>> OracleGroups(const std::vector<Event>& events,
                                        const GroupRequest& request) {
  std::map<KeySet, std::map<Key, Events>> members;
  for (const KeySet set : KeySetsOf(request)) members[set];
  if (members.contains(0)) members[0][{}];
  for (const Event& event : events) {
    std::vector<std::set<std::string>> keys;
    for (const GroupKey& key : request.keys) keys.push_back(KeysOf(event, key));
    if (std::any_of(keys.begin(), keys.end(), [](const auto& values) { return values.empty(); })) {
      continue;
    }
    for (auto& [set, groups] : members) {
      ASSIGN_OR_RETURN(const std::vector<Key> combinations, Combinations(keys, set));
      for (const Key& key : combinations) groups[key].push_back(&event);
    }
  }
  std::map<KeySet, std::vector<SetGroup>> sets;
  for (const auto& [set, groups] : members) {
    for (const auto& [key, in_group] : groups) {
      SetGroup group{{key.begin(), key.end()}, {}};
      for (const Measure& measure : request.measures) {
        group.values.push_back(ValuesOf(in_group, request, measure));
      }
      sets[set].push_back(std::move(group));
    }
  }
  return ArrangeGroups(request, sets);
}

}  // namespace postglass::store
