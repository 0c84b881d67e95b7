#include "store/group_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "store/event_reader.h"

namespace postglass::store {

namespace {

tl::unexpected<Error> Invalid(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

Status CheckValuesOf(const Field& field) {
  if (field.kind != Field::Kind::kAllText) return {};
  return Invalid("the full-text field has no values to group by or to measure");
}

Status CheckKey(const GroupRequest& request, const GroupKey& key) {
  RETURN_IF_ERROR(CheckValuesOf(key.field));
  if (key.order.measure) {
    if (*key.order.measure >= request.measures.size()) return Invalid("no such measure to sort by");
    if (request.measures[*key.order.measure].series) {
      return Invalid("groups cannot be sorted by a time series");
    }
  }
  if (key.bins) {
    const GroupBins& bins = *key.bins;
    const bool finite =
        std::isfinite(bins.low) && std::isfinite(bins.high) && std::isfinite(bins.width);
    if (!finite || !(bins.width > 0) || bins.high < bins.low) {
      return Invalid("a histogram needs finite min <= max and an interval above 0");
    }
    if (!((bins.high - bins.low) / bins.width <= kGroupBinsMax)) {
      return Invalid(fmt::format("a histogram of more than {} steps", kGroupBinsMax));
    }
  }
  return {};
}

double NumberOf(std::string_view text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

using Key = std::span<const std::string_view>;

struct KeyBefore {
  bool operator()(Key a, Key b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  }
};

class Arranger {
 public:
  Arranger(const GroupRequest& request, const std::map<KeySet, std::vector<SetGroup>>& sets)
      : request_(request), sets_(sets) {
    for (const auto& [set, groups] : sets_) {
      if (set == 0) continue;
      for (const SetGroup& group : groups) {
        children_[set][Key(group.key).first(group.key.size() - 1)].push_back(&group);
      }
    }
  }

  std::vector<Group> Run() {
    const auto all = sets_.find(0);
    Descend(0, 0, all == sets_.end() || all->second.empty() ? nullptr : &all->second.front());
    return std::move(groups_);
  }

 private:
  // `group` is the one of the set that stands for the keys chosen so far.
  void Descend(std::size_t level, KeySet set, const SetGroup* group) {
    if (level == request_.keys.size()) {
      if (group != nullptr) Emit(set, *group);
      return;
    }
    const GroupKey& key = request_.keys[level];
    const KeySet below = set | KeySet{1} << level;
    auto& children = children_[below];
    const auto found = children.find(group == nullptr ? Key() : Key(group->key));
    if (found == children.end()) return;
    Order(key, found->second);
    for (const SetGroup* child : found->second) Descend(level + 1, below, child);
    if (key.total) Descend(level + 1, set, group);
  }

  // Leaves the best of the groups, best first.
  void Order(const GroupKey& key, std::vector<const SetGroup*>& groups) {
    const auto text_before = [&](const SetGroup* a, const SetGroup* b) {
      const std::string_view x = a->key.back();
      const std::string_view y = b->key.back();
      return key.bins ? NumberOf(x) < NumberOf(y) : x < y;
    };
    const auto before = [&](const SetGroup* a, const SetGroup* b) {
      if (!key.order.measure) {
        return key.order.ascending ? text_before(a, b) : text_before(b, a);
      }
      const std::optional<double>& x = a->values[*key.order.measure].value;
      const std::optional<double>& y = b->values[*key.order.measure].value;
      if (x.has_value() != y.has_value()) return x.has_value();
      if (x && *x != *y) return key.order.ascending ? *x < *y : *x > *y;
      return text_before(a, b);
    };
    const std::size_t n = std::min(key.limit, groups.size());
    const auto end = groups.begin() + static_cast<std::ptrdiff_t>(n);
    std::partial_sort(groups.begin(), end, groups.end(), before);
    groups.resize(n);
  }

  void Emit(KeySet set, const SetGroup& from) {
    Group group;
    for (std::size_t key = 0; key < request_.keys.size(); ++key) {
      const bool is_in = (set >> key & 1) != 0;
      group.key.push_back(is_in ? std::optional<std::string>(from.key[PlaceInSet(set, key)])
                                : std::nullopt);
    }
    group.values = from.values;
    groups_.push_back(std::move(group));
  }

  const GroupRequest& request_;
  const std::map<KeySet, std::vector<SetGroup>>& sets_;
  std::map<KeySet, std::map<Key, std::vector<const SetGroup*>, KeyBefore>> children_;
  std::vector<Group> groups_;
};

}  // namespace

Status CheckGroups(const GroupRequest& request) {
  if (request.keys.size() > kGroupKeysMax) {
    return Invalid(fmt::format("groups of more than {} keys", kGroupKeysMax));
  }
  if (request.measures.size() > kGroupMeasuresMax) {
    return Invalid(fmt::format("more than {} measures", kGroupMeasuresMax));
  }
  if (request.series.size() > kGroupSeriesMax) {
    return Invalid(fmt::format("more than {} time series", kGroupSeriesMax));
  }
  for (const std::vector<std::int64_t>& borders : request.series) {
    if (borders.size() > kGroupBucketsMax + 1) {
      return Invalid(fmt::format("a time series of more than {} buckets", kGroupBucketsMax));
    }
    if (!std::is_sorted(borders.begin(), borders.end())) {
      return Invalid("the buckets of a time series are not in order");
    }
  }
  for (const Measure& measure : request.measures) {
    if (measure.kind != Measure::Kind::kCount) RETURN_IF_ERROR(CheckValuesOf(measure.field));
    if (measure.kind == Measure::Kind::kQuantile &&
        !(measure.quantile >= 0 && measure.quantile <= 1)) {
      return Invalid(fmt::format("quantile {} is not between 0 and 1", measure.quantile));
    }
    if (measure.series && *measure.series >= request.series.size()) {
      return Invalid("no such time series");
    }
  }
  for (const GroupKey& key : request.keys) RETURN_IF_ERROR(CheckKey(request, key));
  return {};
}

std::vector<KeySet> KeySetsOf(const GroupRequest& request) {
  std::set<KeySet> level = {0};
  std::set<KeySet> all;
  for (std::size_t key = 0; key < request.keys.size(); ++key) {
    std::set<KeySet> next;
    for (const KeySet set : level) {
      next.insert(set | KeySet{1} << key);
      if (request.keys[key].total) next.insert(set);
    }
    all.insert(next.begin(), next.end());
    level = std::move(next);
  }
  if (request.keys.empty()) all.insert(0);
  return {all.begin(), all.end()};
}

std::size_t BinsCount(const GroupBins& bins) {
  return std::max<std::size_t>(
      1, static_cast<std::size_t>(std::ceil((bins.high - bins.low) / bins.width)));
}

std::optional<std::uint32_t> BinOf(const GroupBins& bins, double number) {
  if (!(number >= bins.low && number <= bins.high)) return std::nullopt;
  const auto bin = static_cast<std::size_t>((number - bins.low) / bins.width);
  return static_cast<std::uint32_t>(std::min(bin, BinsCount(bins) - 1));
}

std::string BinText(const GroupBins& bins, std::uint32_t bin) {
  return NumberText(bins.low + bins.width * bin);
}

std::optional<std::uint32_t> BucketOf(const std::vector<std::int64_t>& borders,
                                      std::int64_t timestamp_ms) {
  const auto behind = std::upper_bound(borders.begin(), borders.end(), timestamp_ms);
  if (behind == borders.begin() || behind == borders.end()) return std::nullopt;
  return static_cast<std::uint32_t>(behind - borders.begin() - 1);
}

std::vector<Group> ArrangeGroups(const GroupRequest& request,
                                 const std::map<KeySet, std::vector<SetGroup>>& sets) {
  return Arranger(request, sets).Run();
}

}  // namespace postglass::store
