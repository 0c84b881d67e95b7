#include "journal/journal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "base/random_testing.h"
#include "base/temporary_directory_testing.h"
#include "journal/journal_harness_testing.h"

namespace postglass::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Journal, BeginsEmpty) {
  Harness h;
  const auto journal = h.Open();
  EXPECT_EQ(journal->first_sequence(), 1U);
  EXPECT_EQ(journal->durable_sequence(), 0U);
  EXPECT_THAT(ReadAll(*journal, 0), IsEmpty());
  EXPECT_EQ(journal->health(), Journal::Health::kOk);
  EXPECT_EQ(journal->health_reason(), "");
}

TEST(Journal, ReadsBackWhatWasAppended) {
  Harness h;
  const auto journal = h.Open();
  const Timestamp first_time = h.clock.Now();
  EXPECT_EQ(*journal->Append("one"), 1U);
  h.clock.Advance(std::chrono::seconds(1));
  EXPECT_EQ(*AppendBatch(*journal, {"two", "", std::string("\0four", 5)}), 2U);
  const std::vector<Record> records = ReadAll(*journal, 0);
  EXPECT_THAT(Payloads(records), ElementsAre("one", "two", "", std::string("\0four", 5)));
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].sequence, i + 1);
  EXPECT_EQ(records[0].written_at, first_time);
  EXPECT_EQ(records[3].written_at, h.clock.Now());
  EXPECT_THAT(Payloads(ReadAll(*journal, 2)), ElementsAre("", std::string("\0four", 5)));
  EXPECT_THAT(ReadAll(*journal, 4), IsEmpty());
}

// Spacing makes later records wait for each other, not the first one, and never holds up the end.
TEST(Journal, SpacedCommitsWriteALoneRecordAtOnceAndAllAtTheEnd) {
  Harness h;
  h.options.commit_spacing = std::chrono::hours(1);
  std::atomic<int> acknowledged = 0;
  {
    const auto journal = h.Open();
    EXPECT_EQ(*journal->Append("one"), 1U);
    for (const char* payload : {"two", "three"}) {
      journal->AppendAsync({payload}, [&](Result<Sequence> sequence) {
        if (sequence) ++acknowledged;
      });
    }
  }
  EXPECT_EQ(acknowledged, 2);
  EXPECT_THAT(Payloads(ReadAll(*h.Open())), ElementsAre("one", "two", "three"));
}

TEST(Journal, AReaderGoesOnWhereTheEndWas) {
  Harness h;
  h.options.file_bytes_max = 200;
  const auto journal = h.Open();
  const auto reader = std::move(*journal->Read(0));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(*reader->Next(), std::nullopt);
    ASSERT_TRUE(journal->Append(fmt::format("record {}", i)));
    EXPECT_EQ((*reader->Next())->payload, fmt::format("record {}", i));
  }
  EXPECT_GT(h.Files().size(), 3U);
}

// Random operations beside a vector.
TEST(Journal, EqualsAVectorOverManyLives) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    Harness h;
    h.options.file_bytes_max = 300 + random.Below(4000);
    std::vector<std::string> model;
    Sequence trimmed_before = 1;
    std::map<std::string, Sequence> cursors;
    auto journal = h.Open();
    const auto payload = [&] {
      // Text that compresses, or random bytes that do not; some longer than a frame.
      const std::size_t size = random.Below(10) == 0 ? random.Below(5000) : random.Below(200);
      std::string text(size, static_cast<char>('a' + random.Below(26)));
      if (random.Below(2) == 0) random.Fill(std::as_writable_bytes(std::span(text)));
      return text;
    };
    for (int step = 0; step < 120; ++step) {
      switch (random.Below(8)) {
        case 0:
        case 1:
        case 2: {
          model.push_back(payload());
          ASSERT_EQ(*journal->Append(model.back()), model.size());
          break;
        }
        case 3: {
          std::vector<std::string> batch(1 + random.Below(5));
          for (std::string& text : batch) text = payload();
          ASSERT_EQ(*AppendBatch(*journal, batch), model.size() + 1);
          model.insert(model.end(), batch.begin(), batch.end());
          break;
        }
        case 4: {
          journal.reset();
          journal = h.Open();
          ASSERT_NE(journal, nullptr);
          EXPECT_THAT(h.recovery.set_aside, IsEmpty());
          EXPECT_EQ(h.recovery.torn_bytes_cut, 0U);
          EXPECT_EQ(h.recovery.records, model.size() + 1 - journal->first_sequence());
          break;
        }
        case 5: {
          const std::string name = fmt::format("c{}", random.Below(3));
          cursors[name] = random.Below(model.size() + 1);
          ASSERT_TRUE(journal->SaveCursor(name, cursors[name]));
          break;
        }
        case 6: {
          const Sequence keep_from = random.Below(model.size() + 2);
          trimmed_before = std::max(trimmed_before, keep_from);
          ASSERT_TRUE(journal->TrimBefore(keep_from));
          break;
        }
        case 7: {
          const Sequence first = journal->first_sequence();
          ASSERT_LE(first, trimmed_before);
          const Sequence after = first - 1 + random.Below(model.size() + 2 - first);
          const std::vector<Record> records = ReadAll(*journal, after);
          ASSERT_EQ(records.size(), model.size() - after);
          for (std::size_t i = 0; i < records.size(); ++i) {
            ASSERT_EQ(records[i].sequence, after + 1 + i);
            ASSERT_EQ(records[i].payload, model[after + i]);
          }
          break;
        }
      }
      ASSERT_EQ(journal->durable_sequence(), model.size());
      for (const auto& [name, sequence] : cursors) {
        ASSERT_EQ(*journal->LoadCursor(name), sequence);
      }
    }
  }
}

