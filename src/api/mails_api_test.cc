#include "api/mails_api.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/json.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::api {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class MailsApiTest : public testing::Test {
 protected:
  MailsApiTest() {
    query::EventMaker::Mail mail;
    mail.message_id = "0100/a b";
    mail.requested_at = clock_.Now() - minutes(5);
    make_.Append(store_, {make_.Send(mail), make_.Delivery(mail, seconds(2))});
  }

  net::HttpResponse Get(std::string target, std::string method = "GET") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    EXPECT_TRUE(MailsApi::Handles(request.path())) << request.target;
    return api_.Handle(request);
  }

  static std::string TextAt(const net::HttpResponse& response, std::string_view path) {
    const Result<json::object> body = json::ParseObject(response.body);
    EXPECT_TRUE(body) << response.body;
    const json::value* value = body ? json::FindPath(*body, path) : nullptr;
    if (value == nullptr || !value->is_string()) return "(none)";
    return std::string(std::string_view(value->get_string()));
  }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  query::EventMaker make_{clock_};
  query::QueryRunner runner_{store_, clock_, metrics_, {}};
  query::AnswerService answers_{runner_, clock_};
  query::DomainReports domains_{runner_, clock_};
  MailsApi api_{answers_, domains_};
};

TEST_F(MailsApiTest, AnswersAboutAnAddress) {
  const auto answer = Get("/api/v2/postglass/answer?address=Alice%20%3Calice%40example.com%3E");
  EXPECT_EQ(TextAt(answer, "asked"), "alice@example.com");
  EXPECT_EQ(TextAt(answer, "mails.0.state"), "accepted");
  EXPECT_EQ(TextAt(answer, "mails.0.timeline.1.type"), "Delivery");
  EXPECT_EQ(Get("/api/v2/postglass/answer").status, 400);
  EXPECT_EQ(Get("/api/v2/postglass/answer?address=").status, 400);
}

TEST_F(MailsApiTest, ShowsAMail) {
  const auto detail = Get("/api/v2/postglass/mails/0100%2Fa%20b");
  EXPECT_EQ(detail.status, 200);
  EXPECT_EQ(TextAt(detail, "events.0.attributes.eventType"), "Send");
  EXPECT_EQ(TextAt(detail, "mails.0.attempts.0.server_words"), "250 2.0.0 OK");
  EXPECT_EQ(Get("/api/v2/postglass/mails/none").status, 404);
  EXPECT_EQ(Get("/api/v2/postglass/mails/").status, 400);
}

TEST_F(MailsApiTest, ShowsAMailOnATerminal) {
  const auto text = Get("/api/v2/postglass/mails/0100%2Fa%20b?format=terminal");
  EXPECT_EQ(text.headers.Get("X-Postglass-Found"), "true");
  EXPECT_NE(text.body.find("Accepted by example.com"), std::string::npos) << text.body;
  EXPECT_EQ(text.body.find('\x1b'), std::string::npos);
  EXPECT_NE(Get("/api/v2/postglass/mails/0100%2Fa%20b?format=terminal_color").body.find('\x1b'),
            std::string::npos);
  EXPECT_EQ(Get("/api/v2/postglass/mails/0100%2Fa%20b?format=pdf").status, 400);
}

TEST_F(MailsApiTest, ShowsARecipientAndADomain) {
  const auto recipient = Get("/api/v2/postglass/recipients/Alice@Example.com");
  EXPECT_EQ(TextAt(recipient, "domain"), "example.com");
  EXPECT_EQ(TextAt(recipient, "last_accepted.message_id"), "0100/a b");
  EXPECT_EQ(Get("/api/v2/postglass/recipients/alice").status, 400);
  EXPECT_EQ(TextAt(Get("/api/v2/postglass/domains/EXAMPLE.com?from=now-1h"), "domain"),
            "example.com");
  EXPECT_EQ(Get("/api/v2/postglass/domains/example.com?from=x").status, 400);
  EXPECT_EQ(Get("/api/v2/postglass/domains/").status, 400);
  EXPECT_EQ(Get("/api/v2/postglass/domains/example.com", "POST").status, 405);
}

}  // namespace
}  // namespace postglass::api
