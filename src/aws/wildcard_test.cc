#include "aws/wildcard.h"

#include <gtest/gtest.h>

#include <string>

namespace postglass::aws {
namespace {

TEST(Wildcard, StarIsAnyRunAndQuestionMarkOneCharacter) {
  struct Row {
    std::string pattern, text;
    bool matches;
  };

  for (const Row& row : {Row{"", "", true},
                         Row{"*", "", true},
                         Row{"*", "abc", true},
                         Row{"a*c", "abbc", true},
                         Row{"a*c", "abcd", false},
                         Row{"a?c", "abc", true},
                         Row{"a?c", "ac", false},
                         Row{"*a*b*", "xxaxxbxx", true},
                         Row{"*a*b", "ba", false},
                         Row{"**", "x", true},
                         Row{"abc", "ab", false},
                         Row{"", "a", false}}) {
    EXPECT_EQ(MatchesWildcard(row.pattern, row.text, Case::kSensitive), row.matches)
        << row.pattern << " on " << row.text;
  }
  EXPECT_TRUE(MatchesWildcard("SNS:*", "sns:Publish", Case::kIgnored));
  EXPECT_FALSE(MatchesWildcard("SNS:*", "sns:Publish", Case::kSensitive));
}

TEST(Wildcard, ArnPartsMatchOneByOne) {
  const std::string arn = "arn:aws:ses:us-east-1:000000000000:configuration-set/default";
  EXPECT_TRUE(MatchesArn(arn, arn));
  EXPECT_TRUE(MatchesArn("*", arn));
  EXPECT_TRUE(MatchesArn("arn:aws:ses:*:000000000000:*", arn));
  EXPECT_TRUE(MatchesArn("arn:*:*:*:*:configuration-set/*", arn));
  EXPECT_FALSE(MatchesArn("arn:aws:ses:*", arn));
  EXPECT_FALSE(MatchesArn("arn:aws:*:configuration-set/default", arn));
  EXPECT_FALSE(MatchesArn("arn:aws:ses:*:000000000001:*", arn));
  EXPECT_FALSE(MatchesArn("arn:aws:ses:*:000000000000:*", "nothing"));
}

}  // namespace
}  // namespace postglass::aws
