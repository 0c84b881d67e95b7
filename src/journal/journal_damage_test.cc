#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "journal/format.h"
#include "journal/journal.h"
#include "journal/journal_harness_testing.h"

// Bytes that rot, are cut off or were never whole.

namespace postglass::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct StoredFile {
  Path path;
  std::string bytes;
};

// A journal of two files, its frames (1) (2 3) (4) | (5) (6 7), closed in order or not.
enum class End { kClosed, kKilled };

std::vector<StoredFile> MakeJournal(End end) {
  Harness h;
  h.options.file_bytes_max = 340;  // reached by the third commit
  auto journal = h.Open();
  EXPECT_TRUE(journal->Append("record one"));
  EXPECT_TRUE(AppendBatch(*journal, {"record two", "record three"}));
  EXPECT_TRUE(journal->Append(std::string(40, '4')));
  EXPECT_TRUE(journal->Append("record five"));
  EXPECT_TRUE(AppendBatch(*journal, {"record six", "record seven"}));
  if (end == End::kClosed) {
    journal.reset();
  } else {
    h.fs.KillProcess();
    h.fs.Arm({.power_loss_at_op = 0});  // its last words are not heard
    journal.reset();
    h.fs.KillProcess();
  }
  std::vector<StoredFile> files;
  for (const Path& path : h.Files()) files.push_back({path, *h.fs.ReadFile(path)});
  EXPECT_EQ(files.size(), 2U);
  return files;
}

void Put(Harness& h, const std::vector<StoredFile>& files) {
  ASSERT_TRUE(h.fs.CreateDirectories(kDir));
  for (const StoredFile& file : files) {
    ASSERT_TRUE(h.fs.WriteFileAtomically(file.path, file.bytes));
  }
}

std::vector<Sequence> Sequences(const std::vector<Record>& records) {
  std::vector<Sequence> sequences;
  for (const Record& record : records) sequences.push_back(record.sequence);
  return sequences;
}

// The frames of a file: where they stand and which records they have.
struct FramePlace {
  std::size_t begin = 0, end = 0;
  FrameHeader header;
};

std::vector<FramePlace> Frames(const StoredFile& file) {
  std::vector<FramePlace> frames;
  const FileId id = ParseFileName(file.path.filename().string())->id;
  for (std::size_t at = kFileHeaderBytes; at < file.bytes.size();) {
    const auto header = DecodeFrameHeader(std::string_view(file.bytes).substr(at), id, at);
    EXPECT_TRUE(header);
    const std::size_t end = at + kFrameHeaderBytes + header->stored_bytes;
    frames.push_back({at, end, *header});
    at = end;
  }
  return frames;
}

TEST(JournalDamage, AFlippedBitCostsItsFrameAndNoOther) {
  const std::vector<StoredFile> files = MakeJournal(End::kClosed);
  for (std::size_t f = 0; f < files.size(); ++f) {
    const std::vector<FramePlace> frames = Frames(files[f]);
    for (std::size_t at = 0; at < files[f].bytes.size(); ++at) {
      SCOPED_TRACE(fmt::format("file {}, byte {}", f, at));
      Harness h;
      std::vector<StoredFile> damaged = files;
      damaged[f].bytes[at] = static_cast<char>(damaged[f].bytes[at] ^ (1 << (at % 8)));
      Put(h, damaged);
      std::vector<Sequence> expected = {1, 2, 3, 4, 5, 6, 7};
      bool is_closing_mark = false;
      for (const FramePlace& frame : frames) {
        if (at < frame.begin || at >= frame.end) continue;
        is_closing_mark = frame.header.records == 0;
        std::erase_if(expected, [&](Sequence s) {
          return s >= frame.header.first_sequence && s < frame.header.end_sequence();
        });
      }
      auto journal = h.Open();
      ASSERT_NE(journal, nullptr);
      EXPECT_EQ(Sequences(ReadAll(*journal, 0)), expected);
      EXPECT_EQ(h.recovery.records, expected.size());
      if (is_closing_mark) {
        EXPECT_EQ(h.recovery.torn_bytes_cut, 64U);
      } else {
        EXPECT_THAT(h.recovery.set_aside, SizeIs(1));
      }
      // It can be used, and what was set aside is not given again.
      ASSERT_EQ(*journal->Append("eight"), 8U);
      journal.reset();
      journal = h.Open();
      expected.push_back(8);
      EXPECT_EQ(Sequences(ReadAll(*journal, 0)), expected);
    }
  }
}

