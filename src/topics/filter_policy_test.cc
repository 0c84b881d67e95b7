#include "topics/filter_policy.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postglass::topics {
namespace {

bool Matches(std::string_view policy, FilterScope scope, const Message& message) {
  const auto parsed = FilterPolicy::Parse(policy, scope);
  EXPECT_TRUE(parsed) << policy << ": " << parsed.error().message;
  if (!parsed) return false;
  FilterPolicy::Subject subject(message);
  return (*parsed)->Matches(subject);
}

bool MatchesBody(std::string_view policy, std::string_view body) {
  Message message;
  message.body = body;
  return Matches(policy, FilterScope::kMessageBody, message);
}

bool MatchesAttributes(std::string_view policy, std::vector<MessageAttribute> attributes) {
  Message message;
  message.attributes = std::move(attributes);
  return Matches(policy, FilterScope::kMessageAttributes, message);
}

struct Case {
  std::string_view policy;
  std::string_view body;
  bool matches;
};

// The operators, each as the developer guide describes it.
TEST(FilterPolicy, TestsValuesOfTheBody) {
  const Case cases[] = {
      {R"({})", R"({"a":1})", true},
      {R"({"a":["x","y"]})", R"({"a":"y"})", true},
      {R"({"a":["x"]})", R"({"a":"X"})", false},
      {R"({"a":["x"]})", R"({})", false},
      {R"({"a":["x"],"b":["y"]})", R"({"a":"x"})", false},
      {R"({"a":["x"],"b":["y"]})", R"({"a":"x","b":"y"})", true},
      {R"({"a":[1]})", R"({"a":1.0})", true},
      {R"({"a":[1]})", R"({"a":"1"})", false},
      {R"({"a":["1"]})", R"({"a":1})", false},
      {R"({"a":[true,null]})", R"({"a":null})", true},
      {R"({"a":[true]})", R"({"a":"true"})", false},
      {R"({"a":["x"]})", R"({"a":["w","x"]})", true},
      {R"({"a":{"b":["x"]}})", R"({"a":{"b":"x"}})", true},
      {R"({"a":{"b":["x"]}})", R"({"a":[{"b":"w"},{"b":"x"}]})", true},
      {R"({"a":[{"prefix":"re"}]})", R"({"a":"reset"})", true},
      {R"({"a":[{"suffix":"et"}]})", R"({"a":"reset"})", true},
      {R"({"a":[{"suffix":"re"}]})", R"({"a":"reset"})", false},
      {R"({"a":[{"equals-ignore-case":"RESET"}]})", R"({"a":"reset"})", true},
      {R"({"a":[{"wildcard":"r*t"}]})", R"({"a":"reset"})", true},
      {R"({"a":[{"wildcard":"r*x"}]})", R"({"a":"reset"})", false},
      {R"({"a":[{"cidr":"10.0.0.0/24"}]})", R"({"a":"10.0.0.7"})", true},
      {R"({"a":[{"cidr":"10.0.0.0/24"}]})", R"({"a":"10.0.1.7"})", false},
      {R"({"a":[{"numeric":["=",3]}]})", R"({"a":3})", true},
      {R"({"a":[{"numeric":[">",0,"<=",5]}]})", R"({"a":5})", true},
      {R"({"a":[{"numeric":[">",0,"<",5]}]})", R"({"a":5})", false},
      {R"({"a":[{"numeric":["<",5]}]})", R"({"a":"3"})", false},
      {R"({"a":[{"exists":true}]})", R"({"a":null})", true},
      {R"({"a":[{"exists":true}]})", R"({"a":[]})", true},
      {R"({"a":[{"exists":true}]})", R"({"a":{"b":1}})", false},
      {R"({"a":[{"exists":false}]})", R"({"b":1})", true},
      {R"({"a":[{"exists":false},"x"]})", R"({"a":"x"})", true},
      {R"({"a":[{"anything-but":"x"}]})", R"({"a":"y"})", true},
      {R"({"a":[{"anything-but":["x","y"]}]})", R"({"a":"y"})", false},
      {R"({"a":[{"anything-but":["x","y"]}]})", R"({"a":["x","z"]})", true},
      {R"({"a":[{"anything-but":["x"]}]})", R"({})", false},
      {R"({"a":[{"anything-but":[5]}]})", R"({"a":6})", true},
      {R"({"a":[{"anything-but":{"prefix":"re"}}]})", R"({"a":"reset"})", false},
      {R"({"a":[{"anything-but":{"suffix":["a","b"]}}]})", R"({"a":"xb"})", false},
      {R"({"$or":[{"a":["x"]},{"b":["y"]}]})", R"({"b":"y"})", true},
      {R"({"$or":[{"a":["x"]},{"b":["y"]}]})", R"({"b":"z"})", false},
      {R"({"c":[1],"$or":[{"a":["x"]},{"b":["y"]}]})", R"({"b":"y"})", false},
      {R"({"m":{"$or":[{"a":["x"]},{"b":["y"]}]}})", R"({"m":{"a":"x"}})", true},
      {R"({"eventType":["Bounce"],"bounce":{"bounceType":["Permanent"]}})",
       R"({"eventType":"Bounce","bounce":{"bounceType":"Permanent"}})",
       true},
      {R"({"a":["x"]})", "not JSON", false},
      {R"({"a":["x"]})", "[1]", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(MatchesBody(c.policy, c.body), c.matches) << c.policy << " of " << c.body;
  }
}

TEST(FilterPolicy, TestsMessageAttributesByTheirType) {
  const std::vector<MessageAttribute> attributes = {
      {"event", "String", "bounce"},
      {"size", "Number", "12.5"},
      {"to", "String.Array", R"(["a",1,true,null])"},
      {"bytes", "Binary", "AAAA"},
      {"labelled", "Number.int", "7"},
  };
  EXPECT_TRUE(MatchesAttributes(R"({"event":["bounce"]})", attributes));
  EXPECT_TRUE(MatchesAttributes(R"({"size":[{"numeric":[">",12]}]})", attributes));
  EXPECT_FALSE(MatchesAttributes(R"({"size":["12.5"]})", attributes));
  EXPECT_TRUE(MatchesAttributes(R"({"labelled":[7]})", attributes));
  for (const char* policy :
       {R"({"to":["a"]})", R"({"to":[1]})", R"({"to":[true]})", R"({"to":[null]})"}) {
    EXPECT_TRUE(MatchesAttributes(policy, attributes)) << policy;
  }
  EXPECT_FALSE(MatchesAttributes(R"({"bytes":["AAAA"]})", attributes));
  EXPECT_TRUE(MatchesAttributes(R"({"bytes":[{"exists":true}]})", attributes));
  EXPECT_FALSE(MatchesAttributes(R"({"none":["x"]})", attributes));
}

TEST(FilterPolicy, RefusesInTheServicesWords) {
  struct Refused {
    std::string_view policy;
    std::string_view message;
  };

  const Refused cases[] = {
      {R"({"a":"x"})", R"(FilterPolicy: "a" must be an object or an array)"},
      {R"({"a":[]})", "FilterPolicy: Empty arrays are not allowed"},
      {R"({"a":[["x"]]})",
       "FilterPolicy: Match value must be String, number, true, false, or null"},
      {R"({"a":[{"error":true}]})", "FilterPolicy: Unrecognized match type error"},
      {R"({"a":[{"exists":null}]})",
       "FilterPolicy: exists match pattern must be either true or false."},
      {R"({"a":[{"prefix":1}]})", "FilterPolicy: prefix match pattern must be a string"},
      {R"({"a":[{"prefix":"x","suffix":"y"}]})",
       "FilterPolicy: Only one key allowed in match expression"},
      {R"({"a":[{"numeric":[]}]})", "FilterPolicy: Invalid member in numeric match: ]"},
      {R"({"a":[{"numeric":["!",1]}]})", "FilterPolicy: Unrecognized numeric range operator: !"},
      {R"({"a":[{"numeric":["<","1"]}]})", "FilterPolicy: Value of < must be numeric"},
      {R"({"a":[{"numeric":[">",5,"<",1]}]})", "FilterPolicy: Bottom must be less than top"},
      {R"({"a":[{"cidr":"10.0.0.1"}]})", "FilterPolicy: Malformed CIDR, one '/' required"},
      {R"({"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]})",
       "FilterPolicy: Filter policy can not have more than 5 keys"},
      {R"({"a":[1,2,3,4,5,6],"b":[1,2,3,4,5,6],"c":[1,2,3,4,5,6]})",
       "FilterPolicy: Filter policy is too complex"},
      {R"({"a":{"b":{"c":{"d":{"e":{"f":[1]}}}}}})",
       "FilterPolicy: Filter policy can only have up to 5 levels of nesting"},
  };
  for (const Refused& c : cases) {
    const auto parsed = FilterPolicy::Parse(c.policy, FilterScope::kMessageBody);
    ASSERT_FALSE(parsed) << c.policy;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(parsed.error().message, c.message);
  }
  EXPECT_EQ(
      FilterPolicy::Parse(R"({"a":{"b":[1]}})", FilterScope::kMessageAttributes).error().message,
      "Filter policy scope MessageAttributes does not support nested filter policy");
  EXPECT_FALSE(FilterPolicy::Parse("{", FilterScope::kMessageBody));
  EXPECT_FALSE(FilterPolicy::Parse(std::string(300'000, ' ') + "{}", FilterScope::kMessageBody));
}

}  // namespace
}  // namespace postglass::topics
