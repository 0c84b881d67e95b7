#include "mail/delivery/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "mail/delivery/spool.h"
#include "mail/delivery/spool_testing.h"

namespace postglass::mail {
namespace {

using ::testing::ElementsAre;

net::SmtpReply Reply(int code, std::string text) { return {code, {std::move(text)}, false}; }

// Answers each recipient by its local part: "ok", "r550", "r450"; or fails as a whole when told.
class ScriptedClient final : public net::SmtpClient {
 public:
  Result<net::SmtpResult> Deliver(const net::SmtpTarget&,
                                  const std::string& mail_from,
                                  const std::vector<std::string>& recipients,
                                  const std::string& message) override {
    ++dialogues;
    recipients_seen.push_back(recipients);
    EXPECT_EQ(mail_from, "alice@example.com");
    EXPECT_FALSE(message.empty());
    if (error) return Fail(*error);
    net::SmtpResult result;
    result.remote_host = "relay.example.net";
    result.remote_ip = "192.0.2.7";
    result.tls_version = "TLSv1.3";
    result.refusal = refusal;
    if (refusal.code != 0) return result;
    for (const std::string& recipient : recipients) {
      net::SmtpReply reply = Reply(250, "2.0.0 Ok: queued as ABC");
      if (recipient.starts_with("r550")) reply = Reply(550, "5.1.1 user unknown");
      if (recipient.starts_with("r450")) reply = Reply(450, "4.2.0 greylisted");
      if (recipient.starts_with("r452")) reply = Reply(452, "4.2.2 over quota");
      result.recipients.push_back({recipient, reply});
    }
    return result;
  }

  int dialogues = 0;
  std::vector<std::vector<std::string>> recipients_seen;
  std::optional<Error> error;
  net::SmtpReply refusal;
};

struct World {
  World() { box.emplace(*SecretBox::Open(fs, random, "/key")); }

  std::unique_ptr<DeliverySpool> Open() {
    DeliverySpool::Options options;
    options.workers = 0;
    return *DeliverySpool::Open(
        fs, clock, metrics, *box, "/spool", carrier, publisher, nullptr, options);
  }

  static RelayCarrier::Options Target() {
    RelayCarrier::Options options;
    options.target.host = "smart.host";
    options.target.helo_name = "me.example";
    return options;
  }

  template <class Detail>
  std::vector<Detail> Published() const {
    std::vector<Detail> details;
    for (const auto& p : publisher.published()) {
      if (const auto* d = std::get_if<Detail>(&p.event.detail)) details.push_back(*d);
    }
    return details;
  }

