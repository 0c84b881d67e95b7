#include "store/group_rules.h"

#include <gtest/gtest.h>

#include <string>

#include "store/event_reader.h"
#include "store/oracle_groups.h"

namespace postglass::store {
namespace {

Event EventOf(std::int64_t timestamp_ms, std::string attributes) {
  Event event;
  event.timestamp_ms = timestamp_ms;
  event.attributes = std::move(attributes);
  return event;
}

Field At(std::string path) { return {Field::Kind::kAttribute, std::move(path)}; }

GroupKey KeyAt(std::string path) {
  GroupKey key;
  key.field = At(std::move(path));
  key.order = {0, false};
  return key;
}

// "a=x b=y: 3" for each group; "*" stands for all values.
std::string Shown(const std::vector<Group>& groups) {
  std::string out;
  for (const Group& group : groups) {
    for (const auto& key : group.key) out += key.value_or("*") + ' ';
    for (const MeasureValue& value : group.values) {
      out += value.value ? NumberText(*value.value) : std::string("-");
      for (const MeasureValue::Point& point : value.points) {
        out += ' ' + std::to_string(point.bucket) + '=' + NumberText(point.value);
      }
      out += ' ';
    }
    out.back() = '\n';
  }
  return out;
}

std::string GroupsOf(const std::vector<Event>& events, const GroupRequest& request) {
  const Status valid = CheckGroups(request);
  if (!valid) return valid.error().message;
  const Result<std::vector<Group>> groups = OracleGroups(events, request);
  return groups ? Shown(*groups) : groups.error().message;
}

const std::vector<Event>& Mails() {
  static const std::vector<Event> mails = {
      EventOf(0, R"({"to":["a","b"],"type":"Send","ms":5})"),
      EventOf(10, R"({"to":"a","type":"Send","ms":10})"),
      EventOf(20, R"({"to":"a","type":"Bounce","ms":1.5})"),
      EventOf(30, R"({"to":"c","type":"Bounce"})"),
      EventOf(40, R"({"type":"Open","ms":-4})"),
      EventOf(50, R"({"to":"b","type":"Open","ms":[1,3]})"),
  };
  return mails;
}

TEST(GroupRules, OrdersByTheMeasureAndBreaksTiesByKey) {
  GroupRequest request;
  request.keys = {KeyAt("to")};
  request.measures = {{}};
  EXPECT_EQ(GroupsOf(Mails(), request), "a 3\nb 2\nc 1\n");
  request.keys[0].order.ascending = true;
  EXPECT_EQ(GroupsOf(Mails(), request), "c 1\nb 2\na 3\n");
  request.keys[0].order = {std::nullopt, true};
  EXPECT_EQ(GroupsOf(Mails(), request), "a 3\nb 2\nc 1\n");
  request.keys[0].order = {std::nullopt, false};
  request.keys[0].limit = 2;
  EXPECT_EQ(GroupsOf(Mails(), request), "c 1\nb 2\n");
}

TEST(GroupRules, LeavesEventsWithoutAKeyOutUnlessTheyHaveAName) {
  GroupRequest request;
  request.keys = {KeyAt("to")};
  request.keys[0].missing = "nobody";
  request.keys[0].total = true;
  request.measures = {{}};
  EXPECT_EQ(GroupsOf(Mails(), request), "a 3\nb 2\nc 1\nnobody 1\n* 6\n");
  request.keys[0].missing.reset();
  EXPECT_EQ(GroupsOf(Mails(), request), "a 3\nb 2\nc 1\n* 5\n");
}

TEST(GroupRules, LimitsWithinEachGroupOfTheKeysBefore) {
  GroupRequest request;
  request.keys = {KeyAt("type"), KeyAt("to")};
  request.keys[0].order = {std::nullopt, true};
  request.keys[1].limit = 1;
  request.keys[1].total = true;
  request.measures = {{}};
  EXPECT_EQ(GroupsOf(Mails(), request),
            "Bounce a 1\nBounce * 2\nOpen b 1\nOpen * 1\nSend a 2\nSend * 2\n");
  request.keys[0].total = true;
  request.keys[0].limit = 1;
  EXPECT_EQ(GroupsOf(Mails(), request), "Bounce a 1\nBounce * 2\n* a 3\n* * 5\n");
}

TEST(GroupRules, MeasuresEveryNumberOfAGroup) {
  GroupRequest request;
  request.keys = {KeyAt("type")};
  const Field ms = At("ms");
  request.measures = {{Measure::Kind::kSum, ms, 0, {}},
                      {Measure::Kind::kMin, ms, 0, {}},
                      {Measure::Kind::kMax, ms, 0, {}},
                      {Measure::Kind::kAverage, ms, 0, {}},
                      {Measure::Kind::kQuantile, ms, 1, {}},
                      {Measure::Kind::kDistinct, At("to"), 0, {}}};
  EXPECT_EQ(GroupsOf(Mails(), request),
            "Send 15 5 10 7.5 10 2\nBounce 1.5 1.5 1.5 1.5 1.5 2\nOpen 0 -4 3 0 3 1\n");
  request.keys = {KeyAt("to")};
  EXPECT_EQ(GroupsOf(Mails(), request).substr(0, 18), "a 16.5 1.5 10 5.5 ");
  EXPECT_NE(GroupsOf(Mails(), request).find("c - - - - - 1\n"), std::string::npos);
}

TEST(GroupRules, GivesOneGroupOfAllWithoutKeys) {
  GroupRequest request;
  request.measures = {{}, {Measure::Kind::kAverage, At("ms"), 0, {}}};
  EXPECT_EQ(GroupsOf({}, request), "0 -\n");
  EXPECT_EQ(GroupsOf(Mails(), request), "6 2.75\n");
}

TEST(GroupRules, PutsEventsIntoBucketsByTheirBorders) {
  GroupRequest request;
  request.series = {{10, 20, 45}, {}};
  request.measures = {{Measure::Kind::kCount, {}, 0, 0},
                      {Measure::Kind::kSum, At("ms"), 0, 0},
                      {Measure::Kind::kCount, {}, 0, 1}};
  EXPECT_EQ(GroupsOf(Mails(), request), "- 0=1 1=3 - 0=10 1=-2.5 -\n");
}

TEST(GroupRules, GroupsNumbersBySteps) {
  GroupRequest request;
  request.keys = {KeyAt("ms")};
  request.keys[0].bins = GroupBins{0, 10, 5};
  request.keys[0].order = {std::nullopt, true};
  request.measures = {{}};
  EXPECT_EQ(GroupsOf(Mails(), request), "0 2\n5 2\n");
}

TEST(GroupRules, RefusesWhatNoStoreCanAnswer) {
  GroupRequest request;
  request.keys = {KeyAt("a")};
  EXPECT_EQ(GroupsOf({}, request), "no such measure to sort by");
  request.measures = {{Measure::Kind::kCount, {}, 0, 0}};
  request.series = {{}};
  EXPECT_EQ(GroupsOf({}, request), "groups cannot be sorted by a time series");
  request.series = {{2, 1}};
  request.keys.clear();
  EXPECT_EQ(GroupsOf({}, request), "the buckets of a time series are not in order");
  request.series = {};
  EXPECT_EQ(GroupsOf({}, request), "no such time series");
  request.measures = {{Measure::Kind::kQuantile, At("a"), 1.5, {}}};
  EXPECT_EQ(GroupsOf({}, request), "quantile 1.5 is not between 0 and 1");
  request.measures = {{Measure::Kind::kSum, {Field::Kind::kAllText, ""}, 0, {}}};
  EXPECT_EQ(GroupsOf({}, request), "the full-text field has no values to group by or to measure");
  request.measures.clear();
  request.keys = {KeyAt("a")};
  request.keys[0].order = {};
  request.keys[0].bins = GroupBins{0, 1e9, 1};
  EXPECT_EQ(GroupsOf({}, request), "a histogram of more than 10000 steps");
  request.keys.assign(5, KeyAt("a"));
  EXPECT_EQ(GroupsOf({}, request), "groups of more than 4 keys");
}

TEST(GroupRules, RefusesAnEventInTooManyGroups) {
  std::string many = "[0";
  for (int i = 1; i < 300; ++i) many += ',' + std::to_string(i);
  GroupRequest request;
  request.keys = {KeyAt("a"), KeyAt("b")};
  request.measures = {{}};
  const Event event = EventOf(0, R"({"a":)" + many + R"(],"b":)" + many + "]}");
  EXPECT_EQ(GroupsOf({event}, request), "one event is in too many groups");
}

}  // namespace
}  // namespace postglass::store
