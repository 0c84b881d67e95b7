#include "base/file_system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>

#include "base/file_system_testing.h"
#include "base/temporary_directory_testing.h"

// What every FileSystem promises, run against the real one and the one the tests use.

namespace postglass {
namespace {

using WriteMode = FileSystem::WriteMode;

struct World {
  TemporaryDirectory directory;
  PosixFileSystem posix;
  FaultyFileSystem faulty;
};

class AnyFileSystem : public testing::TestWithParam<const char*> {
 protected:
  AnyFileSystem() {
    if (is_posix()) {
      dir_ = world_.directory.path();
    } else {
      dir_ = "/data";
      EXPECT_TRUE(world_.faulty.CreateDirectories(dir_));
    }
  }

  bool is_posix() const { return std::string_view(GetParam()) == "posix"; }

  FileSystem& fs() {
    if (is_posix()) return world_.posix;
    return world_.faulty;
  }

  ErrorCode CodeOf(const Status& status) {
    EXPECT_FALSE(status);
    return status ? ErrorCode::kInternal : status.error().code;
  }

  World world_;
  Path dir_;
};

TEST_P(AnyFileSystem, WritesAndReadsBack) {
  auto file = fs().OpenForWrite(dir_ / "a", WriteMode::kCreateNew);
  ASSERT_TRUE(file);
  EXPECT_TRUE((*file)->Append("hello "));
  EXPECT_TRUE((*file)->Append("world"));
  EXPECT_TRUE((*file)->Append(""));
  EXPECT_EQ((*file)->size(), 11U);
  EXPECT_TRUE((*file)->Sync());
  EXPECT_TRUE((*file)->Truncate(5));
  EXPECT_TRUE((*file)->Append("!"));
  EXPECT_TRUE((*file)->Close());
  EXPECT_EQ(*fs().ReadFile(dir_ / "a"), "hello!");
  EXPECT_EQ(*fs().FileSize(dir_ / "a"), 6U);
}

TEST_P(AnyFileSystem, OpensInEachMode) {
  EXPECT_TRUE(fs().WriteFileAtomically(dir_ / "a", "one"));
  EXPECT_EQ(fs().OpenForWrite(dir_ / "a", WriteMode::kCreateNew).error().code,
            ErrorCode::kAlreadyExists);
  {
    auto file = fs().OpenForWrite(dir_ / "a", WriteMode::kAppend);
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->size(), 3U);
    EXPECT_TRUE((*file)->Append("two"));
  }
  EXPECT_EQ(*fs().ReadFile(dir_ / "a"), "onetwo");
  {
    auto file = fs().OpenForWrite(dir_ / "a", WriteMode::kTruncate);
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->size(), 0U);
  }
  EXPECT_EQ(*fs().ReadFile(dir_ / "a"), "");
}

TEST_P(AnyFileSystem, ReadsAnywhere) {
  ASSERT_TRUE(fs().WriteFileAtomically(dir_ / "a", "0123456789"));
  auto file = fs().OpenForRead(dir_ / "a");
  ASSERT_TRUE(file);
  EXPECT_EQ(*(*file)->Size(), 10U);
  std::string out(4, ' ');
  EXPECT_EQ(*(*file)->Read(3, out), 4U);
  EXPECT_EQ(out, "3456");
  EXPECT_EQ(*(*file)->Read(8, out), 2U);
  EXPECT_EQ(*(*file)->Read(99, out), 0U);
  EXPECT_TRUE((*file)->ReadExactly(6, out));
  EXPECT_EQ(CodeOf((*file)->ReadExactly(7, out)), ErrorCode::kCorruption);
}

TEST_P(AnyFileSystem, ReadFileHasABound) {
  ASSERT_TRUE(fs().WriteFileAtomically(dir_ / "a", "0123456789"));
  EXPECT_TRUE(fs().ReadFile(dir_ / "a", 10));
  EXPECT_EQ(fs().ReadFile(dir_ / "a", 9).error().code, ErrorCode::kLimit);
}

