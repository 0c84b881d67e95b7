#include "base/settings.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "base/settings_testing.h"
#include "base/temporary_directory_testing.h"

namespace postglass {
namespace {

class SettingsTest : public testing::Test {
 protected:
  std::unique_ptr<Settings> Open() {
    Result<std::unique_ptr<Settings>> settings = Settings::Open(path_, &damage_);
    EXPECT_TRUE(settings) << settings.error().message;
    return settings ? std::move(*settings) : nullptr;
  }

  TemporaryDirectory directory_;
  Path path_ = directory_.path() / "postglass.db";
  std::string damage_;
};

std::vector<std::string> Keys(const Settings& settings, std::string_view kind) {
  std::vector<std::string> keys;
  const auto listed = settings.List(kind);
  EXPECT_TRUE(listed);
  for (const Settings::Document& d : *listed) keys.push_back(d.key);
  return keys;
}

void ExerciseDocuments(Settings& settings) {
  EXPECT_EQ(*settings.Get("topic", "a"), std::nullopt);
  EXPECT_TRUE(settings.Put("topic", "b", R"({"n":1})"));
  EXPECT_TRUE(settings.Put("topic", "a", "{}"));
  EXPECT_TRUE(settings.Put("user", "a", R"("other kind")"));
  EXPECT_TRUE(settings.Put("topic", "b", R"({"n":2})"));
  EXPECT_EQ(*settings.Get("topic", "b"), R"({"n":2})");
  EXPECT_EQ(Keys(settings, "topic"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(settings.Apply({{"topic", "a", std::nullopt},
                              {"topic", "c", "3"},
                              {"topic", "missing", std::nullopt},
                              {"topic", "c", "4"}}));
  EXPECT_EQ(Keys(settings, "topic"), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(*settings.Get("topic", "c"), "4");
  EXPECT_TRUE(settings.Remove("topic", "b"));
  EXPECT_EQ(Keys(settings, "user"), (std::vector<std::string>{"a"}));
}

TEST_F(SettingsTest, KeepsDocumentsByKindAndKey) { ExerciseDocuments(*Open()); }

TEST(MemorySettings, BehavesTheSame) {
  MemorySettings settings;
  ExerciseDocuments(settings);
  settings.FailApply(Error{ErrorCode::kDiskFull, "full"});
  EXPECT_EQ(settings.Put("x", "y", "1").error().code, ErrorCode::kDiskFull);
  settings.FailApply({});
  EXPECT_TRUE(settings.Put("x", "y", "1"));
}

TEST_F(SettingsTest, SurvivesReopening) {
  ASSERT_TRUE(Open()->Put("k", "a", "1"));
  EXPECT_EQ(*Open()->Get("k", "a"), "1");
  EXPECT_EQ(damage_, "");

  struct stat info {};

  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(SettingsTest, SetsADamagedFileAsideAndBeginsANewOne) {
  PosixFileSystem fs;
  ASSERT_TRUE(Open()->Put("k", "a", "1"));
  for (const std::string& bytes :
       {std::string(8192, 'x'), std::string("SQLite format 3\0junk", 20)}) {
    ASSERT_TRUE(fs.WriteFileAtomically(path_, bytes));
    ASSERT_TRUE(fs.WriteFileAtomically(path_.string() + "-wal", "left over"));
    const auto settings = Open();
    ASSERT_NE(settings, nullptr);
    EXPECT_NE(damage_.find("set aside as"), std::string::npos) << damage_;
    EXPECT_EQ(*settings->Get("k", "a"), std::nullopt);
    EXPECT_TRUE(settings->Put("k", "a", "1"));
  }
  const auto names = fs.List(directory_.path());
  ASSERT_TRUE(names);
  const auto is_kept = [](const std::string& name) {
    return name.find(".damaged-") != std::string::npos && !name.ends_with("-wal");
  };
  EXPECT_EQ(std::count_if(names->begin(), names->end(), is_kept), 2);
}

TEST_F(SettingsTest, FindsDamageInsideTheFile) {
  {
    const auto settings = Open();
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(settings->Put("k", std::to_string(i), std::string(200, 'v')));
    }
  }
  PosixFileSystem fs;
  std::string bytes = *fs.ReadFile(path_);
  ASSERT_GT(bytes.size(), 16'384U);
  bytes.replace(8192, 4096, std::string(4096, '\xFF'));
  ASSERT_TRUE(fs.WriteFileAtomically(path_, bytes));
  EXPECT_NE(Open(), nullptr);
  EXPECT_NE(damage_, "");
}

TEST_F(SettingsTest, RefusesANewerSchema) {
  ASSERT_NE(Open(), nullptr);
  SQLite::Database(path_.string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version=2");
  EXPECT_EQ(Settings::Open(path_, &damage_).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(damage_, "");
}

TEST_F(SettingsTest, ReadOnlySeesWhatAnotherWrites) {
  EXPECT_EQ(Settings::OpenReadOnly(path_).error().code, ErrorCode::kNotFound);
  const auto writer = Open();
  const auto reader = Settings::OpenReadOnly(path_);
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_TRUE(writer->Put("k", "a", "1"));
  EXPECT_EQ(*(*reader)->Get("k", "a"), "1");
  EXPECT_EQ((*reader)->Put("k", "a", "2").error().code, ErrorCode::kPermissionDenied);
}

TEST_F(SettingsTest, CopiesWhatAnotherHasOpen) {
  const auto writer = Open();
  ASSERT_TRUE(writer->Put("k", "a", "1"));
  const Path copy = directory_.path() / "copy.db";
  const Status copied = Settings::Copy(path_, copy);
  ASSERT_TRUE(copied) << copied.error().message;
  ASSERT_TRUE(writer->Put("k", "a", "2"));
  const auto reader = Settings::OpenReadOnly(copy);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(*(*reader)->Get("k", "a"), "1");
  EXPECT_FALSE(Settings::Copy(directory_.path() / "none.db", directory_.path() / "other.db"));
}

TEST_F(SettingsTest, ServesManyThreads) {
  const auto settings = Open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(settings->Put("k", std::to_string(t * 100 + i), "1"));
        EXPECT_TRUE(settings->List("k"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Keys(*settings, "k").size(), 40U);
}

}  // namespace
}  // namespace postglass
