#include "store/embedded/exec/run_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <optional>

#include "base/mutex.h"
#include "store/embedded/exec/door.h"
#include "store/embedded/exec/raw_filter.h"
#include "store/embedded/exec/row_list.h"
#include "store/embedded/exec/sorted_rows.h"
#include "store/embedded/exec/totals.h"
#include "store/embedded/table/row_reader.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

constexpr std::size_t kOpaqueRowsAStep = 256;
constexpr std::size_t kEventsBetweenStopChecks = 256;
constexpr std::size_t kRowsSentAtOnce = 512;
constexpr std::size_t kNotesMax = 200;  // tables that explain names

bool IsDamage(const Error& error) {
  return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kIo;
}

// Calls `visit(row, reader)` for those of the rows that match, from their text, until it fails.
template <class F>
Status ForEachOpaqueMatch(const TableSelector& selector, const Matcher& matcher, F&& visit) {
  EventReader reader;
  std::span<const RowIndex> rest = selector.opaque_rows();
  while (!rest.empty()) {
    RETURN_IF_ERROR(CheckStop(selector.plan()));
    const auto rows = rest.first(std::min(rest.size(), kOpaqueRowsAStep));
    rest = rest.subspan(rows.size());
    ASSIGN_OR_RETURN(const std::vector<Event> events, ReadRows(selector.table(), rows));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      reader.Reset(events[i]);
      if (matcher.Matches(reader)) RETURN_IF_ERROR(visit(rows[i], reader));
    }
  }
  return {};
}

RowCursor PlaceOf(const EventReader& reader) {
  return {reader.event().timestamp_ms, reader.event().id};
}

// Times for explain; all zero when they are not asked for.
class Stopwatch {
 public:
  Stopwatch(const Plan& plan, const Clock* clock) : clock_(plan.explain ? clock : nullptr) {}

  std::chrono::nanoseconds Now() const {
    return clock_ == nullptr ? std::chrono::nanoseconds{0} : clock_->Monotonic();
  }

  std::int64_t MicrosSince(std::chrono::nanoseconds begun) const {
    return std::chrono::duration_cast<std::chrono::microseconds>(Now() - begun).count();
  }

 private:
  const Clock* const clock_;
};

// One run of a plan: what its threads share.
class Query {
 public:
  Query(const Snapshot& snapshot,
        const Plan& plan,
        const CompiledPlan& compiled,
        const Stopwatch& watch)
      : watch_(watch),
        snapshot_(snapshot),
        plan_(plan),
        compiled_(compiled),
        raw_filter_(compiled.condition),
        budget_(plan.memory_bytes_max),
        totals_(compiled, budget_) {
    if (compiled.sort_by) {
      sorted_.emplace(*plan.rows, budget_);
    } else if (plan.rows) {
      rows_.emplace(*plan.rows, budget_);
    }
    rows_only_ = plan.rows && !plan.count && compiled.counts_only;
    AddUnits();
  }

  std::size_t units_count() const { return units_.size(); }

  // Takes units until there are none, or until `work_max` codes were looked at. Each helper calls
  // it once.
  void Work(std::uint64_t work_max) {
    EventTotals events(compiled_, budget_);
    Status status;
    while (status && !failed_.load(std::memory_order_relaxed) &&
           work_.load(std::memory_order_relaxed) < work_max && !plan_.enough.stop_requested()) {
      const std::size_t i = next_unit_.fetch_add(1);
      if (i >= units_.size()) break;
      status = AnswerUnit(i, events);
    }
    MutexLock lock(mutex_);
    if (!status) {
      failed_ = true;
      if (!error_) error_ = status.error();
    }
    totals_.Add(events);
  }

  bool done() const {
    return failed_ || next_unit_ >= units_.size() || plan_.enough.stop_requested();
  }

