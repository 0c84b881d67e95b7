#include "mail/smtp/client_guard.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"

namespace postglass::mail {
namespace {

TEST(ClientGuard, SuspendsAfterTooManyFailuresForAWhile) {
  ManualClock clock;
  ClientGuard guard(clock,
                    {.failures_max = 3,
                     .window = std::chrono::minutes(1),
                     .suspension = std::chrono::minutes(5)});
  EXPECT_FALSE(guard.Failed("192.0.2.1"));
  EXPECT_FALSE(guard.Failed("192.0.2.1"));
  EXPECT_FALSE(guard.IsSuspended("192.0.2.1"));
  EXPECT_TRUE(guard.Failed("192.0.2.1"));
  EXPECT_TRUE(guard.IsSuspended("192.0.2.1"));
  EXPECT_FALSE(guard.IsSuspended("192.0.2.2"));
  clock.Advance(std::chrono::minutes(4));
  EXPECT_TRUE(guard.IsSuspended("192.0.2.1"));
  clock.Advance(std::chrono::minutes(1));
  EXPECT_FALSE(guard.IsSuspended("192.0.2.1"));
}

TEST(ClientGuard, ForgetsWhatIsOldOrWasPutRight) {
  ManualClock clock;
  ClientGuard guard(clock, {.failures_max = 2, .window = std::chrono::minutes(1)});
  EXPECT_FALSE(guard.Failed("192.0.2.1"));
  clock.Advance(std::chrono::minutes(2));
  EXPECT_FALSE(guard.Failed("192.0.2.1"));
  guard.Succeeded("192.0.2.1");
  EXPECT_FALSE(guard.Failed("192.0.2.1"));
  EXPECT_TRUE(guard.Failed("192.0.2.1"));
}

TEST(ClientGuard, KnowsClientsByTheirNetwork) {
  ManualClock clock;
  ClientGuard guard(clock, {.failures_max = 2});
  EXPECT_FALSE(guard.Failed("2001:db8:1:2::1"));
  EXPECT_TRUE(guard.Failed("2001:db8:1:2:ffff::9"));
  EXPECT_FALSE(guard.IsSuspended("2001:db8:1:3::1"));
  EXPECT_FALSE(guard.Failed("::ffff:192.0.2.1"));
  EXPECT_FALSE(guard.Failed("::ffff:192.0.2.2"));
  for (int i = 0; i < 9; ++i) {
    EXPECT_FALSE(guard.Failed("127.0.0.1"));
    EXPECT_FALSE(guard.Failed("::1"));
  }
}

TEST(ClientGuard, RemembersSoManyClients) {
  ManualClock clock;
  ClientGuard guard(clock, {.failures_max = 2, .clients_max = 2});
  EXPECT_FALSE(guard.Failed("192.0.2.1"));
  clock.Advance(std::chrono::seconds(1));
  EXPECT_FALSE(guard.Failed("192.0.2.2"));
  clock.Advance(std::chrono::seconds(1));
  EXPECT_FALSE(guard.Failed("192.0.2.3"));  // the first is forgotten for it
  EXPECT_TRUE(guard.Failed("192.0.2.2"));
  EXPECT_FALSE(guard.Failed("192.0.2.1"));
}

}  // namespace
}  // namespace postglass::mail
