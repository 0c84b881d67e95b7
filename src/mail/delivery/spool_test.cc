#include "mail/delivery/spool.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <thread>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "mail/delivery/scenarios.h"
#include "mail/delivery/spool_testing.h"

namespace postglass::mail {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// Everything but the spool: what outlives a crash, and the fakes.
struct World {
  World() {
    EXPECT_TRUE(fs.CreateDirectories("/data"));
    box.emplace(*SecretBox::Open(fs, random, "/data/key"));
    EXPECT_TRUE(fs.SyncDirectory("/data"));
    EXPECT_TRUE(fs.SyncDirectory("/"));
  }

  Result<std::unique_ptr<DeliverySpool>> Open(DeliverySpool::Options options = {}) {
    options.workers = 0;
    return DeliverySpool::Open(
        fs, clock, metrics, *box, "/data/spool", carrier, publisher, nullptr, options);
  }

  FaultyFileSystem fs;
  ManualClock clock;
  SeededRandom random{1};
  Metrics metrics;
  std::optional<SecretBox> box;
  RecordingPublisher publisher;
  ScenarioCarrier carrier{ScenarioTable(), {}, {}, random, metrics};
};

std::string At(const char* local) { return std::string(local) + "@simulator.amazonses.com"; }

// Lets time pass until no mail waits.
void Finish(World& world, DeliverySpool& spool) {
  constexpr int kRoundsMax = 200;
  for (int i = 0; i < kRoundsMax && spool.waiting() > 0; ++i) {
    world.clock.Advance(seconds(1));
    spool.CarryNow();
  }
  for (int i = 0; i < kRoundsMax && !spool.PublishNow(); ++i) world.clock.Advance(minutes(1));
}

TEST(DeliverySpool, CarriesAMailAndPublishesItsEventsInOrder) {
  World world;
  auto spool = *world.Open();
  const Mail mail = TestMail(1, {At("delay")}, world.clock.Now());
  ASSERT_TRUE(spool->Accept(mail));
  EXPECT_EQ(spool->waiting(), 1U);
  EXPECT_TRUE(spool->PublishNow());
  EXPECT_THAT(world.publisher.TypesOf(mail.message_id), ElementsAre("Send"));
  EXPECT_EQ(spool->CarryNow(), 0U) << "nothing is due yet";
  Finish(world, *spool);
  EXPECT_THAT(world.publisher.TypesOf(mail.message_id),
              ElementsAre("Send", "DeliveryDelay", "Delivery"));
  EXPECT_EQ(spool->waiting(), 0U);
  EXPECT_EQ(spool->NextDue(), std::nullopt);
}

TEST(DeliverySpool, RecordsEventsFromElsewhere) {
  World world;
  auto spool = *world.Open();
  MailEvent event{{"id", "default", "{}"}, OpenDetail{world.clock.Now(), "192.0.2.1", "UA"}, {}};
  ASSERT_TRUE(spool->Record(event));
  EXPECT_TRUE(spool->PublishNow());
  ASSERT_EQ(world.publisher.published().size(), 1U);
  EXPECT_EQ(world.publisher.published()[0].type(), "Open");
  EXPECT_EQ(world.publisher.published()[0].event.subject.message_id, "id");
}

TEST(DeliverySpool, GoesOnAfterARestartWhereItWas) {
  World world;
  const Mail mail = TestMail(1, {At("delay"), At("success")}, world.clock.Now());
  {
    auto spool = *world.Open();
    ASSERT_TRUE(spool->Accept(mail));
    world.clock.Advance(std::chrono::milliseconds(900));  // the delay is known, no delivery of it
    spool->CarryNow();
  }
  auto spool = *world.Open();
  EXPECT_EQ(spool->waiting(), 1U);
  Finish(world, *spool);
  EXPECT_THAT(world.publisher.TypesOf(mail.message_id),
              UnorderedElementsAre("Send", "DeliveryDelay", "Delivery", "Delivery"));
  spool.reset();
  spool = *world.Open();
  EXPECT_EQ(spool->waiting(), 0U);
  EXPECT_TRUE(spool->PublishNow());
}

TEST(DeliverySpool, TriesFailedPublicationsAgainUnderTheSameKeys) {
  World world;
  auto spool = *world.Open();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(spool->Accept(TestMail(i, {At("success")}, world.clock.Now())));
  }
  world.publisher.FailNext(3);
  EXPECT_FALSE(spool->PublishNow());
  EXPECT_FALSE(spool->PublishNow()) << "not before its time";
  EXPECT_TRUE(world.publisher.published().empty());
  for (int i = 0; i < 10 && !spool->PublishNow(); ++i) world.clock.Advance(minutes(1));
  std::set<std::string> keys;
  for (const auto& p : world.publisher.published()) keys.insert(p.key);
  EXPECT_EQ(keys.size(), 5U);
  EXPECT_EQ(world.publisher.published().size(), 5U);
}