  // Requires: all calls of Work() returned.
  Result<RunReport> Finish(Sink& sink) {
    MutexLock lock(mutex_);
    if (error_) return Fail(*error_);
    RunReport report;
    const std::chrono::nanoseconds begun = watch_.Now();
    RETURN_IF_ERROR(totals_.Send(sink, damage_));
    const std::int64_t merge_us = watch_.MicrosSince(begun);
    if (rows_) RETURN_IF_ERROR(SendRows(rows_->Take(report.more_rows), sink));
    if (sorted_) RETURN_IF_ERROR(SendRows(sorted_->Take(report.more_rows), sink));
    report.events_scanned = events_scanned_;
    report.events_matched = totals_.count();
    report.damage = damage_.Take();
    NoteUnread(report);
    report.explain = Explain();
    if (plan_.explain) {
      report.explain += fmt::format(
          "; {} us selecting rows and {} us answering, over all threads; "
          "{} us merging, {} us reading rows",
          select_us_.load(),
          answer_us_.load(),
          merge_us,
          watch_.MicrosSince(begun) - merge_us);
      report.explain += notes_;
    }
    return report;
  }

 private:
  // Units that no thread took, when it was enough.
  void NoteUnread(RunReport& report) const {
    report.complete_from_ms = std::numeric_limits<std::int64_t>::min();
    for (std::size_t i = next_unit_; i < units_.size(); ++i) {
      report.partial = true;
      report.complete_from_ms = std::max(report.complete_from_ms, units_[i].timestamp_max_ms + 1);
    }
  }

  struct Unit {
    const LiveTable* live = nullptr;
    const RawEvents* raw = nullptr;  // one of the two
    std::int64_t timestamp_min_ms = 0;
    std::int64_t timestamp_max_ms = 0;
  };

  void AddUnits() {
    for (const LiveTable& live : snapshot_.tables) {
      const TableInfo& info = live.table->info();
      if (InTime(info, plan_)) {
        units_.push_back({&live, nullptr, info.timestamp_min_ms, info.timestamp_max_ms});
      } else {
        ++out_of_time_;
        Note(*live.table, "out of time");
      }
    }
    for (const RawEvents& raw : snapshot_.raw) {
      if (raw.events.empty() || raw.timestamp_max_ms < plan_.from_ms ||
          raw.timestamp_min_ms >= plan_.to_ms) {
        continue;
      }
      units_.push_back({nullptr, &raw, raw.timestamp_min_ms, raw.timestamp_max_ms});
    }
    // Best rows first, so that most units cannot better them.
    const bool oldest_first = plan_.rows && plan_.rows->order == Order::kOldestFirst;
    std::sort(units_.begin(), units_.end(), [&](const Unit& a, const Unit& b) {
      return oldest_first ? a.timestamp_min_ms < b.timestamp_min_ms
                          : a.timestamp_max_ms > b.timestamp_max_ms;
    });
  }

  Status AnswerUnit(std::size_t i, EventTotals& events) {
    const Unit& unit = units_[i];
    RETURN_IF_ERROR(CheckStop(plan_));
    RETURN_IF_ERROR(budget_.Check());
    const bool wants_rows =
        sorted_ || (rows_ && rows_->WantsRange(unit.timestamp_min_ms, unit.timestamp_max_ms));
    if (rows_only_ && !wants_rows) {
      ++behind_;
      if (unit.live != nullptr) Note(*unit.live->table, "behind the last row");
      return {};
    }
    if (unit.raw != nullptr) return AnswerRaw(i, wants_rows, events);
    Status status = AnswerTable(i, wants_rows, events);
    if (status || !IsDamage(status.error())) return status;
    // Damage costs the table, everything else the query.
    const std::string name = unit.live->table->Name();
    MutexLock lock(mutex_);
    damage_.Add(name, status.error());
    return {};
  }

