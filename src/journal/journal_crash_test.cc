#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/random_testing.h"
#include "journal/journal.h"
#include "journal/journal_harness_testing.h"

// Power cuts, killed processes, failing and full disks, at every file operation.

namespace postglass::journal {
namespace {

using testing::IsEmpty;

// What a life of the journal did, as its caller knows it.
struct History {
  std::vector<std::vector<std::string>> batches;  // in order of their appends
  std::map<Sequence, std::string> acknowledged;
  Sequence trimmed_before = 1;
  Sequence cursor_saved = 0;
  Sequence cursor_at_trim = 0;
};

std::string PayloadFor(std::uint64_t seed, int n) {
  SeededRandom random(seed * 1000 + static_cast<std::uint64_t>(n));
  std::string noise(random.Below(900), '\0');  // beyond a disk sector, so that it can be torn
  random.Fill(std::as_writable_bytes(std::span(noise)));
  return fmt::format("record {} {}", n, random.Below(2) == 0 ? noise : std::string(300, 'x'));
}

// Appends, saves a cursor and trims, until the end or (stop_at_failure) the first failure.
enum class OnFailure { kStop, kGoOn };

void Live(Harness& h, std::uint64_t seed, int steps, OnFailure on_failure, History& history) {
  const Result<std::unique_ptr<Journal>> journal = h.TryOpen();
  if (!journal) return;
  for (int step = 0; step < steps; ++step) {
    std::vector<std::string> batch;
    for (int i = 0; i <= step % 3; ++i) batch.push_back(PayloadFor(seed, step * 10 + i));
    history.batches.push_back(batch);
    const Result<Sequence> first = AppendBatch(**journal, batch);
    if (first) {
      for (std::size_t i = 0; i < batch.size(); ++i) {
        // kOs and a power cut, or a failed append: the sequence may have been given before.
        history.acknowledged[*first + i] = batch[i];
      }
    } else if (on_failure == OnFailure::kStop) {
      return;
    }
    if (!history.acknowledged.empty()) {
      const Sequence durable = (*journal)->durable_sequence();
      if (step % 4 == 3) {
        if (!(*journal)->SaveCursor("consumer", durable - 1)) {
          if (on_failure == OnFailure::kStop) return;
        } else {
          history.cursor_saved = durable - 1;
        }
      }
      if (step % 6 == 5 && history.cursor_saved > 0) {
        history.trimmed_before = std::max(history.trimmed_before, history.cursor_saved + 1);
        const Sequence first_before = (*journal)->first_sequence();
        if (!(*journal)->TrimBefore(history.trimmed_before)) {
          if (on_failure == OnFailure::kStop) return;
        } else if ((*journal)->first_sequence() > first_before) {
          history.cursor_at_trim = history.cursor_saved;
        }
      }
    }
  }
}

// Every record the journal has is one that was appended, at its place, batches whole; everything
// acknowledged and not trimmed is there.
void ExpectHistory(Harness& h, const History& history) {
  const std::unique_ptr<Journal> journal = h.Open();
  ASSERT_NE(journal, nullptr);
  EXPECT_THAT(h.recovery.set_aside, IsEmpty());
  EXPECT_LE(journal->first_sequence(), history.trimmed_before);
  const std::vector<Record> records = ReadAll(*journal);
  std::map<Sequence, std::string> found;
  for (const Record& record : records) {
    ASSERT_EQ(record.sequence, journal->first_sequence() + found.size());
    found.emplace(record.sequence, record.payload);
  }
  for (const auto& [sequence, payload] : history.acknowledged) {
    if (sequence < history.trimmed_before) continue;
    ASSERT_TRUE(found.contains(sequence)) << "lost " << sequence;
    ASSERT_EQ(found[sequence], payload);
  }
  // What was not acknowledged may be there, as a whole.
  std::vector<std::string> attempted;
  std::vector<std::size_t> ends = {0};
  for (const auto& batch : history.batches) {
    attempted.insert(attempted.end(), batch.begin(), batch.end());
    ends.push_back(attempted.size());
  }
  for (const auto& [sequence, payload] : found) {
    ASSERT_LE(sequence, attempted.size());
    ASSERT_EQ(payload, attempted[sequence - 1]) << "invented " << sequence;
  }
  EXPECT_THAT(ends, testing::Contains(journal->durable_sequence())) << "half a batch";
  const Sequence cursor = *journal->LoadCursor("consumer");
  EXPECT_GE(cursor, history.cursor_at_trim);
  EXPECT_LE(cursor, journal->durable_sequence());
  ASSERT_TRUE(journal->Append("goes on"));
  EXPECT_EQ(ReadAll(*journal).back().payload, "goes on");
}

void Configure(Harness& h) { h.options.file_bytes_max = 2500; }

// A power cut at any file operation loses nothing that was acknowledged and invents nothing that
// was not written. One run per cut point, until a run ends before its cut.
TEST(JournalCrash, KeepsEveryAcknowledgedRecordWhereverThePowerIsCut) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (std::uint64_t cut_op = 0;; ++cut_op) {
      SCOPED_TRACE(fmt::format("seed {}, power cut at file operation {}", seed, cut_op));
      Harness h;
      Configure(h);
      h.fs.Arm({.seed = seed, .power_loss_at_op = cut_op});
      History history;
      Live(h, seed, 18, OnFailure::kStop, history);
      const bool fired = h.fs.fault_fired();
      h.fs.RestorePower();
      ExpectHistory(h, history);
      if (HasFatalFailure() || HasNonfatalFailure()) return;
      if (!fired) break;
    }
  }
}

