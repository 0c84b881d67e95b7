#include "bench/corpus/ses_corpus.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <unordered_set>

#include "base/json.h"
#include "bench/corpus/people.h"

namespace postglass::bench {
namespace {

SesCorpus::Options OptionsOf(std::uint64_t events, Variant variant = Variant::kRaw) {
  SesCorpus::Options options;
  options.events = events;
  options.variant = variant;
  return options;
}

TEST(SesCorpus, TheSameOptionsGiveTheSameEvents) {
  for (const Variant variant : {Variant::kRaw, Variant::kProduct}) {
    SesCorpus a(OptionsOf(3'000, variant));
    SesCorpus b(OptionsOf(3'000, variant));
    SesCorpus::Options other_seed = OptionsOf(3'000, variant);
    other_seed.seed = 2;
    SesCorpus c(other_seed);
    store::NewEvent reused;
    for (int i = 0; i < 3'000; ++i) {
      const store::NewEvent event = a.Next();
      b.Next(reused);
      ASSERT_EQ(event.event, reused.event) << i;
      ASSERT_EQ(event.dedup_key, reused.dedup_key) << i;
      ASSERT_NE(event.event.attributes, c.Next().event.attributes) << i;
    }
  }
}

TEST(SesCorpus, KindsOfEventsAreAsFrequentAsInRealTraffic) {
  constexpr double kEvents = 100'000;
  SesCorpus corpus(OptionsOf(static_cast<std::uint64_t>(kEvents)));
  store::NewEvent entry;
  std::map<EventType, double> share;
  double bytes = 0;
  for (int i = 0; i < static_cast<int>(kEvents); ++i) {
    corpus.Next(entry);
    share[corpus.facts().type] += 1 / kEvents;
    bytes += static_cast<double>(entry.event.attributes.size());
  }
  const auto near = [&](EventType type, double of_five_million, double tolerance) {
    const double expected = of_five_million / 5e6;
    EXPECT_NEAR(share[type], expected, tolerance * expected) << EventTypeName(type);
  };
  near(EventType::kSend, 1'931'407, 0.02);
  near(EventType::kDelivery, 2'104'663, 0.02);
  near(EventType::kOpen, 738'336, 0.03);
  near(EventType::kClick, 159'090, 0.05);
  near(EventType::kBounce, 43'375, 0.1);
  near(EventType::kDelay, 21'688, 0.15);
  near(EventType::kComplaint, 1'054, 0.6);
  EXPECT_NEAR(bytes / kEvents, 1'850, 100);
  // The last events are at the end of the thirty days.
  const double days =
      static_cast<double>(entry.event.timestamp_ms - corpus.start_ms()) / (24 * 3'600'000.0);
  EXPECT_NEAR(days, 30, 0.2);
}

TEST(SesCorpus, EveryEventIsOneJsonObjectOfItsType) {
  for (const Variant variant : {Variant::kRaw, Variant::kProduct}) {
    SesCorpus corpus(OptionsOf(5'000, variant));
    for (int i = 0; i < 5'000; ++i) {
      const store::Event event = corpus.Next().event;
      const auto object = json::ParseObject(event.attributes);
      ASSERT_TRUE(object) << event.attributes;
      // Written as the product writes JSON: nothing would change its bytes.
      ASSERT_EQ(json::Serialize(*object), event.attributes);
      ASSERT_EQ(json::GetString(*object, "eventType"), EventTypeName(corpus.facts().type));
      const json::value* id = json::FindPath(*object, "mail.messageId");
      ASSERT_NE(id, nullptr);
      ASSERT_EQ(std::string_view(id->get_string()), corpus.facts().message_id);
    }
  }
}

TEST(SesCorpus, EventsOfOneMailAreInOrderAndAmongOthers) {
  SesCorpus corpus(OptionsOf(2'000));
  store::NewEvent entry;
  std::unordered_set<std::uint64_t> sent;
  std::unordered_set<std::string> ids;
  std::uint64_t others_between = 0;
  std::uint64_t last_mail = 0;
  for (int i = 0; i < 2'000; ++i) {
    corpus.Next(entry);
    const EventFacts& facts = corpus.facts();
    ASSERT_GE(facts.timestamp_ms, facts.mail.sent_ms);
    ASSERT_GE(entry.event.ingested_at_ms, entry.event.timestamp_ms);
    ASSERT_TRUE(ids.insert(entry.event.id.ToString()).second);
    others_between += sent.contains(facts.mail.seed) && facts.mail.seed != last_mail;
    sent.insert(facts.mail.seed);
    last_mail = facts.mail.seed;
  }
  EXPECT_GT(others_between, 100U);
}

TEST(People, NoTwoRecipientsShareAnAddress) {
  std::unordered_set<std::string> addresses;
  for (Rank rank = 0; rank < 200'000; ++rank) {
    const std::string address = People::Address(rank);
    ASSERT_TRUE(addresses.insert(address).second) << address;
  }
}

// The busiest gets one draw in some 335, and half of the draws go to people who get a mail or two.
TEST(People, AFewGetVeryMuchAndMostGetLittle) {
  const People people;
  Draws draws(1);
  constexpr int kDraws = 400'000;
  std::unordered_set<Rank> distinct;
  int busiest = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Rank rank = people.Draw(draws);
    ASSERT_LT(rank, kRecipients);
    busiest += rank == 0;
    distinct.insert(rank);
  }
  EXPECT_NEAR(busiest, kDraws / 335, kDraws / 3350);
  EXPECT_GT(distinct.size(), kDraws * 6U / 10);
}

}  // namespace
}  // namespace postglass::bench
