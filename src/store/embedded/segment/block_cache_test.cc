#include "store/embedded/segment/block_cache.h"

#include <gtest/gtest.h>

#include "base/random_testing.h"

namespace postglass::store {
namespace {

class BlockCacheTest : public testing::Test {
 protected:
  int Get(BlockCache& cache, std::uint64_t segment, std::uint32_t block, std::size_t bytes) {
    const auto load = [&]() -> Result<BlockCache::Loaded> {
      ++loads_;
      return BlockCache::Loaded{std::make_shared<const int>(static_cast<int>(block)), bytes};
    };
    return *std::static_pointer_cast<const int>(*cache.Get({segment, 1, block}, load));
  }

  int loads_ = 0;
};

TEST_F(BlockCacheTest, LoadsOnceAndForgets) {
  BlockCache cache(1 << 20);
  EXPECT_EQ(Get(cache, 1, 5, 100), 5);
  EXPECT_EQ(Get(cache, 1, 5, 100), 5);
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(Get(cache, 2, 5, 100), 5);
  EXPECT_EQ(loads_, 2);
  cache.Forget(1);
  Get(cache, 2, 5, 100);
  EXPECT_EQ(loads_, 2);
  Get(cache, 1, 5, 100);
  EXPECT_EQ(loads_, 3);
}

TEST_F(BlockCacheTest, StaysWithinItsBytes) {
  constexpr std::size_t kBytes = 1 << 20;
  BlockCache cache(kBytes);
  for (std::uint32_t block = 0; block < 10'000; ++block) {
    Get(cache, 1, block, 4000);
    ASSERT_LE(cache.bytes(), kBytes);
  }
  EXPECT_GT(cache.bytes(), kBytes / 2);
  cache.Resize(kBytes / 8);
  EXPECT_LE(cache.bytes(), kBytes / 8);
  cache.Resize(0);
  EXPECT_EQ(cache.bytes(), 0U);
  EXPECT_EQ(Get(cache, 1, 7, 4000), 7);
}

TEST_F(BlockCacheTest, KeepsWhatIsUsedAgain) {
  BlockCache cache(1 << 20);
  for (std::uint32_t block = 0; block < 50; ++block) Get(cache, 1, block, 1000);
  for (std::uint32_t block = 0; block < 10'000; ++block) {
    Get(cache, 2, block, 1000);
    Get(cache, 1, block % 50, 1000);
  }
  EXPECT_EQ(loads_, 10'050);
}

// Beside a map of what was asked for: what comes back is what was loaded for that key, and after
// Forget() nothing of the segment is left.
TEST_F(BlockCacheTest, FindsTheRightOneAmongManyThatComeAndGo) {
  SeededRandom random(3);
  BlockCache cache(64 << 10);
  for (int step = 0; step < 200'000; ++step) {
    const std::uint64_t segment = 1 + random.Below(8);
    const auto block = static_cast<std::uint32_t>(random.Below(300));
    ASSERT_EQ(Get(cache, segment, block, random.Below(500)), static_cast<int>(block));
    ASSERT_LE(cache.bytes(), std::size_t{64} << 10);
    if (random.Below(500) > 0) continue;
    cache.Forget(segment);
    const int loads_before = loads_;
    Get(cache, segment, block, 10);
    ASSERT_EQ(loads_, loads_before + 1);
  }
  for (std::uint64_t segment = 1; segment <= 8; ++segment) cache.Forget(segment);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST_F(BlockCacheTest, GivesWhatIsTooLargeButDoesNotKeepIt) {
  BlockCache cache(1 << 20);
  EXPECT_EQ(Get(cache, 1, 1, 1 << 19), 1);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST_F(BlockCacheTest, DoesNotKeepErrors) {
  BlockCache cache(1 << 20);
  const auto fail = []() -> Result<BlockCache::Loaded> { return Fail(ErrorCode::kIo, "no"); };
  EXPECT_EQ(cache.Get({1, 1, 1}, fail).error().code, ErrorCode::kIo);
  EXPECT_EQ(Get(cache, 1, 1, 10), 1);
}

}  // namespace
}  // namespace postglass::store