TEST(JournalCrash, SurvivesAPowerCutWhileRecovering) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    for (std::uint64_t cut_op = 5; cut_op < 120; cut_op += 7) {
      for (std::uint64_t again = 0;; ++again) {
        SCOPED_TRACE(fmt::format("seed {}, cuts at {} and {}", seed, cut_op, again));
        Harness h;
        Configure(h);
        h.fs.Arm({.seed = seed, .power_loss_at_op = cut_op});
        History history;
        Live(h, seed, 12, OnFailure::kStop, history);
        h.fs.RestorePower();
        h.fs.Arm({.seed = seed + 100, .power_loss_at_op = again});
        static_cast<void>(h.TryOpen());
        const bool fired = h.fs.fault_fired();
        h.fs.RestorePower();
        ExpectHistory(h, history);
        if (HasFatalFailure() || HasNonfatalFailure()) return;
        if (!fired) break;
      }
    }
  }
}

TEST(JournalCrash, AKilledProcessLosesNothingInEitherMode) {
  for (const Durability durability : {Durability::kFsync, Durability::kOs}) {
    for (std::uint64_t cut_op = 0; cut_op < 150; cut_op += 3) {
      SCOPED_TRACE(fmt::format("dies at file operation {}", cut_op));
      Harness h;
      Configure(h);
      h.options.durability = durability;
      h.fs.Arm({.kill_at_op = cut_op});
      History history;
      Live(h, 1, 18, OnFailure::kStop, history);
      h.fs.KillProcess();
      ExpectHistory(h, history);
      if (HasFatalFailure() || HasNonfatalFailure()) return;
    }
  }
}

// A killed process may leave in the page cache what never reached the disk. Once the next one has
// shown it to a reader, or appended behind it, it has to stay.
TEST(JournalCrash, WhatWasFoundAfterAKillSurvivesAPowerCut) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    for (std::uint64_t cut_op = 0; cut_op < 60; ++cut_op) {
      SCOPED_TRACE(fmt::format("seed {}, dies at file operation {}", seed, cut_op));
      Harness h;
      Configure(h);
      h.fs.Arm({.seed = seed, .kill_at_op = cut_op});
      History history;
      Live(h, seed, 10, OnFailure::kStop, history);
      h.fs.KillProcess();
      std::vector<std::string> shown;
      {
        h.fs.Arm({.seed = seed});
        const auto journal = h.Open();
        ASSERT_NE(journal, nullptr);
        shown = Payloads(ReadAll(*journal));
        if (seed % 2 == 0) {
          ASSERT_TRUE(journal->Append("after"));
          shown.push_back("after");
        }
      }
      h.fs.RestorePower();
      const auto journal = h.Open();
      ASSERT_NE(journal, nullptr);
      ASSERT_EQ(Payloads(ReadAll(*journal)), shown);
    }
  }
}

// Without syncs a power cut takes what it takes, but only from the end, and nothing is damage.
TEST(JournalCrash, OsModeKeepsAPrefixOverAPowerCut) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (std::uint64_t cut_op = 0; cut_op < 100; ++cut_op) {
      SCOPED_TRACE(fmt::format("seed {}, power cut at file operation {}", seed, cut_op));
      Harness h;
      Configure(h);
      h.options.durability = Durability::kOs;
      h.fs.Arm({.seed = seed, .power_loss_at_op = cut_op});
      History history;
      Live(h, seed, 18, OnFailure::kStop, history);
      h.fs.RestorePower();
      const auto journal = h.Open();
      ASSERT_NE(journal, nullptr);
      ASSERT_THAT(h.recovery.set_aside, IsEmpty());
      Sequence next = journal->first_sequence();
      for (const Record& record : ReadAll(*journal)) {
        ASSERT_EQ(record.sequence, next++);
        if (history.acknowledged.contains(record.sequence)) {
          ASSERT_EQ(record.payload, history.acknowledged[record.sequence]);
        }
      }
    }
  }
}

