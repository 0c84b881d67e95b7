// The embedded store on generated mail events: ingest, bytes on disk, memory, start, queries. What
// each row means: bench/README.md. Runs on the real disk, so the figures include its fsync.
//
//   store_bench [--events N] [--data DIR] [--variants raw,product] [--steps ingest,ask]
//               [--rounds N] [--mixed-seconds S] [--rows PART]
//
// --rows asks the warm questions whose row has that in its name and nothing else; `mixed` the mixed
// clients.
// The step `ingest` begins with an empty folder; `ask` alone takes what an earlier run of as many
// events has left there. Ends with 1 when an answer was wrong.
//
//   store_bench --events N --print-corpus FILE
//
// prints the corpus itself for the rivals, and writes questions and answers to FILE.

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

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
  std::string steps = "ingest,ask";
  int rounds = 9;
  double mixed_seconds = 10;
  std::string rows;          // part of a name; empty: all
  std::string print_corpus;  // empty: measure
};

SesCorpus::Options CorpusOptions(const Settings& settings, Variant variant) {
  SesCorpus::Options options;
  options.events = settings.events;
  options.variant = variant;
  return options;
}

// Rows of the raw variant have none.
std::string Suffix(std::string_view variant) {
  return variant == "raw" ? std::string() : fmt::format("_{}", variant);
}

void PrintIngest(const IngestFigures& figures,
                 std::uint64_t bytes_on_disk,
                 std::string_view variant,
                 const Settings& settings,
                 const Rows& rows) {
  const std::string suffix = Suffix(variant);
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

// A corpus that has given all its events, and what is true of them.
struct Known {
  SesCorpus corpus;
  Truth truth;

  Known(const Settings& settings, Variant variant)
      : corpus(CorpusOptions(settings, variant)), truth(settings.events, corpus.start_ms()) {}
};

void MeasureIngest(MeasuredStore& store,
                   Known& known,
                   const std::string& variant,
                   const Settings& settings,
                   Rows& rows) {
  store.Empty();
  store.Open();
  ResetPeakMemory();
  const IngestFigures figures = Ingest(*store, known.corpus, known.truth, settings.events);
  const double peak_mb = PeakMemoryMb();
  PrintIngest(figures, store.BytesOnDisk(), variant, settings, rows);
  rows.Print("peak_memory_ingest_mb" + Suffix(variant), peak_mb, "MB");
  store.Close();
}

// The events that the store holds already are made once more, to know the answers.
void Recall(Known& known, const Settings& settings) {
  store::NewEvent entry;
  for (std::uint64_t i = 0; i < settings.events; ++i) {
    known.corpus.Next(entry);
    known.truth.Note(known.corpus.facts());
  }
}

void MeasureQueries(MeasuredStore& store,
                    Known& known,
                    const std::string& variant,
                    const Settings& settings,
                    Rows& rows) {
  constexpr int kStarts = 3;
  const bool raw = variant == "raw";
  ResetPeakMemory();
  std::vector<double> start_ms;
  for (int i = 0; i < kStarts; ++i) {
    store.Close();
    start_ms.push_back(store.Open() * 1000);
  }
  const std::uint64_t stored = (*store).Describe().events;
  if (stored != settings.events) {
    rows.PrintWrong("start_ms" + Suffix(variant),
                    fmt::format("the store has {} of {} events", stored, settings.events));
    return;
  }
  rows.Print("start_ms" + Suffix(variant), Median(start_ms), "ms");
  std::vector<Question> questions =
      raw ? RawQuestions(known.truth, known.corpus) : ProductQuestions(known.truth);
  std::erase_if(questions, [&](const Question& question) {
    return question.row.find(settings.rows) == std::string::npos;
  });
  AskWarm(*store, questions, settings.rounds, rows);
  rows.Print("peak_memory_queries_mb" + Suffix(variant), PeakMemoryMb(), "MB");
  const bool asks_mixed =
      settings.rows.empty() || std::string_view("mixed_clients").find(settings.rows) == 0;
  if (!raw || !asks_mixed) return;
  if (settings.rows.empty()) {
    AskCold(store, ColdRare(known.truth), rows);
    AskCold(store, ColdAbsent(), rows);
  }
  store.Close();

  // On a copy: what arrives meanwhile is none of the events that are known.
  MeasuredStore copy(settings.data / "mixed");
  copy.CopyFrom(store);
  copy.Open();
  AskMixed(*copy, known.corpus, known.truth, settings.mixed_seconds, rows);
  copy.Close();
  copy.Empty();
}

void MeasureVariant(Variant variant, const Settings& settings, Rows& rows) {
  const std::string name = variant == Variant::kRaw ? "raw" : "product";
  std::filesystem::create_directories(settings.data);
  MeasuredStore store(settings.data / name);
  Known known(settings, variant);
  if (settings.steps.find("ingest") != std::string::npos) {
    MeasureIngest(store, known, name, settings, rows);
  } else {
    Recall(known, settings);
  }
  if (settings.steps.find("ask") != std::string::npos) {
    MeasureQueries(store, known, name, settings, rows);
  }
}

[[noreturn]] void RefuseOption(std::string_view option) {
  fmt::print(stderr,
             "store_bench: {}: no such option, or its value is missing\n"
             "usage: store_bench [--events N] [--data DIR] [--variants raw,product]\n"
             "         [--steps ingest,ask] [--rounds N] [--mixed-seconds S] [--rows PART]\n"
             "       store_bench --events N --print-corpus FILE\n",
             option);
  std::exit(2);
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
    } else if (name == "--steps") {
      settings.steps = value;
    } else if (name == "--rounds") {
      settings.rounds = std::atoi(value);
    } else if (name == "--mixed-seconds") {
      settings.mixed_seconds = std::atof(value);
    } else if (name == "--rows") {
      settings.rows = value;
    } else if (name == "--print-corpus") {
      settings.print_corpus = value;
    } else {
      RefuseOption(name);
    }
  }
  if (argc % 2 == 0) RefuseOption(argv[argc - 1]);
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
