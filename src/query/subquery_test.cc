#include "query/subquery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/clock_testing.h"
#include "query/parser.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::query {
namespace {

class SubqueryTest : public testing::Test {
 protected:
  void Add(std::string attributes, std::string message = "mail") {
    store::Event event = maker_.Log(std::move(message), -std::chrono::minutes(1));
    event.attributes = std::move(attributes);
    maker_.Append(store_, {std::move(event)});
  }

  // The messages of what is found, in order of the alphabet, or the error.
  std::string Found(std::string query) {
    SearchRequest request;
    request.query = std::move(query);
    request.limit = 100;
    SearchOutcome outcome = search_.Search(request);
    if (const auto* error = std::get_if<SearchError>(&outcome)) return error->message;
    std::vector<std::string> messages;
    for (const store::Event& event : std::get<SearchPage>(outcome).events) {
      messages.push_back(event.message);
    }
    std::sort(messages.begin(), messages.end());
    std::string out;
    for (const std::string& message : messages) out += (out.empty() ? "" : " ") + message;
    return out;
  }

  void AddMails() {
    Add(R"({"type":"Send","id":"m1","to":"a"})", "s1");
    Add(R"({"type":"Send","id":"m2","to":"b"})", "s2");
    Add(R"({"type":"Send","id":"m3","to":["a","c"]})", "s3");
    Add(R"({"type":"Delivery","id":"m1"})", "d1");
    Add(R"({"type":"Bounce","id":"m3"})", "b3");
    Add(R"({"type":"Note"})", "n");
  }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  EventMaker maker_{clock_};
  QueryRunner runner_{store_, clock_, metrics_, {}};
  SearchService search_{runner_, clock_};
};

TEST_F(SubqueryTest, FindsWhatWasSentAndNeverAccepted) {
  AddMails();
  EXPECT_EQ(Found("@type:Send @id NOT IN (@type:Delivery)"), "s2 s3");
  EXPECT_EQ(Found("@type:Send @id IN (@type:Delivery)"), "s1");
  EXPECT_EQ(Found("@type:Send @id NOT IN (@type:(Delivery OR Bounce))"), "s2");
  EXPECT_EQ(Found("@id IN (@type:Bounce)"), "b3 s3");
}

TEST_F(SubqueryTest, NotInAsksForTheFieldAndNegationDoesNot) {
  AddMails();
  EXPECT_EQ(Found("@id NOT IN (@type:Send)"), "");
  EXPECT_EQ(Found("-@id IN (@type:Send)"), "n");
  EXPECT_EQ(Found("NOT @id IN (@type:Send)"), "n");
  EXPECT_EQ(Found("@id NOT IN (@type:Nothing)"), "b3 d1 s1 s2 s3");
  EXPECT_EQ(Found("@id IN (@type:Nothing)"), "");
}

TEST_F(SubqueryTest, NestsAndStandsAnywhere) {
  AddMails();
  // Who got mail that bounced: everything of those recipients.
  EXPECT_EQ(Found("@to IN (@id IN (@type:Bounce))"), "s1 s3");
  EXPECT_EQ(Found("n OR (@type:Send AND @id IN (@type:Bounce) )"), "n s3");
  EXPECT_EQ(Found("@id  NOT  IN(@type:Delivery) @type:Send"), "s2 s3");
}

TEST_F(SubqueryTest, ComparesNumbersByTheirText) {
  Add(R"({"n":5,"k":1})", "five");
  Add(R"({"n":5.0})", "five-point");
  Add(R"({"n":"5"})", "five-text");
  Add(R"({"n":"5.0"})", "other");
  EXPECT_EQ(Found("@n IN (@k:1)"), "five five-point five-text");
}

TEST_F(SubqueryTest, LooksAtTheSameRangeOfTime) {
  AddMails();
  clock_.Advance(std::chrono::minutes(30));
  Add(R"({"type":"Send","id":"m1"})", "again");
  EXPECT_EQ(Found("@type:Send @id NOT IN (@type:Delivery)"), "again");
}

TEST_F(SubqueryTest, SaysWhatIsWrong) {
  AddMails();
  EXPECT_EQ(Found("@id IN (@type:Send"), "missing closing parenthesis for the one at 8");
  EXPECT_EQ(Found("@i* IN (a)"), "wildcards are not allowed in the field name \"@i*\"");
  EXPECT_EQ(Found("@id IN ()"), "expected a term");
  EXPECT_EQ(Found("@a IN (x) @a IN (x) @a IN (x) @a IN (x) @a IN (x) @a IN (x) @a IN (x) "
                  "@a IN (x) @a IN (x)"),
            "more than 8 queries within a query");
  // Words that are none of it stay words.
  EXPECT_EQ(Found("@id IN x"), "");
  EXPECT_EQ(Found("id IN (n)"), "");
  const auto parsed = Parse("@id IN (x)");
  ASSERT_TRUE(std::holds_alternative<SyntaxError>(parsed));
  EXPECT_EQ(std::get<SyntaxError>(parsed).message,
            "a query within a query (IN) cannot be used here");
}

TEST_F(SubqueryTest, RefusesMoreValuesThanItMayHold) {
  std::vector<store::Event> events;
  for (std::size_t i = 0; i <= kSubqueryValuesMax; ++i) {
    events.push_back(maker_.Log("x", -std::chrono::minutes(1)));
    events.back().attributes = R"({"id":)" + std::to_string(i) + "}";
  }
  maker_.Append(store_, std::move(events));
  EXPECT_EQ(Found("@id IN (x)"),
            "a query within the query (IN) finds more than 50000 values of id; narrow it or the "
            "time range");
}

}  // namespace
}  // namespace postglass::query
