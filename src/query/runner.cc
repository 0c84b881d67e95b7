#include "query/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace postglass::query {
namespace {

// Waits end by notification; this only bounds how late a clock that jumped is noticed.
constexpr std::chrono::milliseconds kPollMax{100};

}  // namespace

QueryRunner::QueryRunner(store::LogStore& store,
                         const Clock& clock,
                         Metrics& metrics,
                         Options options)
    : store_(store),
      clock_(clock),
      options_(options),
      runs_(metrics.GetCounter("postglass_query_runs_total", "Queries run on the store.")),
      rejected_(metrics.GetCounter("postglass_query_rejected_total",
                                   "Queries refused because too many ran or waited.")),
      timeouts_(
          metrics.GetCounter("postglass_query_timeouts_total", "Queries ended by the time limit.")),
      watcher_([this] { Watch(); }) {}

QueryRunner::~QueryRunner() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  watcher_.join();
}

bool QueryRunner::Enter(std::chrono::nanoseconds wait_max) {
  MutexLock lock(mutex_);
  if (running_ < options_.concurrent_max) {
    ++running_;
    return true;
  }
  if (waiting_ >= options_.waiting_max) return false;
  ++waiting_;
  const std::chrono::nanoseconds give_up_at = clock_.Monotonic() + wait_max;
  while (running_ >= options_.concurrent_max) {
    const std::chrono::nanoseconds left = give_up_at - clock_.Monotonic();
    if (left.count() <= 0) break;
    freed_.WaitFor(mutex_, std::min<std::chrono::nanoseconds>(left, kPollMax));
  }
  --waiting_;
  if (running_ >= options_.concurrent_max) return false;
  ++running_;
  return true;
}

void QueryRunner::Leave() {
  {
    MutexLock lock(mutex_);
    --running_;
  }
  freed_.NotifyOne();
}

Result<store::RunReport> QueryRunner::Run(store::Plan plan,
                                          store::Sink& sink,
                                          std::chrono::nanoseconds at_most) {
  return RunWithin(std::move(plan),
                   sink,
                   std::min<std::chrono::nanoseconds>(at_most, options_.timeout),
                   std::nullopt);
}

Result<store::RunReport> QueryRunner::RunAsFarAsItGets(store::Plan plan, store::Sink& sink) {
  // What is left is for putting the parts together.
  const std::chrono::nanoseconds timeout = options_.timeout;
  return RunWithin(std::move(plan), sink, timeout, timeout / 4 * 3);
}

Result<store::RunReport> QueryRunner::RunWithin(
    store::Plan plan,
    store::Sink& sink,
    std::chrono::nanoseconds limit,
    std::optional<std::chrono::nanoseconds> enough_after) {
  const std::chrono::nanoseconds asked_at = clock_.Monotonic();
  if (!Enter(std::min<std::chrono::nanoseconds>(limit, options_.wait_max))) {
    rejected_.Add();
    return Fail(ErrorCode::kUnavailable,
                fmt::format("too many queries at once ({} run, {} may wait)",
                            options_.concurrent_max,
                            options_.waiting_max));
  }
  runs_.Add();
  const std::chrono::nanoseconds waited = clock_.Monotonic() - asked_at;
  std::stop_source stop;
  const std::stop_callback on_caller(plan.stop, [&stop] { stop.request_stop(); });
  plan.stop = stop.get_token();

  std::list<Deadline> mine;
  mine.push_back({clock_.Monotonic() + limit, stop, false});
  const auto deadline = mine.begin();
  if (enough_after) {
    std::stop_source enough;
    plan.enough = enough.get_token();
    mine.push_back({clock_.Monotonic() + *enough_after, std::move(enough), false});
  }
  if (limit.count() <= 0) {
    deadline->passed = true;
    stop.request_stop();
  }
  {
    MutexLock lock(mutex_);
    deadlines_.splice(deadlines_.end(), mine);
  }
  changed_.NotifyAll();

  Result<store::RunReport> report = store_.Run(plan, sink);

  bool timed_out = false;
  {
    MutexLock lock(mutex_);
    timed_out = deadline->passed;
    const auto behind = std::next(deadline, enough_after ? 2 : 1);
    mine.splice(mine.end(), deadlines_, deadline, behind);
  }
  Leave();
  if (report) {
    report->waited_us = std::chrono::duration_cast<std::chrono::microseconds>(waited).count();
  }
  if (!report && report.error().code == ErrorCode::kCancelled && timed_out) {
    // An operator looks at this count for queries that were too heavy, not for hurried callers.
    if (limit == options_.timeout) timeouts_.Add();
    return Fail(ErrorCode::kTimeout,
                fmt::format("the query took longer than {} ms",
                            std::chrono::duration_cast<std::chrono::milliseconds>(limit).count()));
  }
  return report;
}

void QueryRunner::Watch() {
  for (;;) {
    std::vector<std::stop_source> passed;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      const std::chrono::nanoseconds now = clock_.Monotonic();
      std::chrono::nanoseconds next = kPollMax;
      for (Deadline& deadline : deadlines_) {
        if (deadline.passed) continue;
        if (deadline.at <= now) {
          deadline.passed = true;
          passed.push_back(deadline.stop);
        } else {
          next = std::min(next, deadline.at - now);
        }
      }
      if (passed.empty()) {
        if (deadlines_.empty()) {
          changed_.Wait(mutex_);
        } else {
          changed_.WaitFor(mutex_, next);
        }
      }
    }
    // Outside the lock: it may call back into the store.
    for (std::stop_source& stop : passed) stop.request_stop();
  }
}

}  // namespace postglass::query
