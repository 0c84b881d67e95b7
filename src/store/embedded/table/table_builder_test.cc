#include "store/embedded/table/table_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <string>

#include "base/random_testing.h"
#include "store/embedded/table/row_reader.h"
#include "store/embedded/table/table_testing.h"
#include "store/event_reader.h"
#include "store/random_events_testing.h"

namespace postglass::store {
namespace {

// Attributes that a parser, a serialiser or a path can get wrong.
const std::vector<std::string>& NastyTexts() {
  static const std::vector<std::string> texts = {
      R"({})",
      R"({ })",
      "",
      " ",
      "null",
      "[]",
      "[1]",
      "7",
      R"("text")",
      "not json",
      "{",
      "}",
      R"({"a":1}})",
      R"({"a":1},)",
      R"({"a":1} x)",
      R"({"a":1}{"b":2})",
      R"({"a":1,})",
      R"({"a":[1,]})",
      R"({"a":[,1]})",
      R"({"a":[1 2]})",
      R"({"a" 1})",
      R"({"a"::1})",
      R"({"a":"b":"c"})",
      R"({"a":"b""c"})",
      R"({"a":"b"c})",
      R"({"a":1"c"})",
      R"({"a"})",
      R"({1:2})",
      R"({"a":[1}})",
      R"({"a":{]})",
      R"({"a":tru})",
      R"({"a":truex})",
      R"({"a":true false})",
      R"({"a":nul})",
      R"({"a":nullx})",
      R"({"a":NaN,"b":Infinity})",
      "{\"a\":\x01}",
      "{\"a\":\"\x01\"}",
      "{\"a\":1\x02}",
      "{\"\x03\":1}",
      std::string("{\"a\":\"x\0y\"}", 11),
      std::string("{\"a\":1}\0", 8),
      "{\"a\":\"\xff\"}",
      "{\"a\":\"\xed\xa0\x80\"}",
      "\xef\xbb\xbf{\"a\":1}",
      R"({"a":null,"b":{},"c":[],"d":[[],{}],"e":""})",
      R"({"a":[null,1,[2,[3,"x"]],{"b":[4,{"c":true}]}]})",
      "\n{\n  \"a\" : 1 ,\r\n\t\"b\" : [ 1 , 2 ] , \"c\" : \"x\" \n}\n ",
      R"({"a":7.0,"b":7.00,"c":-7.0,"d":0.0,"e":-0.0,"f":-0})",
      R"({"a":7.5,"b":0.1,"c":-12.25,"d":1e5,"e":1E5,"f":1E+5,"g":1e-7,"h":1E-7,"i":7E0,"j":1.25E-3})",
      R"({"a":1e22,"b":1e+22,"c":1E22,"d":123456789012345680.0,"e":0.10})",
      R"({"a":999999999999999.0,"b":1000000000000000.0,"c":1e15,"d":-999999999999999.0})",
      R"({"a":5e-324,"b":2.2250738585072014e-308,"c":1.7976931348623157e308,"d":4.9E-324})",
      R"({"a":1e400})",
      R"({"a":-1e400})",
      R"({"a":1e-400})",
      R"({"a":1e0000000000000000001})",
      R"({"a":0e9999})",
      R"({"a":-0E0,"b":0E0})",
      R"({"a":1.})",
      R"({"a":.5})",
      R"({"a":01})",
      R"({"a":-})",
      R"({"a":+1})",
      R"({"a":1e})",
      R"({"a":0x10})",
      R"({"a":1_000})",
      R"({"a":-01.5})",
      R"({"a":9223372036854775807,"b":-9223372036854775808})",
      R"({"a":9223372036854775808})",
      R"({"a":18446744073709551615})",
      R"({"a":18446744073709551616})",
      R"({"a":-9223372036854775809})",
      R"({"a":123456789012345678901234567890})",
      R"({"a":9007199254740993,"b":9007199254740993.0})",
      R"({"a":0.1000000000000000055511151231257827021181583404541015625})",
      R"({"a":3.14159265358979323846264338327950288419716939937510582097494459230781640628620899})",
      R"({"a":"\"\\\b\f\n\r\t\u0000\u001f"})",
      R"({"a":"\/"})",
      R"({"a":"\u0041\u00e4\u20ac"})",
      R"({"a":"\u001F","b":"\u000a"})",
      R"({"a":"\ud83d\ude00"})",
      R"({"a":"\ud83d"})",
      R"({"a":"\ude00"})",
      R"({"a":"\ud83dx"})",
      R"({"a":"\ud83d\u0041"})",
      R"({"a":"\ud83d\ud83d"})",
      R"({"a":"\ude00\ud83d"})",
      R"({"a":"\u12"})",
      R"({"a":"\u12g4"})",
      R"({"a":"\x"})",
      R"({"a":"\)",
      R"({"a":"\\\\\\"})",
      R"({"a":"\\\"\\"})",
      "{\"a\":\"\x7f/\xc3\xa4\xf0\x9f\x98\x80\"}",
      R"({"\u0061":1,"a":2,"a\"b":3,"a\\":4})",
      R"({"\ud800":1})",
      R"({"\x":1})",
      R"({"a":1,"a":2,"a":"x","a":[3,4]})",
      R"({"a":{"b":1},"a.b":2,"a":{"b":"3"}})",
      R"({"":1,"x":{"":2,"y":{"":{"":3}}},".":4,"a.":{"b":5},"a":{".b":6}})",
      R"({"a":{"":1},"a.":2})",
      R"({"a":true,"b":false,"c":[true,false,true],"d":"true"})",
      R"({"a":"{\"x\":1}","b":"[1,2]"})",
      R"({"a":["x","x","y","x"]})",
      R"({"a":)" + std::string(60, '[') + "1" + std::string(60, ']') + "}",
      R"({"a":)" + std::string(70, '[') + "1" + std::string(70, ']') + "}",
      R"({"a":)" + std::string(2000, '[') + "1" + std::string(2000, ']') + "}",
      R"({")" + std::string(2000, 'k') + R"(":1})",
      R"({"a":")" + std::string(100'000, 'x') + R"("})",
  };
  return texts;
}

