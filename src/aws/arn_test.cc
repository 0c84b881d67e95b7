#include "aws/arn.h"

#include <gtest/gtest.h>

namespace postglass::aws {
namespace {

TEST(Arn, ReadsAndWritesAllParts) {
  for (const std::string text : {"arn:aws:sns:us-east-1:000000000000:mail-events",
                                 "arn:aws:sns:us-east-1:000000000000:t:8a1c-3",
                                 "arn:aws-cn:iam::123456789012:user/a/b",
                                 "arn:::::"}) {
    const std::optional<Arn> arn = ParseArn(text);
    ASSERT_TRUE(arn) << text;
    EXPECT_EQ(arn->ToString(), text);
  }
  const Arn arn = *ParseArn("arn:aws:sns:us-east-1:000000000000:t:8a1c-3");
  EXPECT_EQ(arn.service, "sns");
  EXPECT_EQ(arn.region, "us-east-1");
  EXPECT_EQ(arn.account_id, "000000000000");
  EXPECT_EQ(arn.resource, "t:8a1c-3");
}

TEST(Arn, RefusesWhatIsNone) {
  for (const std::string text :
       {"", "arn", "arn:aws:sns:us-east-1:1", "ARN:a:b:c:d:e", "x:a:b:c:d:e"}) {
    EXPECT_FALSE(ParseArn(text)) << text;
  }
}

}  // namespace
}  // namespace postglass::aws
