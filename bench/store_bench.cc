// The embedded store on generated mail events: ingest, bytes on disk, memory, start, queries. What
// each row means: bench/README.md. Runs on the real disk, so the figures include its fsync.
//
//   store_bench [--events N] [--data DIR] [--variants raw,product] [--rounds N] [--mixed-seconds S]
//
// The directory is emptied first. Ends with 1 when an answer was wrong.
//
//   store_bench --events N --print-corpus FILE
//
// prints the corpus itself for the rivals, and writes questions and answers to FILE.

#include <fmt/format.h>
#include <malloc.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "bench/store/asking.h"
#include "bench/store/corpus_file.h"
#include "bench/store/ingest.h"
#include "bench/store/measured_store.h"
#include "bench/store/mixed.h"
#include "bench/store/rows.h"

namespace postglass::bench {
namespace {

struct Settings {
  std::uint64_t events = 5'000'000;
  Path data = "build/bench-store";
  std::string variants = "raw,product";
  int rounds = 9;
  double mixed_seconds = 10;
  std::string print_corpus;  // empty: measure
};

SesCorpus::Options CorpusOptions(const Settings& settings, Variant variant) {
  SesCorpus::Options options;
  options.events = settings.events;
  options.variant = variant;
  return options;
}

// Rows of the raw variant have no suffix.
void PrintIngest(const IngestFigures& figures,
                 std::uint64_t bytes_on_disk,
                 std::string_view variant,
                 const Settings& settings,
                 const Rows& rows) {
  const std::string suffix = variant == "raw" ? "" : fmt::format("_{}", variant);
  const auto events = static_cast<double>(settings.events);
  // The generator's share of the cores is not there for the store.
  const double cores = std::thread::hardware_concurrency();
  const double wall_s = figures.wall_s - figures.generator_cpu_s / cores;
  rows.Print("ingest_cpu_us_per_event" + suffix, figures.store_cpu_s * 1e6 / events, "us");
  rows.Print("ingest_events_per_s" + suffix, events / wall_s, "1/s");
  rows.Print("ingest_events_per_s_with_generator" + suffix, events / figures.wall_s, "1/s");
  rows.Print("ingest_batches_refused" + suffix, static_cast<double>(figures.refused), "count");
  rows.Print("generator_cpu_us_per_event" + suffix, figures.generator_cpu_s * 1e6 / events, "us");
  rows.Print("json_bytes_per_event" + suffix, figures.json_bytes / events, "B");
  rows.Print("bytes_per_event" + suffix, static_cast<double>(bytes_on_disk) / events, "B");
  rows.Print(fmt::format("disk_mb_{}", variant), static_cast<double>(bytes_on_disk) / 1e6, "MB");
}

void MeasureVariant(Variant variant, const Settings& settings, Rows& rows) {
  const bool raw = variant == Variant::kRaw;
  const std::string name = raw ? "raw" : "product";
  const std::string suffix = raw ? "" : "_product";
  const Path dir = settings.data / name;
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(settings.data);
  MeasuredStore store(dir);
  SesCorpus corpus(CorpusOptions(settings, variant));
  Truth truth(settings.events, corpus.start_ms());

  store.Open();
  ResetPeakMemory();
  const IngestFigures figures = Ingest(*store, corpus, truth, settings.events);
  const double peak_mb = PeakMemoryMb();
  PrintIngest(figures, store.BytesOnDisk(), name, settings, rows);
  rows.Print("peak_memory_ingest_mb" + suffix, peak_mb, "MB");
  const std::uint64_t stored = (*store).Describe().events;
  if (stored != settings.events) {
    rows.PrintWrong("events_stored" + suffix, fmt::format("{} of {}", stored, settings.events));
  }

  store.Close();
  ResetPeakMemory();
  std::vector<double> start_ms;
  for (int i = 0; i < 3; ++i) {
    store.Close();
    start_ms.push_back(store.Open() * 1000);
  }
  rows.Print("start_ms" + suffix, Median(start_ms), "ms");
  AskWarm(
      *store, raw ? RawQuestions(truth, corpus) : ProductQuestions(truth), settings.rounds, rows);
  rows.Print("peak_memory_queries_mb" + suffix, PeakMemoryMb(), "MB");
  if (!raw) return;
  AskCold(store, ColdRare(truth), rows);
  AskCold(store, ColdAbsent(), rows);
  AskMixed(*store, corpus, truth, settings.mixed_seconds, rows);
}

Settings SettingsOf(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--events") {
      settings.events = std::strtoull(value, nullptr, 10);
    } else if (name == "--data") {
      settings.data = value;
    } else if (name == "--variants") {
      settings.variants = value;
    } else if (name == "--rounds") {
      settings.rounds = std::atoi(value);
    } else if (name == "--mixed-seconds") {
      settings.mixed_seconds = std::atof(value);
    } else if (name == "--print-corpus") {
      settings.print_corpus = value;
    } else {
      fmt::print(stderr, "no such option: {}\n", name);
      std::exit(2);
    }
  }
  return settings;
}

int Main(int argc, char** argv) {
  const Settings settings = SettingsOf(argc, argv);
  if (!settings.print_corpus.empty()) {
    return PrintCorpus(CorpusOptions(settings, Variant::kRaw), settings.print_corpus);
  }
  Rows rows(settings.events);
  if (settings.variants.find("raw") != std::string::npos) {
    MeasureVariant(Variant::kRaw, settings, rows);
  }
  if (settings.variants.find("product") != std::string::npos) {
    MeasureVariant(Variant::kProduct, settings, rows);
  }
  return rows.any_wrong() ? 1 : 0;
}

}  // namespace
}  // namespace postglass::bench

int main(int argc, char** argv) { return postglass::bench::Main(argc, argv); }
