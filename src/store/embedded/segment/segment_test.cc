#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/segment_file.h"
#include "store/embedded/table/table_testing.h"
#include "store/random_events_testing.h"
#include "store/text.h"

namespace postglass::store {
namespace {

constexpr SegmentId kId = 7;
const Path kDir = "segments";

// An event of a mail as SES has it: what hangs on the message id, ids, times, replies, text.
Event MailEvent(SeededRandom& random, std::uint32_t n) {
  const std::uint32_t mail = n / 3;
  SeededRandom of_mail(mail);
  const auto hex = [](Random& r, int digits) {
    std::string text;
    while (digits-- > 0) text += fmt::format("{:x}", r.Below(16));
    return text;
  };
  const std::string id = fmt::format("0100{:012x}-{}-{}-000000",
                                     1'700'000'000'000 + std::int64_t{mail} * 977,
                                     hex(of_mail, 8),
                                     hex(of_mail, 12));
  const std::string to =
      fmt::format("Person.{}@example{}.com", of_mail.Below(900), of_mail.Below(9));
  Event event;
  event.timestamp_ms = 1'700'000'000'000 + std::int64_t{mail} * 977 +
                       static_cast<std::int64_t>(n % 3 * random.Below(5000));
  event.ingested_at_ms = event.timestamp_ms + 100;
  std::array<std::uint8_t, 10> unique{};
  random.Fill(std::as_writable_bytes(std::span(unique)));
  event.id = EventId::Make(event.ingested_at_ms, unique);
  event.message = fmt::format("mail {} to {}", n % 3 == 0 ? "sent" : "delivered", to);
  event.source = "ses";
  event.tags = {fmt::format("tenant:{}", mail % 5)};
  event.attributes = fmt::format(
      R"({{"mail":{{"messageId":"{0}","headers":[{{"Message-ID":"<{0}@eu.amazonses.com>"}}],)"
      R"("destination":["{1}"],"to":["{1}"],"subject":"Order {2} of {3}"}},"n":{4},"time":{5},"ok":{6})",
      id,
      to,
      of_mail.Below(100'000),
      of_mail.Below(2) == 0 ? "Straße Älterer" : "the Kettle",
      n,
      0.25 * static_cast<double>(random.Below(4000)),
      n % 2 == 0 ? "true" : "false");
  if (n % 3 != 0) {
    event.attributes += fmt::format(
        R"(,"reply":"250 2.0.0 OK  {} {}-{}si.{} - gsmtp","date":"2025-11-{:02}T{:02}:00:{:02}.{:03}Z")",
        1'700'000'000 + n / 5,
        hex(random, 14),
        hex(random, 12),
        random.Below(2000),
        1 + n / 2000 % 28,
        n / 100 % 20,
        n % 60,
        random.Below(1000));
  }
  event.attributes += "}";
  return event;
}

std::vector<Event> MailEvents(std::uint32_t count) {
  SeededRandom random(1);
  std::vector<Event> events;
  for (std::uint32_t n = 0; n < count; ++n) events.push_back(MailEvent(random, n));
  return events;
}

std::vector<Event> RandomEvents(std::uint32_t count, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<Event> events;
  for (std::uint32_t n = 0; n < count; ++n) events.push_back(RandomEvent(random, n).event);
  return events;
}

std::vector<Code> ToVector(const Codes& codes) {
  std::vector<Code> out;
  for (std::size_t i = 0; i < codes.size(); ++i) out.push_back(codes[i]);
  return out;
}

void ExpectSameTexts(const Dictionary& a, const Dictionary& b) {
  std::vector<std::string> texts;
  ASSERT_TRUE(b.ForEachText(0, b.size(), [&](Code, std::string_view text) {
    texts.emplace_back(text);
    return true;
  }));
  EXPECT_EQ(a.all_lower_case(), b.all_lower_case());
  Code next = 0;
  ASSERT_TRUE(a.ForEachText(0, a.size(), [&](Code code, std::string_view text) {
    EXPECT_EQ(code, next++);
    EXPECT_EQ(text, texts[code]);
    return true;
  }));
  ASSERT_EQ(next, texts.size());
  const std::size_t step = std::max<std::size_t>(1, texts.size() / 200);
  for (std::size_t i = 0; i < texts.size(); i += step) {
    const auto code = static_cast<Code>(i);
    std::string text;
    ASSERT_TRUE(a.AppendText(code, text));
    EXPECT_EQ(text, texts[i]);
    EXPECT_EQ(*a.Find(texts[i]), code);
    EXPECT_EQ(*a.LowerBound(texts[i]), code);
    for (const std::string& near : {texts[i] + '\0', texts[i] + "~", "~" + texts[i]}) {
      EXPECT_EQ(*a.Find(near), *b.Find(near)) << near;
      EXPECT_EQ(*a.LowerBound(near), *b.LowerBound(near)) << near;
    }
  }
  EXPECT_EQ(*a.LowerBound(""), 0U);
}

void ExpectWordsFound(const Table& table, ColumnIndex column) {
  const auto dictionary = *table.DictionaryOf(column);
  std::map<std::string, std::vector<Code>> words;
  ASSERT_TRUE(dictionary->ForEachText(0, dictionary->size(), [&](Code code, std::string_view text) {
    const std::string folded = Fold(text);
    EXPECT_TRUE(*table.MayHoldFolded(column, folded)) << text;
    Words in_text(folded);
    for (std::string_view word = in_text.Next(); !word.empty(); word = in_text.Next()) {
      std::vector<Code>& codes = words[std::string(word)];
      if (codes.empty() || codes.back() != code) codes.push_back(code);
    }
    return true;
  }));
  for (const auto& [word, codes] : words) {
    const Table::WordHits::OfColumn hits = table.FindWord(word)->Of(column);
    if (hits.kind == Table::WordHits::Kind::kUnknown) {
      // Nothing is said of large columns' ids, which the filter has, and of what nobody searches.
      EXPECT_TRUE(
          table.columns()[column].key.kind == ColumnKind::kAttributesText ||
          (dictionary->size() >= kWordsValuesMin && word.find_first_of("0123456789") != word.npos))
          << word;
      continue;
    }
    ASSERT_EQ(hits.kind, Table::WordHits::Kind::kSome) << word;
    EXPECT_EQ(*hits.codes, codes) << word;
  }
  for (const std::string absent : {"zzyzx", "qq", "a", "4711x", "12345678901234567890"}) {
    if (words.contains(absent)) continue;
    EXPECT_NE(table.FindWord(absent)->Of(column).kind, Table::WordHits::Kind::kSome) << absent;
  }
}

void ExpectSameTable(const Table& a, const Table& b) {
  ASSERT_EQ(a.info().rows, b.info().rows);
  EXPECT_EQ(a.info().timestamp_min_ms, b.info().timestamp_min_ms);
  EXPECT_EQ(a.info().timestamp_max_ms, b.info().timestamp_max_ms);
  EXPECT_EQ(a.info().ingested_min_ms, b.info().ingested_min_ms);
  EXPECT_EQ(a.info().ingested_max_ms, b.info().ingested_max_ms);
  ASSERT_TRUE(
      std::equal(a.shapes().begin(), a.shapes().end(), b.shapes().begin(), b.shapes().end()));
  EXPECT_EQ(**a.ShapeOfRow(), **b.ShapeOfRow());
  const auto a_keys = *a.Keys();
  const auto b_keys = *b.Keys();
  for (RowIndex row = 0; row < a.info().rows; ++row) {
    ASSERT_EQ(a_keys->timestamp_ms(row), b_keys->timestamp_ms(row));
    ASSERT_EQ(a_keys->ingested_at_ms(row), b_keys->ingested_at_ms(row));
    ASSERT_EQ(a_keys->id(row), b_keys->id(row));
    for (const std::int64_t near : {-1, 0, 1}) {
      ASSERT_EQ(a_keys->LowerBound(b_keys->timestamp_ms(row) + near),
                b_keys->LowerBound(b_keys->timestamp_ms(row) + near));
    }
  }
  ASSERT_EQ(a.columns().size(), b.columns().size());
  for (ColumnIndex column = 0; column < a.columns().size(); ++column) {
    const ColumnInfo& info = b.columns()[column];
    SCOPED_TRACE(info.key.path);
    EXPECT_EQ(a.columns()[column].key, info.key);
    EXPECT_EQ(a.columns()[column].dictionary_size, info.dictionary_size);
    EXPECT_EQ(a.columns()[column].values_count, info.values_count);
    EXPECT_TRUE(std::ranges::equal((*a.LayoutOf(column))->rows(), (*b.LayoutOf(column))->rows()));
    const auto codes = a.CodesOf(column);
    ASSERT_TRUE(codes) << codes.error().message;
    EXPECT_EQ(ToVector(**codes), ToVector(**b.CodesOf(column)));
    const auto counts = *b.CountsOf(column);
    EXPECT_EQ(**a.CountsOf(column), *counts);
    for (Code code = 0; code < info.dictionary_size; code += 1 + info.dictionary_size / 100) {
      EXPECT_EQ(*a.CountOf(column, code), (*counts)[code]);
    }
    const auto dictionary = *a.DictionaryOf(column);
    const auto expected = *b.DictionaryOf(column);
    ASSERT_EQ(dictionary->type(), expected->type());
    ASSERT_EQ(dictionary->size(), expected->size());
    EXPECT_TRUE(std::ranges::equal(*dictionary->Integers(), *expected->Integers()));
    EXPECT_TRUE(std::ranges::equal(*dictionary->Doubles(), *expected->Doubles()));
    switch (info.key.type) {
      case ValueType::kString:
        ExpectSameTexts(*dictionary, *expected);
        ExpectWordsFound(a, column);
        break;
      case ValueType::kBool:
        for (Code code = 0; code < expected->size(); ++code) {
          EXPECT_EQ(dictionary->BoolAt(code), expected->BoolAt(code));
        }
        break;
      default:
        break;
    }
  }
}

class SegmentTest : public testing::Test {
 protected:
  SegmentTest() { EXPECT_TRUE(fs_.CreateDirectories(kDir)); }

  std::shared_ptr<const Segment> Write(const Table& table) {
    const Status written = WriteSegment(fs_, kDir, {kId, 42, {3, 4}, 2}, table);
    EXPECT_TRUE(written) << written.error().message;
    return Open();
  }

  std::shared_ptr<const Segment> Open() {
    Result<std::shared_ptr<const Segment>> opened = Segment::Open(fs_, kDir, kId, cache_);
    EXPECT_TRUE(opened) << opened.error().message;
    return *opened;
  }

  FaultyFileSystem fs_;
  BlockCache cache_{64 << 20};
  TableBuilder builder_;
};

TEST_F(SegmentTest, GivesBackTablesOfMailEvents) {
  for (const std::uint32_t count : {1U, 2U, 700U, 8000U}) {
    SCOPED_TRACE(count);
    const auto table = BuildTable(builder_, MailEvents(count));
    const auto segment = Write(*table);
    ExpectSameTable(*segment, *table);
    EXPECT_THAT(segment->Verify(), testing::IsEmpty());
    EXPECT_EQ(segment->segment_info().sealed_through, 42U);
    EXPECT_THAT(segment->segment_info().replaces, testing::ElementsAre(3, 4));
    EXPECT_EQ(segment->segment_info().retention_class, 2U);
    std::uint64_t bytes = 0;
    for (const Segment::Part& part : segment->Inspect()) bytes += part.bytes;
    EXPECT_EQ(bytes, segment->segment_info().file_bytes);
  }
}

TEST_F(SegmentTest, GivesBackTablesOfRandomEvents) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<Event> events = RandomEvents(seed == 0 ? 5000 : 300, seed);
    const auto table = BuildTable(builder_, events);
    const auto segment = Write(*table);
    ExpectSameTable(*segment, *table);
    EXPECT_THAT(segment->Verify(), testing::IsEmpty());
    EXPECT_EQ(AllRows(*segment), AllRows(*table));
  }
}

// What a reader of a damaged file may do: say so, or give what was written.
void ExpectRightOrError(const Segment& segment, const MemoryTable& table) {
  for (ColumnIndex column = 0; column < table.columns().size(); ++column) {
    if (const auto codes = segment.CodesOf(column)) {
      EXPECT_EQ(ToVector(**codes), ToVector(**table.CodesOf(column)));
    }
    if (const auto counts = segment.CountsOf(column)) {
      EXPECT_EQ(**counts, **table.CountsOf(column));
    }
    const auto dictionary = segment.DictionaryOf(column);
    if (!dictionary || (*dictionary)->type() != ValueType::kString) continue;
    const auto expected = *table.DictionaryOf(column);
    static_cast<void>(
        (*dictionary)->ForEachText(0, (*dictionary)->size(), [&](Code code, std::string_view text) {
          std::string right;
          EXPECT_TRUE(expected->AppendText(code, right));
          EXPECT_EQ(text, right);
          return true;
        }));
  }
}

TEST_F(SegmentTest, EveryFlippedBitIsFound) {
  const auto table = BuildTable(builder_, MailEvents(600));
  const std::uint64_t bytes = Write(*table)->segment_info().file_bytes;
  const Path path = kDir / SegmentFileName(kId);
  for (std::uint64_t at = 0; at < bytes; at += at < 64 || at + 64 > bytes ? 1 : 211) {
    SCOPED_TRACE(at);
    fs_.FlipBit(path, at, static_cast<int>(at % 8));
    const auto opened = Segment::Open(fs_, kDir, kId, cache_);
    if (opened) {
      EXPECT_THAT((*opened)->Verify(), testing::Not(testing::IsEmpty()));
      ExpectRightOrError(**opened, *table);
    } else {
      EXPECT_TRUE(opened.error().code == ErrorCode::kCorruption ||
                  opened.error().code == ErrorCode::kUnsupported);
    }
    fs_.FlipBit(path, at, static_cast<int>(at % 8));
  }
  EXPECT_THAT(Open()->Verify(), testing::IsEmpty());
}

TEST_F(SegmentTest, AFileThatEndsEarlyIsNotOpened) {
  const auto table = BuildTable(builder_, MailEvents(300));
  Write(*table);
  const Path path = kDir / SegmentFileName(kId);
  const std::string whole = *fs_.ReadFile(path);
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 200) {
    ASSERT_TRUE(fs_.WriteFileAtomically(path, std::string_view(whole).substr(0, size)));
    const auto opened = Segment::Open(fs_, kDir, kId, cache_);
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorruption);
  }
}

