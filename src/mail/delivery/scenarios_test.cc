#include "mail/delivery/scenarios.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/clock_testing.h"
#include "base/random_testing.h"
#include "mail/delivery/server_words.h"
#include "mail/delivery/spool_testing.h"

namespace postglass::mail {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Player {
  explicit Player(ScenarioTable table = {}, ScenarioCarrier::Options options = {})
      : carrier(
            std::move(table),
            std::move(options),
            [this](const Mail&, const std::string& recipient, Visit visit) {
              visits.push_back(recipient + (visit == Visit::kOpen ? " opens" : " clicks"));
            },
            random,
            metrics) {}

  // Plays all recipients to their end; the events in order.
  std::vector<CarriedEvent> Play(std::vector<std::string> recipients) {
    auto mail = std::make_shared<const Mail>(
        TestMail(++mails, std::move(recipients), Timestamp::FromMillis(1'700'000'000'000)));
    std::vector<RecipientState> states(mail->recipients.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      EXPECT_TRUE(carrier.Wants(*mail, i)) << mail->recipients[i];
      states[i].due = carrier.FirstDue(*mail, i);
      EXPECT_EQ(states[i].due, carrier.FirstDue(*mail, i)) << "the same after a restart";
    }
    std::vector<CarriedEvent> events;
    for (int step = 0; step < 20; ++step) {
      CarryJob job{mail, {}, Timestamp{INT64_MAX}};
      for (const RecipientState& s : states) {
        if (!s.done) job.now = std::min(job.now, s.due);
      }
      for (std::size_t i = 0; i < states.size(); ++i) {
        if (!states[i].done && states[i].due <= job.now) job.due.push_back({i, states[i]});
      }
      if (job.due.empty()) break;
      last = job.now - mail->accepted_at;
      carrier.Carry(job, [&](Progress progress) {
        EXPECT_EQ(progress.changes.size(), job.due.size());
        for (const auto& change : progress.changes) states[change.recipient] = change.state;
        for (auto& event : progress.events) events.push_back(std::move(event));
      });
    }
    return events;
  }

