#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/file_system_testing.h"
#include "base/random_testing.h"
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
                                     1'700'000'000'000 + mail * 977,
                                     hex(of_mail, 8),
                                     hex(of_mail, 12));
  const std::string to =
      fmt::format("Person.{}@example{}.com", of_mail.Below(900), of_mail.Below(9));
  Event event;
  event.timestamp_ms =
      1'700'000'000'000 + mail * 977 + static_cast<std::int64_t>((n % 3) * random.Below(5000));
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
    const Table::WordHits hits = *table.FindWord(column, word);
    if (hits.kind == Table::WordHits::Kind::kUnknown) continue;
    EXPECT_EQ(hits.kind, Table::WordHits::Kind::kSome) << word;
    EXPECT_EQ(hits.codes, codes) << word;
  }
  for (const std::string absent : {"zzyzx", "qq", "a", "4711x", "12345678901234567890"}) {
    if (words.contains(absent)) continue;
    EXPECT_NE(table.FindWord(column, absent)->kind, Table::WordHits::Kind::kSome) << absent;
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
  for (const std::uint32_t count : {1U, 2U, 700U, 20'000U}) {
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

}  // namespace
}  // namespace postglass::store