std::vector<Event> EventsOf(const std::vector<std::string>& texts) {
  std::vector<Event> events;
  for (const std::string& text : texts) {
    Event& event = events.emplace_back();
    event.timestamp_ms = static_cast<std::int64_t>(events.size()) / 3;
    event.id.bytes[15] = static_cast<std::uint8_t>(events.size());
    event.id.bytes[14] = static_cast<std::uint8_t>(events.size() >> 8);
    event.attributes = text;
  }
  return events;
}

std::vector<Event> RandomEvents(std::uint64_t seed, std::uint32_t count) {
  SeededRandom random(seed);
  std::vector<Event> events;
  for (std::uint32_t n = 0; n < count; ++n) events.push_back(RandomEvent(random, n).event);
  return events;
}

// Every attribute value that EventReader finds, as "path=text/number".
std::vector<std::string> ValuesByReader(const Event& event) {
  EventReader reader;
  reader.Reset(event);
  std::vector<std::string> values;
  reader.ForEachAttribute([&](std::string_view path, const ValueView& value) {
    values.push_back(DescribeValue(path, value.text, value.number));
  });
  std::sort(values.begin(), values.end());
  return values;
}

void ExpectSameValues(const Table& table, const std::vector<Event>& sorted) {
  const std::vector<std::vector<std::string>> values = ValuesByTable(table);
  const auto shape_of_row = *table.ShapeOfRow();
  for (RowIndex row = 0; row < sorted.size(); ++row) {
    SCOPED_TRACE(sorted[row].attributes.substr(0, 200));
    if (table.shapes()[(*shape_of_row)[row]].text == Shape::Text::kOpaque) continue;
    EXPECT_EQ(values[row], ValuesByReader(sorted[row]));
  }
}

TEST(TableBuilder, GivesTheEventsBackAndTheValuesThatEventReaderFinds) {
  TableBuilder builder;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::vector<Event> events = RandomEvents(seed, 300);
    const auto table = BuildTable(builder, events);
    CheckTable(*table);
    SortEvents(events);
    EXPECT_EQ(AllRows(*table), events);
    ExpectSameValues(*table, events);
  }
}

TEST(TableBuilder, TakesNastyTexts) {
  std::vector<Event> events = EventsOf(NastyTexts());
  TableBuilder builder;
  for (int round = 0; round < 2; ++round) {  // the second time shapes are known
    const auto table = BuildTable(builder, events);
    CheckTable(*table);
    EXPECT_EQ(AllRows(*table), events);
    ExpectSameValues(*table, events);
  }
}

