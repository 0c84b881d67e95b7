#include "store/oracle_store.h"

#include <algorithm>
#include <set>
#include <string>

#include "store/address_pattern.h"
#include "store/event_reader.h"
#include "store/match.h"
#include "store/oracle_groups.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::size_t kRowsBetweenStopChecks = 1024;

using Values = std::set<std::string>;

Values DistinctValues(const Event& event, const Field& field) {
  EventReader reader;
  reader.Reset(event);
  Values values;
  reader.AnyValue(field, [&](const ValueView& value) {
    values.insert(std::string(value.text));
    return false;
  });
  return values;
}

std::vector<ValueCount> CountValues(const std::vector<Event>& events, const Field& field) {
  std::map<std::string, std::uint64_t> counts;
  for (const Event& event : events) {
    for (const std::string& value : DistinctValues(event, field)) ++counts[value];
  }
  std::vector<ValueCount> result;
  for (const auto& [value, count] : counts) result.push_back({value, count});
  SortTopValues(result);
  return result;
}

std::size_t Bytes(const std::vector<ValueCount>& values) {
  std::size_t bytes = 0;
  for (const ValueCount& value : values) bytes += value.value.size() + sizeof(ValueCount);
  return bytes;
}

Status CheckMemory(const Plan& plan, std::size_t bytes) {
  if (bytes <= plan.memory_bytes_max) return {};
  return Fail(ErrorCode::kLimit, "the answer needs more memory than the query may use");
}

std::vector<HistogramBucket> Histogram(const std::vector<Event>& events,
                                       const HistogramRequest& request) {
  std::map<std::int64_t, std::vector<Event>> by_bucket;
  for (const Event& event : events) {
    const auto bucket = HistogramBucketOf(request, event.timestamp_ms);
    if (bucket) by_bucket[bucket->start_ms].push_back(event);
  }
  std::vector<HistogramBucket> buckets;
  for (const auto& [start_ms, members] : by_bucket) {
    buckets.push_back({start_ms, members.size(), {}});
    if (request.split) buckets.back().split = CountValues(members, *request.split);
  }
  return buckets;
}

std::vector<double> Percentiles(const std::vector<Event>& events,
                                const PercentilesRequest& request) {
  std::vector<double> numbers;
  for (const Event& event : events) {
    EventReader reader;
    reader.Reset(event);
    reader.AnyValue(request.field, [&](const ValueView& value) {
      if (value.number) numbers.push_back(*value.number);
      return false;
    });
  }
  std::sort(numbers.begin(), numbers.end());
  std::vector<double> result;
  for (const double quantile : request.quantiles) {
    result.push_back(QuantileOfSorted(numbers, quantile));
  }
  return result;
}

std::vector<Event> TakeRows(const std::vector<Event>& events, const RowsRequest& request) {
  struct Row {
    SortKey key;
    RowCursor place;
    const Event* event;
  };

  const auto before = [&](const Row& a, const Row& b) {
    const int by_key = CompareKeys(request.order, a.key, b.key);
    return by_key != 0 ? by_key < 0 : Precedes(request.order, a.place, b.place);
  };
  std::vector<Row> rows;
  for (const Event& event : events) {
    EventReader reader;
    reader.Reset(event);
    rows.push_back({request.by ? SortKeyOf(reader, *request.by, request.order) : SortKey{},
                    {event.timestamp_ms, event.id},
                    &event});
  }
  if (request.after) {
    const Row border{request.by ? request.after_key : SortKey{}, *request.after, nullptr};
    std::erase_if(rows, [&](const Row& row) { return !before(border, row); });
  }
  std::sort(rows.begin(), rows.end(), before);
  std::vector<Event> sorted;
  for (const Row& row : rows) sorted.push_back(*row.event);
  return sorted;
}

}  // namespace

void OracleStore::FailAppendsWith(std::optional<Error> error) {
  MutexLock lock(mutex_);
  append_error_ = std::move(error);
}

Result<AppendResult> OracleStore::AppendNow(std::vector<NewEvent> batch) {
  MutexLock lock(mutex_);
  if (append_error_) return Fail(*append_error_);
  AppendResult result;
  for (NewEvent& entry : batch) {
    bool duplicate = false;
    if (entry.dedup_key) {
      const std::int64_t hour = BucketStart(entry.event.ingested_at_ms, kHourMs) / kHourMs;
      const auto [seen, is_new] = key_hours_.try_emplace(*entry.dedup_key, hour);
      duplicate = !is_new && hour - seen->second <= kDedupWindowHours;
      if (!duplicate) seen->second = hour;
    }
    result.was_duplicate.push_back(duplicate);
    ++(duplicate ? result.duplicates : result.stored);
    if (!duplicate) events_.push_back(std::move(entry.event));
  }
  return result;
}

