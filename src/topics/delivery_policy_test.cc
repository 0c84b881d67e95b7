#include "topics/delivery_policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace postglass::topics {
namespace {

std::vector<std::int64_t> Delays(const RetrySchedule& schedule, int count) {
  std::vector<std::int64_t> seconds;
  for (int retry = 1; retry <= count; ++retry) {
    const auto delay = schedule.DelayBefore(retry);
    seconds.push_back(delay ? delay->count() : -1);
  }
  return seconds;
}

TEST(RetrySchedule, FunctionsAreTriedForTwentyThreeDays) {
  const RetrySchedule schedule = FunctionRetrySchedule();
  EXPECT_EQ(schedule.retries(), 100'015);
  EXPECT_EQ(Delays(schedule, 6), (std::vector<std::int64_t>{0, 0, 0, 1000, 1000, 1000}));
  EXPECT_EQ(schedule.DelayBefore(15), std::chrono::milliseconds(20'000));
  EXPECT_EQ(schedule.DelayBefore(16), std::chrono::milliseconds(20'000));
  EXPECT_EQ(schedule.DelayBefore(100'015), std::chrono::milliseconds(20'000));
  EXPECT_FALSE(schedule.DelayBefore(100'016));
  std::chrono::milliseconds total{0};
  for (int retry = 1; retry <= schedule.retries(); ++retry) total += *schedule.DelayBefore(retry);
  EXPECT_EQ(std::chrono::floor<std::chrono::days>(total).count(), 23);
}

TEST(RetrySchedule, EndpointsAreTriedFourTimesByDefault) {
  EXPECT_EQ(Delays(EffectiveHttpPolicy({}).retries, 4),
            (std::vector<std::int64_t>{20'000, 20'000, 20'000, -1}));
  EXPECT_EQ(EffectiveHttpPolicy({}).content_type, "text/plain; charset=UTF-8");
}

TEST(RetrySchedule, BackoffGrowsFromShortestToLongest) {
  for (const char* name : {"linear", "arithmetic", "geometric", "exponential"}) {
    const std::string text =
        std::string(R"({"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":60,)") +
        R"("numRetries":13,"numNoDelayRetries":1,"numMinDelayRetries":2,"numMaxDelayRetries":3,)" +
        R"("backoffFunction":")" + name + "\"}}";
    ASSERT_TRUE(CheckSubscriptionDeliveryPolicy(text)) << name;
    const RetrySchedule schedule = EffectiveHttpPolicy({.topic = {}, .subscription = text}).retries;
    EXPECT_EQ(schedule.retries(), 13);
    const std::vector<std::int64_t> delays = Delays(schedule, 14);
    EXPECT_EQ(delays[0], 0);
    EXPECT_EQ(delays[1], 1000);
    EXPECT_EQ(delays[3], 1000) << name;
    EXPECT_EQ(delays[9], 60'000) << name;
    EXPECT_EQ(delays[12], 60'000);
    EXPECT_EQ(delays[13], -1);
    for (std::size_t i = 4; i < 10; ++i) EXPECT_GT(delays[i], delays[i - 1]) << name << i;
  }
}

TEST(DeliveryPolicy, SubscriptionBeatsTopicUnlessForbidden) {
  const std::string topic =
      R"({"http":{"defaultHealthyRetryPolicy":{"numRetries":1,"minDelayTarget":5,"maxDelayTarget":6}}})";
  const std::string fixed =
      R"({"http":{"defaultHealthyRetryPolicy":{"numRetries":1},"disableSubscriptionOverrides":true}})";
  const std::string own =
      R"({"healthyRetryPolicy":{"numRetries":7},"requestPolicy":{"headerContentType":"text/csv"}})";
  EXPECT_EQ(EffectiveHttpPolicy({topic, ""}).retries.retries(), 1);
  EXPECT_EQ(EffectiveHttpPolicy({topic, own}).retries.retries(), 7);
  EXPECT_EQ(EffectiveHttpPolicy({topic, own}).content_type, "text/csv");
  EXPECT_EQ(EffectiveHttpPolicy({fixed, own}).retries.retries(), 1);
}

TEST(DeliveryPolicy, BadOnesAreRefused) {
  EXPECT_TRUE(CheckTopicDeliveryPolicy(R"({"http":{"defaultHealthyRetryPolicy":null}})"));
  for (const char* text : {"",
                           "[]",
                           R"({"http":1})",
                           R"({"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}})",
                           R"({"http":{"defaultHealthyRetryPolicy":{"numRetries":"3"}}})",
                           R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":0}}})",
                           R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":30}}})",
                           R"({"http":{"defaultHealthyRetryPolicy":{"numNoDelayRetries":4}}})",
                           R"({"http":{"defaultHealthyRetryPolicy":{"backoffFunction":"x"}}})",
                           R"({"http":{"defaultHealthyRetryPolicy":{"maxDelayTarget":3600,)"
                           R"("numRetries":10}}})"}) {
    EXPECT_FALSE(CheckTopicDeliveryPolicy(text)) << text;
  }
}

}  // namespace
}  // namespace postglass::topics
