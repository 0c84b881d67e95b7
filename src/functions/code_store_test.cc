#include "functions/code_store.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/random_testing.h"
#include "functions/functions_testing.h"
#include "functions/zip_testing.h"

namespace postglass::functions {
namespace {

Status Read(const std::string& archive, const ZipLimits& limits = {}) {
  return ReadZip(archive, limits, [](const ZipEntry&) -> Status { return {}; });
}

TEST(Zip, HandsFilesOverWithTheirModes) {
  std::vector<ZipEntry> entries;
  ASSERT_TRUE(ReadZip(
      MakeZip(
          {{"bootstrap", "#!/bin/sh\n", 0100755}, {"lib/", "", 0040755}, {"lib/a.py", "x = 1\n"}}),
      {},
      [&](const ZipEntry& entry) -> Status {
        entries.push_back(entry);
        return {};
      }));
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].path, "bootstrap");
  EXPECT_TRUE(entries[0].executable);
  EXPECT_EQ(entries[1].path, "lib/a.py");
  EXPECT_EQ(entries[1].content, "x = 1\n");
  EXPECT_FALSE(entries[1].executable);
}

TEST(Zip, RefusesWhatLeadsOutOfTheArchive) {
  for (const std::string& path : {std::string("../a"),
                                  std::string("a/../../b"),
                                  std::string("/etc/passwd"),
                                  std::string("a//b"),
                                  std::string("./a"),
                                  std::string("a\\..\\b"),
                                  std::string(".."),
                                  std::string(2000, 'x')}) {
    const Status read = Read(MakeZip({{path, "x"}}));
    ASSERT_FALSE(read) << path;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument) << path;
  }
  EXPECT_FALSE(Read(MakeZip({{"link", "/etc/passwd", 0120777}})));
  EXPECT_FALSE(Read(MakeZip({{"a", "1"}, {"a", "2"}})));
  EXPECT_FALSE(Read("PK\x03\x04 not a zip"));
  EXPECT_FALSE(Read(""));
  std::string damaged = MakeZip({{"a", "content"}});
  damaged[32] = '?';
  EXPECT_FALSE(Read(damaged));
}

TEST(Zip, StopsAtItsLimitsWhateverTheArchiveSays) {
  ZipLimits limits;
  limits.file_bytes_max = 100;
  limits.bytes_max = 150;
  limits.files_max = 3;
  EXPECT_TRUE(Read(MakeZip({{"a", std::string(100, 'x')}, {"b", std::string(50, 'x')}}), limits));
  for (const std::string& archive :
       {MakeZip({{"a", std::string(101, 'x')}}),
        MakeZip({{"a", std::string(100, 'x')}, {"b", std::string(51, 'x')}}),
        MakeZip({{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}})}) {
    const Status read = Read(archive, limits);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kLimit);
  }
}

struct CodeStoreFixture {
  explicit CodeStoreFixture(CodeStore::Options options = {}) {
    options.archives = root / "functions";
    options.unpacked = root / "functions-unpacked";
    store = std::make_unique<CodeStore>(fs, random, std::move(options));
  }

  TemporaryDirectory directory;
  const Path root = directory.path();
  PosixFileSystem fs;
  SeededRandom random{9};
  std::unique_ptr<CodeStore> store;
};

TEST(CodeStore, UnpacksAndUnpacksAgainWhatIsGone) {
  CodeStoreFixture f;
  const std::string archive = MakeZip({{"bootstrap", "run", 0100755}, {"a/b/c.txt", "deep"}});
  const auto code = f.store->Put(archive);
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_EQ(code->sha256, HexEncode(Sha256(archive)));
  EXPECT_EQ(code->bytes, archive.size());
  const Path directory = *f.store->DirectoryOf(*code);
  EXPECT_EQ(*f.fs.ReadFile(directory / "a/b/c.txt"), "deep");
  const auto mode = std::filesystem::status(directory / "bootstrap").permissions();
  EXPECT_EQ(mode & std::filesystem::perms::owner_exec, std::filesystem::perms::owner_exec);

  ASSERT_TRUE(f.store->KeepOnly({code->sha256}));  // as at a start
  EXPECT_FALSE(f.fs.Exists(directory));
  EXPECT_EQ(*f.fs.ReadFile(*f.store->DirectoryOf(*code) / "bootstrap"), "run");
  ASSERT_TRUE(f.store->KeepOnly({}));
  EXPECT_EQ(f.store->DirectoryOf(*code).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(f.store->DirectoryOf({}).error().code, ErrorCode::kNotFound);
}

TEST(CodeStore, LeavesNothingOfAnArchiveItRefuses) {
  CodeStoreFixture f;
  for (const std::string& archive : {MakeZip({{"good", "x"}, {"../bad", "x"}}),
                                     MakeZip({{"a", "x"}, {"a/b", "x"}}),
                                     std::string("no archive")}) {
    const auto code = f.store->Put(archive);
    ASSERT_FALSE(code);
    EXPECT_NE(code.error().code, ErrorCode::kInternal);
  }
  EXPECT_TRUE(f.fs.List(f.root / "functions-unpacked")->empty());
  EXPECT_FALSE(f.fs.Exists(f.root / "functions"));
}

TEST(CodeStore, IsBounded) {
  CodeStore::Options options;
  options.archive_bytes_max = 500;
  options.bytes_max = 600;
  CodeStoreFixture f(std::move(options));
  const std::string one = MakeZip({{"a", std::string(300, '1')}});
  ASSERT_TRUE(f.store->Put(one));
  ASSERT_TRUE(f.store->Put(one));  // the same is no more
  EXPECT_EQ(f.store->Put(MakeZip({{"a", std::string(300, '2')}})).error().code, ErrorCode::kLimit);
  EXPECT_EQ(f.store->Put(MakeZip({{"a", std::string(600, '2')}})).error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace postglass::functions
