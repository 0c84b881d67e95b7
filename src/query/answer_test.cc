#include "query/answer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/clock_testing.h"
#include "base/json.h"
#include "query/output.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::query {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class AnswerTest : public testing::Test {
 protected:
  EventMaker::Mail NewMail(std::string id, std::string to, std::chrono::nanoseconds ago) {
    EventMaker::Mail mail;
    mail.message_id = std::move(id);
    mail.destination = {std::move(to)};
    mail.requested_at = clock_.Now() - ago;
    return mail;
  }

  Answer Ask(std::string_view asked) {
    Result<Answer> answer = service_.AnswerFor(asked);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? std::move(*answer) : Answer();
  }

  ManualClock clock_;
  store::OracleStore store_;
  EventMaker make_{clock_};
  Metrics metrics_;
  QueryRunner runner_{store_, clock_, metrics_, {}};
  AnswerService service_{runner_, clock_};
};

TEST_F(AnswerTest, FindsAllMailsToAnAddressHoweverItIsWritten) {
  const auto old_mail = NewMail("m1", "alice@example.com", hours(24 * 400));
  const auto new_mail = NewMail("m2", "Alice@Example.com", minutes(3));
  const auto other = NewMail("m3", "bob@example.com", minutes(1));
  make_.Append(store_,
               {make_.Send(old_mail),
                make_.Bounce(old_mail, seconds(1), "Permanent", "General", "5.1.1", "smtp; 550 no"),
                make_.Send(new_mail),
                make_.Delivery(new_mail, seconds(2)),
                make_.Send(other)});
  for (const char* asked : {"alice@example.com",
                            "ALICE@EXAMPLE.COM",
                            "  alice@example.com\n",
                            "Alice Smith <alice@example.com>",
                            "mailto:alice@example.com"}) {
    const Answer answer = Ask(asked);
    EXPECT_EQ(answer.kind, Answer::Kind::kAddress);
    ASSERT_EQ(answer.mails.size(), 2u) << asked;
    EXPECT_EQ(answer.mails_count, 2u);
    EXPECT_EQ(answer.mails[0].message_id, "m2");
    EXPECT_EQ(answer.mails[0].state, MailState::kAccepted);
    EXPECT_EQ(answer.mails[1].state, MailState::kRefused);
    EXPECT_NE(answer.summary.find("Accepted by example.com"), std::string::npos) << answer.summary;
    EXPECT_FALSE(answer.near);
  }
}

TEST_F(AnswerTest, FindsAMailByItsId) {
  auto mail = NewMail("0100-abc", "alice@example.com", minutes(3));
  mail.destination.push_back("bob@x.io");
  make_.Append(store_, {make_.Send(mail), make_.Delivery(mail, seconds(2))});
  for (const char* asked : {"0100-abc",
                            " 0100-abc ",
                            "<0100-abc@email.amazonses.com>",
                            "0100-abc@email.amazonses.com"}) {
    const Answer answer = Ask(asked);
    EXPECT_EQ(answer.kind, Answer::Kind::kMessageId) << asked;
    EXPECT_EQ(answer.mails.size(), 2u) << asked;
  }
  const Result<MailDetail> detail = service_.MailById("0100-abc");
  ASSERT_TRUE(detail);
  EXPECT_EQ(detail->views.size(), 2u);
  ASSERT_EQ(detail->events.size(), 2u);
  EXPECT_LT(detail->events[0].timestamp_ms, detail->events[1].timestamp_ms);
  const Result<MailDetail> missing = service_.MailById("nothing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

// Other recipients of the same mail are nobody's business here.
TEST_F(AnswerTest, ShowsOnlyTheAskedRecipient) {
  auto mail = NewMail("m1", "alice@example.com", minutes(3));
  mail.destination.push_back("bob@x.io");
  make_.Append(store_, {make_.Send(mail)});
  const Answer answer = Ask("bob@x.io");
  ASSERT_EQ(answer.mails.size(), 1u);
  EXPECT_EQ(answer.mails[0].recipient, "bob@x.io");
}

TEST_F(AnswerTest, FindsAMailByTheAddressItWasForwardedTo) {
  const auto mail = NewMail("m1", "alice@example.com", minutes(3));
  make_.Append(store_,
               {make_.Send(mail),
                make_.Bounce(mail,
                             seconds(1),
                             "Permanent",
                             "General",
                             "5.1.1",
                             "smtp; 550 gone",
                             "alice.new@elsewhere.example")});
  const Answer answer = Ask("Alice.New@elsewhere.example");
  ASSERT_EQ(answer.mails.size(), 1u);
  EXPECT_EQ(answer.mails[0].timeline.size(), 2u);
}

TEST_F(AnswerTest, AnEmptyAnswerExplainsItself) {
  EXPECT_NE(Ask("x@y.z").summary.find("no events at all"), std::string::npos);
  for (const char* id : {"m1", "m2"}) {
    const auto mail = NewMail(id, "alice@example.com", minutes(3));
    make_.Append(store_, {make_.Send(mail), make_.Delivery(mail, seconds(1))});
  }
  make_.Append(store_, {make_.Send(NewMail("m3", "bob@x.io", minutes(3)))});
  clock_.Advance(seconds(3));
  const Answer answer = Ask("alice@exmaple.com");
  EXPECT_TRUE(answer.mails.empty());
  ASSERT_TRUE(answer.near);
  EXPECT_EQ(answer.near->address, "alice@example.com");
  EXPECT_EQ(answer.near->mails, 2u);
  EXPECT_EQ(answer.store.events, 5u);
  EXPECT_TRUE(answer.store.first_event_at);
  EXPECT_NE(answer.summary.find("the last one arrived 3.0 s ago"), std::string::npos)
      << answer.summary;
  EXPECT_NE(answer.summary.find("Nearest address: alice@example.com (2 mails)"), std::string::npos)
      << answer.summary;
  EXPECT_FALSE(Ask("somebody.else@nowhere.example").near);
}

// Slips in the name, in the domain, in both, in the letter case; in mails long ago as well.
TEST_F(AnswerTest, NamesTheNearestAddressWhateverPartIsMistyped) {
  make_.Append(store_,
               {make_.Send(NewMail("m1", "john.smith@example.com", hours(24 * 500))),
                make_.Send(NewMail("m2", "John.Smyth@example.com", hours(24 * 3))),
                make_.Send(NewMail("m3", "ann.lee@other.example", hours(1))),
                make_.Send(NewMail("m4", "zoë@short.example", seconds(1)))});
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"john.smith@exmaple.com", "john.smith@example.com"},
      {"ojhn.smith@example.com", "john.smith@example.com"},
      {"jon.smith@exampel.com", "john.smith@example.com"},
      {"JOHN.SMYHT@EXAMPLE.COM", "John.Smyth@example.com"},
      {"ann.lee@othr.example", "ann.lee@other.example"},
      {"zoe@short.example", "zoë@short.example"},
      {"ann.lee.other.example", "ann.lee@other.example"}};
  for (const auto& [asked, expected] : cases) {
    const Answer answer = Ask(asked);
    EXPECT_TRUE(answer.mails.empty()) << asked;
    ASSERT_TRUE(answer.near) << asked;
    EXPECT_EQ(answer.near->address, expected) << asked;
    EXPECT_EQ(answer.near->mails, 1u) << asked;
  }
}

