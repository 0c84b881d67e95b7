#include "store/embedded/query_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "store/embedded/aggregates.h"
#include "store/embedded/top_rows.h"
#include "store/embedded/unit_scanner.h"
#include "store/match.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

constexpr std::size_t kDamageMax = 20;  // sentences in a report
// Below this, waking a helper costs more than it saves.
constexpr std::size_t kUnitsAHelper = 8;

// One run of a plan: what its threads share.
class Query {
 public:
  Query(const Snapshot& snapshot, const Plan& plan, const Matcher& matcher, FilterCache& filters)
      : snapshot_(snapshot),
        plan_(plan),
        matcher_(matcher),
        condition_(KeyCondition::For(plan.where)),
        filters_(filters),
        budget_(plan.memory_bytes_max),
        totals_(plan, budget_) {
    if (plan.rows) top_rows_.emplace(*plan.rows, budget_);
    rows_only_ = !plan.count && Aggregates::OnlyCounts(plan);
    for (ScanUnit& unit : UnitsOf(snapshot)) {
      if (UnitScanner::InTime(unit, plan)) units_.push_back(unit);
    }
    // Best rows first, so that most units cannot better them.
    const bool oldest_first = plan.rows && plan.rows->order == Order::kOldestFirst;
    std::sort(units_.begin(), units_.end(), [&](const ScanUnit& a, const ScanUnit& b) {
      return oldest_first ? a.timestamp_min_ms < b.timestamp_min_ms
                          : a.timestamp_max_ms > b.timestamp_max_ms;
    });
  }

  std::size_t units_count() const { return units_.size(); }

  // Takes units until there are none; each thread calls it once.
  void Work() {
    const bool needs_rows = plan_.rows || Aggregates::ReadFields(plan_);
    UnitScanner scanner(snapshot_,
                        plan_,
                        matcher_,
                        condition_,
                        filters_,
                        needs_rows ? UnitScanner::Need::kEverything : UnitScanner::Need::kNothing);
    Aggregates aggregates(plan_, budget_);
    Status status;
    while (status && !failed_.load(std::memory_order_relaxed)) {
      const std::size_t i = next_unit_.fetch_add(1);
      if (i >= units_.size()) break;
      status = ScanUnitNumber(i, scanner, aggregates);
    }
    MutexLock lock(mutex_);
    if (!status) {
      failed_ = true;
      if (!error_) error_ = status.error();
    }
    damaged_filters_ += scanner.damaged_filters();
    totals_.Merge(std::move(aggregates));
  }

  // Requires: all calls of Work() returned.
  Result<RunReport> Finish(Sink& sink) {
    MutexLock lock(mutex_);
    if (error_) return Fail(*error_);
    RETURN_IF_ERROR(budget_.Check());
    RunReport report;
    totals_.Send(sink);
    if (top_rows_) {
      const std::vector<Event> rows = top_rows_->Take(report.more_rows);
      if (!rows.empty()) sink.Rows(rows);
    }
    report.events_scanned = rows_scanned_;
    report.events_matched = totals_.count();
    report.damage = damage_;
    if (damage_more_ > 0) report.damage.push_back(fmt::format("and {} more", damage_more_));
    report.explain = fmt::format(
        "{} units in time: {} read, {} skipped by filter, {} behind the last row, {} by count "
        "alone{}",
        units_.size(),
        read_.load(),
        skipped_.load(),
        behind_.load(),
        counted_.load(),
        damaged_filters_ > 0 ? fmt::format("; {} filters damaged", damaged_filters_) : "");
    return report;
  }

