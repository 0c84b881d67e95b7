#include "store/embedded/aggregates.h"

#include <algorithm>

#include "store/plan_rules.h"

namespace postglass::store {

namespace {

// What a node of the hash tables takes beside the text's own characters.
constexpr std::size_t kNodeBytes = 64;

}  // namespace

Aggregates::Aggregates(const Plan& plan, MemoryBudget& budget)
    : plan_(plan),
      budget_(budget),
      histograms_(plan.histograms.size()),
      top_values_(plan.top_values.size()),
      numbers_(plan.percentiles.size()),
      distinct_(plan.cardinalities.size()) {}

bool Aggregates::ReadFields(const Plan& plan) {
  const bool splits = std::any_of(plan.histograms.begin(),
                                  plan.histograms.end(),
                                  [](const HistogramRequest& h) { return h.split.has_value(); });
  return splits || !plan.top_values.empty() || !plan.percentiles.empty() ||
         !plan.cardinalities.empty();
}

bool Aggregates::OnlyCounts(const Plan& plan) {
  return plan.histograms.empty() && !ReadFields(plan);
}

template <class F>
void Aggregates::ForEachDistinct(EventReader& reader, const Field& field, F&& use) {
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

void Aggregates::CountValues(EventReader& reader, const Field& field, ValueCounts& counts) {
  ForEachDistinct(reader, field, [&](const std::string& value) {
    const auto found = counts.find(value);
    if (found != counts.end()) {
      ++found->second;
    } else {
      counts.emplace(value, 1);
      budget_.Add(value.size() + kNodeBytes);
    }
  });
}

void Aggregates::Add(EventReader& reader) {
  ++count_;
  for (std::size_t i = 0; i < histograms_.size(); ++i) {
    const HistogramRequest& request = plan_.histograms[i];
    const std::int64_t start = BucketStart(reader.event().timestamp_ms, request.interval_ms);
    const auto [bucket, is_new] = histograms_[i].try_emplace(start);
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
}

void Aggregates::Merge(Aggregates&& other) {
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

std::vector<ValueCount> Aggregates::Sorted(const ValueCounts& counts, std::size_t limit) {
  std::vector<ValueCount> values;
  values.reserve(counts.size());
  for (const auto& [value, count] : counts) values.push_back({value, count});
  SortTopValues(values, limit);
  return values;
}

void Aggregates::Send(Sink& sink) {
  if (plan_.count) sink.Count(count_);
  for (std::size_t i = 0; i < histograms_.size(); ++i) {
    std::vector<HistogramBucket> buckets;
    for (const auto& [start, bucket] : histograms_[i]) {
      buckets.push_back({start, bucket.count, Sorted(bucket.split, bucket.split.size())});
    }
    sink.Histogram(i, buckets);
  }
  for (std::size_t i = 0; i < top_values_.size(); ++i) {
    sink.TopValues(i, Sorted(top_values_[i], plan_.top_values[i].limit));
  }
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    std::sort(numbers_[i].begin(), numbers_[i].end());
    std::vector<double> answers;
    for (const double quantile : plan_.percentiles[i].quantiles) {
      answers.push_back(QuantileOfSorted(numbers_[i], quantile));
    }
    sink.Percentiles(i, answers);
  }
  for (std::size_t i = 0; i < distinct_.size(); ++i) sink.Cardinality(i, distinct_[i].size());
}

}  // namespace postglass::store
