#include "query/domain_report.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/json.h"
#include "base/time_format.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::query {
namespace {

using std::chrono::hours;

class DomainReportTest : public testing::Test {
 protected:
  // An event of the normalised view, as the pipelines leave it.
  void Append(std::string_view name,
              std::string_view id,
              std::string_view address,
              std::chrono::hours ago,
              std::string_view more = "") {
    store::Event event = make_.Log("x", -ago);
    event.attributes = fmt::format(
        R"({{"event":{{"name":"{}"}},"email":{{"local_id":"{}","recipient":{{"address":["{}"],)"
        R"("domain":["{}"]}}}},"mail":{{"messageId":"{}","destination":["{}"],"timestamp":"{}"}}{}}})",
        name,
        id,
        address,
        DomainOf(address),
        id,
        address,
        FormatIso8601Millis(clock_.Now() - ago),
        more);
    make_.Append(store_, {std::move(event)});
  }

  Result<DomainReport> Report(std::string_view domain,
                              std::string_view from = "now-1d",
                              std::string_view to = "now") {
    return reports_.Report(domain, from, to);
  }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  EventMaker make_{clock_};
  QueryRunner runner_{store_, clock_, metrics_, {}};
  DomainReports reports_{runner_, clock_};
};

TEST_F(DomainReportTest, CountsTheDomainsEventsAndThoseBefore) {
  constexpr std::string_view kTook = R"(,"delivery":{"processingTimeMillis":1200}})";
  Append("email.accepted", "m1", "a@Example.com", hours(2));
  Append("email.delivered", "m1", "a@Example.com", hours(2), kTook.substr(0, kTook.size() - 1));
  Append("email.accepted", "m2", "b@example.com", hours(1));
  Append("email.bounced",
         "m2",
         "b@example.com",
         hours(1),
         R"(,"smtp":{"enhanced_code":"5.1.1","response":"550 5.1.1 gone"})");
  Append("email.delivered", "m3", "c@elsewhere.example", hours(1));
  Append("email.delivered", "m0", "a@example.com", hours(30));

  const auto report = Report(" @EXAMPLE.com ");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->domain, "example.com");
  EXPECT_EQ(report->period.events, 4u);
  EXPECT_EQ(report->period.mails, 2u);
  EXPECT_EQ(report->period.acceptance_median_ms, 1'200);
  EXPECT_EQ(report->period.event_names.front(), (store::ValueCount{"email.accepted", 2}));
  EXPECT_EQ(report->before.events, 1u);
  EXPECT_EQ(report->before.acceptance_median_ms, std::nullopt);
  EXPECT_EQ(report->enhanced_codes, (std::vector<store::ValueCount>{{"5.1.1", 1}}));
  EXPECT_EQ(report->replies, (std::vector<store::ValueCount>{{"550 5.1.1 gone", 1}}));
  EXPECT_EQ(report->troubled, (std::vector<store::ValueCount>{{"b@example.com", 1}}));
  EXPECT_EQ(
      report->states,
      (std::map<MailState, std::uint64_t>{{MailState::kAccepted, 1}, {MailState::kRefused, 1}}));
  ASSERT_EQ(report->mails.size(), 1u);
  EXPECT_EQ(report->mails[0].message_id, "m2");
  const auto body = json::ParseObject(DomainReportJson(*report));
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(json::GetInt(*json::GetObject(*body, "period"), "mails"), 2);
  EXPECT_EQ(json::GetBool(*body, "states_incomplete"), false);
}

TEST_F(DomainReportTest, SilenceIsAState) {
  Append("email.accepted", "m1", "a@example.com", hours(1));
  const auto report = Report("example.com");
  ASSERT_EQ(report->mails.size(), 1u);
  EXPECT_EQ(report->mails[0].state, MailState::kNoNews);
}

TEST_F(DomainReportTest, RefusesWhatIsNoDomainOrTime) {
  for (const std::string_view domain : {"", "@", "a@b.example", "a b"}) {
    EXPECT_EQ(Report(domain).error().code, ErrorCode::kInvalidArgument) << domain;
  }
  EXPECT_EQ(Report("a.example", "yesterday").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Report("a.example", "now", "now-1h").error().code, ErrorCode::kInvalidArgument);
  // As far back as there are instants, and before that.
  const auto longest = Report("a.example", "1700-01-01T00:00:00Z", "2261-12-31T00:00:00Z");
  EXPECT_TRUE(longest) << longest.error().message;
}

}  // namespace
}  // namespace postglass::query
