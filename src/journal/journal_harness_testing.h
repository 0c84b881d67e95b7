#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/metrics.h"
#include "journal/journal.h"

// What the tests of this folder share.

namespace postglass::journal {

inline const Path kDir = "/data/journal";

// A journal on a disk that may fail, opened again and again.
struct Harness {
  FaultyFileSystem fs;
  ManualClock clock;
  Metrics metrics;
  Options options;
  Recovery recovery;

  Result<std::unique_ptr<Journal>> TryOpen() {
    recovery = {};
    return Journal::Open(fs, clock, metrics, kDir, options, &recovery);
  }

  std::unique_ptr<Journal> Open() {
    Result<std::unique_ptr<Journal>> journal = TryOpen();
    EXPECT_TRUE(journal) << journal.error().message;
    return journal ? std::move(*journal) : nullptr;
  }

  // Paths of the journal files, oldest first.
  std::vector<Path> Files() const {
    std::vector<Path> paths;
    const auto names = fs.List(kDir);
    EXPECT_TRUE(names);
    for (const std::string& name : *names) {
      if (name.ends_with(".journal")) paths.push_back(kDir / name);
    }
    return paths;
  }
};

// Appends in one call and waits.
inline Result<Sequence> AppendBatch(Journal& journal, std::vector<std::string> payloads) {
  std::promise<Result<Sequence>> result;
  journal.AppendAsync(std::move(payloads),
                      [&](Result<Sequence> r) { result.set_value(std::move(r)); });
  return result.get_future().get();
}

// Every record behind `after`.
inline std::vector<Record> ReadAll(const Journal& journal, Sequence after) {
  std::vector<Record> records;
  const auto reader = journal.Read(after);
  EXPECT_TRUE(reader) << reader.error().message;
  if (!reader) return records;
  for (;;) {
    Result<std::optional<Record>> record = (*reader)->Next();
    EXPECT_TRUE(record) << record.error().message;
    if (!record || !*record) return records;
    records.push_back(std::move(**record));
  }
}

inline std::vector<Record> ReadAll(const Journal& journal) {
  return ReadAll(journal, journal.first_sequence() - 1);
}

inline std::vector<std::string> Payloads(const std::vector<Record>& records) {
  std::vector<std::string> payloads;
  for (const Record& record : records) payloads.push_back(record.payload);
  return payloads;
}

}  // namespace postglass::journal