 private:
  Status ScanUnitNumber(std::size_t i, UnitScanner& scanner, Aggregates& aggregates) {
    const ScanUnit& unit = units_[i];
    RETURN_IF_ERROR(budget_.Check());
    const bool wants_rows =
        top_rows_ && top_rows_->WantsRange(unit.timestamp_min_ms, unit.timestamp_max_ms);
    if (rows_only_ && !wants_rows) {
      ++behind_;
      return {};
    }
    if (!wants_rows && Aggregates::OnlyCounts(plan_) && matcher_.matches_all() &&
        !unit.has_deletions && UnitScanner::AllInTime(unit, plan_)) {
      ++counted_;
      aggregates.AddUnseen(unit.rows);
      return {};
    }
    std::vector<Event> rows;
    const Result<UnitScanner::Outcome> outcome =
        scanner.Scan(unit, [&](std::uint32_t, EventReader& reader) {
          aggregates.Add(reader);
          const EventView& event = reader.event();
          if (wants_rows && top_rows_->Wants({event.timestamp_ms, event.id})) {
            rows.push_back(ToEvent(event));
          }
          return true;
        });
    // Before looking at the error: rows read ahead of damage are good.
    if (!rows.empty()) top_rows_->Offer(std::move(rows));
    if (!outcome) return HandleError(unit, outcome.error());
    if (*outcome == UnitScanner::Outcome::kSkippedByFilter) {
      ++skipped_;
      return {};
    }
    ++read_;
    rows_scanned_ += unit.rows;
    return {};
  }

  // Damage costs the block, everything else the query.
  Status HandleError(const ScanUnit& unit, const Error& error) {
    if (error.code != ErrorCode::kCorruption && error.code != ErrorCode::kIo) return Fail(error);
    MutexLock lock(mutex_);
    if (damage_.size() < kDamageMax) {
      damage_.push_back(fmt::format("{} could not be read: {}", unit.Name(), error.message));
    } else {
      ++damage_more_;
    }
    return {};
  }

  const Snapshot& snapshot_;
  const Plan& plan_;
  const Matcher& matcher_;
  const KeyCondition condition_;
  FilterCache& filters_;
  MemoryBudget budget_;
  bool rows_only_ = false;
  std::vector<ScanUnit> units_;
  std::optional<TopRows> top_rows_;

  std::atomic<std::size_t> next_unit_ = 0;
  std::atomic<bool> failed_ = false;
  std::atomic<std::uint64_t> rows_scanned_ = 0;
  std::atomic<std::uint64_t> read_ = 0;
  std::atomic<std::uint64_t> skipped_ = 0;
  std::atomic<std::uint64_t> behind_ = 0;
  std::atomic<std::uint64_t> counted_ = 0;

  Mutex mutex_;
  Aggregates totals_ GUARDED_BY(mutex_);
  std::optional<Error> error_ GUARDED_BY(mutex_);
  std::vector<std::string> damage_ GUARDED_BY(mutex_);
  std::uint64_t damage_more_ GUARDED_BY(mutex_) = 0;
  std::uint32_t damaged_filters_ GUARDED_BY(mutex_) = 0;
};

// Lets helpers in while the query runs. One that starts late, behind other queries' work, finds the
// door closed and touches nothing of a query that is gone.
class Door {
 public:
  bool Enter() {
    MutexLock lock(mutex_);
    if (closed_) return false;
    ++inside_;
    return true;
  }

  void Leave() {
    MutexLock lock(mutex_);
    --inside_;
    left_.NotifyAll();
  }

  void CloseAndWait() {
    MutexLock lock(mutex_);
    closed_ = true;
    while (inside_ > 0) left_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar left_;
  bool closed_ GUARDED_BY(mutex_) = false;
  int inside_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

Result<RunReport> RunPlan(const Snapshot& snapshot,
                          const Plan& plan,
                          Sink& sink,
                          FilterCache& filters,
                          WorkerPool& pool,
                          std::size_t helpers_max) {
  RETURN_IF_ERROR(CheckPlan(plan));
  ASSIGN_OR_RETURN(const Matcher matcher, Matcher::Compile(plan.where));
  if (plan.stop.stop_requested()) return Fail(ErrorCode::kCancelled, "the query was cancelled");
  Query query(snapshot, plan, matcher, filters);
  const auto door = std::make_shared<Door>();
  const std::size_t helpers = std::min(helpers_max, query.units_count() / kUnitsAHelper);
  for (std::size_t i = 0; i < helpers; ++i) {
    const bool submitted = pool.Submit([door, &query] {
      if (!door->Enter()) return;
      query.Work();
      door->Leave();
    });
    if (!submitted) break;  // the pool is busy; this thread does it all
  }
  query.Work();
  door->CloseAndWait();
  return query.Finish(sink);
}

}  // namespace postglass::store
