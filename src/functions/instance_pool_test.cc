#include "functions/instance_pool.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"

namespace postglass::functions {
namespace {

struct FakeSandbox final : Sandbox {
  explicit FakeSandbox(int& the_alive) : alive(the_alive) { ++alive; }

  ~FakeSandbox() override { --alive; }

  InvocationReply Invoke(std::string, const std::string&) override { return {}; }

  bool usable() const override { return is_usable; }

  void Interrupt() override { is_usable = false; }

  int& alive;
  bool is_usable = true;
};

struct PoolFixture {
  explicit PoolFixture(InstancePool::Options options = {})
      : pool(
            clock,
            [this](const Function&) -> Result<std::unique_ptr<Sandbox>> {
              if (fails) return Fail(ErrorCode::kNotFound, "no bootstrap");
              return std::unique_ptr<Sandbox>(std::make_unique<FakeSandbox>(alive));
            },
            options) {}

  static Function Named(std::string name, std::string revision = "1") {
    Function function;
    function.name = std::move(name);
    function.revision_id = std::move(revision);
    return function;
  }

  ManualClock clock;
  int alive = 0;
  bool fails = false;
  InstancePool pool;
};

TEST(InstancePool, UsesAFreeOneAgainAndBoundsThoseAtWork) {
  PoolFixture f({.per_function_max = 2, .total_max = 3});
  const Sandbox* first = nullptr;
  {
    auto lease = f.pool.Acquire(f.Named("a"));
    ASSERT_TRUE(lease);
    first = &lease->sandbox();
  }
  auto a1 = f.pool.Acquire(f.Named("a"));
  EXPECT_EQ(&a1->sandbox(), first);
  auto a2 = f.pool.Acquire(f.Named("a"));
  EXPECT_NE(&a2->sandbox(), first);
  EXPECT_EQ(f.pool.Acquire(f.Named("a")).error().code, ErrorCode::kLimit);
  { auto b = f.pool.Acquire(f.Named("b")); }
  EXPECT_EQ(f.alive, 3);
  // The free one of another function makes room.
  auto c = f.pool.Acquire(f.Named("c"));
  ASSERT_TRUE(c);
  EXPECT_EQ(f.alive, 3);
  EXPECT_EQ(f.pool.Acquire(f.Named("b")).error().code, ErrorCode::kLimit);
}

TEST(InstancePool, EndsThoseOfAnOldRevisionTheBrokenAndTheIdle) {
  PoolFixture f;
  { auto old = f.pool.Acquire(f.Named("a", "1")); }
  { auto renewed = f.pool.Acquire(f.Named("a", "2")); }
  EXPECT_EQ(f.alive, 1);
  {
    auto broken = f.pool.Acquire(f.Named("a", "2"));
    broken->sandbox().Interrupt();
  }
  EXPECT_EQ(f.alive, 0);
  { auto idle = f.pool.Acquire(f.Named("a", "2")); }
  f.clock.Advance(std::chrono::seconds(299));
  f.pool.EndIdle();
  EXPECT_EQ(f.alive, 1);
  f.clock.Advance(std::chrono::seconds(2));
  f.pool.EndIdle();
  EXPECT_EQ(f.alive, 0);
  { auto forgotten = f.pool.Acquire(f.Named("a", "2")); }
  f.pool.Forget("a");
  EXPECT_EQ(f.alive, 0);
}

TEST(InstancePool, GivesThePlaceBackWhenNoneCanBeMadeAndStops) {
  PoolFixture f({.per_function_max = 1, .total_max = 1});
  f.fails = true;
  EXPECT_EQ(f.pool.Acquire(f.Named("a")).error().code, ErrorCode::kNotFound);
  f.fails = false;
  auto lease = f.pool.Acquire(f.Named("a"));
  ASSERT_TRUE(lease);
  f.pool.Interrupt();
  EXPECT_FALSE(lease->sandbox().usable());
  EXPECT_EQ(f.pool.Acquire(f.Named("b")).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace postglass::functions