// A text that is not JSON must not get through with the skeleton of one that is.
TEST(TableBuilder, TakesEachNastyTextAlone) {
  for (const std::string& text : NastyTexts()) {
    SCOPED_TRACE(text.substr(0, 200));
    const std::vector<Event> events = EventsOf({text});
    TableBuilder builder;
    const auto table = BuildTable(builder, events);
    EXPECT_EQ(AllRows(*table), events);
    ExpectSameValues(*table, events);
    if (table->shapes()[0].text == Shape::Text::kOpaque) continue;
    EXPECT_EQ(ColumnsOfSkeleton(table->shapes()[0].skeleton).size(),
              static_cast<std::size_t>(std::count_if(table->shapes()[0].columns.begin(),
                                                     table->shapes()[0].columns.end(),
                                                     [&](ColumnIndex c) {
                                                       return table->columns()[c].key.kind ==
                                                              ColumnKind::kAttribute;
                                                     })));
  }
}

// Broken bytes anywhere in real texts: never a crash, never other bytes, never other values.
TEST(TableBuilder, TakesDamagedTexts) {
  SeededRandom random(7);
  constexpr std::string_view kBytes = "{}[]:,\"\\ 0123456789.eE+-tfnu\x01\x02\x05\xc3\xa4\n";
  TableBuilder builder;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> texts;
    while (texts.size() < 200) {
      std::string text = NastyTexts()[random.Below(NastyTexts().size() - 5)];
      for (std::uint64_t n = random.Below(4); n > 0 && !text.empty(); --n) {
        const std::size_t at = random.Below(text.size());
        if (random.Below(3) == 0) {
          text.erase(at, 1);
        } else {
          text.insert(at, 1, kBytes[random.Below(kBytes.size())]);
        }
      }
      texts.push_back(std::move(text));
    }
    const std::vector<Event> events = EventsOf(texts);
    const auto table = BuildTable(builder, events);
    EXPECT_EQ(AllRows(*table), events);
    ExpectSameValues(*table, events);
  }
}

Shape::Text TextOf(const std::string& attributes) {
  TableBuilder builder;
  return BuildTable(builder, EventsOf({attributes}))->shapes()[0].text;
}

TEST(TableBuilder, KeepsTheTextOnlyWhereItMust) {
  for (const char* text : {R"({"a":1,"b":"x\n","c":[0.5,true,null,{}]})",
                           "{ \"a\" : [ 1 ] }\n",
                           R"({"a":7.0,"b":7.25E1,"c":-1.50E0})",
                           R"({"a\/b":1,"a":{"a":1},"a":2})"}) {
    const bool odd_double = std::string_view(text).find("1.50E0") != std::string_view::npos;
    EXPECT_EQ(TextOf(text), odd_double ? Shape::Text::kVerbatim : Shape::Text::kRebuilt) << text;
  }
  for (const char* text : {R"({"a":"\/"})", R"({"a":1e5})", R"({"a":-0})", R"({"a":0.10})"}) {
    EXPECT_EQ(TextOf(text), Shape::Text::kVerbatim) << text;
  }
  for (const char* text : {"[]", "", R"({"a":18446744073709551615})", R"({"a":"\ud800"})"}) {
    EXPECT_EQ(TextOf(text), Shape::Text::kOpaque) << text;
  }
}

TEST(TableBuilder, BoundsShapesAndColumns) {
  std::vector<std::string> texts;
  for (int n = 0; n < 1500; ++n) {
    std::string text = "{";
    for (int i = 0; i < 10; ++i) {
      text += "\"k" + std::to_string(n) + "_" + std::to_string(i) + "\":1,";
    }
    text.back() = '}';
    texts.push_back(text);
  }
  TableBuilder builder;
  const std::vector<Event> events = EventsOf(texts);
  const auto table = BuildTable(builder, events);
  EXPECT_EQ(AllRows(*table), events);
  EXPECT_LE(table->columns().size(), 4096 + 7);
  EXPECT_GT(table->columns().size(), 4000);
}

TEST(TableBuilder, SortsRowsByTimeAndId) {
  std::vector<Event> events = RandomEvents(3, 100);
  std::reverse(events.begin(), events.end());
  TableBuilder builder;
  const auto table = BuildTable(builder, events);
  SortEvents(events);
  EXPECT_EQ(AllRows(*table), events);
  EXPECT_EQ(table->info().timestamp_min_ms, events.front().timestamp_ms);
  EXPECT_EQ(table->info().timestamp_max_ms, events.back().timestamp_ms);
}

}  // namespace
}  // namespace postglass::store
