// How fast the journal takes records, beside how fast the disk under $TMPDIR syncs at all.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/random_testing.h"
#include "base/temporary_directory_testing.h"
#include "journal/journal.h"

namespace postglass::journal {
namespace {

constexpr std::size_t kRecordBytes = 1834;  // mean SES event as stored

enum Kind : std::int64_t { kEvents, kEncrypted };

// Records like those of the product: event JSON that repeats itself, or encrypted mail.
std::vector<std::string> MakeRecords(Kind kind, std::size_t count) {
  SeededRandom random(1);
  std::vector<std::string> records;
  for (std::size_t i = 0; i < count; ++i) {
    if (kind == kEncrypted) {
      std::string noise(kRecordBytes, '\0');
      random.Fill(std::as_writable_bytes(std::span(noise)));
      records.push_back(std::move(noise));
      continue;
    }
    std::string text = fmt::format(
        R"({{"eventType":"Delivery","mail":{{"timestamp":"2026-11-23T05:57:01.{:03}Z","messageId":"{}",)"
        R"("source":"noreply@shop.example","destination":["user{}@example.com"],"headers":[)",
        random.Below(1000),
        random.Hex(30),
        random.Below(100'000));
    for (int header = 0; text.size() < kRecordBytes; ++header) {
      text += fmt::format(R"({{"name":"X-Header-{}","value":"{}"}},)", header, random.Below(50));
    }
    records.push_back(std::move(text));
  }
  return records;
}

struct World {
  explicit World(Options options = {}) {
    auto opened = Journal::Open(fs, clock, metrics, directory.path() / "journal", options);
    CHECK(opened);
    journal = std::move(*opened);
  }

  double metric(std::string_view name) {
    return metrics.GetCounter(name, "", {{"journal", "journal"}}).value();
  }

  TemporaryDirectory directory;
  PosixFileSystem fs;
  SystemClock clock;
  Metrics metrics;
  std::unique_ptr<Journal> journal;
};

// The machine's own rate: one record, one sync.
void BM_FileAppendAndSync(benchmark::State& state) {
  TemporaryDirectory directory;
  PosixFileSystem fs;
  auto file = fs.OpenForWrite(directory.path() / "f", FileSystem::WriteMode::kCreateNew);
  CHECK(file);
  const std::string record(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    CHECK((*file)->Append(record));
    CHECK((*file)->Sync());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_FileAppendAndSync)->Arg(2048)->Arg(98'304)->UseRealTime();

// Threads that each wait until their record is durable, as requests that send mail do.
void BM_Append(benchmark::State& state) {
  static std::unique_ptr<World> world;
  static std::vector<std::string> records;
  if (state.thread_index() == 0) {
    world = std::make_unique<World>();
    records = MakeRecords(static_cast<Kind>(state.range(0)), 512);
  }
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * 7;
  for (auto _ : state) {
    CHECK(world->journal->Append(records[i++ % 512]));
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    state.counters["records/sync"] = world->metric("postglass_journal_records_total") /
                                     world->metric("postglass_journal_fsync_total");
    state.counters["file_B/record"] = world->metric("postglass_journal_bytes_total") /
                                      world->metric("postglass_journal_records_total");
    world.reset();
  }
}

BENCHMARK(BM_Append)
    ->ArgName("encrypted")
    ->Arg(kEvents)
    ->Arg(kEncrypted)
    ->Threads(1)
    ->Threads(8)
    ->Threads(48)
    ->Threads(64)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// One caller with batches of events, waiting for each, as the store's intake does.
void BM_AppendBatch(benchmark::State& state) {
  World world;
  const auto batch_size = static_cast<std::size_t>(state.range(0));
  const std::vector<std::string> records = MakeRecords(kEvents, batch_size);
  for (auto _ : state) {
    std::atomic<bool> done = false;
    world.journal->AppendAsync(records, [&](const Result<Sequence>& first) {
      CHECK(first);
      done = true;
      done.notify_one();
    });
    done.wait(false);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.items_processed() * static_cast<std::int64_t>(kRecordBytes));
}

BENCHMARK(BM_AppendBatch)->Arg(10)->Arg(100)->Arg(1000)->MeasureProcessCPUTime()->UseRealTime();

// What AppendAsync() costs its caller: the commit thread works beside it and syncs nothing.
void BM_AppendAsyncCall(benchmark::State& state) {
  World world({.queue_bytes_max = std::uint64_t{4} << 30, .durability = Durability::kOs});
  const std::string record(100, 'x');
  for (auto _ : state) {
    std::vector<std::string> payloads;
    payloads.push_back(record);
    world.journal->AppendAsync(std::move(payloads), [](const Result<Sequence>&) {});
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_AppendAsyncCall);

void BM_Read(benchmark::State& state) {
  World world({.queue_bytes_max = std::uint64_t{4} << 30, .durability = Durability::kOs});
  constexpr std::int64_t kCount = 50'000;
  const std::vector<std::string> records = MakeRecords(static_cast<Kind>(state.range(0)), 100);
  for (std::int64_t i = 0; i < kCount / 100 - 1; ++i) {
    world.journal->AppendAsync(records, [](const Result<Sequence>&) {});
  }
  for (int i = 0; i < 100; ++i) CHECK(world.journal->Append(records[static_cast<std::size_t>(i)]));
  for (auto _ : state) {
    auto reader = world.journal->Read(0);
    CHECK(reader);
    std::int64_t count = 0;
    while (*(*reader)->Next()) ++count;
    CHECK(count == kCount);
  }
  state.SetItemsProcessed(state.iterations() * kCount);
  state.SetBytesProcessed(state.items_processed() * static_cast<std::int64_t>(kRecordBytes));
}

BENCHMARK(BM_Read)
    ->ArgName("encrypted")
    ->Arg(kEvents)
    ->Arg(kEncrypted)
    ->Unit(benchmark::kMillisecond);

// Opening a journal of 50,000 records: every checksum is checked.
void BM_Open(benchmark::State& state) {
  World world({.queue_bytes_max = std::uint64_t{4} << 30, .durability = Durability::kOs});
  const std::vector<std::string> records = MakeRecords(static_cast<Kind>(state.range(0)), 100);
  for (int i = 0; i < 500; ++i) {
    world.journal->AppendAsync(records, [](const Result<Sequence>&) {});
  }
  world.journal.reset();
  for (auto _ : state) {
    Recovery recovery;
    auto journal = Journal::Open(
        world.fs, world.clock, world.metrics, world.directory.path() / "journal", {}, &recovery);
    CHECK(journal && recovery.records == 50'000);
  }
  state.SetItemsProcessed(state.iterations() * 50'000);
}

BENCHMARK(BM_Open)
    ->ArgName("encrypted")
    ->Arg(kEvents)
    ->Arg(kEncrypted)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace postglass::journal
