#include "mail/event_publisher.h"

#include <gtest/gtest.h>

#include "mail/mail_testing.h"

namespace postglass::mail {
namespace {

class EventPublisherTest : public testing::Test {
 protected:
  // Publishes and gives back what `done` got. The fake answers at once.
  Status Publish(const std::string& set, EventDetail detail, const std::string& key = "key") {
    std::optional<Status> status;
    publisher_.PublishAsync(
        MailEvent{{"m", set, R"({"messageId":"m","tags":{"a":["1"]}})"}, std::move(detail), {}},
        key,
        [&status](Status given) {
          EXPECT_FALSE(status);
          status = std::move(given);
        });
    EXPECT_TRUE(status);
    return status.value_or(Fail(ErrorCode::kInternal, "not called"));
  }

  double Counted(std::string_view reason) {
    return world_.metrics
        .GetCounter("postglass_mail_events_without_destination_total", "", {{"reason", reason}})
        .value();
  }

  MailWorld world_;
  SnsEventPublisher publisher_{{*world_.sets,
                                world_.publisher,
                                *world_.account_state,
                                world_.clock,
                                world_.metrics,
                                {.outgoing_ip = "127.0.0.1"}}};
};

TEST_F(EventPublisherTest, HandsTheRecordToEveryMatchingDestination) {
  world_.MakeSet("main", {EventType::kSend, EventType::kBounce});
  EventDestination second{"second", true, {}, world_.topic_arn};
  second.matching.Add(EventType::kSend);
  ASSERT_FALSE(world_.sets->CreateDestination("main", second));
  const std::size_t before = world_.publisher.published().size();  // the test messages

  ASSERT_TRUE(Publish("main", SendDetail{}, "spool/17"));
  const auto published = world_.publisher.published();
  ASSERT_EQ(published.size(), before + 2);
  const topics::SesPublication& first = published[before];
  EXPECT_EQ(first.topic_arn, world_.topic_arn);
  EXPECT_EQ(first.subject, "Amazon SES Email Event Notification");
  EXPECT_EQ(first.source_arn, "arn:aws:ses:us-east-1:123456789012:configuration-set/main");
  EXPECT_EQ(first.message,
            R"({"eventType":"Send","mail":{"messageId":"m","tags":{"a":["1"]}},"send":{}})");
  EXPECT_EQ(first.idempotency_key, "spool/17/events");
  EXPECT_EQ(published[before + 1].idempotency_key, "spool/17/second");

  ASSERT_TRUE(Publish("main", BounceDetail{}));
  EXPECT_EQ(world_.publisher.published().size(), before + 3);
}

TEST_F(EventPublisherTest, NamesWhyAnEventGoesNowhere) {
  world_.MakeSet("main", {EventType::kSend});
  world_.MakeSet("off", {EventType::kSend});
  EventDestination disabled = world_.sets->Find("off")->destinations[0];
  disabled.enabled = false;
  ASSERT_FALSE(world_.sets->UpdateDestination("off", disabled));
  const std::size_t before = world_.publisher.published().size();

  EXPECT_TRUE(Publish("", SendDetail{}));
  EXPECT_TRUE(Publish("deleted", SendDetail{}));
  EXPECT_TRUE(Publish("main", OpenDetail{}));
  EXPECT_TRUE(Publish("off", SendDetail{}));
  EXPECT_TRUE(Publish("off", SendDetail{}));
  EXPECT_EQ(Counted("no_set"), 1);
  EXPECT_EQ(Counted("set_deleted"), 1);
  EXPECT_EQ(Counted("no_match"), 1);
  EXPECT_EQ(Counted("disabled"), 2);
  EXPECT_EQ(world_.publisher.published().size(), before);
}

TEST_F(EventPublisherTest, OneFailingDestinationHasTheEventTriedAgain) {
  world_.MakeSet("main", {EventType::kSend});
  world_.publisher.FailWith(Error{ErrorCode::kDiskFull, "full"});
  const Status status = Publish("main", SendDetail{});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kDiskFull);
}

TEST_F(EventPublisherTest, ATopicThatDeniesOrIsGoneIsNoReasonToTryAgain) {
  world_.MakeSet("main", {EventType::kSend});
  world_.publisher.AddTopic(world_.topic_arn, topics::PublishOutcome::kDenied);
  EXPECT_TRUE(Publish("main", SendDetail{}));
  world_.publisher.RemoveTopic(world_.topic_arn);
  EXPECT_TRUE(Publish("main", SendDetail{}));
}

TEST_F(EventPublisherTest, CountsForTheStatistics) {
  BounceDetail bounce;
  bounce.recipients = {{"a@b.c", "", "", ""}, {"d@e.f", "", "", ""}};
  EXPECT_TRUE(Publish("", bounce));
  ComplaintDetail complaint;
  complaint.recipients = {"a@b.c"};
  EXPECT_TRUE(Publish("", complaint));
  EXPECT_TRUE(Publish("", DeliveryDetail{}));
  const auto points = world_.account_state->Statistics();
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].bounces, 2);
  EXPECT_EQ(points[0].complaints, 1);
  EXPECT_EQ(points[0].delivery_attempts, 0);
}

}  // namespace
}  // namespace postglass::mail