TEST(Journal, RecordsOfManyThreadsKeepTheirOrder) {
  Harness h;
  h.options.file_bytes_max = 2000;
  const auto journal = h.Open();
  constexpr int kThreads = 6;
  constexpr int kEach = 60;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Sequence before = 0;
      for (int i = 0; i < kEach; ++i) {
        const Result<Sequence> sequence = journal->Append(fmt::format("{} {}", t, i));
        ASSERT_TRUE(sequence);
        ASSERT_GT(*sequence, before);
        ASSERT_GE(journal->durable_sequence(), *sequence);
        before = *sequence;
      }
    });
  }
  // Reads beside the appends, and sees each record once.
  std::vector<int> next(kThreads, 0);
  const auto reader = std::move(*journal->Read(0));
  Sequence seen = 0;
  while (seen < std::size_t{kThreads} * kEach) {
    ASSERT_TRUE(journal->WaitFor(seen, {}, std::chrono::hours(1)));
    while (const std::optional<Record> record = *reader->Next()) {
      ASSERT_EQ(record->sequence, ++seen);
      const int t = record->payload[0] - '0';
      const auto nth = static_cast<std::size_t>(t);
      ASSERT_EQ(record->payload, fmt::format("{} {}", t, next[nth]++));
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(next, std::vector<int>(kThreads, kEach));
}

TEST(Journal, CallsBackInOrderAndBeforeDestructionEnds) {
  Harness h;
  std::vector<Sequence> acknowledged;
  {
    const auto journal = h.Open();
    for (int i = 0; i < 200; ++i) {
      std::vector<std::string> batch(1 + static_cast<std::size_t>(i) % 3, "x");
      journal->AppendAsync(std::move(batch),
                           [&](Result<Sequence> first) { acknowledged.push_back(*first); });
    }
  }
  ASSERT_EQ(acknowledged.size(), 200U);
  EXPECT_TRUE(std::is_sorted(acknowledged.begin(), acknowledged.end()));
  EXPECT_EQ(h.Open()->durable_sequence(), 399U);
}

TEST(Journal, OneSyncServesManyWaitingCallers) {
  Harness h;
  const auto journal = h.Open();
  ASSERT_TRUE(journal->Append("begin"));
  const std::uint64_t syncs_before = h.fs.file_syncs();
  std::promise<void> go;
  // Holds the commit thread until 100 more are waiting.
  journal->AppendAsync({"first"}, [&](Result<Sequence>) { go.get_future().wait(); });
  for (int i = 0; i < 100; ++i) journal->AppendAsync({"x"}, [](Result<Sequence>) {});
  go.set_value();
  ASSERT_TRUE(journal->Append("end"));
  EXPECT_LE(h.fs.file_syncs() - syncs_before, 4U);
}

TEST(Journal, RefusesWhenTooMuchWaits) {
  Harness h;
  h.options.queue_bytes_max = 1000;
  auto journal = h.Open();
  std::promise<void> held, go;
  journal->AppendAsync({std::string(400, 'x')}, [&](Result<Sequence>) {
    held.set_value();
    go.get_future().wait();
  });
  held.get_future().wait();
  std::atomic<int> accepted = 0, refused = 0;
  const auto count = [&](const Result<Sequence>& r) {
    if (r) {
      ++accepted;
    } else if (r.error().code == ErrorCode::kUnavailable) {
      ++refused;
    }
  };
  for (int i = 0; i < 5; ++i) journal->AppendAsync({std::string(400, 'x')}, count);
  EXPECT_EQ(refused, 3);
  go.set_value();
  journal.reset();
  EXPECT_EQ(accepted, 2);
  EXPECT_EQ(h.Open()->durable_sequence(), 3U);
}

TEST(Journal, RefusesWhatIsTooLargeOrEmpty) {
  Harness h;
  h.options.record_bytes_max = 100;
  h.options.queue_bytes_max = 1000;
  const auto journal = h.Open();
  EXPECT_EQ(journal->Append(std::string(101, 'x')).error().code, ErrorCode::kLimit);
  EXPECT_EQ(AppendBatch(*journal, std::vector<std::string>(20, std::string(100, 'x'))).error().code,
            ErrorCode::kLimit);
  EXPECT_EQ(AppendBatch(*journal, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(*journal->Append(std::string(100, 'x')), 1U);
}

TEST(Journal, WaitsForRecords) {
  Harness h;
  const auto journal = h.Open();
  EXPECT_FALSE(journal->WaitFor(0, {}, std::chrono::milliseconds(0)));
  std::thread waiter([&] { EXPECT_TRUE(journal->WaitFor(1, {}, std::chrono::hours(1))); });
  ASSERT_TRUE(journal->Append("1"));
  ASSERT_TRUE(journal->Append("2"));
  waiter.join();
  EXPECT_TRUE(journal->WaitFor(0, {}, std::chrono::milliseconds(0)));
  std::stop_source stop;
  std::thread stopped(
      [&] { EXPECT_FALSE(journal->WaitFor(2, stop.get_token(), std::chrono::hours(1))); });
  stop.request_stop();
  stopped.join();
}

TEST(Journal, TrimsWholeFilesOnly) {
  Harness h;
  h.options.file_bytes_max = 300;
  const auto journal = h.Open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(journal->Append(std::string(50, 'x')));
  const std::size_t files_before = h.Files().size();
  const std::uint64_t bytes_before = journal->size_bytes();
  ASSERT_TRUE(journal->TrimBefore(15));
  EXPECT_LT(h.Files().size(), files_before);
  EXPECT_LT(journal->size_bytes(), bytes_before);
  EXPECT_GT(journal->first_sequence(), 10U);
  EXPECT_LE(journal->first_sequence(), 15U);
  EXPECT_EQ(ReadAll(*journal, 14).size(), 16U);
  EXPECT_EQ(journal->Read(3).error().code, ErrorCode::kNotFound);
}

TEST(Journal, AReaderWhosePlaceIsTrimmedAwayIsTold) {
  Harness h;
  h.options.file_bytes_max = 300;
  const auto journal = h.Open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(journal->Append(std::string(50, 'x')));
  const auto at_begin = std::move(*journal->Read(0));
  const auto inside = std::move(*journal->Read(0));
  ASSERT_TRUE(*inside->Next());
  ASSERT_TRUE(journal->TrimBefore(30));
  EXPECT_EQ(at_begin->Next().error().code, ErrorCode::kNotFound);
  Result<std::optional<Record>> next = inside->Next();
  while (next && *next) next = inside->Next();  // to the end of the file it has open
  EXPECT_EQ(next.error().code, ErrorCode::kNotFound);
}

TEST(Journal, ANewestFileThatIsDoneWithGoesToo) {
  Harness h;
  const auto journal = h.Open();
  std::string noise(100'000, '\0');
  SeededRandom(1).Fill(std::as_writable_bytes(std::span(noise)));
  ASSERT_TRUE(journal->Append(noise));
  ASSERT_TRUE(journal->TrimBefore(2));
  ASSERT_TRUE(journal->Append("next"));  // behind the trim, in the commit thread
  EXPECT_EQ(h.Files().size(), 1U);
  EXPECT_LT(journal->size_bytes(), 1000U);
  EXPECT_EQ(journal->first_sequence(), 2U);
  EXPECT_THAT(Payloads(ReadAll(*journal, 1)), ElementsAre("next"));
  EXPECT_EQ(journal->Read(0).error().code, ErrorCode::kNotFound);
}

TEST(Journal, AFileBegunOnRequestLetsAllBeforeItGo) {
  Harness h;
  const auto journal = h.Open();
  ASSERT_TRUE(journal->Append("secret"));
  EXPECT_EQ(*journal->BeginFile(), 2U);
  EXPECT_EQ(*journal->BeginFile(), 2U);  // nothing in it yet
  EXPECT_EQ(h.Files().size(), 2U);
  ASSERT_TRUE(journal->TrimBefore(2));
  EXPECT_EQ(h.Files().size(), 1U);
  EXPECT_EQ(journal->first_sequence(), 2U);
  EXPECT_EQ(*journal->Append("next"), 2U);
  EXPECT_THAT(Payloads(ReadAll(*journal, 1)), ElementsAre("next"));
}

TEST(Journal, SequencesGoOnWhenEverythingWasTrimmed) {
  Harness h;
  std::string noise(100'000, '\0');
  SeededRandom(1).Fill(std::as_writable_bytes(std::span(noise)));
  {
    const auto journal = h.Open();
    ASSERT_TRUE(AppendBatch(*journal, {noise, noise, noise}));
    ASSERT_TRUE(journal->TrimBefore(4));
  }
  const auto journal = h.Open();
  EXPECT_EQ(journal->durable_sequence(), 3U);
  EXPECT_EQ(*journal->Append("x"), 4U);
}

TEST(Journal, CursorsAreKeptByName) {
  Harness h;
  {
    const auto journal = h.Open();
    EXPECT_EQ(*journal->LoadCursor("mail:retry"), 0U);
    ASSERT_TRUE(journal->SaveCursor("mail:retry", 7));
    ASSERT_TRUE(journal->SaveCursor("../other name", 8));
    ASSERT_TRUE(journal->SaveCursor("mail:retry", 5));
  }
  const auto journal = h.Open();
  EXPECT_EQ(*journal->LoadCursor("mail:retry"), 5U);
  EXPECT_EQ(*journal->LoadCursor("../other name"), 8U);
  EXPECT_EQ(journal->LoadCursor("").error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(journal->SaveCursor(std::string(200, 'x'), 1));
}

TEST(Journal, SequencesAreNeverGivenAgainBehindACursor) {
  Harness h;
  {
    const auto journal = h.Open();
    ASSERT_TRUE(journal->Append("x"));
    ASSERT_TRUE(journal->SaveCursor("c", 10));
  }
  {
    const auto journal = h.Open();
    EXPECT_EQ(*journal->Append("y"), 11U);
  }
  h.options.sequence_min = 100;
  {
    const auto journal = h.Open();
    EXPECT_EQ(*journal->Append("z"), 100U);
  }
  const auto journal = h.Open();
  EXPECT_THAT(h.recovery.set_aside, IsEmpty());
  EXPECT_THAT(Payloads(ReadAll(*journal, 0)), ElementsAre("x", "y", "z"));
  EXPECT_EQ(*journal->Append("w"), 101U);
}

TEST(Journal, IsOpenOnlyOnce) {
  Harness h;
  const auto journal = h.Open();
  EXPECT_EQ(h.TryOpen().error().code, ErrorCode::kUnavailable);
}

TEST(Journal, ReadOnlyChangesNothing) {
  Harness h;
  h.options.access = Access::kReadOnly;
  EXPECT_EQ(h.TryOpen().error().code, ErrorCode::kNotFound);
  h.options.access = Access::kReadWrite;
  const auto writer = h.Open();
  ASSERT_TRUE(AppendBatch(*writer, {"a", "b"}));
  const std::string bytes = *h.fs.ReadFile(h.Files().back());
  h.options.access = Access::kReadOnly;
  const auto journal = h.Open();
  EXPECT_THAT(Payloads(ReadAll(*journal, 0)), ElementsAre("a", "b"));
  EXPECT_EQ(journal->Append("c").error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(journal->SaveCursor("c", 1).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(journal->TrimBefore(2).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(*h.fs.ReadFile(h.Files().back()), bytes);
}

TEST(Journal, Counts) {
  Harness h;
  h.options.name = "spool";
  const auto journal = h.Open();
  ASSERT_TRUE(AppendBatch(*journal, {"a", "b"}));
  ASSERT_TRUE(journal->Append("c"));
  const auto value = [&](std::string_view name) {
    return h.metrics.GetCounter(name, "", {{"journal", "spool"}}).value();
  };
  EXPECT_EQ(value("postglass_journal_commit_total"), 2);
  EXPECT_EQ(value("postglass_journal_records_total"), 3);
  EXPECT_EQ(value("postglass_journal_bytes_total") + 64,
            static_cast<double>(journal->size_bytes()));
  EXPECT_EQ(value("postglass_journal_fsync_total"), 3);  // one for the file's beginning
}

TEST(Journal, WorksOnTheRealDisk) {
  TemporaryDirectory directory;
  PosixFileSystem fs;
  SystemClock clock;
  Metrics metrics;
  const Options options{.file_bytes_max = 100'000};
  std::vector<std::string> expected;
  for (int life = 0; life < 3; ++life) {
    const auto journal =
        Journal::Open(fs, clock, metrics, directory.path() / "deep" / "journal", options);
    ASSERT_TRUE(journal) << journal.error().message;
    for (int i = 0; i < 100; ++i) {
      expected.push_back(fmt::format("{} {} {}", life, i, std::string(2000, 'x')));
      ASSERT_TRUE((*journal)->Append(expected.back()));
    }
    EXPECT_EQ(Payloads(ReadAll(**journal, 0)), expected);
  }
}

}  // namespace
}  // namespace postglass::journal
