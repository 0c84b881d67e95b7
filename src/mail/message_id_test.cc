#include "mail/message_id.h"

#include <gtest/gtest.h>

#include "base/random_testing.h"

namespace postglass::mail {
namespace {

TEST(MessageId, CarriesRegionAndTimeOfSending) {
  SeededRandom random(7);
  const Timestamp at = Timestamp::FromMillis(0x0157c44f053b);

  struct Case {
    std::string_view region;
    std::string_view prefix;
  };

  for (const Case& c : {Case{"us-east-1", "01000157c44f053b-"},
                        Case{"eu-west-1", "01020157c44f053b-"},
                        Case{"ap-south-1", "01090157c44f053b-"},
                        Case{"elsewhere-1", "01000157c44f053b-"}}) {
    const std::string id = MakeMessageId(c.region, at, random);
    EXPECT_EQ(id.size(), kMessageIdLength);
    EXPECT_TRUE(id.starts_with(c.prefix)) << id;
    EXPECT_TRUE(id.ends_with("-000000")) << id;
    EXPECT_EQ(MessageIdTime(id), at);
  }
}

TEST(MessageId, TwoOfTheSameInstantDiffer) {
  SeededRandom random(7);
  const Timestamp at = Timestamp::FromMillis(1'700'000'000'000);
  EXPECT_NE(MakeMessageId("us-east-1", at, random), MakeMessageId("us-east-1", at, random));
  EXPECT_NE(MakeFeedbackId("us-east-1", at, random), MakeFeedbackId("us-east-1", at, random));
}

TEST(MessageId, OtherTextsAreNoIds) {
  for (const std::string_view text :
       {"",
        "01000157c44f053b",
        "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
        "01000157C44F053B-61b59c11-9236-11e6-8f96-7be8a0000000-000000",
        "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8a0000000-000000x",
        "0100418c8f6c3d2e-61b59c11-9236-11e6-8f96-7be8a0000000-000000",  // the year 4253
        "../../../../../../../../../../../../../../../../../etc/passwd"}) {
    EXPECT_EQ(MessageIdTime(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace postglass::mail