TEST_P(AnyFileSystem, MissingThingsAreNotFound) {
  const Path missing = dir_ / "missing";
  EXPECT_EQ(fs().ReadFile(missing).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(fs().Remove(missing)), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(fs().Rename(missing, dir_ / "b")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(fs().Link(missing, dir_ / "b")), ErrorCode::kNotFound);
  EXPECT_EQ(fs().List(missing).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(fs().FileSize(missing).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(fs().SyncDirectory(missing)), ErrorCode::kNotFound);
  EXPECT_EQ(fs().OpenForWrite(missing / "x", WriteMode::kAppend).error().code,
            ErrorCode::kNotFound);
  EXPECT_FALSE(fs().Exists(missing));
}

TEST_P(AnyFileSystem, NamesMoveAndListSorted) {
  ASSERT_TRUE(fs().WriteFileAtomically(dir_ / "b", "b"));
  ASSERT_TRUE(fs().WriteFileAtomically(dir_ / "c", "c"));
  ASSERT_TRUE(fs().CreateDirectories(dir_ / "a" / "deep"));
  EXPECT_EQ(*fs().List(dir_), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(fs().Rename(dir_ / "b", dir_ / "c"));
  EXPECT_EQ(*fs().ReadFile(dir_ / "c"), "b");
  EXPECT_TRUE(fs().Link(dir_ / "c", dir_ / "d"));
  EXPECT_EQ(CodeOf(fs().Link(dir_ / "c", dir_ / "d")), ErrorCode::kAlreadyExists);
  EXPECT_TRUE(fs().Remove(dir_ / "c"));
  EXPECT_EQ(*fs().ReadFile(dir_ / "d"), "b");
  EXPECT_TRUE(fs().Exists(dir_ / "a" / "deep"));
  EXPECT_TRUE(fs().Remove(dir_ / "a" / "deep"));
  EXPECT_TRUE(fs().CreateDirectories(dir_ / "a"));
  EXPECT_EQ(*fs().List(dir_), (std::vector<std::string>{"a", "d"}));
}

TEST_P(AnyFileSystem, LocksExcludeEachOther) {
  auto lock = fs().Lock(dir_ / "lock");
  ASSERT_TRUE(lock);
  EXPECT_EQ(fs().Lock(dir_ / "lock").error().code, ErrorCode::kUnavailable);
  lock->reset();
  EXPECT_TRUE(fs().Lock(dir_ / "lock"));
}

TEST_P(AnyFileSystem, ReplacesAtomicallyAndLeavesNothingBehind) {
  ASSERT_TRUE(fs().WriteFileAtomically(dir_ / "a", "old"));
  ASSERT_TRUE(fs().WriteFileAtomically(dir_ / "a", "new"));
  EXPECT_EQ(*fs().ReadFile(dir_ / "a"), "new");
  EXPECT_EQ(*fs().List(dir_), (std::vector<std::string>{"a"}));
  const auto space = fs().DiskSpace(dir_);
  ASSERT_TRUE(space);
  EXPECT_GE(space->total_bytes, space->available_bytes);
}

INSTANTIATE_TEST_SUITE_P(Both, AnyFileSystem, testing::Values("posix", "faulty"));

TEST(PosixFileSystem, FilesArePrivate) {
  TemporaryDirectory directory;
  PosixFileSystem fs;
  ASSERT_TRUE(fs.CreateDirectories(directory.path() / "x" / "y"));
  ASSERT_TRUE(fs.WriteFileAtomically(directory.path() / "x" / "a", ""));

  struct stat info {};

  ASSERT_EQ(::stat((directory.path() / "x" / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat((directory.path() / "x" / "y").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST(PosixFileSystem, ErrorsNameThePathAndTheReason) {
  const Result<std::string> read = PosixFileSystem().ReadFile("/nonexistent/file");
  EXPECT_EQ(read.error().message, "open /nonexistent/file: No such file or directory");
}

}  // namespace
}  // namespace postglass
