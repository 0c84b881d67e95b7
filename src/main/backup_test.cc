#include "main/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/settings.h"
#include "base/temporary_directory_testing.h"

namespace postglass {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// A disk that lets somebody else at the files in the middle of a copy.
class MeddledFileSystem final : public FileSystem {
 public:
  std::function<void(const Path&)> before_read = [](const Path&) {};

  Result<std::unique_ptr<WritableFile>> OpenForWrite(const Path& path, WriteMode mode) override {
    return disk_.OpenForWrite(path, mode);
  }

  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const Path& path) const override {
    before_read(path);
    return disk_.OpenForRead(path);
  }

  Status Rename(const Path& from, const Path& to) override { return disk_.Rename(from, to); }

  Status Link(const Path& from, const Path& to) override { return disk_.Link(from, to); }

  Status Remove(const Path& path) override { return disk_.Remove(path); }

  Status CreateDirectories(const Path& path) override { return disk_.CreateDirectories(path); }

  Status SyncDirectory(const Path& path) override { return disk_.SyncDirectory(path); }

  Result<std::vector<std::string>> List(const Path& path) const override {
    return disk_.List(path);
  }

  bool Exists(const Path& path) const override { return disk_.Exists(path); }

  Result<std::uint64_t> FileSize(const Path& path) const override { return disk_.FileSize(path); }

  Result<std::unique_ptr<FileLock>> Lock(const Path& path) override { return disk_.Lock(path); }

  Result<Space> DiskSpace(const Path& path) const override { return disk_.DiskSpace(path); }

 private:
  PosixFileSystem disk_;
};

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    for (const char* directory : {"tls", "spool", "store/segments", "store/journal"}) {
      EXPECT_TRUE(fs_.CreateDirectories(data_ / directory));
    }
    Write("format", "1\n");
    Write("secret.key", "key");
    Write("lock", "");
    Write("listening.json", "{}");
    Write("tls/ca.pem", "certificate");
    Write("spool/1.journal", "mail");
    Write("spool/cursor-publisher", "7");
    Write("store/segments/MANIFEST", "one");
    Write("store/segments/1.seg", std::string(100'000, 's'));
    Write("store/journal/2.journal", "events");
    const auto settings = Settings::Open(data_ / "postglass.db", nullptr);
    EXPECT_TRUE(settings && (*settings)->Put("topic", "a", "{}"));
  }

  void Write(const std::string& path, std::string_view text) {
    EXPECT_TRUE(fs_.WriteFileAtomically(data_ / path, text));
  }

  std::string Read(const Path& path) const { return fs_.ReadFile(path).value_or("<none>"); }

  BackupReport MustBackUp() {
    clock_.Advance(std::chrono::seconds(1));
    const Result<BackupReport> report = MakeBackup(fs_, clock_, data_, to_, {});
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(BackupReport());
  }

  TemporaryDirectory directory_;
  MeddledFileSystem fs_;
  ManualClock clock_;
  Path data_ = directory_.path() / "data";
  Path to_ = directory_.path() / "backups";
};

