// The embedded store on generated mail events: ingest, bytes on disk, memory, start, queries.
//
//   store_bench [events] [directory]      fills an empty directory and asks it
//   store_bench 0 [directory]             opens it again: start and memory of a fresh process
//
// Prints one line a figure. Runs on the real disk, so the figures include its fsync.

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "bench/corpus.h"
#include "store/embedded/embedded_store.h"

namespace postglass {
namespace {

constexpr std::size_t kBatchEvents = 100;
constexpr int kClients = 8;

double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t ResidentKb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtoull(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

std::uint64_t PeakKb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss);
}

struct Quiet final : store::Sink {
  std::size_t rows = 0;
  std::uint64_t count = 0;

  void Rows(std::span<const store::Event> events) override { rows += events.size(); }

  void Count(std::uint64_t n) override { count = n; }
};

void Ask(store::LogStore& store, std::string_view name, const store::Plan& plan) {
  for (int run = 0; run < 3; ++run) {
    Quiet sink;
    std::string explain;
    const double cpu_before = CpuSeconds();
    const double seconds = Seconds([&] {
      Result<store::RunReport> report = store.Run(plan, sink);
      explain = report ? report->explain : report.error().message;
    });
    fmt::print("{:<42} {:9.2f} ms, {:.2f} of CPU  rows {} count {}  ({})\n",
               run == 0 ? fmt::format("{} (first)", name) : std::string(name),
               1000 * seconds,
               1000 * (CpuSeconds() - cpu_before),
               sink.rows,
               sink.count,
               explain);
  }
}

store::Predicate Term(store::Field::Kind kind, std::string name, std::string value) {
  return {store::TermMatch{{kind, std::move(name)}, std::move(value), false, true}};
}

void Queries(store::LogStore& store, const bench::SesCorpus& corpus) {
  using Kind = store::Field::Kind;
  store::Plan newest;
  newest.rows = store::RowsRequest{};
  Ask(store, "newest 100", newest);
  for (const std::uint32_t rank : {150'000U, 20'000U, 100U}) {
    store::Plan plan = newest;
    plan.where = Term(Kind::kAttribute, "mail.destination", corpus.Recipient(rank));
    Ask(store, fmt::format("mails of recipient number {}", rank), plan);
  }
  store::Plan absent = newest;
  absent.where = Term(Kind::kAttribute, "mail.destination", "nobody@nowhere.example");
  Ask(store, "an address that is not there", absent);
  store::Plan words = newest;
  words.where = Term(Kind::kText, "", "bounced for");
  Ask(store, "newest 100 by words of the message", words);
  store::Plan bounces;
  bounces.count = true;
  bounces.where = {store::Exists{{Kind::kAttribute, "bounce"}}};
  Ask(store, "count of bounces (path in most blocks)", bounces);
  store::Plan all;
  all.count = true;
  Ask(store, "count of everything", all);
  store::Plan histogram;
  histogram.histograms = {{3'600'000, std::nullopt}};
  Ask(store, "histogram by hour of everything", histogram);
  store::Plan facet;
  facet.top_values = {{{Kind::kAttribute, "eventType"}, 10}};
  Ask(store, "top values of an attribute, everything", facet);
}

// The clients' side of the ingest: so many threads, each with one batch under way, which it sends
// again when the store is busy.
int Ingest(store::LogStore& store, const std::deque<std::vector<store::NewEvent>>& batches) {
  std::atomic<std::size_t> next = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      for (std::size_t b = next++; b < batches.size(); b = next++) {
        while (!store.Append(batches[b])) {
          ++refused;
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  return refused;
}

int Main(std::size_t events, const Path& dir) {
  if (events > 0) std::filesystem::remove_all(dir);
  PosixFileSystem fs;
  SystemClock clock;
  Metrics metrics;
  bench::SesCorpus corpus({});
  const auto open_begin = clock.Monotonic();
  auto opened = store::EmbeddedStore::Open(fs, clock, metrics, dir, {});
  if (events == 0) {
    fmt::print("start {:.3f} s, resident {} MB\n",
               std::chrono::duration<double>(clock.Monotonic() - open_begin).count(),
               ResidentKb() / 1024);
  }
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().message);
    return 1;
  }
  std::unique_ptr<store::EmbeddedStore> store = std::move(*opened);

  if (events == 0) {
    Queries(*store, corpus);
    fmt::print("resident after queries {} MB\n", ResidentKb() / 1024);
    return 0;
  }

  // Generating costs as much as storing, so it is done ahead, a piece at a time.
  double ingest_seconds = 0;
  double ingest_cpu = 0;
  int refused = 0;
  std::uint64_t attribute_bytes = 0;
  constexpr std::size_t kPieceEvents = 50'000;
  for (std::size_t done = 0; done < events; done += kPieceEvents) {
    std::deque<std::vector<store::NewEvent>> batches;
    for (std::size_t i = 0; i < std::min(kPieceEvents, events - done); ++i) {
      if (i % kBatchEvents == 0) batches.emplace_back();
      batches.back().push_back(corpus.Next());
      attribute_bytes += batches.back().back().event.attributes.size();
    }
    const double cpu_before = CpuSeconds();
    ingest_seconds += Seconds([&] { refused += Ingest(*store, batches); });
    ingest_cpu += CpuSeconds() - cpu_before;
  }
  const auto count = static_cast<double>(events);
  fmt::print("events {}  mean attributes {:.0f} B\n",
             events,
             static_cast<double>(attribute_bytes) / count);
  fmt::print(
      "ingest {:.0f} events/s  ({:.2f} us of CPU an event, sealing and a copy included; {} times "
      "busy)\n",
      count / ingest_seconds,
      1e6 * ingest_cpu / count,
      refused);
  const double flush_seconds = Seconds([&] {
    if (const Status flushed = store->Flush(); !flushed) {
      fmt::print("flush: {}\n", flushed.error().message);
    }
  });
  fmt::print("flush {:.2f} s\n", flush_seconds);
  const store::Description description = store->Describe();
  std::uint64_t disk_bytes = 0;
  std::uint64_t segment_bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file()) continue;
    disk_bytes += entry.file_size();
    if (entry.path().extension() == ".seg") segment_bytes += entry.file_size();
  }
  fmt::print("segments {}  {:.1f} B/event in segments, {:.1f} with keys and journal\n",
             description.segments,
             static_cast<double>(segment_bytes) / count,
             static_cast<double>(disk_bytes) / count);
  // Flush() returns when the last segment is live; the memory is given back a moment later.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  fmt::print("resident after ingest {} MB, peak {} MB\n", ResidentKb() / 1024, PeakKb() / 1024);

  Queries(*store, corpus);
  fmt::print("resident after queries {} MB\n", ResidentKb() / 1024);
  store.reset();
  malloc_trim(0);
  const double start_seconds = Seconds([&] {
    auto reopened = store::EmbeddedStore::Open(fs, clock, metrics, dir, {});
    if (reopened) store = std::move(*reopened);
  });
  fmt::print("start {:.3f} s, resident {} MB\n", start_seconds, ResidentKb() / 1024);
  return 0;
}

}  // namespace
}  // namespace postglass

int main(int argc, char** argv) {
  const std::size_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::string dir = argc > 2 ? argv[2] : "build/store_bench.data";
  return postglass::Main(events, dir);
}