// One operation fails, whichever; the process goes on and later ends.
TEST(JournalFaults, AFailedOperationLosesNothingThatWasAcknowledged) {
  for (const ErrorCode code : {ErrorCode::kIo, ErrorCode::kDiskFull}) {
    for (std::uint64_t op = 0;; ++op) {
      SCOPED_TRACE(fmt::format("{} at file operation {}", ErrorCodeName(code), op));
      Harness h;
      Configure(h);
      h.fs.Arm({.fail_at_op = op, .fail_with = code});
      History history;
      Live(h, 3, 14, OnFailure::kGoOn, history);
      const bool fired = h.fs.fault_fired();
      h.fs.RestorePower();
      const auto journal = h.Open();
      ASSERT_NE(journal, nullptr);
      EXPECT_THAT(h.recovery.set_aside, IsEmpty());
      std::map<Sequence, std::string> found;
      for (const Record& record : ReadAll(*journal)) found[record.sequence] = record.payload;
      for (const auto& [sequence, payload] : history.acknowledged) {
        if (sequence < history.trimmed_before) continue;
        ASSERT_EQ(found[sequence], payload) << sequence;
      }
      if (!fired) break;
    }
  }
}

TEST(JournalFaults, AFailedSyncMakesItReadOnlyUntilReopened) {
  for (std::uint64_t failing = 1; failing < 12; ++failing) {
    SCOPED_TRACE(fmt::format("sync {} fails", failing));
    Harness h;
    h.fs.Arm({.seed = failing, .fail_sync = failing});
    auto journal = h.Open();
    std::vector<std::string> acknowledged;
    while (true) {
      const std::string payload = PayloadFor(failing, static_cast<int>(acknowledged.size()));
      const Result<Sequence> sequence = journal->Append(payload);
      if (!sequence) {
        EXPECT_EQ(sequence.error().code, ErrorCode::kIo);
        break;
      }
      acknowledged.push_back(payload);
    }
    EXPECT_EQ(journal->health(), Journal::Health::kFailed);
    EXPECT_NE(journal->health_reason(), "");
    EXPECT_EQ(journal->Append("x").error().code, ErrorCode::kIo);
    EXPECT_EQ(Payloads(ReadAll(*journal, 0)), acknowledged) << "readers go on";
    journal.reset();

    journal = h.Open();
    EXPECT_EQ(journal->health(), Journal::Health::kOk);
    EXPECT_EQ(Payloads(ReadAll(*journal, 0)), acknowledged);
    ASSERT_TRUE(journal->Append("again"));
    journal.reset();
    h.fs.RestorePower();
    acknowledged.push_back("again");
    EXPECT_EQ(Payloads(ReadAll(*h.Open(), 0)), acknowledged);
  }
}

TEST(JournalFaults, AFullDiskIsBorneAndWorkResumesWhenThereIsRoom) {
  for (std::uint64_t space = 0; space < 6000; space += 97) {
    SCOPED_TRACE(fmt::format("{} bytes of space", space));
    Harness h;
    Configure(h);
    h.fs.SetSpace(space);
    auto journal = h.Open();
    std::vector<std::string> acknowledged;
    int refused = 0;
    for (int i = 0; i < 20; ++i) {
      const std::string payload = PayloadFor(9, i);
      const Result<Sequence> sequence = journal->Append(payload);
      if (sequence) {
        acknowledged.push_back(payload);
        EXPECT_EQ(*sequence, acknowledged.size());
        EXPECT_EQ(journal->health(), Journal::Health::kOk);
      } else {
        ++refused;
        EXPECT_EQ(sequence.error().code, ErrorCode::kDiskFull);
        EXPECT_EQ(journal->health(), Journal::Health::kDiskFull);
        EXPECT_NE(journal->health_reason(), "");
      }
    }
    EXPECT_GT(refused, 0);
    EXPECT_EQ(Payloads(ReadAll(*journal, 0)), acknowledged);
    h.fs.SetSpace({});
    acknowledged.push_back("resumed");
    EXPECT_EQ(*journal->Append("resumed"), acknowledged.size());
    EXPECT_EQ(journal->health(), Journal::Health::kOk);
    EXPECT_EQ(journal->health_reason(), "");
    journal.reset();
    h.fs.RestorePower();
    EXPECT_EQ(Payloads(ReadAll(*h.Open(), 0)), acknowledged);
    EXPECT_THAT(h.recovery.set_aside, IsEmpty());
  }
}

}  // namespace
}  // namespace postglass::journal