TEST_F(BackupTest, RestoresWhatWasThere) {
  const BackupReport report = MustBackUp();
  Write("spool/1.journal", "later");
  const Path restored = directory_.path() / "restored";
  const Status status = RestoreBackup(fs_, report.path, restored, {});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(Read(restored / "spool/1.journal"), "mail");
  EXPECT_EQ(Read(restored / "store/segments/1.seg"), std::string(100'000, 's'));
  EXPECT_EQ(Read(restored / "store/segments/MANIFEST"), "one");
  EXPECT_EQ(Read(restored / "tls/ca.pem"), "certificate");
  EXPECT_EQ(Read(restored / "lock"), "<none>");
  EXPECT_EQ(Read(restored / "listening.json"), "<none>");
  const auto settings = Settings::OpenReadOnly(restored / "postglass.db");
  ASSERT_TRUE(settings);
  EXPECT_EQ(*(*settings)->Get("topic", "a"), "{}");
}

TEST_F(BackupTest, LinksWhatDoesNotChange) {
  EXPECT_LT(MustBackUp().copied_bytes, 100'000U);
  Write("store/segments/2.seg", "new");
  ASSERT_TRUE(fs_.Remove(data_ / "store/segments/1.seg"));
  const BackupReport second = MustBackUp();
  EXPECT_EQ(Read(second.path / "store/segments/2.seg"), "new");
  EXPECT_EQ(Read(second.path / "store/segments/1.seg"), "<none>");
  EXPECT_LT(second.copied_bytes, 100'000U);
}

TEST_F(BackupTest, CopiesTheStoreAgainWhenItChangedMeanwhile) {
  bool merged = false;
  fs_.before_read = [&](const Path& path) {
    if (merged || path != data_ / "store/journal/2.journal") return;
    merged = true;
    Write("store/segments/3.seg", "merged");
    Write("store/segments/MANIFEST", "two");
    EXPECT_TRUE(fs_.Remove(data_ / "store/segments/1.seg"));
  };
  const BackupReport report = MustBackUp();
  EXPECT_TRUE(merged);
  EXPECT_EQ(Read(report.path / "store/segments/MANIFEST"), "two");
  EXPECT_EQ(Read(report.path / "store/segments/3.seg"), "merged");
  EXPECT_EQ(Read(report.path / "store/segments/1.seg"), "<none>");
  const auto check = VerifyBackup(fs_, report.path, {});
  ASSERT_TRUE(check);
  EXPECT_THAT(check->wrong, SizeIs(0));
}

TEST_F(BackupTest, GivesUpOnAStoreThatNeverRests) {
  int changes = 0;
  fs_.before_read = [&](const Path& path) {
    if (path == data_ / "store/journal/2.journal") {
      Write("store/segments/MANIFEST", std::to_string(++changes));
    }
  };
  const auto report = MakeBackup(fs_, clock_, data_, to_, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(*fs_.List(to_), std::vector<std::string>{"lock"});
}

TEST_F(BackupTest, CopiesCursorsBeforeTheirRecords) {
  std::vector<std::string> order;
  fs_.before_read = [&](const Path& path) {
    if (path.parent_path() == data_ / "spool") order.push_back(path.filename().string());
  };
  MustBackUp();
  EXPECT_EQ(order, (std::vector<std::string>{"cursor-publisher", "1.journal"}));
}

TEST_F(BackupTest, PassesOverWhatAStageIsDoneWith) {
  fs_.before_read = [&](const Path& path) {
    if (path == data_ / "spool/cursor-publisher" && fs_.Exists(data_ / "spool/1.journal")) {
      EXPECT_TRUE(fs_.Remove(data_ / "spool/1.journal"));
    }
  };
  const BackupReport report = MustBackUp();
  EXPECT_EQ(Read(report.path / "spool/1.journal"), "<none>");
  EXPECT_EQ(Read(report.path / "store/journal/2.journal"), "events");
}

TEST_F(BackupTest, FindsDamageAndDoesNotRestoreIt) {
  const BackupReport report = MustBackUp();
  ASSERT_TRUE(fs_.Remove(report.path / "spool/1.journal"));
  ASSERT_TRUE(fs_.WriteFileAtomically(report.path / "spool/1.journal", "mAil"));
  ASSERT_TRUE(fs_.Remove(report.path / "tls/ca.pem"));
  const auto check = VerifyBackup(fs_, report.path, {});
  ASSERT_TRUE(check);
  EXPECT_THAT(check->wrong, SizeIs(2));
  EXPECT_THAT(check->wrong[0], HasSubstr("spool/1.journal"));
  const Path restored = directory_.path() / "restored";
  EXPECT_FALSE(RestoreBackup(fs_, report.path, restored, {}));
  EXPECT_FALSE(fs_.Exists(restored));
}

TEST_F(BackupTest, RefusesPathsThatLeadOutOfIt) {
  const BackupReport report = MustBackUp();
  const std::string sums = Read(report.path / "SHA256SUMS");
  for (const char* path : {"../secret", "/etc/passwd", "a//b", "."}) {
    ASSERT_TRUE(fs_.WriteFileAtomically(report.path / "SHA256SUMS",
                                        sums + std::string(64, '0') + "  " + path + "\n"));
    const Status status = RestoreBackup(fs_, report.path, directory_.path() / "restored", {});
    ASSERT_FALSE(status) << path;
    EXPECT_EQ(status.error().code, ErrorCode::kCorruption);
  }
}

TEST_F(BackupTest, RefusesToRestoreOverADirectory) {
  const BackupReport report = MustBackUp();
  EXPECT_EQ(RestoreBackup(fs_, report.path, data_, {}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(RestoreBackup(fs_, data_, directory_.path() / "restored", {}).error().code,
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace postglass