void OracleStore::AppendAsync(std::vector<NewEvent> batch, Appended done) {
  done(AppendNow(std::move(batch)));
}

Result<RunReport> OracleStore::Run(const Plan& plan, Sink& sink) {
  RETURN_IF_ERROR(CheckPlan(plan));
  ASSIGN_OR_RETURN(const Matcher matcher, Matcher::Compile(plan.where));
  std::vector<Event> events;
  {
    MutexLock lock(mutex_);
    events = events_;
  }
  RunReport report;
  std::vector<Event> matching;
  for (Event& event : events) {
    if (report.events_scanned % kRowsBetweenStopChecks == 0 && plan.stop.stop_requested()) {
      return Fail(ErrorCode::kCancelled, "the query was cancelled");
    }
    ++report.events_scanned;
    if (InTimeRange(plan, event.timestamp_ms, event.ingested_at_ms) && matcher.Matches(event)) {
      matching.push_back(std::move(event));
    }
  }
  report.events_matched = matching.size();

  if (plan.count) sink.Count(matching.size());
  for (std::size_t i = 0; i < plan.histograms.size(); ++i) {
    sink.Histogram(i, Histogram(matching, plan.histograms[i]));
  }
  for (std::size_t i = 0; i < plan.top_values.size(); ++i) {
    std::vector<ValueCount> values = CountValues(matching, plan.top_values[i].field);
    RETURN_IF_ERROR(CheckMemory(plan, Bytes(values)));
    SortTopValues(values, plan.top_values[i].limit);
    sink.TopValues(i, values);
  }
  for (std::size_t i = 0; i < plan.percentiles.size(); ++i) {
    sink.Percentiles(i, Percentiles(matching, plan.percentiles[i]));
  }
  for (std::size_t i = 0; i < plan.cardinalities.size(); ++i) {
    const std::vector<ValueCount> values = CountValues(matching, plan.cardinalities[i].field);
    RETURN_IF_ERROR(CheckMemory(plan, Bytes(values)));
    sink.Cardinality(i, values.size());
  }
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    ASSIGN_OR_RETURN(const std::vector<Group> groups, OracleGroups(matching, plan.groups[i]));
    sink.Groups(i, groups);
  }
  if (plan.rows) {
    std::vector<Event> rows = TakeRows(matching, *plan.rows);
    report.more_rows = rows.size() > plan.rows->limit;
    rows.resize(std::min(rows.size(), plan.rows->limit));
    if (!rows.empty()) sink.Rows(rows);
  }
  report.explain = "full scan in memory";
  return report;
}

Result<DeleteReport> OracleStore::Delete(const Plan& selection) {
  ASSIGN_OR_RETURN(const Matcher matcher, Matcher::Compile(selection.where));
  MutexLock lock(mutex_);
  const std::size_t deleted = std::erase_if(events_, [&](const Event& event) {
    return InTimeRange(selection, event.timestamp_ms, event.ingested_at_ms) &&
           matcher.Matches(event);
  });
  return DeleteReport{deleted};
}

Result<EraseReceipt> OracleStore::Erase(std::string_view address, const StoreProgress&) {
  ASSIGN_OR_RETURN(const AddressPattern pattern, AddressPattern::Make(address));
  MutexLock lock(mutex_);
  EraseReceipt receipt;
  receipt.events_erased =
      std::erase_if(events_, [&](const Event& event) { return HoldsAddress(event, pattern); });
  return receipt;
}

Description OracleStore::Describe() const {
  MutexLock lock(mutex_);
  Description description;
  description.events = events_.size();
  for (const Event& event : events_) {
    const bool first = &event == &events_.front();
    const auto widen = [first](std::int64_t& low, std::int64_t& high, std::int64_t value) {
      low = first ? value : std::min(low, value);
      high = first ? value : std::max(high, value);
    };
    widen(description.first_timestamp_ms, description.last_timestamp_ms, event.timestamp_ms);
    widen(description.first_ingested_ms, description.last_ingested_ms, event.ingested_at_ms);
  }
  if (append_error_) {
    description.writable = false;
    description.reason = append_error_->message;
  }
  return description;
}

}  // namespace postglass::store
