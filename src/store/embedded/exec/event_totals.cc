#include "store/embedded/exec/event_totals.h"

#include <algorithm>

#include "store/plan_rules.h"

namespace postglass::store {

namespace {

// What a node of the hash tables takes beside the text's own characters.
constexpr std::size_t kNodeBytes = 64;

}  // namespace

EventTotals::EventTotals(const CompiledPlan& compiled, MemoryBudget& budget)
    : plan_(*compiled.plan),
      budget_(budget),
      histograms_(plan_.histograms.size()),
      top_values_(plan_.top_values.size()),
      numbers_(plan_.percentiles.size()),
      distinct_(plan_.cardinalities.size()) {
  for (const CompiledGroups& groups : compiled.groups) groups_.emplace_back(groups, budget);
}

template <class F>
void EventTotals::ForEachDistinct(EventReader& reader, const Field& field, F&& use) {
  std::size_t count = 0;
  reader.AnyValue(field, [&](const ValueView& value) {
    // Few values an event, so looking through them is the cheapest set.
    constexpr std::size_t kLookThroughMax = 32;
    if (count <= kLookThroughMax) {
      for (std::size_t i = 0; i < count; ++i) {
        if (values_[i] == value.text) return false;
      }
    }
    if (count == values_.size()) values_.emplace_back();
    values_[count++].assign(value.text);
    return false;
  });
  const auto end = values_.begin() + static_cast<std::ptrdiff_t>(count);
  std::sort(values_.begin(), end);
  const auto unique_end = std::unique(values_.begin(), end);
  for (auto it = values_.begin(); it != unique_end; ++it) use(*it);
}

void EventTotals::CountValues(EventReader& reader, const Field& field, ValueCounts& counts) {
  ForEachDistinct(
      reader, field, [&](const std::string& value) { AddCount(counts, value, 1, budget_); });
}

Status EventTotals::Add(EventReader& reader) {
  ++count_;
  for (std::size_t i = 0; i < histograms_.size(); ++i) {
    const HistogramRequest& request = plan_.histograms[i];
    const auto span = HistogramBucketOf(request, reader.event().timestamp_ms);
    if (!span) continue;
    const auto [bucket, is_new] = histograms_[i].try_emplace(span->start_ms);
    if (is_new) budget_.Add(sizeof(Bucket) + kNodeBytes);
    ++bucket->second.count;
    if (request.split) CountValues(reader, *request.split, bucket->second.split);
  }
  for (std::size_t i = 0; i < top_values_.size(); ++i) {
    CountValues(reader, plan_.top_values[i].field, top_values_[i]);
  }
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    reader.AnyValue(plan_.percentiles[i].field, [&](const ValueView& value) {
      if (value.number) {
        numbers_[i].push_back(*value.number);
        budget_.Add(2 * sizeof(double));  // vectors grow by doubling
      }
      return false;
    });
  }
  for (std::size_t i = 0; i < distinct_.size(); ++i) {
    ForEachDistinct(reader, plan_.cardinalities[i].field, [&](const std::string& value) {
      if (distinct_[i].contains(value)) return;
      distinct_[i].insert(value);
      budget_.Add(value.size() + kNodeBytes);
    });
  }
  for (GroupTotals& groups : groups_) RETURN_IF_ERROR(groups.Add(reader));
  return {};
}

void EventTotals::Merge(EventTotals&& other) {
  const auto merge_counts = [](ValueCounts& into, ValueCounts& from) {
    if (into.empty()) {
      into.swap(from);
      return;
    }
    for (const auto& [value, count] : from) into[value] += count;
  };
  count_ += other.count_;
  for (std::size_t i = 0; i < histograms_.size(); ++i) {
    for (auto& [start, bucket] : other.histograms_[i]) {
      Bucket& mine = histograms_[i][start];
      mine.count += bucket.count;
      merge_counts(mine.split, bucket.split);
    }
  }
  for (std::size_t i = 0; i < top_values_.size(); ++i) {
    merge_counts(top_values_[i], other.top_values_[i]);
  }
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    numbers_[i].insert(numbers_[i].end(), other.numbers_[i].begin(), other.numbers_[i].end());
  }
  for (std::size_t i = 0; i < distinct_.size(); ++i) distinct_[i].merge(other.distinct_[i]);
}

void EventTotals::AddHistogramTo(std::size_t i, HistogramTotals& totals) const {
  for (const auto& [start_ms, bucket] : histograms_[i]) {
    totals.Add(start_ms, bucket.count, bucket.split);
  }
}

void EventTotals::AddTopValuesTo(std::size_t i, ValueTotals& totals) const {
  for (const auto& [value, count] : top_values_[i]) totals.by_text[value] += count;
}

void EventTotals::AddNumbersTo(std::size_t i, NumberTotals& totals) const {
  for (const double number : numbers_[i]) totals.Add(number, 1);
}

void EventTotals::AddDistinctTo(std::size_t i, ValueTotals& totals) const {
  for (const std::string& value : distinct_[i]) ++totals.by_text[value];
}

void EventTotals::AddGroupsTo(std::size_t i, GroupTotals& totals) const {
  totals.Add(groups_[i].part());
}

}  // namespace postglass::store