  Status AnswerTable(std::size_t i, bool wants_rows, EventTotals& events) {
    const LiveTable& live = *units_[i].live;
    TableSelector selector(live, compiled_);
    if (compiled_.counts_only && !wants_rows) {
      ASSIGN_OR_RETURN(const std::optional<std::uint64_t> count, selector.StoredCount());
      if (count) {
        ++counted_;
        Note(*live.table, "counted by what is stored");
        MutexLock lock(mutex_);
        totals_.AddCount(*count);
        return {};
      }
    }
    const std::chrono::nanoseconds begun = watch_.Now();
    ASSIGN_OR_RETURN(const RowSet rows, selector.Select());
    const std::chrono::nanoseconds selected = watch_.Now();
    select_us_ += watch_.MicrosSince(begun);
    if (rows.kind == RowSet::Kind::kNone && selector.opaque_rows().empty()) {
      NoteRuledOut(selector);
      return {};
    }
    if (rows_only_) {
      RETURN_IF_ERROR(OfferTable(selector, rows, i));
    } else {
      ASSIGN_OR_RETURN(TableAnswer answer,
                       TableAnswer::Of(compiled_, selector, live.table, rows, budget_));
      if (wants_rows) RETURN_IF_ERROR(OfferTable(selector, rows, i));
      // Of a whole table all but histograms is answered by stored counts.
      if (!selector.IsWhole(rows) || !plan_.histograms.empty() || !plan_.groups.empty()) {
        work_ += answer.count;
      }
      MutexLock lock(mutex_);
      totals_.Add(std::move(answer));
    }
    answer_us_ += watch_.MicrosSince(selected);
    if (plan_.explain) {
      Note(*live.table,
           fmt::format("read rows {} to {}, {} codes looked at",
                       selector.begin(),
                       selector.end(),
                       selector.codes_scanned()));
    }
    ++read_;
    work_ += selector.codes_scanned();
    events_scanned_ += selector.end() - selector.begin();
    return AnswerOpaqueRows(selector, i, wants_rows, events);
  }

  Status OfferTable(TableSelector& selector, const RowSet& rows, std::size_t unit) {
    if (sorted_) return sorted_->OfferTable(selector, *compiled_.sort_by, rows, unit);
    return rows_->OfferTable(selector, rows, unit);
  }

  Status AnswerOpaqueRows(const TableSelector& selector,
                          std::size_t i,
                          bool wants_rows,
                          EventTotals& events) {
    std::vector<RowRef> refs;
    Status status = ForEachOpaqueMatch(
        selector, compiled_.matcher, [&](RowIndex row, EventReader& reader) -> Status {
          if (!rows_only_) RETURN_IF_ERROR(events.Add(reader));
          const RowCursor place = PlaceOf(reader);
          if (sorted_) {
            sorted_->OfferEvent(reader, i, row);
          } else if (wants_rows && rows_->Wants(place)) {
            refs.push_back({place, i, row});
          }
          return {};
        });
    // Before looking at the error: rows read ahead of damage are good.
    if (!refs.empty()) rows_->Offer(std::move(refs));
    return status;
  }

  Status AnswerRaw(std::size_t i, bool wants_rows, EventTotals& events) {
    const std::span<const Event> raw = units_[i].raw->events;
    EventReader reader;
    std::vector<RowRef> refs;
    for (std::uint32_t row = 0; row < raw.size(); ++row) {
      if (row % kEventsBetweenStopChecks == 0) RETURN_IF_ERROR(CheckStop(plan_));
      const Event& event = raw[row];
      if (!InTimeRange(plan_, event.timestamp_ms, event.ingested_at_ms)) continue;
      const RowCursor place{event.timestamp_ms, event.id};
      const bool wants_row = sorted_ || (wants_rows && rows_->Wants(place));
      if (rows_only_ && !wants_row) continue;
      if (!raw_filter_.MayMatch(event.attributes)) continue;
      reader.Reset(event);
      if (!compiled_.matcher.Matches(reader)) continue;
      if (!rows_only_) RETURN_IF_ERROR(events.Add(reader));
      if (sorted_) {
        sorted_->OfferEvent(reader, i, row);
      } else if (wants_row) {
        refs.push_back({place, i, row});
      }
    }
    if (!refs.empty()) rows_->Offer(std::move(refs));
    events_scanned_ += raw.size();
    return {};
  }

