#include "store/embedded/address_search.h"

#include <gtest/gtest.h>

#include "store/embedded/table/table_builder.h"

namespace postglass::store {
namespace {

// Wherever it is in an event.
TEST(FindAddress, LooksEverywhere) {
  std::vector<Event> events(14);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].timestamp_ms = static_cast<std::int64_t>(i);
  }
  events[0].message = "mail to ann@x.org failed";
  events[1].host = "ann@x.org";
  events[2].tags = {"a", "rcpt:Ann@X.org"};
  events[3].attributes = R"({"mail":{"to":["b@x.org","ANN@x.org"]}})";
  events[4].attributes = R"({"ann@x.org":1})";
  events[5].attributes = R"({"ann@x.org":null})";
  events[6].attributes = R"({"ann\u0040x.org":null})";
  events[7].attributes = R"({ "a" : "ann\u0040x.org" })";
  events[8].attributes = R"(no json ann@x.org)";
  events[9].attributes = R"(no json ann\u0040x.org)";
  events[10].attributes = R"({"link":"https://a.example/?e=ann%40x.org"})";
  events[11].attributes = R"({"to":"joann@x.org"})";
  events[12].attributes = R"({"n":1,"t":true})";
  std::vector<const Event*> pointers;
  for (const Event& event : events) pointers.push_back(&event);
  TableBuilder builder;
  const Result<AddressPattern> pattern = AddressPattern::Make("ann@x.org");
  ASSERT_TRUE(pattern);
  const Result<std::vector<RowIndex>> rows = FindAddress(*builder.Build(pointers), *pattern);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, (std::vector<RowIndex>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

}  // namespace
}  // namespace postglass::store
