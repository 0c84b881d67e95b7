#include "mail/configuration_sets.h"

#include <gtest/gtest.h>

#include "mail/mail_testing.h"

namespace postglass::mail {
namespace {

using Kind = SesError::Kind;

ConfigurationSet Named(std::string name) {
  ConfigurationSet set;
  set.name = std::move(name);
  return set;
}

EventDestination SomeDestination(const MailWorld& world) {
  EventDestination destination{"events", true, {}, world.topic_arn};
  destination.matching.Add(EventType::kSend);
  destination.matching.Add(EventType::kDeliveryDelay);
  return destination;
}

TEST(ConfigurationSet, SurvivesItsStoredForm) {
  ConfigurationSet set;
  set.name = "main";
  set.created_at = Timestamp::FromMillis(1'700'000'000'123);
  set.sending_enabled = false;
  set.reputation_metrics_enabled = true;
  set.last_fresh_start = Timestamp::FromMillis(5);
  set.tls_policy = "REQUIRE";
  set.sending_pool_name = "pool";
  set.max_delivery_seconds = 300;
  set.tracking = TrackingOptions{"t.example.com", "REQUIRE"};
  set.suppressed_reasons = std::vector<std::string>{};
  set.vdm_engagement_metrics = true;
  set.vdm_optimized_shared_delivery = false;
  set.archive_arn = "arn:aws:ses:x";
  set.tags = {{"a", "b"}};
  EventDestination destination{"d", true, {}, "arn:aws:sns:r:1:t"};
  for (int i = 0; i < kEventTypeCount; ++i) destination.matching.Add(static_cast<EventType>(i));
  set.destinations = {destination};
  const Result<ConfigurationSet> decoded = DecodeConfigurationSet(EncodeConfigurationSet(set));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, set);
  EXPECT_FALSE(DecodeConfigurationSet("{}"));
  EXPECT_FALSE(DecodeConfigurationSet("["));
}

TEST(ConfigurationSet, V1KnowsEightTypes) {
  EXPECT_EQ(EventTypeFromV1Name("renderingFailure"), EventType::kRenderingFailure);
  EXPECT_EQ(EventTypeFromV1Name("deliveryDelay"), std::nullopt);
  EXPECT_EQ(EventTypeFromV2Name("DELIVERY_DELAY"), EventType::kDeliveryDelay);
  EXPECT_EQ(EventTypeFromV2Name("send"), std::nullopt);
}

TEST(ConfigurationSets, SurviveARestartAndForgetWhatWasDeleted) {
  MailWorld world;
  ASSERT_FALSE(world.sets->Create(Named("main")));
  ASSERT_FALSE(world.sets->Create(Named("other")));
  ASSERT_FALSE(world.sets->CreateDestination("main", SomeDestination(world)));
  ASSERT_FALSE(world.sets->Delete("other"));
  const auto again = std::move(*ConfigurationSets::Load(
      {world.account, world.settings, world.publisher, world.clock, world.random}));
  EXPECT_EQ(again->Names(), std::vector<std::string>{"main"});
  EXPECT_EQ(*again->Find("main"), *world.sets->Find("main"));
}

TEST(ConfigurationSets, ADamagedDocumentDoesNotStopTheStart) {
  MailWorld world;
  ASSERT_TRUE(world.settings.Put("configuration_set", "bad", "nonsense"));
  int unreadable = 0;
  const auto loaded = ConfigurationSets::Load(
      {world.account, world.settings, world.publisher, world.clock, world.random}, &unreadable);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(unreadable, 1);
}

TEST(ConfigurationSets, PublishTheTestMessageOnCreationAndOnChange) {
  MailWorld world;
  ASSERT_FALSE(world.sets->Create(Named("main")));
  ASSERT_FALSE(world.sets->CreateDestination("main", SomeDestination(world)));
  EventDestination changed = SomeDestination(world);
  changed.enabled = false;
  ASSERT_FALSE(world.sets->UpdateDestination("main", changed));
  const auto published = world.publisher.published();
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(published[0].topic_arn, world.topic_arn);
  EXPECT_EQ(published[0].subject, "");
  EXPECT_EQ(published[0].message,
            "Successfully validated SNS topic for Amazon SES event publishing.");
  EXPECT_EQ(published[0].source_arn, "arn:aws:ses:us-east-1:123456789012:configuration-set/main");
  EXPECT_NE(published[0].idempotency_key, published[1].idempotency_key);
  EXPECT_FALSE(world.sets->Find("main")->destinations[0].enabled);
}

TEST(ConfigurationSets, RefuseInSesWords) {
  MailWorld world;
  world.publisher.AddTopic("arn:aws:sns:us-east-1:1:denied", topics::PublishOutcome::kDenied);
  ASSERT_FALSE(world.sets->Create(Named("main")));
  const auto expect = [](const SesOutcome& outcome, Kind kind, std::string_view message) {
    ASSERT_TRUE(outcome) << message;
    EXPECT_EQ(outcome->kind, kind) << message;
    EXPECT_EQ(outcome->message, message);
  };
  expect(world.sets->Create(Named("main")),
         Kind::kSetAlreadyExists,
         "Configuration set <main> already exists.");
  expect(world.sets->Delete("x"), Kind::kSetDoesNotExist, "Configuration set <x> does not exist.");
  EXPECT_EQ(world.sets->Create(Named("a b"))->kind, Kind::kInvalidSet);
  EXPECT_EQ(world.sets->Create(Named(std::string(65, 'a')))->kind, Kind::kInvalidSet);
  expect(world.sets->CreateDestination("x", SomeDestination(world)),
         Kind::kSetDoesNotExist,
         "Configuration set <x> does not exist.");
  expect(world.sets->DeleteDestination("main", "x"),
         Kind::kDestinationDoesNotExist,
         "No EventDestination found for x");
  EventDestination destination = SomeDestination(world);
  destination.topic_arn = "arn:aws:sns:us-east-1:123456789012:gone";
  expect(world.sets->CreateDestination("main", destination),
         Kind::kInvalidSnsDestination,
         "SNS topic <arn:aws:sns:us-east-1:123456789012:gone> not found.");
  destination.topic_arn = "arn:aws:sns:us-east-1:1:denied";
  expect(world.sets->CreateDestination("main", destination),
         Kind::kInvalidSnsDestination,
         "Could not publish to SNS topic <arn:aws:sns:us-east-1:1:denied>");
  destination = SomeDestination(world);
  destination.matching = {};
  EXPECT_EQ(world.sets->CreateDestination("main", destination)->kind, Kind::kInvalidDestination);
  ASSERT_FALSE(world.sets->CreateDestination("main", SomeDestination(world)));
  EXPECT_EQ(world.sets->CreateDestination("main", SomeDestination(world))->kind,
            Kind::kDestinationAlreadyExists);
  for (int i = 1; i < 10; ++i) {
    destination = SomeDestination(world);
    destination.name = "d" + std::to_string(i);
    ASSERT_FALSE(world.sets->CreateDestination("main", destination));
  }
  destination.name = "eleventh";
  EXPECT_EQ(world.sets->CreateDestination("main", destination)->kind, Kind::kLimitExceeded);
}

TEST(ConfigurationSets, WhatCannotBeMadeDurableChangesNothing) {
  MailWorld world;
  ASSERT_FALSE(world.sets->Create(Named("main")));
  world.settings.FailApply(Error{ErrorCode::kDiskFull, "full"});
  EXPECT_EQ(world.sets->Create(Named("new"))->kind, Kind::kUnavailable);
  EXPECT_EQ(world.sets->Delete("main")->kind, Kind::kUnavailable);
  EXPECT_EQ(world.sets->Names(), std::vector<std::string>{"main"});
  world.settings.FailApply(std::nullopt);
  world.publisher.FailWith(Error{ErrorCode::kDiskFull, "full"});
  EXPECT_EQ(world.sets->CreateDestination("main", SomeDestination(world))->kind,
            Kind::kUnavailable);
  EXPECT_TRUE(world.sets->Find("main")->destinations.empty());
}

TEST(ConfigurationSets, ASnapshotStaysAsItWas) {
  MailWorld world;
  ASSERT_FALSE(world.sets->Create(Named("main")));
  const auto before = world.sets->Find("main");
  ASSERT_FALSE(world.sets->Update("main", [](ConfigurationSet& set) -> SesOutcome {
    set.sending_enabled = false;
    return std::nullopt;
  }));
  EXPECT_TRUE(before->sending_enabled);
  EXPECT_FALSE(world.sets->Find("main")->sending_enabled);
}

}  // namespace
}  // namespace postglass::mail
