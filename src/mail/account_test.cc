#include "mail/account.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/settings_testing.h"

namespace postglass::mail {
namespace {

using Admission = AccountState::Admission;
using std::chrono::hours;
using std::chrono::seconds;

std::unique_ptr<AccountState> Load(Settings& settings,
                                   const Clock& clock,
                                   AccountState::Quotas quotas = {}) {
  return std::move(*AccountState::Load(quotas, settings, clock));
}

TEST(AccountState, TheSwitchSurvivesARestart) {
  MemorySettings settings;
  ManualClock clock;
  EXPECT_TRUE(Load(settings, clock)->sending_enabled());
  EXPECT_FALSE(Load(settings, clock)->SetSendingEnabled(false));
  EXPECT_FALSE(Load(settings, clock)->sending_enabled());
}

TEST(AccountState, AFailedWriteLeavesTheSwitchAsItWas) {
  MemorySettings settings;
  ManualClock clock;
  const auto account = Load(settings, clock);
  settings.FailApply(Error{ErrorCode::kDiskFull, "full"});
  const SesOutcome outcome = account->SetSendingEnabled(false);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->kind, SesError::Kind::kUnavailable);
  EXPECT_TRUE(account->sending_enabled());
}

TEST(AccountState, TheRateAllowsOneFullMessageAndThenRefills) {
  MemorySettings settings;
  ManualClock clock;
  const auto account = Load(settings, clock, {.max_send_rate = 1});
  EXPECT_EQ(account->Admit(50, 0), Admission::kYes);
  EXPECT_EQ(account->Admit(1, 0), Admission::kRateExceeded);
  clock.Advance(seconds(2));
  EXPECT_EQ(account->Admit(2, 0), Admission::kYes);
  EXPECT_EQ(account->Admit(1, 1), Admission::kRateExceeded);  // simulated mail counts for the rate
}

TEST(AccountState, TheQuotaIsAWindowOf24Hours) {
  MemorySettings settings;
  ManualClock clock;
  const auto account = Load(settings, clock, {.max_24_hour_send = 10});
  EXPECT_EQ(account->Admit(8, 0), Admission::kYes);
  EXPECT_EQ(account->Admit(3, 0), Admission::kQuotaExceeded);
  EXPECT_EQ(account->Admit(3, 2), Admission::kYes);  // simulated recipients do not count
  EXPECT_EQ(account->SentLast24Hours(), 9);
  clock.Advance(hours(23));
  EXPECT_EQ(account->SentLast24Hours(), 9);
  clock.Advance(hours(2));
  EXPECT_EQ(account->SentLast24Hours(), 0);
  EXPECT_EQ(account->Admit(10, 0), Admission::kYes);
}

TEST(AccountState, StatisticsArePointsOf15Minutes) {
  MemorySettings settings;
  ManualClock clock(Timestamp::FromMillis(900'000LL * 1000 + 5));
  const auto account = Load(settings, clock);
  account->Count(EventType::kSend, 2);
  account->Count(EventType::kBounce, 1);
  account->Count(EventType::kOpen, 1);  // not among them
  clock.Advance(std::chrono::minutes(15));
  account->Count(EventType::kComplaint, 1);
  account->Count(EventType::kReject, 1);
  const auto points = account->Statistics();
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].at, Timestamp::FromMillis(900'000LL * 1000));
  EXPECT_EQ(points[0].delivery_attempts, 2);
  EXPECT_EQ(points[0].bounces, 1);
  EXPECT_EQ(points[1].complaints, 1);
  EXPECT_EQ(points[1].rejects, 1);
  clock.Advance(hours(24 * 14));
  EXPECT_TRUE(account->Statistics().empty());
}

TEST(AccountState, QuotaAndStatisticsSurviveARestart) {
  MemorySettings settings;
  ManualClock clock;
  FaultyFileSystem fs;
  Metrics metrics;
  auto history =
      std::move(*cloudwatch::MetricStore::Create({fs, clock, metrics}, {.dir = "/cloudwatch"}));
  const auto load = [&] {
    return std::move(*AccountState::Load({.max_24_hour_send = 10}, settings, clock, history.get()));
  };
  {
    const auto account = load();
    EXPECT_EQ(account->Admit(8, 1), Admission::kYes);
    account->Count(EventType::kSend, 8);
    account->Count(EventType::kBounce, 2);
    clock.Advance(hours(1));
    account->Count(EventType::kComplaint, 1);
    account->Count(EventType::kOpen, 1);
  }
  ASSERT_TRUE(history->Flush());
  history.reset();
  history =
      std::move(*cloudwatch::MetricStore::Create({fs, clock, metrics}, {.dir = "/cloudwatch"}));
  clock.Advance(hours(1));
  const auto account = load();
  EXPECT_EQ(account->SentLast24Hours(), 7);
  EXPECT_EQ(account->Admit(4, 0), Admission::kQuotaExceeded);
  const auto points = account->Statistics();
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].delivery_attempts, 8);
  EXPECT_EQ(points[0].bounces, 2);
  EXPECT_EQ(points[0].at.millis() % (15 * 60 * 1000), 0);
  EXPECT_EQ(points[1].complaints, 1);
  clock.Advance(hours(23));
  EXPECT_EQ(account->SentLast24Hours(), 0);
  clock.Advance(hours(24 * 14));
  EXPECT_TRUE(load()->Statistics().empty());
}

}  // namespace
}  // namespace postglass::mail
