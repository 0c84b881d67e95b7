#include "base/file_system_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace postglass {
namespace {

using WriteMode = FileSystem::WriteMode;

std::unique_ptr<WritableFile> Create(FaultyFileSystem& fs, const Path& path) {
  auto file = fs.OpenForWrite(path, WriteMode::kAppend);
  EXPECT_TRUE(file);
  return std::move(*file);
}

TEST(FaultyFileSystem, KeepsWhatWasSyncedAndForgetsTheRestAsTheSeedDecides) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    FaultyFileSystem fs({.seed = seed});
    auto file = Create(fs, "/f");
    ASSERT_TRUE(fs.SyncDirectory("/"));
    ASSERT_TRUE(file->Append("kept"));
    ASSERT_TRUE(file->Sync());
    ASSERT_TRUE(file->Append(std::string(2000, 'x')));
    fs.RestorePower();
    const Result<std::string> after = fs.ReadFile("/f");
    ASSERT_TRUE(after);
    EXPECT_EQ(after->substr(0, 4), "kept");
    outcomes.insert(*after);
    EXPECT_FALSE(file->Append("dead"));
  }
  EXPECT_TRUE(outcomes.contains("kept"));
  EXPECT_TRUE(outcomes.contains("kept" + std::string(2000, 'x')));
  EXPECT_GT(outcomes.size(), 5U) << "torn forms are missing";
}

TEST(FaultyFileSystem, UnsyncedNamesMayBeLost) {
  int lost = 0, kept = 0, old_name = 0;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    FaultyFileSystem fs({.seed = seed});
    ASSERT_TRUE(fs.WriteFileAtomically("/old", "x"));
    ASSERT_TRUE(fs.Rename("/old", "/new"));
    static_cast<void>(Create(fs, "/fresh"));
    fs.RestorePower();
    ASSERT_NE(fs.Exists("/old"), fs.Exists("/new"));
    EXPECT_EQ(*fs.ReadFile(fs.Exists("/old") ? "/old" : "/new"), "x");
    old_name += fs.Exists("/old") ? 1 : 0;
    (fs.Exists("/fresh") ? kept : lost) += 1;
  }
  EXPECT_GT(lost, 0);
  EXPECT_GT(kept, 0);
  EXPECT_GT(old_name, 0);
}

TEST(FaultyFileSystem, AtomicReplacementIsOldOrNewWhereverThePowerIsCut) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    for (std::uint64_t op = 0;; ++op) {
      SCOPED_TRACE(fmt::format("seed {}, power cut at operation {}", seed, op));
      FaultyFileSystem fs;
      ASSERT_TRUE(fs.WriteFileAtomically("/f", "old"));
      fs.Arm({.seed = seed, .power_loss_at_op = op});
      const bool acknowledged = fs.WriteFileAtomically("/f", "new").has_value();
      const bool fired = fs.fault_fired();
      fs.RestorePower();
      const Result<std::string> after = fs.ReadFile("/f");
      ASSERT_TRUE(after);
      if (acknowledged) {
        EXPECT_EQ(*after, "new");
      } else {
        EXPECT_TRUE(*after == "old" || *after == "new") << *after;
      }
      if (!fired) break;
    }
  }
}

TEST(FaultyFileSystem, FailsTheNamedOperationOnce) {
  FaultyFileSystem fs({.fail_at_op = 1, .fail_with = ErrorCode::kDiskFull});
  auto file = Create(fs, "/f");
  EXPECT_EQ(file->Append("x").error().code, ErrorCode::kDiskFull);
  EXPECT_TRUE(fs.fault_fired());
  EXPECT_TRUE(file->Append("x"));
}

TEST(FaultyFileSystem, AFailedSyncDropsWhatItShouldHaveWritten) {
  bool dropped = false;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    FaultyFileSystem fs({.seed = seed, .fail_sync = 0});
    auto file = Create(fs, "/f");
    ASSERT_TRUE(fs.SyncDirectory("/"));
    ASSERT_TRUE(file->Append("x"));
    EXPECT_FALSE(file->Sync());
    EXPECT_EQ(*fs.ReadFile("/f"), "x");  // still in the cache
    EXPECT_TRUE(file->Sync());           // and the kernel claims that all is well
    fs.RestorePower();
    dropped = dropped || *fs.ReadFile("/f") != "x";
  }
  EXPECT_TRUE(dropped);
}

TEST(FaultyFileSystem, RunsOutOfSpaceAndGetsItBack) {
  FaultyFileSystem fs({.space_bytes = 10});
  auto file = Create(fs, "/f");
  EXPECT_TRUE(file->Append("12345678"));
  EXPECT_EQ(file->Append("9012").error().code, ErrorCode::kDiskFull);
  EXPECT_EQ(file->size(), 10U);
  EXPECT_EQ(fs.DiskSpace("/")->available_bytes, 0U);
  EXPECT_TRUE(file->Truncate(8));
  fs.SetSpace(100);
  EXPECT_TRUE(file->Append("9012"));
  EXPECT_EQ(fs.bytes_used(), 12U);
}

TEST(FaultyFileSystem, AKilledProcessLosesItsFilesButNoBytes) {
  FaultyFileSystem fs;
  auto file = Create(fs, "/f");
  ASSERT_TRUE(file->Append("unsynced"));
  auto lock = fs.Lock("/lock");
  fs.KillProcess();
  EXPECT_FALSE(file->Append("x"));
  EXPECT_EQ(*fs.ReadFile("/f"), "unsynced");
  EXPECT_TRUE(fs.Lock("/lock"));
}

TEST(FaultyFileSystem, FlipsBits) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.WriteFileAtomically("/f", "abc"));
  fs.FlipBit("/f", 1, 0);
  EXPECT_EQ(*fs.ReadFile("/f"), "acc");
  fs.Arm({.flip_one_read_in = 1});
  EXPECT_NE(*fs.ReadFile("/f"), "acc");
}

}  // namespace
}  // namespace postglass