  // Reads the rows of the answer, some at once and of each table together.
  Status SendRows(const std::vector<RowRef>& refs, Sink& sink) REQUIRES(mutex_) {
    for (std::size_t begin = 0; begin < refs.size(); begin += kRowsSentAtOnce) {
      RETURN_IF_ERROR(CheckStop(plan_));
      const std::size_t end = std::min(refs.size(), begin + kRowsSentAtOnce);
      std::vector<std::size_t> order;
      for (std::size_t i = begin; i < end; ++i) order.push_back(i);
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return refs[a].unit < refs[b].unit;
      });
      std::vector<std::optional<Event>> read(end - begin);
      for (std::size_t i = 0; i < order.size();) {
        std::size_t next = i;
        while (next < order.size() && refs[order[next]].unit == refs[order[i]].unit) ++next;
        RETURN_IF_ERROR(ReadUnit(refs, std::span(order).subspan(i, next - i), begin, read));
        i = next;
      }
      std::vector<Event> events;
      for (std::optional<Event>& event : read) {
        if (event) events.push_back(std::move(*event));
      }
      if (!events.empty()) sink.Rows(events);
    }
    return {};
  }

  // `which` of the rows, all of one unit, to their places from `begin` on.
  Status ReadUnit(const std::vector<RowRef>& refs,
                  std::span<const std::size_t> which,
                  std::size_t begin,
                  std::vector<std::optional<Event>>& read) REQUIRES(mutex_) {
    const Unit& unit = units_[refs[which[0]].unit];
    if (unit.raw != nullptr) {
      for (const std::size_t i : which) read[i - begin] = unit.raw->events[refs[i].row];
      return {};
    }
    std::vector<RowIndex> rows;
    for (const std::size_t i : which) rows.push_back(refs[i].row);
    Result<std::vector<Event>> events = ReadRows(*unit.live->table, rows);
    if (!events) {
      if (!IsDamage(events.error())) return Fail(events.error());
      damage_.Add(unit.live->table->Name(), events.error());
      return {};
    }
    for (std::size_t k = 0; k < which.size(); ++k) read[which[k] - begin] = std::move((*events)[k]);
    return {};
  }

  void NoteRuledOut(const TableSelector& selector) {
    ++ruled_out_;
    work_ += selector.codes_scanned();
    if (plan_.explain) {
      const std::string& by = selector.ruled_out_by();
      Note(selector.table(),
           by.empty() ? "no row fits" : fmt::format("ruled out by the dictionaries of {}", by));
    }
    if (selector.ruled_out_by().empty()) return;
    MutexLock lock(mutex_);
    if (ruled_out_by_.empty()) ruled_out_by_ = selector.ruled_out_by();
  }

  // A line of explain, of the first tables.
  void Note(const Table& table, std::string_view what) {
    if (!plan_.explain) return;
    MutexLock lock(mutex_);
    if (++notes_count_ <= kNotesMax) notes_ += fmt::format("\n{}: {}", table.Name(), what);
  }

  std::string Explain() const REQUIRES(mutex_) {
    return fmt::format(
        "{} tables and {} groups of raw events: {} out of time, {} ruled out by their values{}, "
        "{} behind the last row, {} by stored counts alone, {} read; {} codes looked at",
        snapshot_.tables.size(),
        snapshot_.raw.size(),
        out_of_time_,
        ruled_out_.load(),
        ruled_out_by_.empty() ? "" : fmt::format(" ({})", ruled_out_by_),
        behind_.load(),
        counted_.load(),
        read_.load(),
        work_.load());
  }

  const Stopwatch watch_;
  const Snapshot& snapshot_;
  const Plan& plan_;
  const CompiledPlan& compiled_;
  const RawFilter raw_filter_;
  MemoryBudget budget_;
  bool rows_only_ = false;
  std::vector<Unit> units_;
  std::uint64_t out_of_time_ = 0;
  std::optional<RowList> rows_;  // of the two at most one
  std::optional<SortedRows> sorted_;

  std::atomic<std::size_t> next_unit_ = 0;
  std::atomic<bool> failed_ = false;
  std::atomic<std::uint64_t> work_ = 0;
  std::atomic<std::uint64_t> events_scanned_ = 0;
  std::atomic<std::uint64_t> read_ = 0;
  std::atomic<std::uint64_t> ruled_out_ = 0;
  std::atomic<std::uint64_t> behind_ = 0;
  std::atomic<std::uint64_t> counted_ = 0;
  std::atomic<std::int64_t> select_us_ = 0;
  std::atomic<std::int64_t> answer_us_ = 0;

  Mutex mutex_;
  Totals totals_ GUARDED_BY(mutex_);
  std::optional<Error> error_ GUARDED_BY(mutex_);
  DamageList damage_ GUARDED_BY(mutex_);
  std::string ruled_out_by_ GUARDED_BY(mutex_);
  std::size_t notes_count_ GUARDED_BY(mutex_) = 0;
  std::string notes_ GUARDED_BY(mutex_);
};