TEST(DeliverySpool, PublishesAgainUnderTheSameKeyWhenTheCursorWasNotSaved) {
  World world;
  const Mail mail = TestMail(1, {At("silent")}, world.clock.Now());
  for (int run = 0; run < 2; ++run) {
    auto spool = *world.Open();
    if (run == 0) {
      ASSERT_TRUE(spool->Accept(mail));
    }
    EXPECT_TRUE(spool->PublishNow());
  }
  const auto published = world.publisher.published();
  ASSERT_GE(published.size(), 1U);
  for (const auto& p : published) EXPECT_EQ(p.key, published[0].key);
  EXPECT_THAT(published[0].key, ::testing::StartsWith(mail.message_id + ":"));
}

TEST(DeliverySpool, PublishesABoundedNumberAgainHoweverFastCrashesFollow) {
  World world;
  constexpr int kRuns = 10;
  constexpr int kMailsEach = 300;
  constexpr std::size_t kAgainMax = 1024;
  std::size_t published = 0;
  for (int run = 0; run < kRuns; ++run) {
    auto spool = *world.Open();
    for (int i = 0; i < kMailsEach; ++i) {
      ASSERT_TRUE(spool->Accept(TestMail(run * kMailsEach + i, {At("silent")}, world.clock.Now())));
    }
    EXPECT_TRUE(spool->PublishNow());
    const std::size_t all = world.publisher.published().size();
    EXPECT_LE(all - published, kAgainMax + kMailsEach) << "run " << run;
    published = all;
  }
  std::set<std::string> keys;
  for (const auto& p : world.publisher.published()) keys.insert(p.key);
  EXPECT_EQ(keys.size(), static_cast<std::size_t>(kRuns * kMailsEach));
}

TEST(DeliverySpool, KeepsBodiesSealedOnDisk) {
  World world;
  auto spool = *world.Open();
  Mail mail = TestMail(1, {At("success")}, world.clock.Now());
  mail.raw = "Subject: x\r\n\r\nhttps://a.example/reset?token=planted-secret\r\n";
  ASSERT_TRUE(spool->Accept(mail));
  Finish(world, *spool);
  spool.reset();
  const std::vector<std::string> names = *world.fs.List("/data/spool");
  EXPECT_FALSE(names.empty());
  for (const std::string& name : names) {
    const Result<std::string> bytes = world.fs.ReadFile(Path("/data/spool") / name);
    if (!bytes) continue;
    EXPECT_EQ(bytes->find("planted"), std::string::npos) << name;
    EXPECT_EQ(bytes->find("simulator"), std::string::npos) << name;
  }
}

TEST(DeliverySpool, ReadsBodiesAgainThatDidNotFitInMemory) {
  World world;
  DeliverySpool::Options options;
  options.memory.body_bytes_max = 500;  // two of them
  auto spool = *world.Open(options);
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    const Mail mail = TestMail(i, {At("bounce")}, world.clock.Now());
    ids.push_back(mail.message_id);
    ASSERT_TRUE(spool->Accept(mail));
  }
  Finish(world, *spool);
  for (const std::string& id : ids) {
    EXPECT_THAT(world.publisher.TypesOf(id), ElementsAre("Send", "Bounce"));
  }
}

