#include "store/embedded/exec/histogram_totals.h"

#include <algorithm>
#include <optional>

#include "store/plan_rules.h"

namespace postglass::store {

namespace {

constexpr std::size_t kNodeBytes = 64;
constexpr std::size_t kBucketsBetweenStopChecks = 256;
constexpr std::uint32_t kUnused = ~std::uint32_t{0};

// The first row at or behind the instant. Buckets are often short, so the next rows are tried
// first.
RowIndex BorderOf(const RowKeys& keys, RowIndex row, RowIndex end, std::int64_t instant_ms) {
  constexpr RowIndex kTried = 8;
  for (RowIndex i = 0; i < kTried; ++i, ++row) {
    if (row == end || keys.timestamp_ms(row) >= instant_ms) return row;
  }
  return std::min(end, keys.LowerBound(instant_ms));
}

class PartMaker {
 public:
  PartMaker(const HistogramRequest& request,
            TableSelector& selector,
            const RowSet& rows,
            MemoryBudget& budget)
      : request_(request), selector_(selector), rows_(rows), budget_(budget) {}

  Result<HistogramPart> Make(const std::optional<CompiledPlan::CountedField>& split,
                             const Plan& plan) {
    ASSIGN_OR_RETURN(const RowKeys* keys, selector_.Keys());
    if (split) {
      ASSIGN_OR_RETURN(FieldValues values, FieldValues::Of(*split, selector_));
      if (values.ids_count() > 0) {
        values_.emplace(std::move(values));
        counts_.resize(values_->ids_count());
        text_of_id_.resize(values_->ids_count(), kUnused);
        budget_.Add(std::size_t{values_->ids_count()} * 2 * sizeof(counts_[0]));
      }
    }
    const RowIndex end = selector_.end();
    for (RowIndex row = selector_.begin(); row < end;) {
      if (part_.buckets.size() % kBucketsBetweenStopChecks == 0) {
        RETURN_IF_ERROR(CheckStop(plan));
        RETURN_IF_ERROR(budget_.Check());
      }
      const std::int64_t time_ms = keys->timestamp_ms(row);
      const std::optional<BucketSpan> span = HistogramBucketOf(request_, time_ms);
      if (!span && time_ms >= request_.borders.front()) break;  // behind all borders
      const std::optional<std::int64_t> end_ms = span ? span->end_ms : request_.borders.front();
      const RowIndex border = end_ms ? BorderOf(*keys, row + 1, end, *end_ms) : end;
      if (span) RETURN_IF_ERROR(AddBucket(span->start_ms, row, border));
      row = border;
    }
    if (values_) budget_.Remove(std::size_t{values_->ids_count()} * 2 * sizeof(counts_[0]));
    return std::move(part_);
  }

 private:
  Status AddBucket(std::int64_t start_ms, RowIndex begin, RowIndex end) {
    const std::uint32_t count =
        rows_.kind == RowSet::Kind::kAll ? end - begin : rows_.some.Count(begin, end);
    if (count == 0) return {};
    if (values_) RETURN_IF_ERROR(AddSplit(begin, end));
    part_.buckets.push_back({start_ms, count, part_.splits.size()});
    budget_.Add(sizeof(HistogramPart::Bucket) + kNodeBytes);
    return {};
  }

  Status AddSplit(RowIndex begin, RowIndex end) {
    values_->Count(rows_, begin, end, counts_);
    for (ValueId id = 0; id < counts_.size(); ++id) {
      if (counts_[id] == 0) continue;
      if (values_->is_value(id)) {
        ASSIGN_OR_RETURN(const std::uint32_t text, TextOf(id));
        part_.splits.emplace_back(text, counts_[id]);
        budget_.Add(sizeof(part_.splits[0]) + sizeof(ValueCount));
      }
      counts_[id] = 0;
    }
    return {};
  }

  Result<std::uint32_t> TextOf(ValueId id) {
    if (text_of_id_[id] == kUnused) {
      std::string text;
      RETURN_IF_ERROR(values_->AppendText(id, text));
      budget_.Add(text.size() + kNodeBytes);
      text_of_id_[id] = static_cast<std::uint32_t>(part_.texts.size());
      part_.texts.push_back(std::move(text));
    }
    return text_of_id_[id];
  }

  const HistogramRequest& request_;
  TableSelector& selector_;
  const RowSet& rows_;
  MemoryBudget& budget_;
  HistogramPart part_;
  std::optional<FieldValues> values_;
  std::vector<std::uint32_t> counts_;      // by id
  std::vector<std::uint32_t> text_of_id_;  // place in texts
};

}  // namespace

Result<HistogramPart> HistogramPart::Of(const HistogramRequest& request,
                                        const std::optional<CompiledPlan::CountedField>& split,
                                        TableSelector& selector,
                                        const RowSet& rows,
                                        MemoryBudget& budget) {
  return PartMaker(request, selector, rows, budget).Make(split, selector.plan());
}

std::uint32_t HistogramTotals::IdOf(const std::string& text) {
  const auto [entry, is_new] = ids_.try_emplace(text, static_cast<std::uint32_t>(texts_.size()));
  if (is_new) texts_.push_back(&entry->first);
  return entry->second;
}

void HistogramTotals::Add(const HistogramPart& part) {
  std::vector<std::uint32_t> ids;
  for (const std::string& text : part.texts) ids.push_back(IdOf(text));
  std::size_t split = 0;
  auto hint = buckets_.begin();
  for (const HistogramPart::Bucket& bucket : part.buckets) {
    hint = buckets_.try_emplace(hint, bucket.start_ms);
    Bucket& mine = hint->second;
    mine.count += bucket.count;
    for (; split < bucket.split_end; ++split) {
      mine.split.emplace_back(ids[part.splits[split].first], part.splits[split].second);
    }
  }
}

void HistogramTotals::Add(std::int64_t start_ms, std::uint64_t count, const ValueCounts& split) {
  Bucket& mine = buckets_[start_ms];
  mine.count += count;
  for (const auto& [text, n] : split) mine.split.emplace_back(IdOf(text), n);
}

std::vector<HistogramBucket> HistogramTotals::Take() {
  std::vector<HistogramBucket> buckets;
  buckets.reserve(buckets_.size());
  for (auto& [start_ms, bucket] : buckets_) {
    HistogramBucket out{start_ms, bucket.count, {}};
    std::sort(bucket.split.begin(), bucket.split.end());
    for (std::size_t i = 0; i < bucket.split.size();) {
      const std::uint32_t id = bucket.split[i].first;
      std::uint64_t count = 0;
      for (; i < bucket.split.size() && bucket.split[i].first == id; ++i) {
        count += bucket.split[i].second;
      }
      out.split.push_back({*texts_[id], count});
    }
    SortTopValues(out.split);
    buckets.push_back(std::move(out));
  }
  return buckets;
}

}  // namespace postglass::store