constexpr std::uint64_t kAllWork = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Result<RunReport> RunPlan(const Snapshot& snapshot,
                          const Plan& plan,
                          Sink& sink,
                          WorkerPool& pool,
                          std::size_t helpers_max,
                          std::uint64_t work_before_help,
                          const Clock* clock) {
  const Stopwatch watch(plan, clock);
  ASSIGN_OR_RETURN(const CompiledPlan compiled, CompiledPlan::Of(plan));
  RETURN_IF_ERROR(CheckStop(plan));
  Query query(snapshot, plan, compiled, watch);
  query.Work(work_before_help);
  const auto door = std::make_shared<Door>();
  if (!query.done()) {
    const std::size_t helpers = std::min(helpers_max, query.units_count());
    for (std::size_t i = 0; i < helpers; ++i) {
      const bool submitted = pool.Submit([door, &query] {
        if (!door->Enter()) return;
        query.Work(kAllWork);
        door->Leave();
      });
      if (!submitted) break;  // the pool is busy; this thread does it all
    }
    query.Work(kAllWork);
  }
  door->CloseAndWait();
  return query.Finish(sink);
}

Result<std::vector<RowIndex>> SelectRows(const LiveTable& live, const Plan& plan) {
  ASSIGN_OR_RETURN(const CompiledPlan compiled, CompiledPlan::Of(plan));
  std::vector<RowIndex> selected;
  if (!InTime(live.table->info(), plan)) return selected;
  TableSelector selector(live, compiled);
  ASSIGN_OR_RETURN(const RowSet rows, selector.Select());
  if (rows.kind == RowSet::Kind::kAll) {
    for (RowIndex row = selector.begin(); row < selector.end(); ++row) selected.push_back(row);
  } else if (rows.kind == RowSet::Kind::kSome) {
    rows.some.ForEach(
        selector.begin(), selector.end(), [&](RowIndex row) { selected.push_back(row); });
  }
  const std::size_t from_columns = selected.size();
  RETURN_IF_ERROR(
      ForEachOpaqueMatch(selector, compiled.matcher, [&](RowIndex row, EventReader&) -> Status {
        selected.push_back(row);
        return {};
      }));
  std::inplace_merge(selected.begin(),
                     selected.begin() + static_cast<std::ptrdiff_t>(from_columns),
                     selected.end());
  return selected;
}

}  // namespace postglass::store
