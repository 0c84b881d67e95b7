#include "mail/delivery/captured_mails.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "mail/delivery/capture.h"
#include "mail/delivery/spool.h"
#include "mail/delivery/spool_testing.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

using ::testing::ElementsAre;

struct World {
  World() { box.emplace(*SecretBox::Open(fs, random, "/key")); }

  std::unique_ptr<CapturedMails> Open(CapturedMails::Options options = {}) {
    return *CapturedMails::Open(fs, clock, metrics, *box, "/captured", options);
  }

  Mail NewMail(std::size_t bytes = 300) {
    Mail mail = TestMail(1, {"a@one.example", "b@two.example"}, clock.Now());
    mail.message_id = MakeMessageId("us-east-1", clock.Now(), random);
    mail.raw = "Subject: x\r\n\r\n" + std::string(bytes, 'y');
    return mail;
  }

  static Status Add(CapturedMails& mails, const Mail& mail) {
    std::promise<Status> added;
    mails.Add(mail, mail.recipients, [&added](Status status) { added.set_value(status); });
    return added.get_future().get();
  }

  FaultyFileSystem fs;
  ManualClock clock;
  SeededRandom random{5};
  Metrics metrics;
  std::optional<SecretBox> box;
};

TEST(CapturedMails, AreListedNewestFirstAndReadById) {
  World world;
  std::vector<Mail> kept;
  {
    auto mails = world.Open();
    EXPECT_TRUE(mails->List(10)->empty());
    for (int i = 0; i < 30; ++i) {
      kept.push_back(world.NewMail());
      ASSERT_TRUE(World::Add(*mails, kept.back()));
      world.clock.Advance(std::chrono::minutes(10));
    }
    EXPECT_EQ(mails->Get(kept[3].message_id)->raw, kept[3].raw);
  }
  auto mails = world.Open();  // what the process knew is gone; the disk still tells
  const auto list = *mails->List(2);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].message_id, kept[29].message_id);
  EXPECT_EQ(list[1].message_id, kept[28].message_id);
  EXPECT_EQ(list[0].raw_bytes, kept[29].raw.size());
  EXPECT_TRUE(list[0].raw.empty());
  for (const Mail& mail : kept) {
    const Result<CapturedMail> found = mails->Get(mail.message_id);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->raw, mail.raw);
    EXPECT_EQ(found->subject, mail.subject);
    EXPECT_THAT(found->recipients, ElementsAre("a@one.example", "b@two.example"));
  }
  EXPECT_EQ(mails->Get("nonsense").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(mails->Get(world.NewMail().message_id).error().code, ErrorCode::kNotFound);
}

TEST(CapturedMails, GoAfterTheirTime) {
  World world;
  CapturedMails::Options options;
  options.retention = std::chrono::hours(24);
  options.file_bytes_max = 4096;
  auto mails = world.Open(options);
  const Mail old_mail = world.NewMail();
  ASSERT_TRUE(World::Add(*mails, old_mail));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(World::Add(*mails, world.NewMail()));
  world.clock.Advance(std::chrono::hours(25));
  EXPECT_EQ(mails->Get(old_mail.message_id).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(mails->List(10)->empty());
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(World::Add(*mails, world.NewMail()));
  mails->Trim();
  EXPECT_EQ(mails->List(100)->size(), 40U);
  EXPECT_GT(mails->journal().first_sequence(), 1U) << "old files are gone";
}

TEST(CapturedMails, StayBelowTheirCap) {
  World world;
  CapturedMails::Options options;
  options.bytes_max = 64 << 10;
  options.file_bytes_max = 8 << 10;
  auto mails = world.Open(options);
  std::string newest;
  for (int i = 0; i < 300; ++i) {
    const Mail mail = world.NewMail(1000);
    newest = mail.message_id;
    ASSERT_TRUE(World::Add(*mails, mail));
    world.clock.Advance(std::chrono::seconds(11));
    EXPECT_LE(mails->size_bytes(), options.bytes_max + 2 * options.file_bytes_max);
  }
  EXPECT_TRUE(mails->Get(newest));
  EXPECT_GT(mails->List(1000)->size(), 20U);
}

TEST(CaptureCarrier, SaysThatNothingLeft) {
  World world;
  auto mails = world.Open();
  CaptureCarrier carrier(*mails, world.metrics);
  RecordingPublisher publisher;
  DeliverySpool::Options options;
  options.workers = 0;
  auto spool = *DeliverySpool::Open(world.fs,
                                    world.clock,
                                    world.metrics,
                                    *world.box,
                                    "/spool",
                                    carrier,
                                    publisher,
                                    nullptr,
                                    options);
  const Mail mail = world.NewMail();
  ASSERT_TRUE(spool->Accept(mail));
  EXPECT_EQ(spool->CarryNow(), 1U);
  EXPECT_TRUE(spool->PublishNow());
  EXPECT_THAT(publisher.TypesOf(mail.message_id), ElementsAre("Send", "Delivery", "Delivery"));
  const auto published = publisher.published();
  const auto& delivery = std::get<DeliveryDetail>(published[1].event.detail);
  EXPECT_EQ(delivery.smtp_response, "250 2.0.0 captured, not sent");
  EXPECT_THAT(delivery.recipients, ElementsAre("a@one.example"));
  EXPECT_THAT(published[1].event.extra_tags, ElementsAre(MessageTag{"postglass", "captured"}));
  EXPECT_EQ(mails->Get(mail.message_id)->raw, mail.raw);
}

TEST(CaptureCarrier, WaitsForSpaceOnTheDisk) {
  World world;
  FaultyFileSystem other_disk;
  auto mails =
      *CapturedMails::Open(other_disk, world.clock, world.metrics, *world.box, "/captured", {});
  CaptureCarrier carrier(*mails, world.metrics);
  RecordingPublisher publisher;
  DeliverySpool::Options options;
  options.workers = 0;
  auto spool = *DeliverySpool::Open(world.fs,
                                    world.clock,
                                    world.metrics,
                                    *world.box,
                                    "/spool",
                                    carrier,
                                    publisher,
                                    nullptr,
                                    options);
  const Mail mail = world.NewMail();
  ASSERT_TRUE(spool->Accept(mail));
  other_disk.SetSpace(other_disk.bytes_used());
  spool->CarryNow();
  EXPECT_EQ(spool->waiting(), 1U);
  other_disk.SetSpace(std::nullopt);
  world.clock.Advance(std::chrono::seconds(10));
  spool->CarryNow();
  EXPECT_EQ(spool->waiting(), 0U);
  EXPECT_EQ(mails->List(10)->size(), 1U);
}

}  // namespace
}  // namespace postglass::mail