TEST_F(SegmentTest, NamesWhatItCannotRead) {
  const auto table = BuildTable(builder_, MailEvents(3));
  Write(*table);
  EXPECT_EQ(Segment::Open(fs_, kDir, kId + 1, cache_).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(fs_.Rename(kDir / SegmentFileName(kId), kDir / SegmentFileName(kId + 1)));
  EXPECT_EQ(Segment::Open(fs_, kDir, kId + 1, cache_).error().code, ErrorCode::kCorruption);
}

// Four events, written before words had an index of the whole segment.
TEST_F(SegmentTest, ReadsVersion2) {
  std::ifstream file(std::filesystem::path(POSTGLASS_SOURCE_DIR) / "tests/data/store/version2.seg",
                     std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  constexpr SegmentId kOld = 4;
  ASSERT_TRUE(fs_.WriteFileAtomically(kDir / SegmentFileName(kOld), bytes));
  const auto segment = Segment::Open(fs_, kDir, kOld, cache_);
  ASSERT_TRUE(segment) << segment.error().message;
  EXPECT_THAT((*segment)->Verify(), testing::IsEmpty());
  EXPECT_GT((*segment)->info().rows, 0U);
  const ColumnIndex column = (*segment)->FindPath("eventType").at(0);
  EXPECT_EQ((*segment)->FindWord("delivery")->Of(column).kind, Table::WordHits::Kind::kUnknown);
  EXPECT_TRUE(*(*(*segment)->DictionaryOf(column))->Find("Delivery"));
}

TEST_F(SegmentTest, LeavesNothingWhenAnOperationFails) {
  const auto table = BuildTable(builder_, MailEvents(100));
  for (std::uint64_t op = 0;; ++op) {
    SCOPED_TRACE(op);
    fs_.Arm({.fail_at_op = op});
    const Status written = WriteSegment(fs_, kDir, {kId, 0, {}, 0}, *table);
    if (!fs_.fault_fired()) {
      EXPECT_TRUE(written);
      break;
    }
    fs_.Arm({});
    EXPECT_FALSE(written);
    EXPECT_THAT(*fs_.List(kDir), testing::IsEmpty());
  }
}

TEST_F(SegmentTest, IsWholeOrNotThereAfterAPowerCut) {
  const auto table = BuildTable(builder_, MailEvents(100));
  for (std::uint64_t op = 0;; ++op) {
    SCOPED_TRACE(op);
    fs_.Arm({.seed = op + 1, .power_loss_at_op = op});
    const Status written = WriteSegment(fs_, kDir, {kId, 0, {}, 0}, *table);
    const bool cut = fs_.fault_fired();
    fs_.RestorePower();
    if (written || fs_.Exists(kDir / SegmentFileName(kId))) {
      EXPECT_THAT(Open()->Verify(), testing::IsEmpty());
      ASSERT_TRUE(fs_.Remove(kDir / SegmentFileName(kId)));
    }
    if (!cut) break;
  }
}

TEST_F(SegmentTest, DictionariesOutliveTheSegment) {
  const auto table = BuildTable(builder_, MailEvents(1000));
  auto segment = Write(*table);
  const ColumnIndex column = *table->Find({ColumnKind::kMessage, ValueType::kString, ""});
  const auto dictionary = *segment->DictionaryOf(column);
  segment.reset();
  cache_.Resize(0);
  ExpectSameTexts(*dictionary, **table->DictionaryOf(column));
  cache_.Resize(64 << 20);
}

// The bytes in docs/format/segment.md.
TEST_F(SegmentTest, HeaderIsAsDocumented) {
  const auto table = BuildTable(builder_, MailEvents(1));
  Write(*table);
  const std::string bytes = *fs_.ReadFile(kDir / SegmentFileName(kId));
  std::string hex;
  for (std::size_t i = 0; i < 32; ++i) {
    hex += fmt::format("{:02x} ", static_cast<unsigned char>(bytes[i]));
  }
  EXPECT_EQ(hex,
            "50 47 4c 53 53 45 47 32 03 00 00 00 01 00 00 00 "
            "07 00 00 00 00 00 00 00 16 40 8a 69 3c 05 a3 73 ");
  EXPECT_EQ(bytes.substr(bytes.size() - 8), "PGLSEND2");
}

}  // namespace
}  // namespace postglass::store
