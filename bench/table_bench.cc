#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "bench/corpus/ses_corpus.h"
#include "store/embedded/table/row_reader.h"
#include "store/embedded/table/table_builder.h"
#include "store/embedded/table/table_merge.h"

namespace postglass::store {
namespace {

std::vector<Event> SesEvents(std::size_t count) {
  bench::SesCorpus corpus({});
  std::vector<Event> events;
  events.reserve(count);
  while (events.size() < count) events.push_back(corpus.Next().event);
  return events;
}

std::vector<const Event*> Pointers(const std::vector<Event>& events) {
  std::vector<const Event*> pointers;
  for (const Event& event : events) pointers.push_back(&event);
  return pointers;
}

void SetPerEvent(benchmark::State& state, std::size_t events) {
  state.counters["per_event"] = benchmark::Counter(
      static_cast<double>(events),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// What an append costs beside the journal: parse, flatten, intern. The argument is the rows of one
// table.
void BM_Build(benchmark::State& state) {
  const auto rows = static_cast<std::size_t>(state.range(0));
  const std::vector<Event> events = SesEvents(rows);
  const std::vector<const Event*> pointers = Pointers(events);
  TableBuilder builder;
  for (auto _ : state) benchmark::DoNotOptimize(builder.Build(pointers));
  SetPerEvent(state, rows);
}

BENCHMARK(BM_Build)->Arg(256)->Arg(1024)->Arg(4096)->Arg(8192)->Arg(65536);

// Many small tables to one. Arguments: tables, rows of each.
void BM_Merge(benchmark::State& state) {
  const auto tables = static_cast<std::size_t>(state.range(0));
  const auto rows = static_cast<std::size_t>(state.range(1));
  const std::vector<Event> events = SesEvents(tables * rows);
  const std::vector<const Event*> pointers = Pointers(events);
  TableBuilder builder;
  std::vector<MergeInput> inputs;
  for (std::size_t i = 0; i < tables; ++i) {
    inputs.push_back({builder.Build(std::span(pointers).subspan(i * rows, rows)), nullptr});
  }
  for (auto _ : state) benchmark::DoNotOptimize(MergeTables(inputs).has_value());
  SetPerEvent(state, tables * rows);
}

BENCHMARK(BM_Merge)->Args({16, 8192})->Args({16, 256})->Args({8, 65536});

// A page of search results.
void BM_ReadRows(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::vector<Event> events = SesEvents(65536);
  TableBuilder builder;
  const auto table = builder.Build(Pointers(events));
  std::vector<RowIndex> rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(static_cast<RowIndex>(i * 65536 / count));
  benchmark::DoNotOptimize(ReadRows(*table, rows).has_value());  // makes the layouts
  for (auto _ : state) benchmark::DoNotOptimize(ReadRows(*table, rows).has_value());
  SetPerEvent(state, count);
}

BENCHMARK(BM_ReadRows)->Arg(1)->Arg(100)->Arg(10000);

}  // namespace
}  // namespace postglass::store
