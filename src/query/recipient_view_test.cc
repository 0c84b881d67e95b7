#include "query/recipient_view.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/json.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::query {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class RecipientViewTest : public testing::Test {
 protected:
  EventMaker::Mail Mail(std::string id, std::chrono::hours ago) {
    EventMaker::Mail mail;
    mail.message_id = std::move(id);
    mail.requested_at = clock_.Now() - ago;
    return mail;
  }

  std::vector<store::Event> Suppressed(const EventMaker::Mail& mail) {
    return {make_.Send(mail),
            make_.Bounce(
                mail, seconds(1), "Permanent", "OnAccountSuppressionList", "5.1.1", "on the list")};
  }

  Answer Ask() { return answers_.AnswerFor("Alice <ALICE@example.com>").value(); }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  EventMaker make_{clock_};
  QueryRunner runner_{store_, clock_, metrics_, {}};
  AnswerService answers_{runner_, clock_};
};

TEST_F(RecipientViewTest, SaysWhatTheMailsHaveInCommon) {
  const auto first = Mail("m1", hours(4));
  const auto second = Mail("m2", hours(3));
  const auto third = Mail("m3", hours(2));
  make_.Append(store_, {make_.Send(first), make_.Delivery(first, milliseconds(1'000), "250 one")});
  make_.Append(store_,
               {make_.Send(second), make_.Delivery(second, milliseconds(3'000), "250 two")});
  make_.Append(
      store_,
      {make_.Send(third),
       make_.Bounce(
           third, seconds(9), "Permanent", "General", "5.1.1", "smtp; 550 5.1.1 no such user")});
  const Answer answer = Ask();
  const RecipientView view = ViewRecipient(answer);
  EXPECT_EQ(view.domain, "example.com");
  EXPECT_EQ(
      view.states,
      (std::map<MailState, std::uint64_t>{{MailState::kAccepted, 2}, {MailState::kRefused, 1}}));
  EXPECT_EQ(view.last_accepted->message_id, "m2");
  EXPECT_EQ(view.last_accepted->server_words, "250 two");
  EXPECT_EQ(view.last_refused->server_words, "550 5.1.1 no such user");
  EXPECT_EQ(view.acceptance_ms, 1'000);
  EXPECT_FALSE(view.suppressed);
  const json::object body = json::ParseObject(RecipientJson(answer, view)).value();
  EXPECT_EQ(json::GetString(body, "address"), "ALICE@example.com");
  EXPECT_EQ(json::GetInt(*json::GetObject(body, "states"), "accepted"), 2);
  EXPECT_EQ(json::GetArray(body, "mails")->size(), 3u);
  EXPECT_EQ(body.if_contains("suppressed"), nullptr);
}

TEST_F(RecipientViewTest, SuppressedUntilANewerMailIsTaken) {
  make_.Append(store_, Suppressed(Mail("m1", hours(4))));
  ASSERT_TRUE(ViewRecipient(Ask()).suppressed);
  EXPECT_EQ(ViewRecipient(Ask()).suppressed->server_words, "on the list");
  const auto later = Mail("m2", hours(1));
  make_.Append(store_, {make_.Delivery(later, milliseconds(5))});
  EXPECT_FALSE(ViewRecipient(Ask()).suppressed);
}

TEST_F(RecipientViewTest, ARecipientNobodyWroteTo) {
  const Answer answer = Ask();
  const json::object body = json::ParseObject(RecipientJson(answer, ViewRecipient(answer))).value();
  EXPECT_EQ(json::GetBool(body, "found"), false);
  EXPECT_TRUE(json::GetArray(body, "mails")->empty());
}

}  // namespace
}  // namespace postglass::query