  FaultyFileSystem fs;
  ManualClock clock;
  SeededRandom random{3};
  Metrics metrics;
  std::optional<SecretBox> box;
  ScriptedClient client;
  RecordingPublisher publisher;
  RelayCarrier carrier{client, clock, Target(), random, metrics};
};

TEST(RelayCarrier, RepeatsTheWordsOfAHostThatDoesNotListen) {
  World world;
  auto spool = world.Open();
  world.client.refusal = Reply(554, "5.7.1 no service for 192.0.2.1");
  ASSERT_TRUE(spool->Accept(TestMail(1, {"ok@a.example"}, world.clock.Now())));
  EXPECT_EQ(spool->CarryNow(), 1U);
  EXPECT_TRUE(spool->PublishNow());
  EXPECT_TRUE(world.Published<BounceDetail>().empty());  // nothing was said about the mail
  const auto delays = world.Published<DeliveryDelayDetail>();
  ASSERT_EQ(delays.size(), 1U);
  EXPECT_EQ(delays[0].recipients[0].diagnostic_code, "smtp; 554 5.7.1 no service for 192.0.2.1");
}

TEST(RelayCarrier, ReportsWhatTheHostSaidToEachRecipient) {
  World world;
  auto spool = world.Open();
  ASSERT_TRUE(
      spool->Accept(TestMail(1,
                             {"ok1@a.example", "r550@a.example", "ok2@b.example", "r450@b.example"},
                             world.clock.Now())));
  EXPECT_EQ(spool->CarryNow(), 1U);
  EXPECT_TRUE(spool->PublishNow());
  const auto deliveries = world.Published<DeliveryDetail>();
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_THAT(deliveries[0].recipients, ElementsAre("ok1@a.example", "ok2@b.example"));
  EXPECT_EQ(deliveries[0].smtp_response, "250 2.0.0 Ok: queued as ABC");
  EXPECT_EQ(deliveries[0].remote_host, "relay.example.net");
  EXPECT_EQ(deliveries[0].remote_mta_ip, "192.0.2.7");
  EXPECT_EQ(deliveries[0].tls_version, "TLSv1.3");
  const auto bounces = world.Published<BounceDetail>();
  ASSERT_EQ(bounces.size(), 1U);
  EXPECT_EQ(bounces[0].type, "Permanent");
  EXPECT_EQ(bounces[0].recipients[0].address, "r550@a.example");
  EXPECT_EQ(bounces[0].recipients[0].diagnostic_code, "smtp; 550 5.1.1 user unknown");
  const auto delays = world.Published<DeliveryDelayDetail>();
  ASSERT_EQ(delays.size(), 1U);
  EXPECT_EQ(delays[0].recipients[0].address, "r450@b.example");
  EXPECT_EQ(delays[0].expires_at, world.clock.Now() + std::chrono::seconds(50'400));

  // Only the deferred one is tried again.
  world.clock.Advance(std::chrono::seconds(70));
  EXPECT_EQ(spool->CarryNow(), 1U);
  EXPECT_THAT(world.client.recipients_seen.back(), ElementsAre("r450@b.example"));
}

TEST(RelayCarrier, RetriesOverRestartsAndBouncesWhenTheLifeIsOver) {
  World world;
  const Mail mail = TestMail(1, {"r452@a.example"}, world.clock.Now());
  auto spool = world.Open();
  ASSERT_TRUE(spool->Accept(mail));
  std::vector<std::chrono::nanoseconds> attempts;
  for (int i = 0; i < 100 && spool->waiting() > 0; ++i) {
    const std::optional<Timestamp> due = spool->NextDue();
    ASSERT_TRUE(due);
    if (*due > world.clock.Now()) world.clock.Advance(*due - world.clock.Now());
    EXPECT_EQ(spool->CarryNow(), 1U);
    attempts.push_back(world.clock.Now() - mail.accepted_at);
    EXPECT_TRUE(spool->PublishNow());
    spool->MaintainNow();
    spool.reset();  // every attempt meets another process
    spool = world.Open();
  }
  EXPECT_EQ(world.client.dialogues, static_cast<int>(attempts.size()));
  EXPECT_GE(attempts.size(), 18U);
  EXPECT_LE(attempts.size(), 24U);
  EXPECT_LT(attempts[1], std::chrono::seconds(67));
  EXPECT_LT(attempts.back(), std::chrono::seconds(50'400));
  const auto bounces = world.Published<BounceDetail>();
  ASSERT_EQ(bounces.size(), 1U);
  EXPECT_EQ(bounces[0].type, "Transient");
  EXPECT_EQ(bounces[0].sub_type, "MailboxFull");
  const auto delays = world.Published<DeliveryDelayDetail>();
  EXPECT_GE(delays.size(), 4U);
  EXPECT_LE(delays.size(), 9U);
  for (const auto& delay : delays) EXPECT_EQ(delay.type, "MailboxFull");
}

TEST(RelayCarrier, TakesSilenceForADelay) {
  struct Case {
    ErrorCode code;
    const char* status;
    const char* type;
  };

  for (const Case& c : {Case{ErrorCode::kUnavailable, "4.4.1", "TransientCommunicationFailure"},
                        Case{ErrorCode::kTimeout, "4.4.2", "TransientCommunicationFailure"},
                        Case{ErrorCode::kPermissionDenied, "4.7.0", "General"},
                        Case{ErrorCode::kUnsupported, "4.7.4", "General"}}) {
    World world;
    world.client.error = Error{c.code, "scripted"};
    auto spool = world.Open();
    ASSERT_TRUE(spool->Accept(TestMail(1, {"ok@a.example"}, world.clock.Now())));
    spool->CarryNow();
    EXPECT_TRUE(spool->PublishNow());
    const auto delays = world.Published<DeliveryDelayDetail>();
    ASSERT_EQ(delays.size(), 1U);
    EXPECT_EQ(delays[0].recipients[0].status, c.status);
    EXPECT_EQ(delays[0].type, c.type);
    world.client.error.reset();
    world.clock.Advance(std::chrono::seconds(70));
    spool->CarryNow();
    EXPECT_TRUE(spool->PublishNow());
    EXPECT_EQ(world.Published<DeliveryDetail>().size(), 1U);
    EXPECT_EQ(spool->waiting(), 0U);
  }
}

TEST(RelayCarrier, PausesGrowToAnHour) {
  const World world;
  const int minutes[] = {1, 1, 2, 5, 10, 20, 30, 40, 50, 60, 60};
  for (std::uint32_t attempt = 0; attempt < std::size(minutes); ++attempt) {
    EXPECT_EQ(world.carrier.PauseAfter(attempt), std::chrono::minutes(minutes[attempt])) << attempt;
  }
  EXPECT_TRUE(RelayCarrier::ShowsDelay(1));
  EXPECT_FALSE(RelayCarrier::ShowsDelay(2));
  EXPECT_TRUE(RelayCarrier::ShowsDelay(8));
}

TEST(RelayCarrier, KeepsToTheScheduleThatItIsGiven) {
  using std::chrono::seconds;
  World world;
  RelayCarrier::Options options = World::Target();
  options.pauses = {seconds(1), seconds(3)};
  options.life = seconds(20);
  const RelayCarrier carrier(world.client, world.clock, options, world.random, world.metrics);
  EXPECT_EQ(carrier.PauseAfter(1), seconds(1));
  EXPECT_EQ(carrier.PauseAfter(2), seconds(3));
  EXPECT_EQ(carrier.PauseAfter(30), seconds(3));
}

}  // namespace
}  // namespace postglass::mail