// Nothing behind the last frame says that it was whole once: a torn write and damage look the same.
TEST(JournalDamage, ADamagedLastFrameOfAKilledProcessIsCut) {
  const std::vector<StoredFile> files = MakeJournal(End::kKilled);
  const FramePlace last = Frames(files[1]).back();
  ASSERT_EQ(last.header.records, 2U);
  for (std::size_t at = last.begin; at < last.end; ++at) {
    Harness h;
    std::vector<StoredFile> damaged = files;
    damaged[1].bytes[at] = static_cast<char>(damaged[1].bytes[at] ^ 0x10);
    Put(h, damaged);
    const auto journal = h.Open();
    EXPECT_THAT(Sequences(ReadAll(*journal, 0)), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_THAT(h.recovery.set_aside, IsEmpty());
    EXPECT_EQ(h.recovery.torn_bytes_cut, last.end - last.begin);
  }
}

TEST(JournalDamage, ATornTailIsCutWhereverItTears) {
  const std::vector<StoredFile> files = MakeJournal(End::kKilled);
  const FramePlace last = Frames(files[1]).back();
  for (std::size_t length = last.begin; length < last.end; ++length) {
    for (const std::size_t zeros : {0U, 1U, 100U, 5000U}) {
      SCOPED_TRACE(fmt::format("{} bytes and {} zeros", length, zeros));
      Harness h;
      std::vector<StoredFile> torn = files;
      torn[1].bytes = torn[1].bytes.substr(0, length) + std::string(zeros, '\0');
      Put(h, torn);
      auto journal = h.Open();
      EXPECT_THAT(Sequences(ReadAll(*journal, 0)), ElementsAre(1, 2, 3, 4, 5));
      EXPECT_THAT(h.recovery.set_aside, IsEmpty());
      EXPECT_EQ(h.recovery.torn_bytes_cut, length - last.begin + zeros);
      ASSERT_EQ(*journal->Append("six"), 6U);
      journal.reset();
      journal = h.Open();
      EXPECT_EQ(ReadAll(*journal, 0).back().payload, "six");
      EXPECT_EQ(h.recovery.torn_bytes_cut, 0U);
      if (HasFailure()) return;
    }
  }
}

TEST(JournalDamage, AnInterruptedCreationLeavesNothingBehind) {
  const std::vector<StoredFile> files = MakeJournal(End::kKilled);
  for (std::size_t length = 0; length < kFileHeaderBytes; ++length) {
    Harness h;
    std::vector<StoredFile> torn = files;
    torn[1].bytes.resize(length);
    Put(h, torn);
    const auto journal = h.Open();
    EXPECT_THAT(h.recovery.set_aside, IsEmpty());
    EXPECT_THAT(Sequences(ReadAll(*journal, 0)), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(h.Files(), SizeIs(1));
    EXPECT_EQ(*journal->Append("five"), 5U);
  }
}

TEST(JournalDamage, SeveralDamagedFramesAreNamedOneByOne) {
  std::vector<StoredFile> files = MakeJournal(End::kClosed);
  const std::vector<FramePlace> frames = Frames(files[0]);
  files[0].bytes[frames[0].begin + 3] ^= 1;  // its header, so that the next has to be searched
  files[0].bytes[frames[2].end - 1] ^= 1;    // a body
  Harness h;
  Put(h, files);
  const auto journal = h.Open();
  EXPECT_THAT(Sequences(ReadAll(*journal, 0)), ElementsAre(2, 3, 5, 6, 7));
  EXPECT_EQ(journal->first_sequence(), 2U);
  ASSERT_THAT(h.recovery.set_aside, SizeIs(2));
  EXPECT_THAT(h.recovery.set_aside[0], testing::HasSubstr("records 1 to 1 are lost"));
  EXPECT_THAT(h.recovery.set_aside[1], testing::HasSubstr("records 4 to 4 are lost"));
  EXPECT_EQ(
      h.metrics.GetCounter("postglass_journal_damaged_total", "", {{"journal", "journal"}}).value(),
      2);
}

TEST(JournalDamage, AMissingFileIsNamed) {
  std::vector<StoredFile> files = MakeJournal(End::kClosed);
  Harness h;
  h.options.file_bytes_max = 1;  // a file a commit
  Put(h, files);
  ASSERT_TRUE(h.Open()->Append("eight"));
  ASSERT_TRUE(h.fs.Remove(files[1].path));
  const auto journal = h.Open();
  EXPECT_THAT(Sequences(ReadAll(*journal, 0)), ElementsAre(1, 2, 3, 4, 8));
  ASSERT_THAT(h.recovery.set_aside, SizeIs(1));
  EXPECT_THAT(h.recovery.set_aside[0], testing::HasSubstr("records 5 to 7 before it are missing"));
}

// A record may hold the bytes of a journal file; damage before it must not bring them to life.
TEST(JournalDamage, FramesInsideRecordsAreNotMistakenForFrames) {
  const std::vector<StoredFile> inner = MakeJournal(End::kClosed);
  Harness h;
  {
    const auto journal = h.Open();
    ASSERT_TRUE(journal->Append("first"));
    ASSERT_TRUE(journal->Append(inner[0].bytes + inner[1].bytes));
    ASSERT_TRUE(journal->Append("last"));
  }
  h.fs.FlipBit(h.Files()[0], kFileHeaderBytes + 64 + 4 + 5 + 20, 0);  // second frame's header
  EXPECT_THAT(Payloads(ReadAll(*h.Open(), 0)), ElementsAre("first", "last"));
}

TEST(JournalDamage, DamageThatComesLaterIsPassedOverAndCounted) {
  Harness h;
  const auto journal = h.Open();
  for (const char* text : {"one", "two", "three"}) ASSERT_TRUE(journal->Append(text));
  h.fs.FlipBit(h.Files()[0], kFileHeaderBytes + (64 + 4 + 3) + 64 + 5, 0);  // body of "two"
  EXPECT_THAT(Payloads(ReadAll(*journal, 0)), ElementsAre("one", "three"));
  EXPECT_EQ(
      h.metrics.GetCounter("postglass_journal_damaged_total", "", {{"journal", "journal"}}).value(),
      1);
}

TEST(JournalDamage, AReadThatGoesWrongOnItsWayIsRepeated) {
  Harness h;
  {
    const auto journal = h.Open();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(journal->Append(std::string(100, 'x')));
  }
  int flipped = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    h.fs.Arm({.seed = seed, .flip_one_read_in = 12});
    const auto journal = h.Open();
    if (!h.fs.fault_fired()) continue;
    ++flipped;
    EXPECT_EQ(h.recovery.records, 50U) << seed;
  }
  EXPECT_GT(flipped, 0);
}

TEST(JournalDamage, ADamagedCheckpointOfACursorIsNamed) {
  Harness h;
  h.options.file_bytes_max = 1;
  {
    const auto journal = h.Open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(journal->Append("x"));
    ASSERT_TRUE(journal->SaveCursor("c", 4));
    ASSERT_TRUE(journal->TrimBefore(5));  // makes the cursor durable
  }
  h.fs.FlipBit(kDir / "recent-c", 30, 0);
  {
    const auto journal = h.Open();
    EXPECT_THAT(h.recovery.set_aside, IsEmpty()) << "a torn recent file is nothing special";
    EXPECT_EQ(*journal->LoadCursor("c"), 4U);
  }
  h.fs.FlipBit(kDir / "cursor-c", 30, 0);
  const auto journal = h.Open();
  EXPECT_THAT(h.recovery.set_aside, SizeIs(1));
  EXPECT_EQ(*journal->LoadCursor("c"), 0U);
}

TEST(JournalDamage, ANewerFormatIsRefusedAndLeftAlone) {
  std::vector<StoredFile> files = MakeJournal(End::kClosed);
  std::string& bytes = files[1].bytes;
  bytes[8] = 2;
  const std::uint64_t checksum = XXH3_64bits(bytes.data(), 56);
  for (std::size_t i = 0; i < 8; ++i) bytes[56 + i] = static_cast<char>(checksum >> (8 * i));
  Harness h;
  Put(h, files);
  EXPECT_EQ(h.TryOpen().error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(*h.fs.ReadFile(files[1].path), bytes);
}

TEST(JournalDamage, ReadOnlySeesTheSameAndRepairsNothing) {
  std::vector<StoredFile> files = MakeJournal(End::kKilled);
  files[0].bytes[100] ^= 1;
  files[1].bytes.pop_back();
  Harness h;
  Put(h, files);
  h.options.access = Access::kReadOnly;
  const auto journal = h.Open();
  EXPECT_THAT(h.recovery.set_aside, SizeIs(1));
  EXPECT_GT(h.recovery.torn_bytes_cut, 0U);
  EXPECT_THAT(Sequences(ReadAll(*journal, 0)), ElementsAre(2, 3, 4, 5));
  EXPECT_EQ(*h.fs.ReadFile(files[1].path), files[1].bytes);
}

}  // namespace
}  // namespace postglass::journal
