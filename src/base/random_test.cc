#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random_testing.h"

namespace postglass {
namespace {

TEST(Random, SeededBytesRepeat) {
  SeededRandom a(1), b(1), c(2);
  const std::uint64_t first = a.Next64();
  EXPECT_EQ(first, b.Next64());
  EXPECT_NE(first, c.Next64());
}

TEST(Random, BelowReachesEveryValueAndNoOther) {
  SeededRandom random(3);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.Below(7));
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(*seen.rbegin(), 6U);
  EXPECT_EQ(random.Below(1), 0U);
}

TEST(Random, TextForms) {
  SystemRandom random;
  EXPECT_EQ(random.Hex(16).size(), 32U);
  const std::string uuid = random.Uuid();
  ASSERT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(uuid, random.Uuid());
}

}  // namespace
}  // namespace postglass
