// The language from text to answer: parser and matcher together.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/json.h"
#include "query/parser.h"
#include "query/predicate_testing.h"
#include "store/match.h"

namespace postglass::query {
namespace {

bool Matches(const std::string& query, const store::Event& event) {
  const auto parsed = Parse(query);
  if (const auto* error = std::get_if<SyntaxError>(&parsed)) {
    ADD_FAILURE() << query << ": " << error->message;
    return false;
  }
  const auto matcher = store::Matcher::Compile(std::get<store::Predicate>(parsed));
  if (!matcher) {
    ADD_FAILURE() << query << ": " << matcher.error().message;
    return false;
  }
  return matcher->Matches(event);
}

std::string AsText(const json::value& value) {
  return value.is_string() ? std::string(std::string_view(value.get_string()))
                           : json::Serialize(value);
}

store::Event EventOf(const json::object& log) {
  store::Event event;
  json::object attributes;
  for (const auto& member : log) {
    const std::string_view name = member.key();
    if (name == "message") {
      event.message = AsText(member.value());
    } else if (name == "host") {
      event.host = AsText(member.value());
    } else if (name == "tags") {
      for (const json::value& tag : member.value().as_array()) event.tags.push_back(AsText(tag));
    } else {
      attributes[name] = member.value();
    }
  }
  event.attributes = json::Serialize(attributes);
  return event;
}

TEST(SearchLanguage, AnswersThePublishedCases) {
  std::ifstream in(POSTGLASS_SOURCE_DIR "/tests/data/search/cases.json");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const Result<json::value> cases = json::Parse(text);
  ASSERT_TRUE(cases) << cases.error().message;
  ASSERT_GT(cases->as_array().size(), 100u);
  for (const json::value& value : cases->as_array()) {
    const json::object& c = value.as_object();
    const std::string query = json::GetStringOr(c, "query", "");
    EXPECT_EQ(Matches(query, EventOf(*json::GetObject(c, "event"))), *json::GetBool(c, "matches"))
        << json::GetStringOr(c, "name", "") << ": " << query;
  }
}

// The documented examples: one log, many questions.
TEST(SearchLanguage, AnswersTheDocumentedExamples) {
  store::Event event;
  event.message = "User Alice reset password-link OK";
  event.service = "auth";
  event.status = "error";
  event.tags = {"env:prod", "canary"};
  event.attributes =
      R"({"mail":{"destination":["alice@example.org","bob@x.io"],"commonHeaders":{"subject":)"
      R"("Password reset"},"tags":{"ses:configuration-set":["default"]}},)"
      R"("http":{"status_code":503},"duration":1200,"ip":"10.1.2.3",)"
      R"("a":{"b":[{"Name":"X"},{"Name":"Y"}]},"event":{"name":"email.delivered"},)"
      R"("email":{"recipient":{"address":["alice@example.org"]}}})";

  const struct {
    const char* query;
    bool matches;
  } cases[] = {
      {"", true},
      {"*", true},
      {"*:*", true},
      {"NOT *", false},
      {"-*:*", false},
      {"alice reset", true},
      {"ALICE RESET", true},
      {"\"reset password\"", true},
      {"\"password reset\"", false},
      {"pass*", true},
      {"*link", true},
      {"lic", false},
      {"service:auth -status:info", true},
      {"service:Auth", false},
      {"status:ERROR", true},
      {"env:prod", true},
      {"env:(prod OR dev)", true},
      {"env:p*", true},
      {"env:*", true},
      {"canary:*", true},
      {"tags:canary", true},
      {"canary", false},
      {"@mail.destination:alice@example.org", true},
      {"@mail.destination:alice", false},
      {"@mail.destination:*@example.org", true},
      {"@mail.destination:alice*", true},
      {"@mail.destination:Alice@example.org", false},
      {"@mail.commonHeaders.subject:\"Password reset\"", true},
      {R"(@mail.commonHeaders.subject:Password\ reset)", true},
      {"@mail.commonHeaders.subject:Password?reset", true},
      {"@mail.commonHeaders.subject:Password", false},
      {"*:password", true},
      {"*:\"password reset\"", true},
      {"*:RESET", true},
      {"*:alice bob", true},
      {"@http.status_code:[500 TO 599]", true},
      {"@http.status_code:>=500", true},
      {"@http.status_code:503", true},
      {"@http.status_code:\"503\"", true},
      {"@http.status_code:5*", true},
      {"@http.status_code:{503 TO 600}", false},
      {"@duration:>1us", true},  // nanoseconds, as the standard attribute
      {"@duration:>1ms", false},
      {"@mail:*", true},
      {"_exists_:@mail.destination", true},
      {"-@bounce:*", true},
      {"_missing_:@bounce", true},
      {"@mail.destination:(alice@example.org AND bob@x.io)", true},
      {"CIDR(@ip,10.0.0.0/8)", true},
      {"NOT(CIDR(@ip,10.0.0.0/8, 192.168.0.0/16))", false},
      {"@a.b.Name:X", true},
      {"@mail.tags.ses:configuration-set:default", true},
      {"@mail.tags.ses:configuration-set:other", false},
      {"@evt.name:email.delivered", true},
      {"@usr.email:alice@example.org", true},
      {"a OR service:auth env:dev", false},
      {"service:auth OR a b", true},
  };

  for (const auto& c : cases) EXPECT_EQ(Matches(c.query, event), c.matches) << c.query;
}

}  // namespace
}  // namespace postglass::query
