#include "query/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>
#include <utility>

#include "query/measures.h"
#include "query/subquery.h"
#include "query/time_buckets.h"
#include "store/plan_rules.h"

namespace postglass::query {

namespace {

// The parts of the range, newest first, that are looked at before the whole: together a third more
// work, for a first look after a sixteenth of the time.
constexpr std::array<std::int64_t, 2> kPartOfRange = {16, 4};

// Hands the store's answers on.
class Parts final : public store::Sink {
 public:
  Parts(const ExploreService::Question& question, ExploreSink& out)
      : question_(question), out_(out) {}

  void Rows(std::span<const store::Event> rows) override {
    events_.insert(events_.end(), rows.begin(), rows.end());
  }

  void Count(std::uint64_t n) override { out_.Count(n); }

  void Histogram(std::size_t, std::span<const store::HistogramBucket> buckets) override {
    ExploreSink::Histogram histogram;
    histogram.borders = question_.borders;
    histogram.counts.resize(question_.borders.size() - 1);
    const auto place_of = [&](const store::HistogramBucket& bucket) {
      const auto at =
          std::lower_bound(histogram.borders.begin(), histogram.borders.end(), bucket.start_ms);
      return static_cast<std::size_t>(at - histogram.borders.begin());
    };
    for (const store::HistogramBucket& bucket : buckets) {
      histogram.counts[place_of(bucket)] = bucket.count;
    }
    AddSplit(buckets, place_of, histogram);
    out_.Counts(histogram);
  }

  void TopValues(std::size_t i, std::span<const store::ValueCount> values) override {
    out_.Facet(i, {values.begin(), values.end()});
  }

  std::vector<store::Event> TakeEvents() { return std::move(events_); }

 private:
  template <class F>
  void AddSplit(std::span<const store::HistogramBucket> buckets,
                F place_of,
                ExploreSink::Histogram& histogram) const {
    std::unordered_map<std::string_view, std::uint64_t> totals;
    for (const store::HistogramBucket& bucket : buckets) {
      for (const store::ValueCount& value : bucket.split) totals[value.value] += value.count;
    }
    std::vector<store::ValueCount> values;
    for (const auto& [value, count] : totals) values.push_back({std::string(value), count});
    store::SortTopValues(values, question_.request.split_limit);
    std::unordered_map<std::string_view, std::size_t> place_of_value;
    for (store::ValueCount& value : values) {
      histogram.values.push_back(std::move(value.value));
      histogram.split.emplace_back(histogram.counts.size());
    }
    for (std::size_t i = 0; i < histogram.values.size(); ++i) {
      place_of_value.emplace(histogram.values[i], i);
    }
    for (const store::HistogramBucket& bucket : buckets) {
      for (const store::ValueCount& value : bucket.split) {
        const auto found = place_of_value.find(value.value);
        if (found != place_of_value.end()) {
          histogram.split[found->second][place_of(bucket)] = value.count;
        }
      }
    }
  }

