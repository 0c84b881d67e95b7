#include "bench/load_loop.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <optional>
#include <thread>

namespace postglass::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

double MillisSince(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
}

void Note(LoadReport& report, const Status& outcome, double ms) {
  if (outcome) {
    ++report.accepted;
    report.latency.Add(ms);
  } else if (report.refused++ == 0) {
    report.first_refusal = outcome.error().message;
  }
}

// `due`: when the n-th may begin; nothing: none comes any more.
Result<LoadReport> Run(
    std::size_t connections,
    const MakeSender& make,
    const std::function<std::optional<SteadyClock::time_point>(std::uint64_t n)>& due,
    const std::function<void()>& start) {
  std::vector<Sender> senders;
  for (std::size_t i = 0; i < connections; ++i) {
    ASSIGN_OR_RETURN(Sender sender, make(i));
    senders.push_back(std::move(sender));
  }
  std::vector<LoadReport> parts(connections);
  std::atomic<std::uint64_t> next{0};
  start();
  const auto begin = SteadyClock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < connections; ++i) {
      threads.emplace_back([&, i] {
        for (;;) {
          const std::uint64_t n = next++;
          const auto at = due(n);
          if (!at) return;
          std::this_thread::sleep_until(*at);
          const Status outcome = senders[i](n);
          Note(parts[i], outcome, MillisSince(*at));
        }
      });
    }
  }
  LoadReport report;
  report.seconds = MillisSince(begin) / 1000;
  for (const LoadReport& part : parts) {
    report.accepted += part.accepted;
    report.refused += part.refused;
    report.latency.Add(part.latency);
    if (report.first_refusal.empty()) report.first_refusal = part.first_refusal;
  }
  return report;
}

}  // namespace

double Latencies::Percentile(double share) const {
  if (values_ms_.empty()) return 0;
  std::vector<double> sorted = values_ms_;
  std::sort(sorted.begin(), sorted.end());
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(std::max(rank, 1.0)) - 1)];
}

Result<LoadReport> RunClosedLoop(std::size_t connections, double seconds, const MakeSender& make) {
  SteadyClock::time_point end;
  return Run(
      connections,
      make,
      [&](std::uint64_t) -> std::optional<SteadyClock::time_point> {
        const auto now = SteadyClock::now();
        if (now >= end) return std::nullopt;
        return now;
      },
      [&] { end = SteadyClock::now() + std::chrono::microseconds(std::llround(seconds * 1e6)); });
}

Result<LoadReport> RunPacedLoop(std::size_t connections,
                                double seconds,
                                double per_second,
                                const MakeSender& make) {
  SteadyClock::time_point begin;
  const auto count = static_cast<std::uint64_t>(seconds * per_second);
  return Run(
      connections,
      make,
      [&](std::uint64_t n) -> std::optional<SteadyClock::time_point> {
        const double late_s = MillisSince(begin) / 1000 - seconds;
        if (n >= count || late_s > seconds) return std::nullopt;
        return begin +
               std::chrono::microseconds(std::llround(static_cast<double>(n) * 1e6 / per_second));
      },
      [&] { begin = SteadyClock::now(); });
}

}  // namespace postglass::bench
