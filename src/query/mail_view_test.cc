#include "query/mail_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/clock_testing.h"
#include "base/random_testing.h"
#include "query/store_testing.h"

namespace postglass::query {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class MailViewTest : public testing::Test {
 protected:
  MailViewTest() { mail_.requested_at = clock_.Now() - hours(1); }

  std::vector<MailView> Views(const std::vector<store::Event>& events) {
    std::vector<MailEvent> read;
    for (const store::Event& event : events) {
      std::optional<MailEvent> mail = ReadMailEvent(event);
      EXPECT_TRUE(mail) << event.attributes;
      if (mail) read.push_back(std::move(*mail));
    }
    return BuildMailViews(read, clock_.Now());
  }

  MailView View(const std::vector<store::Event>& events) {
    std::vector<MailView> views = Views(events);
    EXPECT_EQ(views.size(), 1u);
    return views.empty() ? MailView() : std::move(views.front());
  }

  store::Event HardBounce(milliseconds offset) {
    return make_.Bounce(
        mail_, offset, "Permanent", "General", "5.1.1", "smtp; 550 5.1.1 no such user here");
  }

  store::Event SoftBounce(milliseconds offset) {
    return make_.Bounce(
        mail_, offset, "Transient", "MailboxFull", "4.2.2", "smtp; 452 4.2.2 mailbox full");
  }