TEST(DeliverySpool, RefusesMoreMailThanMayWait) {
  World world;
  DeliverySpool::Options options;
  options.waiting_max = 2;
  auto spool = *world.Open(options);
  EXPECT_TRUE(spool->Accept(TestMail(1, {At("success")}, world.clock.Now())));
  EXPECT_TRUE(spool->Accept(TestMail(2, {At("success")}, world.clock.Now())));
  EXPECT_EQ(spool->Accept(TestMail(3, {At("success")}, world.clock.Now())).error().code,
            ErrorCode::kUnavailable);
  Finish(world, *spool);
  EXPECT_TRUE(spool->Accept(TestMail(4, {At("success")}, world.clock.Now())));
}

// One mail that waits for a day must not keep the files of all that came after it.
TEST(DeliverySpool, WritesLiveMailsAgainSoThatOldFilesCanGo) {
  World world;

  struct Waits final : Carrier {
    explicit Waits(Carrier& plays) : inner(plays) {}

    Timestamp FirstDue(const Mail& mail, std::size_t recipient) const override {
      const bool late = mail.recipients[recipient].starts_with("delay");
      return late ? mail.accepted_at + hours(24) : inner.FirstDue(mail, recipient);
    }

    void Carry(CarryJob job, std::function<void(Progress)> done) override {
      inner.Carry(std::move(job), std::move(done));
    }

    Carrier& inner;
  } carrier(world.carrier);

  DeliverySpool::Options options;
  options.workers = 0;
  options.file_bytes_max = 16 << 10;
  options.compact_bytes = 64 << 10;
  auto open = [&] {
    return *DeliverySpool::Open(world.fs,
                                world.clock,
                                world.metrics,
                                *world.box,
                                "/data/spool",
                                carrier,
                                world.publisher,
                                nullptr,
                                options);
  };
  auto spool = open();
  const Mail patient = TestMail(0, {At("delay")}, world.clock.Now());
  ASSERT_TRUE(spool->Accept(patient));
  for (int i = 1; i <= 600; ++i) {
    ASSERT_TRUE(spool->Accept(TestMail(i, {At("success")}, world.clock.Now())));
    world.clock.Advance(seconds(3));
    spool->CarryNow();
    if (i % 20 == 0) {
      EXPECT_TRUE(spool->PublishNow());
      spool->MaintainNow();
    }
  }
  EXPECT_LT(spool->size_bytes(), 160U << 10) << "600 mails of about 1 KB, most of them gone";
  spool.reset();
  spool = open();
  EXPECT_EQ(spool->waiting(), 1U);
  world.clock.Advance(hours(24));
  Finish(world, *spool);
  EXPECT_THAT(world.publisher.TypesOf(patient.message_id),
              ElementsAre("Send", "DeliveryDelay", "Delivery"));
}

TEST(DeliverySpool, GoesOnWhenThereIsSpaceAgain) {
  World world;
  auto spool = *world.Open();
  const Mail mail = TestMail(1, {At("success")}, world.clock.Now());
  ASSERT_TRUE(spool->Accept(mail));
  world.fs.SetSpace(world.fs.bytes_used());
  EXPECT_FALSE(spool->Accept(TestMail(2, {At("success")}, world.clock.Now())));
  world.clock.Advance(seconds(5));
  spool->CarryNow();
  EXPECT_EQ(spool->waiting(), 1U) << "its outcome could not be written";
  world.fs.SetSpace(std::nullopt);
  Finish(world, *spool);
  EXPECT_THAT(world.publisher.TypesOf(mail.message_id), ElementsAre("Send", "Delivery"));
}