// The hint is bounded in time; without it the answer is whole all the same.
TEST_F(AnswerTest, AnswersWithoutTheNearestAddressWhenThereIsNoTimeForIt) {
  make_.Append(store_, {make_.Send(NewMail("m1", "alice@example.com", minutes(3)))});
  AnswerService::Options options;
  options.near_time_max = std::chrono::milliseconds(0);
  AnswerService hurried(runner_, clock_, options);
  const Result<Answer> answer = hurried.AnswerFor("alice@exmaple.com");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(answer->near);
  EXPECT_NE(answer->summary.find("No mail to alice@exmaple.com"), std::string::npos);
}

TEST_F(AnswerTest, RefusesWhatIsNoQuestion) {
  for (const std::string& asked : {std::string(), std::string("  "), std::string(2'000, 'a')}) {
    const Result<Answer> answer = service_.AnswerFor(asked);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(AnswerTest, SaysWhenThereIsMoreThanItLookedAt) {
  AnswerService::Options options;
  options.mails_max = 2;
  options.events_max = 4;
  AnswerService small(runner_, clock_, options);
  for (int i = 0; i < 6; ++i) {
    make_.Append(store_, {make_.Send(NewMail("m" + std::to_string(i), "a@b.c", minutes(10 - i)))});
  }
  const Result<Answer> answer = small.AnswerFor("a@b.c");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->mails.size(), 2u);
  EXPECT_EQ(answer->mails[0].message_id, "m5");
  EXPECT_TRUE(answer->incomplete);
}

TEST_F(AnswerTest, JsonAndTextHoldTheAnswer) {
  auto mail = NewMail("m1", "alice@example.com", minutes(3));
  mail.subject = "Reset \x1b[31m\"now\"\xE2\x80\xAE";
  make_.Append(store_, {make_.Send(mail), make_.Delivery(mail, seconds(2))});
  const Answer answer = Ask("alice@example.com");
  const Result<json::object> parsed = json::ParseObject(AnswerJson(answer));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(json::GetBool(*parsed, "found"), true);
  const json::value* state = json::FindPath(*parsed, "mails.0.state");
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(*state, json::value("accepted"));
  const Result<MailDetail> detail = service_.MailById("m1");
  ASSERT_TRUE(detail);
  const Result<json::object> one = json::ParseObject(MailDetailJson(*detail));
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_NE(json::FindPath(*one, "events.1.attributes.delivery.smtpResponse"), nullptr);

  const std::string plain = AnswerTerminalText(answer, Colour::kNever);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_EQ(plain.find("\xE2\x80\xAE"), std::string::npos);
  EXPECT_NE(plain.find("\\x1b[31m"), std::string::npos) << plain;
  EXPECT_NE(plain.find("250 2.0.0 OK"), std::string::npos);
  EXPECT_NE(AnswerTerminalText(answer, Colour::kAlways).find('\x1b'), std::string::npos);
}

TEST(EditDistanceTest, CountsSlips) {
  EXPECT_EQ(EditDistance("alice@example.com", "Alice@Example.com", 3), 0u);
  EXPECT_EQ(EditDistance("alice@exmaple.com", "alice@example.com", 3), 1u);
  EXPECT_EQ(EditDistance("alice@example.co", "alice@example.com", 3), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 3), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 2), 3u);
  EXPECT_EQ(EditDistance("", "abcd", 3), 4u);
  EXPECT_EQ(EditDistance("abc", "abc", 0), 0u);
  EXPECT_EQ(EditDistance("abc", "abd", 0), 1u);
}

}  // namespace
}  // namespace postglass::query