  ManualClock clock_;
  EventMaker make_{clock_};
  EventMaker::Mail mail_;
};

TEST_F(MailViewTest, AcceptedByTheReceivingServer) {
  const MailView view = View({make_.Send(mail_), make_.Delivery(mail_, milliseconds(1'900))});
  EXPECT_EQ(view.state, MailState::kAccepted);
  EXPECT_EQ(view.headline, "Accepted by example.com");
  EXPECT_EQ(view.acceptance_ms, 1'900);
  EXPECT_EQ(view.server_words, "250 2.0.0 OK");
  EXPECT_EQ(view.subject, "Reset your password");
  EXPECT_EQ(view.configuration_set, "default");
  EXPECT_NE(view.sentence.find("(1.9 s)"), std::string::npos) << view.sentence;
  EXPECT_NE(view.sentence.find("\"250 2.0.0 OK\""), std::string::npos) << view.sentence;
  EXPECT_NE(view.sentence.find("the mail was taken, not that it was seen"), std::string::npos);
  ASSERT_EQ(view.timeline.size(), 2u);
  EXPECT_EQ(view.timeline[0].type, "Send");
  EXPECT_EQ(view.timeline[1].server_words, "250 2.0.0 OK");
}

TEST_F(MailViewTest, CapturedNeverLeft) {
  const store::Event send = make_.Send(mail_);
  mail_.extra_tags = R"(,"postglass":["captured"])";
  const MailView view =
      View({send, make_.Delivery(mail_, milliseconds(3), "250 2.0.0 captured, not sent")});
  EXPECT_EQ(view.state, MailState::kCaptured);
  EXPECT_EQ(view.headline, "Captured on this machine; it never left for example.com");
  EXPECT_EQ(view.sentence.find("Accepted"), std::string::npos) << view.sentence;
}

TEST_F(MailViewTest, HandedToARelay) {
  const MailView view =
      View({make_.Send(mail_),
            make_.Delivery(
                mail_, seconds(1), "250 queued as 7", R"(,"remoteHost":"smtp.corp.example")")});
  EXPECT_EQ(view.state, MailState::kRelayed);
  EXPECT_EQ(view.relay_host, "smtp.corp.example");
  EXPECT_NE(view.sentence.find("which answered \"250 queued as 7\"; what happens after that is not "
                               "seen here"),
            std::string::npos)
      << view.sentence;
}

TEST_F(MailViewTest, RefusedSaysWhoMustAct) {
  const MailView view = View({make_.Send(mail_), HardBounce(seconds(2))});
  EXPECT_EQ(view.state, MailState::kRefused);
  EXPECT_EQ(view.headline, "Refused by example.com");
  EXPECT_EQ(view.server_words, "550 5.1.1 no such user here");
  EXPECT_EQ(view.bounce_class, "no_such_user");
  EXPECT_EQ(view.actor, "recipient");
  EXPECT_FALSE(view.advice.empty());
}

TEST_F(MailViewTest, ALateBounceWinsOverTheAcceptance) {
  const MailView view =
      View({make_.Send(mail_), make_.Delivery(mail_, seconds(1)), HardBounce(minutes(5))});
  EXPECT_EQ(view.state, MailState::kReturned);
  EXPECT_TRUE(view.accepted_at);
  EXPECT_TRUE(view.refused_at);
}

// Amazon SES reports an automatic reply as a temporary bounce after the delivery.
TEST_F(MailViewTest, ATemporaryBounceAfterAcceptanceDoesNotUndoIt) {
  EXPECT_EQ(
      View({make_.Send(mail_), make_.Delivery(mail_, seconds(1)), SoftBounce(minutes(5))}).state,
      MailState::kAccepted);
  const MailView alone = View({make_.Send(mail_), SoftBounce(hours(1))});
  EXPECT_EQ(alone.state, MailState::kRefused);
  EXPECT_EQ(alone.bounce_class, "mailbox_full");
}

TEST_F(MailViewTest, SuppressedWasNotSent) {
  const MailView view =
      View({make_.Send(mail_),
            make_.Bounce(mail_, seconds(1), "Permanent", "OnAccountSuppressionList", "", "")});
  EXPECT_EQ(view.state, MailState::kSuppressed);
  EXPECT_EQ(view.actor, "us");
  EXPECT_EQ(view.headline, "Not sent: suppressed");
}

TEST_F(MailViewTest, ComplaintOpenAndClick) {
  const auto send = make_.Send(mail_);
  const auto delivery = make_.Delivery(mail_, seconds(1));
  const auto open = make_.Open(mail_, minutes(1));
  const auto click = make_.Click(mail_, minutes(2));
  EXPECT_EQ(View({send, delivery, open}).state, MailState::kOpened);
  const MailView clicked = View({send, delivery, open, make_.Open(mail_, minutes(3)), click});
  EXPECT_EQ(clicked.state, MailState::kClicked);
  EXPECT_EQ(clicked.opens_count, 2u);
  EXPECT_EQ(clicked.clicks_count, 1u);
  EXPECT_EQ(clicked.opened_at, mail_.requested_at + minutes(1));
  EXPECT_EQ(View({send, delivery, click, make_.Complaint(mail_, hours(1))}).state,
            MailState::kComplained);
}

TEST_F(MailViewTest, DelayedIsNotRefused) {
  const MailView view =
      View({make_.Send(mail_), make_.Delay(mail_, minutes(5)), make_.Delay(mail_, minutes(15))});
  EXPECT_EQ(view.state, MailState::kDelayed);
  EXPECT_EQ(view.headline, "Being retried (2 delays so far)");
  EXPECT_EQ(view.server_words, "452 4.2.2 mailbox full");
  EXPECT_EQ(view.gives_up_at, mail_.requested_at + hours(14));
  EXPECT_EQ(view.actor, "nobody");
}

TEST_F(MailViewTest, SilenceBecomesNoNews) {
  mail_.requested_at = clock_.Now() - seconds(59);
  EXPECT_EQ(View({make_.Send(mail_)}).state, MailState::kSent);
  mail_.requested_at = clock_.Now() - seconds(90);
  const MailView view = View({make_.Send(mail_)});
  EXPECT_EQ(view.state, MailState::kNoNews);
  EXPECT_EQ(view.headline, "No news for 90 s");
}

TEST_F(MailViewTest, EachRecipientHasAStateOfTheirOwn) {
  mail_.destination = {"alice@example.com", "bob@x.io", "carol@y.io"};
  EventMaker::Mail to_alice = mail_;
  const auto delivery = make_.Ses(mail_,
                                  "Delivery",
                                  "delivery",
                                  R"({"timestamp":"@AT@","processingTimeMillis":5,)"
                                  R"("recipients":["ALICE@example.com"],"smtpResponse":"250 ok"})",
                                  seconds(1));
  const auto bounce = make_.Bounce(
      mail_, seconds(2), "Permanent", "General", "5.1.1", "smtp; 550 5.1.1 no", "bob@x.io");
  const std::vector<MailView> views =
      Views({make_.Send(mail_), delivery, bounce, make_.Open(mail_, minutes(1))});
  ASSERT_EQ(views.size(), 3u);
  EXPECT_EQ(views[0].recipient, "alice@example.com");
  EXPECT_EQ(views[0].state, MailState::kAccepted);
  EXPECT_TRUE(views[0].somebody_opened);
  EXPECT_EQ(views[1].state, MailState::kRefused);
  EXPECT_EQ(views[2].state, MailState::kNoNews);
}

TEST_F(MailViewTest, AForwardedAddressBelongsToTheOnlyRecipient) {
  const MailView view = View({make_.Send(mail_),
                              make_.Bounce(mail_,
                                           seconds(2),
                                           "Permanent",
                                           "General",
                                           "5.1.1",
                                           "smtp; 550 5.1.1 gone",
                                           "alice.new@elsewhere.example")});
  EXPECT_EQ(view.recipient, "alice@example.com");
  EXPECT_EQ(view.state, MailState::kRefused);
  EXPECT_EQ(view.server_words, "550 5.1.1 gone");
}

TEST_F(MailViewTest, AttemptsAreInTheServersWords) {
  const MailView view = View({make_.Send(mail_),
                              make_.Delay(mail_, minutes(1)),
                              SoftBounce(minutes(3)),
                              make_.Delivery(mail_, minutes(2))});
  ASSERT_EQ(view.attempts.size(), 3u);
  EXPECT_EQ(view.attempts[0].outcome, MailAttempt::Outcome::kDelayed);
  EXPECT_EQ(view.attempts[1].outcome, MailAttempt::Outcome::kAccepted);
  EXPECT_EQ(view.attempts[1].server_words, "250 2.0.0 OK");
  EXPECT_EQ(view.attempts[2].outcome, MailAttempt::Outcome::kRefused);
  EXPECT_EQ(view.attempts[2].status, "4.2.2");
  EXPECT_EQ(view.attempts[2].server_words, "452 4.2.2 mailbox full");
  // A list that kept it from being sent is no try.
  EXPECT_TRUE(View({make_.Bounce(mail_, seconds(1), "Permanent", "Suppressed", "5.1.1", "listed")})
                  .attempts.empty());
}

TEST_F(MailViewTest, SaysForHowLongNothingWasHeard) {
  EXPECT_EQ(View({make_.Send(mail_)}).no_news_for, hours(1));
  EXPECT_EQ(View({make_.Send(mail_), make_.Delay(mail_, minutes(40))}).no_news_for, minutes(20));
  EXPECT_EQ(View({make_.Send(mail_), make_.Delay(mail_, hours(3))}).no_news_for, milliseconds(0));
  EXPECT_EQ(View({make_.Send(mail_), make_.Delivery(mail_, minutes(1))}).no_news_for, std::nullopt);
}

// How final a state is. What arrives later may add to what is known and never takes it back.
int Finality(const MailView& view) {
  switch (view.state) {
    case MailState::kUnknown:
      return 0;
    case MailState::kSent:
    case MailState::kNoNews:
      return 1;
    case MailState::kDelayed:
      return 2;
    case MailState::kRenderingFailed:
      return 3;
    case MailState::kRejected:
      return 4;
    case MailState::kRefused:
      // For good, or for now.
      return view.attempts.empty() || view.sentence.starts_with("Refused by") ? 10 : 5;
    case MailState::kAccepted:
    case MailState::kCaptured:
    case MailState::kRelayed:
      return 6;
    case MailState::kOpened:
      return 7;
    case MailState::kClicked:
      return 8;
    case MailState::kSuppressed:
      return 9;
    case MailState::kReturned:
      return 11;
    case MailState::kComplained:
      return 12;
  }
  return -1;
}

// States are a lattice: the state of a union of events is the least one that is not below the
// states of its parts, so each further event raises it or leaves it.
TEST_F(MailViewTest, AFurtherEventNeverTakesBackWhatIsKnown) {
  SeededRandom random(7);
  for (int round = 0; round < 300; ++round) {
    mail_.message_id = "m" + std::to_string(round);
    const auto after = [&random] { return milliseconds(random.Below(5) * 1'000); };
    std::vector<store::Event> events = {
        make_.Send(mail_),
        make_.Delay(mail_, after()),
        make_.Delivery(mail_, after()),
        HardBounce(after()),
        SoftBounce(after()),
        make_.Bounce(mail_, after(), "Permanent", "Suppressed", "5.1.1", "on the list"),
        make_.Complaint(mail_, after()),
        make_.Open(mail_, after()),
        make_.Click(mail_, after()),
        make_.Ses(mail_, "Reject", "reject", R"({"reason":"Bad content"})", after()),
    };
    for (std::size_t i = events.size() - 1; i > 0; --i) {
      std::swap(events[i], events[random.Below(i + 1)]);
    }
    int least = 0;
    for (std::size_t n = 1; n <= events.size(); ++n) {
      const MailView view = View({events.begin(), events.begin() + static_cast<std::ptrdiff_t>(n)});
      ASSERT_GE(Finality(view), least)
          << "round " << round << ", event " << n << ": " << MailStateName(view.state);
      least = Finality(view);
    }
    EXPECT_EQ(least, 12);
  }
}

// Providers, queues and forwarders repeat and reorder: only the set of events may count.
TEST_F(MailViewTest, NeitherOrderNorRepetitionChangesTheState) {
  SeededRandom random(42);
  for (int round = 0; round < 300; ++round) {
    mail_.message_id = "m" + std::to_string(round);
    mail_.requested_at = clock_.Now() - minutes(random.Below(30));
    mail_.extra_tags = random.Below(4) == 0 ? R"(,"postglass":["captured"])" : "";
    const auto after = [&random] { return milliseconds(random.Below(5) * 1'000); };
    std::vector<store::Event> events;
    const auto maybe = [&](store::Event event) {
      if (random.Below(2) == 0) events.push_back(std::move(event));
    };
    events.push_back(make_.Send(mail_));
    maybe(make_.Delay(mail_, after()));
    maybe(make_.Delay(mail_, after()));
    maybe(make_.Delivery(mail_, after()));
    maybe(make_.Delivery(mail_, after(), "250 other"));
    maybe(HardBounce(after()));
    maybe(SoftBounce(after()));
    maybe(make_.Complaint(mail_, after()));
    maybe(make_.Open(mail_, after()));
    maybe(make_.Open(mail_, after()));
    maybe(make_.Click(mail_, after()));
    const std::vector<MailView> expected = Views(events);
    for (int shuffle = 0; shuffle < 4; ++shuffle) {
      std::vector<store::Event> repeated = events;
      for (std::uint64_t i = random.Below(5); i > 0; --i) {
        store::Event again = repeated[random.Below(repeated.size())];
        // A redelivery that no deduplication caught has an id of its own, made later.
        if (random.Below(2) == 0) again.id = make_.Log("", {}).id;
        repeated.push_back(std::move(again));
      }
      for (std::size_t i = repeated.size() - 1; i > 0; --i) {
        std::swap(repeated[i], repeated[random.Below(i + 1)]);
      }
      ASSERT_EQ(Views(repeated), expected) << "round " << round;
    }
  }
}

TEST_F(MailViewTest, NorDoTheyWithSeveralRecipients) {
  SeededRandom random(11);
  mail_.destination = {"alice@example.com", "Bob@example.com", "carol@elsewhere.example"};
  for (int round = 0; round < 200; ++round) {
    mail_.message_id = "m" + std::to_string(round);
    std::vector<store::Event> events = {make_.Send(mail_)};
    for (std::uint64_t i = random.Below(8); i > 0; --i) {
      // Named in any letter case, and now and then somebody whom the mail never named.
      const std::vector<std::string> names = {
          "ALICE@example.com", "bob@example.com", "carol@elsewhere.example", "new@example.com"};
      const std::string& name = names[random.Below(names.size())];
      const milliseconds at(random.Below(4) * 1'000);
      switch (random.Below(4)) {
        case 0:
          events.push_back(make_.Bounce(mail_, at, "Permanent", "General", "5.1.1", "no", name));
          break;
        case 1:
          events.push_back(make_.Bounce(mail_, at, "Transient", "General", "4.2.2", "later", name));
          break;
        case 2:
          events.push_back(make_.Open(mail_, at));
          break;
        default:
          events.push_back(make_.Delivery(mail_, at));
      }
    }
    const std::vector<MailView> expected = Views(events);
    EXPECT_GE(expected.size(), 3u);
    for (int shuffle = 0; shuffle < 4; ++shuffle) {
      std::vector<store::Event> repeated = events;
      for (std::uint64_t i = random.Below(5); i > 0; --i) {
        repeated.push_back(repeated[random.Below(repeated.size())]);
      }
      for (std::size_t i = repeated.size() - 1; i > 0; --i) {
        std::swap(repeated[i], repeated[random.Below(i + 1)]);
      }
      ASSERT_EQ(Views(repeated), expected) << "round " << round;
    }
  }
}

TEST(MailEventTest, ReadsTheNormalisedViewOfOtherProviders) {
  store::Event event;
  event.timestamp_ms = 1'800'000'000'000;
  event.attributes =
      R"({"event":{"name":"email.bounced","verified":"signature"},"email":{"local_id":"x1",)"
      R"("subject":"Hi","recipient":{"address":["a@b.c"]},"bounce":{"class":"no_such_user",)"
      R"("hard":true}},"smtp":{"response":"550 no","enhanced_code":"5.1.1"}})";
  const std::optional<MailEvent> read = ReadMailEvent(event);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, MailEvent::Kind::kBounce);
  EXPECT_EQ(read->message_id, "x1");
  EXPECT_EQ(read->bounce_type, "Permanent");
  ASSERT_EQ(read->recipients.size(), 1u);
  EXPECT_EQ(read->recipients[0].words, "550 no");
  EXPECT_EQ(read->verified, "signature");
}

TEST(MailEventTest, OtherLogsAreNoMails) {
  store::Event event;
  EXPECT_FALSE(ReadMailEvent(event));
  event.attributes = R"({"mail":"x","bounce":[1]})";
  EXPECT_FALSE(ReadMailEvent(event));
}

TEST(MailEventTest, BareAddress) {
  EXPECT_EQ(BareAddress(" Alice <a@b.c> "), "a@b.c");
  EXPECT_EQ(BareAddress("<a@b.c>"), "a@b.c");
  EXPECT_EQ(BareAddress("mailto:a@b.c"), "a@b.c");
  EXPECT_EQ(BareAddress("\ta@b.c\n"), "a@b.c");
  EXPECT_EQ(BareAddress(""), "");
  EXPECT_EQ(DomainOf("a@b@c.d"), "c.d");
}

TEST(MailViewText, Durations) {
  EXPECT_EQ(DurationText(milliseconds(1'940)), "1.9 s");
  EXPECT_EQ(DurationText(seconds(90)), "90 s");
  EXPECT_EQ(DurationText(minutes(5)), "5 min");
  EXPECT_EQ(DurationText(hours(3)), "3 h");
  EXPECT_EQ(DurationText(hours(100)), "4 days");
  EXPECT_EQ(DurationText(seconds(-5)), "0.0 s");
}

}  // namespace
}  // namespace postglass::query