TEST(DeliverySpool, RunsOnItsOwnThreads) {
  World world;
  ScenarioCarrier::Options at_once;
  at_once.time_scale = 0;
  ScenarioCarrier carrier(ScenarioTable(), at_once, {}, world.random, world.metrics);
  DeliverySpool::Options options;
  options.workers = 3;
  auto spool = *DeliverySpool::Open(world.fs,
                                    world.clock,
                                    world.metrics,
                                    *world.box,
                                    "/data/spool",
                                    carrier,
                                    world.publisher,
                                    nullptr,
                                    options);
  spool->Start();
  constexpr int kClients = 4;
  constexpr int kMailsEach = 50;
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&spool, &world, c] {
      for (int i = 0; i < kMailsEach; ++i) {
        const Mail mail =
            TestMail(c * 1000 + i, {At("complaint"), At("bounce")}, world.clock.Now());
        EXPECT_TRUE(spool->Accept(mail));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  spool->Stop();
  spool.reset();
  // Whatever was cut off by the stop is taken up by the next run.
  spool = *DeliverySpool::Open(world.fs,
                               world.clock,
                               world.metrics,
                               *world.box,
                               "/data/spool",
                               carrier,
                               world.publisher,
                               nullptr,
                               {});
  Finish(world, *spool);
  for (int c = 0; c < kClients; ++c) {
    for (int i = 0; i < kMailsEach; ++i) {
      const Mail mail = TestMail(c * 1000 + i, {}, world.clock.Now());
      EXPECT_THAT(world.publisher.TypesOf(mail.message_id),
                  UnorderedElementsAre("Send", "Bounce", "Delivery", "Complaint"));
    }
  }
}

// The whole life of some mails, stopping wherever the disk dies. Returns the accepted ones.
std::vector<Mail> LiveUntilFailure(World& world) {
  std::vector<Mail> accepted;
  DeliverySpool::Options options;
  options.file_bytes_max = 4096;
  options.compact_bytes = 8192;
  auto spool = world.Open(options);
  if (!spool) return accepted;
  const char* const fates[] = {"success", "delay", "bounce", "complaint"};
  for (int i = 0; i < 12; ++i) {
    const Mail mail = TestMail(i, {At(fates[i % 4])}, world.clock.Now());
    if ((*spool)->Accept(mail)) accepted.push_back(mail);
    world.clock.Advance(std::chrono::milliseconds(400));
    (*spool)->CarryNow();
    (*spool)->PublishNow();
    if (i % 3 == 2) (*spool)->MaintainNow();
  }
  return accepted;
}

// A power cut at any file operation loses no accepted mail and no event of it, and makes none twice
// under two keys.
TEST(DeliverySpoolCrash, LosesNothingWhereverThePowerIsCut) {
  const std::map<std::string, std::vector<std::string>> expected = {
      {"success", {"Delivery", "Send"}},
      {"delay", {"Delivery", "DeliveryDelay", "Send"}},
      {"bounce", {"Bounce", "Send"}},
      {"complaint", {"Complaint", "Delivery", "Send"}}};
  for (std::uint64_t cut_op = 0;; cut_op += 1 + cut_op / 40) {
    SCOPED_TRACE(fmt::format("power cut at file operation {}", cut_op));
    World world;
    Faults faults;
    faults.seed = cut_op;
    faults.power_loss_at_op = cut_op;
    world.fs.Arm(faults);
    const std::vector<Mail> accepted = LiveUntilFailure(world);
    const bool fired = world.fs.fault_fired();
    world.fs.RestorePower();

    auto spool = world.Open();
    ASSERT_TRUE(spool) << spool.error().message;
    Finish(world, **spool);
    std::map<std::string, std::string> type_by_key;
    for (const auto& p : world.publisher.published()) {
      const auto [at, fresh] = type_by_key.emplace(p.key, p.type());
      EXPECT_TRUE(fresh || at->second == p.type()) << p.key;
    }
    for (const Mail& mail : accepted) {
      std::vector<std::string> types = world.publisher.TypesOf(mail.message_id);
      std::sort(types.begin(), types.end());
      const std::string fate = mail.recipients[0].substr(0, mail.recipients[0].find('@'));
      EXPECT_EQ(types, expected.at(fate)) << mail.recipients[0];
    }
    if (!fired || ::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace postglass::mail
