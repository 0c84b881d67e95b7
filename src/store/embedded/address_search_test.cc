#include "store/embedded/address_search.h"

#include <gtest/gtest.h>

#include "base/random_testing.h"
#include "store/embedded/table/table_builder.h"
#include "store/event_reader.h"
#include "store/random_events_testing.h"

namespace postglass::store {
namespace {

TEST(AddressPattern, FindsAnAddressThatStandsForItself) {
  const Result<AddressPattern> pattern = AddressPattern::Make("Ann.Lee+news@X.org");
  ASSERT_TRUE(pattern);
  for (const char* text : {"ann.lee+news@x.org",
                           "ANN.LEE+NEWS@X.ORG",
                           "Ann Lee <ann.lee+news@x.org>",
                           "to ann.lee+news@x.org.",
                           "mailto:ann.lee+news@x.org?subject=a",
                           "https://a.example/u?to=ann.lee%2Bnews%40x.org&x=1",
                           "https://a.example/u?to=ann.lee+news%40x.org",
                           "https://a.example/u?b&ann.lee%2bnews@x.org",
                           "%3Cann.lee+news@x.org%3E",
                           "bounces+ann.lee+news=x.org@mail.example",
                           R"({\"to\":\"ann.lee+news@x.org\"})",
                           R"(first\nann.lee+news@x.org)",
                           "rfc822;ann.lee+news@x.org"}) {
    EXPECT_TRUE(pattern->IsIn(text)) << text;
  }
  for (const char* text : {"joann.lee+news@x.org",
                           "jo.ann.lee+news@x.org",
                           "jo-ann.lee+news@x.org",
                           "ann.lee+news@x.organic",
                           "ann.lee+news@x.org.uk",
                           "ann.lee@x.org",
                           "ann.lee+news",
                           "x.org",
                           ""}) {
    EXPECT_FALSE(pattern->IsIn(text)) << text;
  }
}

TEST(AddressPattern, TakesAddressesOnly) {
  for (const char* text : {"", "ann", "@x.org", "ann@", "a@b@c", "Ann <ann@x.org>"}) {
    const Result<AddressPattern> pattern = AddressPattern::Make(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(AddressPattern::Make("ÄRGER@example.org"));
}

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