  SeededRandom random{1};
  Metrics metrics;
  std::vector<std::string> visits;
  int mails = 0;
  std::chrono::nanoseconds last{0};
  ScenarioCarrier carrier;
};

std::vector<std::string> Types(const std::vector<CarriedEvent>& events) {
  std::vector<std::string> types;
  for (const CarriedEvent& event : events) {
    std::string type(EventTypeName(event.detail));
    if (const auto* bounce = std::get_if<BounceDetail>(&event.detail)) {
      type += fmt::format(" {}/{}", bounce->type, bounce->sub_type);
    }
    types.push_back(std::move(type));
  }
  return types;
}

struct Case {
  const char* address;
  std::vector<std::string> events;
};

TEST(Scenarios, EveryAddressMeetsItsFate) {
  const Case cases[] = {
      {"success", {"Delivery"}},
      {"Success+label", {"Delivery"}},
      {"bounce", {"Bounce Permanent/General"}},
      {"bounce+a+b", {"Bounce Permanent/General"}},
      {"ooto", {"Delivery", "Bounce Transient/General"}},
      {"complaint", {"Delivery", "Complaint"}},
      {"suppressionlist", {"Bounce Permanent/Suppressed"}},
      {"softbounce", {"Bounce Transient/General"}},
      {"mailboxfull", {"Bounce Transient/MailboxFull"}},
      {"delay", {"DeliveryDelay", "Delivery"}},
      {"delay-bounce", {"DeliveryDelay", "Bounce Transient/General"}},
      {"open", {"Delivery"}},
      {"click", {"Delivery"}},
      {"reject", {"Reject"}},
      {"silent", {}},
      {"no-such-word", {"Delivery"}},
  };
  for (const Case& c : cases) {
    Player player;
    const auto events = player.Play({std::string(c.address) + "@Simulator.AmazonSES.com"});
    EXPECT_EQ(Types(events), c.events) << c.address;
    EXPECT_LE(player.last, std::chrono::seconds(4)) << c.address;
  }
}

TEST(Scenarios, PlayersVisitTheirLinks) {
  Player player;
  player.Play({"open+1@simulator.amazonses.com", "click@simulator.amazonses.com"});
  EXPECT_THAT(player.visits,
              ::testing::UnorderedElementsAre("open+1@simulator.amazonses.com opens",
                                              "click@simulator.amazonses.com clicks"));
}

TEST(Scenarios, RecipientsOfOneFateAreReportedTogether) {
  Player player(*ScenarioTable::Create({{"*.example", "success"}}));
  const auto events = player.Play({"bounce+1@simulator.amazonses.com",
                                   "a@one.example",
                                   "bounce+2@simulator.amazonses.com",
                                   "b@two.example",
                                   "c@one.example"});
  std::vector<std::string> groups;
  for (const CarriedEvent& event : events) {
    if (const auto* d = std::get_if<DeliveryDetail>(&event.detail)) {
      groups.push_back(fmt::format("{}", fmt::join(d->recipients, " ")));
    } else if (const auto* b = std::get_if<BounceDetail>(&event.detail)) {
      groups.push_back(fmt::format("{} bounced", b->recipients.size()));
    }
  }
  EXPECT_THAT(
      groups,
      ::testing::UnorderedElementsAre("a@one.example c@one.example", "b@two.example", "2 bounced"));
}

TEST(Scenarios, BouncesCarryAWholeReport) {
  Player player;
  const auto events = player.Play({"bounce@simulator.amazonses.com"});
  const auto& bounce = std::get<BounceDetail>(events.at(0).detail);
  EXPECT_EQ(bounce.recipients[0].status, "5.1.1");
  EXPECT_EQ(bounce.recipients[0].action, "failed");
  EXPECT_THAT(bounce.recipients[0].diagnostic_code, StartsWith("smtp; 550"));
  EXPECT_THAT(bounce.reporting_mta, StartsWith("dns; a"));
  EXPECT_EQ(bounce.feedback_id.size(), 60U);
  EXPECT_GT(bounce.at, Timestamp::FromMillis(1'700'000'000'000));
}

TEST(Scenarios, TheSubTypeOfTheSuppressionListCanBeChosen) {
  ScenarioCarrier::Options options;
  options.suppression_sub_type = "General";
  Player player({}, options);
  EXPECT_THAT(Types(player.Play({"suppressionlist@simulator.amazonses.com"})),
              ElementsAre("Bounce Permanent/General"));
}

TEST(ScenarioTables, MapAddressesAndDomains) {
  const ScenarioTable table = *ScenarioTable::Create({{"bob@acme.example", "bounce"},
                                                      {"*@full.example", "mailboxfull"},
                                                      {"acme.example", "open"},
                                                      {"*.example", "success"}});
  EXPECT_EQ(table.Find("Bob@ACME.example"), Scenario::kBounce);
  EXPECT_EQ(table.Find("x@full.example"), Scenario::kMailboxFull);
  EXPECT_EQ(table.Find("eve@acme.example"), Scenario::kOpen);
  EXPECT_EQ(table.Find("eve@other.example"), Scenario::kSuccess);
  EXPECT_EQ(table.Find("eve@example.com"), std::nullopt);
  EXPECT_EQ(table.Find("nonsense"), std::nullopt);
  EXPECT_EQ(ScenarioTable().Find("bob@acme.example"), std::nullopt);
  EXPECT_EQ(ScenarioTable::Create({{"x", "explode"}}).error().code, ErrorCode::kInvalidArgument);
}

TEST(ServerWords, AreTheSameForTheSameMailAndDifferBetweenRecipients) {
  const Timestamp now = Timestamp::FromMillis(1'700'000'000'000);
  std::set<std::string> texts;
  for (const ServerSays what : {ServerSays::kAccepted,
                                ServerSays::kUnknownUser,
                                ServerSays::kTemporarilyRefused,
                                ServerSays::kMailboxFull,
                                ServerSays::kDelayed,
                                ServerSays::kGaveUp}) {
    for (int i = 0; i < 50; ++i) {
      const std::string recipient = fmt::format("person{}@a.example", i);
      const ServerReply reply = WhatServerSays(what, "id", recipient, 1000, now);
      EXPECT_EQ(reply.text, WhatServerSays(what, "id", recipient, 1000, now).text);
      EXPECT_EQ(reply.text.find('$'), std::string::npos) << reply.text;
      EXPECT_THAT(reply.ip, StartsWith("192.0.2."));
      EXPECT_EQ(what == ServerSays::kDelayed, !reply.delay_type.empty());
      texts.insert(reply.text);
    }
  }
  EXPECT_GT(texts.size(), 150U);
}

}  // namespace
}  // namespace postglass::mail