  const ExploreService::Question& question_;
  ExploreSink& out_;
  std::vector<store::Event> events_;
};

store::Plan PlanOf(const ExploreService::Question& question) {
  store::Plan plan;
  plan.where = question.where;
  plan.stop = question.request.stop;
  SetRange(question.range, plan);
  return plan;
}

void AddRows(const ExploreService::Question& question, store::Plan& plan) {
  const ExploreRequest& request = question.request;
  if (request.rows == 0) return;
  plan.rows = store::RowsRequest{request.order, request.rows, std::nullopt};
}

void AddCounts(const ExploreService::Question& question, store::Plan& plan) {
  const ExploreRequest& request = question.request;
  plan.count = true;
  store::HistogramRequest histogram;
  histogram.borders = question.borders;
  if (!request.split.empty()) histogram.split = FacetNamed(request.split);
  plan.histograms.push_back(std::move(histogram));
  for (const ExploreRequest::Facet& facet : request.facets) {
    plan.top_values.push_back({FacetNamed(facet.name), facet.limit});
  }
}

}  // namespace

std::variant<ExploreService::Question, SearchError> ExploreService::Understand(
    ExploreRequest request) {
  if (request.rows > kSearchLimitMax) {
    return BadRequest(fmt::format("at most {} rows", kSearchLimitMax));
  }
  if (request.facets.size() > kExploreFacetsMax) {
    return BadRequest(fmt::format("at most {} facets", kExploreFacetsMax));
  }
  for (const ExploreRequest::Facet& facet : request.facets) {
    if (facet.name.empty()) return BadRequest("a facet needs a name");
    if (facet.limit == 0 || facet.limit > kFacetValuesMax) {
      return BadRequest(fmt::format("a facet's limit is within 1 and {}", kFacetValuesMax));
    }
  }
  if (request.split_limit == 0 || request.split_limit > kSplitValuesMax) {
    return BadRequest(fmt::format("a split's limit is within 1 and {}", kSplitValuesMax));
  }
  const Result<TimeRange> range = ParseRange(request.from, request.to, clock_.Now());
  if (!range) return BadRequest(range.error().message);
  if (range->to < range->from) return BadRequest("to lies before from");
  const auto zone = zones_.Find(request.time_zone);
  if (!zone) return BadRequest(zone.error().message);
  TimeInterval interval =
      IntervalFor(std::chrono::milliseconds(range->to.millis() - range->from.millis()));
  if (!request.interval.empty()) {
    const Result<TimeInterval> given = ParseInterval(request.interval);
    if (!given) return BadRequest(given.error().message);
    interval = *given;
  }
  Result<std::vector<std::int64_t>> borders =
      BucketBorders(range->from, range->to, interval, **zone);
  if (!borders) return BadRequest(borders.error().message);
  auto parsed = ParseAndResolve(request.query, *range, request.stop, runner_);
  if (auto* error = std::get_if<SearchError>(&parsed)) return std::move(*error);
  return Question{*range,
                  std::move(std::get<store::Predicate>(parsed)),
                  std::move(*borders),
                  std::move(request)};
}

Result<ExploreReport> ExploreService::Run(const Question& question, Pace pace, ExploreSink& sink) {
  ExploreReport report;
  report.range = question.range;
  const std::chrono::nanoseconds begun = clock_.Monotonic();
  const auto elapsed = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Monotonic() - begun);
  };
  const auto send_rows = [&](Parts& parts, bool more_rows) {
    report.rows_elapsed = elapsed();
    std::vector<store::Event> events = parts.TakeEvents();
    std::string cursor;
    if (more_rows && !events.empty()) {
      cursor = SearchCursorBehind(events.back(), question.range, question.request.order);
    }
    sink.Rows(std::move(events), std::move(cursor));
  };
  const bool rows_first = pace == Pace::kRowsFirst && question.request.rows > 0;
  if (rows_first) {
    store::Plan plan = PlanOf(question);
    AddRows(question, plan);
    Parts parts(question, sink);
    ASSIGN_OR_RETURN(const store::RunReport rows, runner_.Run(std::move(plan), parts));
    send_rows(parts, rows.more_rows);
  }
  if (pace == Pace::kRowsFirst) {
    if (runner_.store().Describe().events >= parts_from_events_) {
      for (const std::int64_t part : kPartOfRange) {
        RETURN_IF_ERROR(CountNewest(question, part, sink));
      }
    }
    sink.Covers(question.range);
  }
  store::Plan plan = PlanOf(question);
  AddCounts(question, plan);
  if (!rows_first) AddRows(question, plan);
  Parts parts(question, sink);
  ASSIGN_OR_RETURN(store::RunReport all, runner_.RunAsFarAsItGets(std::move(plan), parts));
  if (!rows_first && question.request.rows > 0) send_rows(parts, all.more_rows);
  AddDamage(all.damage, report.warnings);
  report.timed_out = all.partial;
  if (all.partial) report.warnings.push_back(PartialWarning(all));
  report.events_scanned = all.events_scanned;
  report.explain = std::move(all.explain);
  report.elapsed = elapsed();
  return report;
}

Status ExploreService::CountNewest(const Question& question, std::int64_t part, ExploreSink& sink) {
  const std::int64_t from_ms = question.range.from.millis();
  const std::int64_t to_ms = question.range.to.millis();
  const TimeRange newest{Timestamp::FromMillis(to_ms - (to_ms - from_ms) / part),
                         question.range.to};
  store::Plan plan = PlanOf(question);
  SetRange(newest, plan);
  AddCounts(question, plan);
  sink.Covers(newest);
  Parts parts(question, sink);
  RETURN_IF_ERROR(runner_.Run(std::move(plan), parts));
  return {};
}

}  // namespace postglass::query
