#include "store/embedded/segment/length_ranks.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "base/random_testing.h"

namespace postglass::store {
namespace {

void ExpectRanks(const std::vector<Code>& lengths) {
  const LengthRanks ranks(lengths);
  ASSERT_EQ(ranks.size(), lengths.size());
  std::map<Code, std::uint32_t> seen;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    ASSERT_EQ(ranks.length_of(i), lengths[i]) << i;
    ASSERT_EQ(ranks.RankOf(i), seen[lengths[i]]++) << i;
  }
  ASSERT_EQ(ranks.distinct().size(), seen.size());
}

TEST(LengthRanks, CountsAsALoopDoes) {
  SeededRandom random(7);
  for (const std::size_t count : {0U, 1U, 63U, 64U, 65U, 1000U}) {
    for (const std::uint32_t below : {1U, 2U, 12U, 300U, 65'536U}) {
      SCOPED_TRACE(fmt::format("{} lengths below {}", count, below));
      std::vector<Code> lengths(count);
      for (Code& length : lengths) length = static_cast<Code>(random.Below(below));
      ExpectRanks(lengths);
    }
  }
}

TEST(LengthRanks, OfOneLengthOnly) { ExpectRanks(std::vector<Code>(200, 11)); }

TEST(LengthRanks, MarksStayFewWithManyLengths) {
  std::vector<Code> lengths;
  for (Code length = 0; length < 20'000; ++length) lengths.push_back(length % 10'000);
  ExpectRanks(lengths);
  EXPECT_LE(LengthRanks(lengths).memory_bytes(), 4 * lengths.size());
}

}  // namespace
}  // namespace postglass::store
