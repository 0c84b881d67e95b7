#include "store/embedded/segment/text_index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "store/embedded/table/memory_table.h"
#include "store/embedded/table/table_testing.h"

namespace postglass::store {
namespace {

TextList ListOf(const std::set<std::string>& texts) {
  TextList list;
  for (const std::string& text : texts) list.Add(text);
  return list;
}

std::string Hex(Random& random, int digits) {
  std::string text;
  while (digits-- > 0) text += fmt::format("{:x}", random.Below(16));
  return text;
}

// Writes and reads a dictionary; returns bytes a string.
double RoundTrip(const std::set<std::string>& texts) {
  FaultyFileSystem fs;
  const TextList list = ListOf(texts);
  auto file = *fs.OpenForWrite("f", FileSystem::WriteMode::kTruncate);
  ExtentWriter out(*file);
  TableBuilder builder;
  const auto table = BuildTable(builder, {Event()});
  const TextIndex::Written written = *TextIndex::Write(out, list, PieceFinder(*table));
  EXPECT_TRUE(out.Flush());
  const ExtentReader reader(*fs.OpenForRead("f"), "f");
  const auto bytes = *reader.Read(written.index);
  const auto index = TextIndex::Parse(bytes->view(), list.size(), out.offset(), 1);
  EXPECT_NE(index, nullptr);
  std::uint32_t code = 0;
  for (std::uint32_t b = 0; b < index->blocks_count(); ++b) {
    const auto block = index->Load(reader, b, {});
    EXPECT_TRUE(block);
    for (std::uint32_t i = 0; i < (*block)->size(); ++i, ++code) {
      std::string text;
      EXPECT_TRUE((*block)->Append(i, {}, text));
      EXPECT_EQ(text, list[code]);
      EXPECT_EQ(index->BlockFor(list[code]), b);
      EXPECT_EQ(*(*block)->LowerBound(list[code], {}), i);
    }
  }
  EXPECT_EQ(code, list.size());
  return static_cast<double>(out.offset()) / list.size();
}

TEST(TextIndex, KeepsIdsAsBits) {
  SeededRandom random(1);
  std::set<std::string> uuids;
  std::set<std::string> times;
  std::set<std::string> replies;
  for (int i = 0; i < 5000; ++i) {
    uuids.insert(fmt::format("{}-{}-4{}-{}-{}",
                             Hex(random, 8),
                             Hex(random, 4),
                             Hex(random, 3),
                             Hex(random, 4),
                             Hex(random, 12)));
    times.insert(fmt::format("2025-11-11T{:02}:{:02}:{:02}.{:03}Z",
                             i / 400,
                             i / 7 % 60,
                             random.Below(60),
                             random.Below(1000)));
    replies.insert(fmt::format("250 2.0.0 OK  {} {}-{}si{}qvk.{} - gsmtp",
                               1'762'829'000 + i,
                               Hex(random, 13),
                               Hex(random, 11),
                               random.Below(100'000'000),
                               random.Below(1000)));
  }
  EXPECT_LT(RoundTrip(uuids), 16.5);  // 124 random bits
  EXPECT_LT(RoundTrip(times), 4.5);
  EXPECT_LT(RoundTrip(replies), 24);  // 96 random bits, 27 and 10 of numbers, the time
}

TEST(TextIndex, GivesBackAnyBytes) {
  SeededRandom random(2);
  for (const int count : {1, 2, 15, 1000}) {
    for (const std::uint64_t alphabet : {2U, 40U, 256U}) {
      std::set<std::string> texts;
      for (int i = 0; i < count; ++i) {
        std::string text;
        for (std::uint64_t n = random.Below(i % 100 == 0 ? 3000 : 30); n > 0; --n) {
          text += static_cast<char>(random.Below(alphabet) + (alphabet == 40 ? 'A' : 0));
        }
        texts.insert(text);
      }
      RoundTrip(texts);
    }
  }
}

}  // namespace
}  // namespace postglass::store
