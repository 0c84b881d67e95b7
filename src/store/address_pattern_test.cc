#include "store/address_pattern.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace postglass::store
