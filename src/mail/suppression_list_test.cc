#include "mail/suppression_list.h"

#include <gtest/gtest.h>

#include "mail/mail_testing.h"
#include "mail/suppressing_publisher.h"

namespace postglass::mail {
namespace {

SuppressedDestination Of(std::string address, std::string_view reason = kReasonBounce) {
  return {std::move(address), std::string(reason), {}, {}, {}};
}

TEST(SuppressionList, KeepsAddressesOverARestart) {
  MailWorld world;
  ASSERT_FALSE(world.suppression->Put(Of("Ann@Example.NET")));
  ASSERT_FALSE(world.suppression->Put(Of("bob@example.net", kReasonComplaint)));
  const auto again = SuppressionList::Load(world.settings, world.clock);
  ASSERT_TRUE(again);
  const auto found = (*again)->Find("Ann@example.net");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address, "Ann@example.net");
  EXPECT_EQ(found->updated_at.millis(), world.clock.Now().millis());
  EXPECT_FALSE((*again)->Find("ann@example.net"));  // the local part is the host's affair
  ASSERT_FALSE(world.suppression->Remove("Ann@EXAMPLE.net"));
  EXPECT_EQ(world.suppression->Remove("Ann@example.net")->kind,
            SesError::Kind::kSuppressedDestinationDoesNotExist);
  EXPECT_EQ(world.suppression->Put(Of("Ann <a@b.c>"))->kind, SesError::Kind::kInvalidParameter);
  EXPECT_EQ(world.suppression->Put(Of("nobody"))->kind, SesError::Kind::kInvalidParameter);
}

TEST(SuppressionList, ListsByReasonAndTime) {
  MailWorld world;
  for (int i = 0; i < 5; ++i) {
    ASSERT_FALSE(world.suppression->Put(
        Of("a" + std::to_string(i) + "@b.example", i % 2 == 0 ? kReasonBounce : kReasonComplaint)));
    world.clock.Advance(std::chrono::hours(1));
  }
  EXPECT_EQ(world.suppression->List({}, "", 2).size(), 2u);
  EXPECT_EQ(world.suppression->List({}, "a1@b.example", 9).size(), 3u);
  EXPECT_EQ(world.suppression->List({{"COMPLAINT"}, {}, {}}, "", 9).size(), 2u);
  const Timestamp from = world.suppression->Find("a1@b.example")->updated_at;
  const Timestamp to = world.suppression->Find("a3@b.example")->updated_at;
  EXPECT_EQ(world.suppression->List({{}, from, to}, "", 9).size(), 3u);
}

TEST(SuppressionList, TheSetsReasonsReplaceTheAccounts) {
  MailWorld world;
  ASSERT_FALSE(world.suppression->Put(Of("bounced@b.example")));
  ASSERT_FALSE(world.suppression->Put(Of("angry@b.example", kReasonComplaint)));
  const std::vector<std::string> to = {"x@b.example", "bounced@B.example", "angry@b.example"};
  using Found = std::vector<Mail::Suppression>;
  EXPECT_EQ(world.suppression->Check(to, {}), (Found{{1, "BOUNCE"}, {2, "COMPLAINT"}}));
  EXPECT_EQ(world.suppression->Check(to, SuppressionList::Reasons{}), Found{});
  ASSERT_FALSE(world.suppression->SetAccountReasons({"COMPLAINT"}));
  EXPECT_EQ(world.suppression->Check(to, {}), (Found{{2, "COMPLAINT"}}));
  EXPECT_EQ(world.suppression->Check(to, SuppressionList::Reasons{"BOUNCE"}),
            (Found{{1, "BOUNCE"}}));
  const auto again = SuppressionList::Load(world.settings, world.clock);
  EXPECT_EQ((*again)->account_reasons(), (SuppressionList::Reasons{"COMPLAINT"}));
}

class SuppressingPublisherTest : public testing::Test {
 protected:
  struct Next final : EventPublisher {
    void PublishAsync(const MailEvent&, std::string, std::function<void(Status)> done) override {
      ++published;
      done({});
    }

    int published = 0;
  };

  Status Publish(EventDetail detail, const std::string& set = "") {
    Status status;
    publisher_.PublishAsync(
        {{"message", set, "{}"}, std::move(detail), {}}, "key", [&](Status s) { status = s; });
    return status;
  }

  static BounceDetail Bounce(std::string type, std::string sub_type, std::string address) {
    BounceDetail bounce;
    bounce.type = std::move(type);
    bounce.sub_type = std::move(sub_type);
    bounce.feedback_id = "feedback";
    bounce.recipients = {{std::move(address), "failed", "5.1.1", ""}};
    return bounce;
  }

  MailWorld world_;
  Next next_;
  SuppressingPublisher publisher_{next_,
                                  *world_.suppression,
                                  *world_.sets,
                                  [](const std::string& a) { return a.ends_with("@sim.example"); },
                                  world_.metrics};
};

TEST_F(SuppressingPublisherTest, AddsHardBouncesAndComplaints) {
  ASSERT_TRUE(Publish(Bounce("Permanent", "General", "gone@b.example")));
  const auto found = world_.suppression->Find("gone@b.example");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->reason, "BOUNCE");
  EXPECT_EQ(found->message_id, "message");
  EXPECT_EQ(found->feedback_id, "feedback");
  ComplaintDetail complaint;
  complaint.recipients = {"angry@b.example"};
  ASSERT_TRUE(Publish(complaint));
  EXPECT_EQ(world_.suppression->Find("angry@b.example")->reason, "COMPLAINT");

  ASSERT_TRUE(Publish(Bounce("Transient", "General", "full@b.example")));
  ASSERT_TRUE(Publish(Bounce("Permanent", "Suppressed", "global@b.example")));
  ASSERT_TRUE(Publish(Bounce("Permanent", "General", "x@sim.example")));
  ASSERT_TRUE(Publish(SendDetail{}));
  EXPECT_EQ(world_.suppression->List({}, "", 9).size(), 2u);
  EXPECT_EQ(next_.published, 6);
}

TEST_F(SuppressingPublisherTest, GoesByTheReasonsOfTheSet) {
  world_.MakeSet("none", {EventType::kBounce});
  ASSERT_FALSE(world_.sets->Update("none", [](ConfigurationSet& set) -> SesOutcome {
    set.suppressed_reasons.emplace();
    return std::nullopt;
  }));
  ASSERT_TRUE(Publish(Bounce("Permanent", "General", "gone@b.example"), "none"));
  EXPECT_FALSE(world_.suppression->Find("gone@b.example"));
}

TEST_F(SuppressingPublisherTest, AnEventWaitsUntilTheListIsWritten) {
  world_.settings.FailApply(Error{ErrorCode::kDiskFull, "full"});
  EXPECT_FALSE(Publish(Bounce("Permanent", "General", "gone@b.example")));
  EXPECT_EQ(next_.published, 0);
}

}  // namespace
}  // namespace postglass::mail
