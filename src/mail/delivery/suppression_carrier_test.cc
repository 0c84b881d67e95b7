#include "mail/delivery/suppression_carrier.h"

#include <gtest/gtest.h>

#include "base/random_testing.h"
#include "mail/delivery/spool_testing.h"

namespace postglass::mail {
namespace {

TEST(SuppressionCarrier, SaysWhyNothingWasSent) {
  SeededRandom random{1};
  Metrics metrics;
  SuppressionCarrier carrier("us-east-1", random, metrics);
  Mail mail = TestMail(1, {"ok@b.example", "gone@b.example", "angry@b.example"}, Timestamp{42});
  mail.suppressed = {{1, "BOUNCE"}, {2, "COMPLAINT"}};
  EXPECT_FALSE(SuppressionCarrier::Wants(mail, 0));
  EXPECT_TRUE(SuppressionCarrier::Wants(mail, 1));
  EXPECT_EQ(carrier.FirstDue(mail, 1), mail.accepted_at);

  Progress progress;
  const CarryJob job{std::make_shared<const Mail>(mail), {{1, {}}, {2, {}}}, Timestamp{50}};
  carrier.Carry(job, [&](Progress p) { progress = std::move(p); });
  ASSERT_EQ(progress.changes.size(), 2u);
  EXPECT_TRUE(progress.changes[0].state.done);
  ASSERT_EQ(progress.events.size(), 2u);
  const auto& bounce = std::get<BounceDetail>(progress.events[0].detail);
  EXPECT_EQ(bounce.type, "Permanent");
  EXPECT_EQ(bounce.sub_type, "OnAccountSuppressionList");
  ASSERT_EQ(bounce.recipients.size(), 1u);
  EXPECT_EQ(bounce.recipients[0].address, "gone@b.example");
  EXPECT_TRUE(bounce.recipients[0].diagnostic_code.starts_with(
      "Amazon SES did not send the message to this address because it is on the suppression list "
      "for your account."));
  const auto& complaint = std::get<ComplaintDetail>(progress.events[1].detail);
  EXPECT_EQ(complaint.sub_type, "OnAccountSuppressionList");
  EXPECT_EQ(complaint.recipients, std::vector<std::string>{"angry@b.example"});
}

}  // namespace
}  // namespace postglass::mail
