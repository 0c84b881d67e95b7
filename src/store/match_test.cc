#include "store/match.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random_testing.h"
#include "store/random_events_testing.h"
#include "store/text.h"

namespace postglass::store {
namespace {

using Piece = WildcardMatch::Piece;

// The log of docs/semantics.md.
Event Sample() {
  Event event;
  event.id = EventId::Make(1'700'000'000'000, {1, 2, 3});
  event.timestamp_ms = 1'700'000'000'500;
  event.message = "User Alice reset password-link OK";
  event.status = "error";
  event.service = "auth";
  event.tags = {"env:prod", "canary", "url:http://a", "size:400"};
  event.attributes = R"({"mail":{"destination":["alice@example.org","bob@x.io"],
      "commonHeaders":{"subject":"Password reset"},
      "tags":{"ses:configuration-set":["default"]},"headers":{"X.Y":{"z":1}}},
      "http":{"status_code":503},"duration":1200,"ratio":0.25,"whole":7.0,"ip":"10.1.2.3",
      "a":{"b":[{"Name":"X"},{"Name":"Y","c":[1,[2,"deep"]]}]},"dotted.key":{"more":"v"},
      "flag":true,"nothing":null,"empty":{},"none":[],"hollow":{"x":[null]},"blank":"",
      "big":12345678901234567890123,"title":"Straße ÄRGER","text":"one two"})";
  return event;
}

Field Attribute(std::string path) { return {Field::Kind::kAttribute, std::move(path)}; }

Field Tag(std::string key) { return {Field::Kind::kTag, std::move(key)}; }

Field ReservedField(std::string name) { return {Field::Kind::kReserved, std::move(name)}; }

const Field kText{Field::Kind::kText, ""};
const Field kAllText{Field::Kind::kAllText, ""};
const Field kTags{Field::Kind::kTags, ""};

Predicate Term(Field field, std::string value) {
  return {TermMatch{std::move(field), std::move(value)}};
}

Predicate Quoted(Field field, std::string value) {
  return {TermMatch{std::move(field), std::move(value), true}};
}

Predicate AnyCase(Field field, std::string value) {
  return {TermMatch{std::move(field), std::move(value), false, true}};
}

// '*' and '?' of the text are wildcards.
Predicate Wild(Field field, std::string_view pattern) {
  WildcardMatch match{std::move(field), {}};
  for (const char c : pattern) {
    if (c == '*') {
      match.pieces.push_back({Piece::Kind::kAnyRun, ""});
    } else if (c == '?') {
      match.pieces.push_back({Piece::Kind::kAnyOne, ""});
    } else if (!match.pieces.empty() && match.pieces.back().kind == Piece::Kind::kLiteral) {
      match.pieces.back().literal += c;
    } else {
      match.pieces.push_back({Piece::Kind::kLiteral, std::string(1, c)});
    }
  }
  return {std::move(match)};
}

Operand Number(double number, std::string text) { return {std::move(text), number}; }

Operand Text(std::string text) { return {std::move(text), std::nullopt}; }

Predicate Range(Field field, std::optional<Operand> low, std::optional<Operand> high) {
  return {RangeMatch{std::move(field), std::move(low), std::move(high)}};
}

Predicate Compare(Field field, Comparison::Op op, Operand operand) {
  return {Comparison{std::move(field), op, std::move(operand)}};
}

Predicate Has(Field field) { return {Exists{std::move(field)}}; }

Predicate InBlocks(Field field, std::vector<std::string> blocks) {
  return {CidrMatch{std::move(field), std::move(blocks)}};
}

struct Case {
  const char* name;
  Predicate predicate;
  bool matches;
};

std::vector<Case> Cases() {
  using Op = Comparison::Op;
  return {
      {"word, any case", Term(kText, "ALICE"), true},
      {"part of a word", Term(kText, "lic"), false},
      {"phrase over punctuation", Quoted(kText, "reset password"), true},
      {"phrase in another order", Quoted(kText, "password reset"), false},
      {"term with punctuation is a phrase", Term(kText, "password-link"), true},
      {"punctuation alone", Term(kText, "--"), false},
      {"title is free text", Term(kText, "ärger"), true},
      {"other attributes are not", Term(kText, "deep"), false},
      {"word prefix", Wild(kText, "pass*"), true},
      {"word suffix", Wild(kText, "*link"), true},
      {"wildcard stays in its word", Wild(kText, "User*reset"), false},
      {"question mark for a blank", Wild(kText, "user?alice"), true},
      {"separators in a pattern", Wild(kText, "password-l*"), true},
      {"word begin", Wild(kText, "*ssword?l*k"), true},
      {"not inside a word", Wild(kText, "lic?"), false},
      {"star alone", Wild(kText, "*"), true},
      {"range over text", Range(kText, Text("Us"), Text("Ut")), true},

      {"full text in attributes", Term(kAllText, "PASSWORD"), true},
      {"full text phrase", Quoted(kAllText, "password reset"), true},
      {"phrase stays in one value", Quoted(kAllText, "two alice"), false},
      {"full text deep", Term(kAllText, "deep"), true},
      {"full text number", Term(kAllText, "503"), true},
      {"full text wildcard", Wild(kAllText, "confi*"), false},
      {"full text wildcard value", Wild(kAllText, "exam*"), true},

      {"service", Term(ReservedField("service"), "auth"), true},
      {"service is exact", Term(ReservedField("service"), "Auth"), false},
      {"status", Term(ReservedField("status"), "ERR"), true},
      {"status wildcard", Wild(ReservedField("status"), "E*"), true},
      {"message whole", Term(ReservedField("message"), "Alice"), false},
      {"message wildcard", Wild(ReservedField("message"), "*Alice*"), true},
      {"host missing", Has(ReservedField("host")), false},
      {"index", Term(ReservedField("index"), "main"), true},
      {"id", Term(ReservedField("id"), Sample().id.ToString()), true},
      {"timestamp",
       Compare(ReservedField("timestamp"), Op::kGreater, Number(1.7e12, "1.7e12")),
       true},

      {"tag", Term(Tag("env"), "prod"), true},
      {"tag wildcard", Wild(Tag("env"), "p*"), true},
      {"tag with colon in value", Term(Tag("url"), "http://a"), true},
      {"bare tag is no value", Term(Tag("canary"), ""), false},
      {"bare tag exists", Wild(Tag("canary"), "*"), true},
      {"tag exists", Has(Tag("env")), true},
      {"tag does not", Has(Tag("en")), false},
      {"whole tag", Term(kTags, "canary"), true},
      {"tags compare as text", Compare(Tag("size"), Op::kGreater, Number(50, "50")), false},

      {"array element", Term(Attribute("mail.destination"), "bob@x.io"), true},
      {"whole value only", Term(Attribute("mail.destination"), "bob"), false},
      {"case-sensitive", Term(Attribute("mail.destination"), "Bob@x.io"), false},
      {"ignoring case", AnyCase(Attribute("mail.destination"), "BOB@x.io"), true},
      {"wildcard", Wild(Attribute("mail.destination"), "*@example.org"), true},
      {"wildcard in the middle", Wild(Attribute("mail.destination"), "a*@*.org"), true},
      {"wildcard too long", Wild(Attribute("mail.destination"), "bob@x.io?"), false},
      {"one character", Wild(Attribute("mail.commonHeaders.subject"), "Password?reset"), true},
      {"key with colon", Term(Attribute("mail.tags.ses:configuration-set"), "default"), true},
      {"key with dot", Term(Attribute("dotted.key.more"), "v"), true},
      {"key with dot below", Term(Attribute("mail.headers.X.Y.z"), "1"), true},
      {"arrays of objects", Term(Attribute("a.b.Name"), "Y"), true},
      {"arrays of arrays", Term(Attribute("a.b.c"), "deep"), true},
      {"number by digits", Term(Attribute("http.status_code"), "503"), true},
      {"number quoted", Quoted(Attribute("http.status_code"), "503"), true},
      {"number in another form", Term(Attribute("http.status_code"), "5.03e2"), true},
      {"quoted keeps the form", Quoted(Attribute("http.status_code"), "5.03e2"), false},
      {"number by prefix", Wild(Attribute("http.status_code"), "5*"), true},
      {"whole double", Term(Attribute("whole"), "7"), true},
      {"fraction", Term(Attribute("ratio"), "0.250"), true},
      {"boolean", Term(Attribute("flag"), "true"), true},
      {"beyond 64 bits", Compare(Attribute("big"), Op::kGreater, Number(1e22, "1e22")), true},
      {"range", Range(Attribute("http.status_code"), Number(500, "500"), Number(599, "599")), true},
      {"range as text", Range(Attribute("http.status_code"), Text("5"), Text("6")), true},
      {"open range", Range(Attribute("duration"), Number(1000, "1000"), std::nullopt), true},
      {"comparison", Compare(Attribute("duration"), Op::kLess, Number(1200, "1200")), false},
      {"or equal", Compare(Attribute("duration"), Op::kLessEqual, Number(1200, "1200")), true},
      {"strings compare as text", Compare(Attribute("ip"), Op::kGreater, Number(9, "9")), false},
      {"object exists", Has(Attribute("mail")), true},
      {"null does not", Has(Attribute("nothing")), false},
      {"empty object does not", Has(Attribute("empty")), false},
      {"empty array does not", Has(Attribute("none")), false},
      {"nulls below do not", Has(Attribute("hollow")), false},
      {"empty string does", Has(Attribute("blank")), true},
      {"object has no value", Term(Attribute("mail"), "x"), false},
      {"cidr", InBlocks(Attribute("ip"), {"192.168.0.0/16", "10.0.0.0/8"}), true},
      {"not in block", InBlocks(Attribute("ip"), {"10.2.0.0/15"}), false},
      {"mapped block", InBlocks(Attribute("ip"), {"::ffff:10.1.2.3"}), true},
      {"no address", InBlocks(Attribute("text"), {"0.0.0.0/0"}), false},

      {"all", {MatchAll{}}, true},
      {"none", {MatchNone{}}, false},
      {"not", {Not{std::make_shared<Predicate>(Term(kText, "alice"))}}, false},
      {"and",
       {And{{Term(Attribute("flag"), "true"), Term(ReservedField("service"), "auth")}}},
       true},
      {"or", {Or{{Term(Attribute("flag"), "false"), Term(ReservedField("service"), "x")}}}, false},
  };
}

TEST(Matcher, FollowsTheRulesOfTheSearchLanguage) {
  const Event event = Sample();
  const Result<json::object> attributes = json::ParseObject(event.attributes);
  ASSERT_TRUE(attributes);
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    const Result<Matcher> matcher = Matcher::Compile(c.predicate);
    ASSERT_TRUE(matcher) << matcher.error().message;
    EXPECT_EQ(matcher->Matches(event), c.matches);
    if (std::string_view(c.name) == "id") continue;
    const Reserved reserved{event.timestamp_ms,
                            event.message,
                            event.status,
                            event.service,
                            event.source,
                            event.host,
                            event.tags};
    EXPECT_EQ(matcher->MatchesObject(reserved, *attributes), c.matches);
  }
}

std::vector<Matcher> CompileEach(const std::vector<Predicate>& predicates) {
  std::vector<Matcher> matchers;
  for (const Predicate& predicate : predicates) {
    Result<Matcher> matcher = Matcher::Compile(predicate);
    EXPECT_TRUE(matcher) << matcher.error().message;
    if (matcher) matchers.push_back(std::move(*matcher));
  }
  return matchers;
}

// What an OR of them means.
bool AnyOf(const std::vector<Matcher>& alone, const Event& event) {
  return std::any_of(
      alone.begin(), alone.end(), [&](const Matcher& matcher) { return matcher.Matches(event); });
}

// Terms on one field are looked up in a set. It finds what each of them finds: texts, texts in any
// letter case, numbers in any form.
TEST(Matcher, TermsOnOneFieldMeanTogetherWhatTheyMeanAlone) {
  constexpr std::array<const char*, 14> kValues = {R"("x")",
                                                   R"("X")",
                                                   R"("5e2")",
                                                   R"("5E2")",
                                                   R"("500")",
                                                   "500",
                                                   "5e2",
                                                   "1e22",
                                                   "-0.0",
                                                   "0.25",
                                                   R"("")",
                                                   "true",
                                                   "null",
                                                   R"([{"deep":1},"x",[500]])"};
  constexpr std::array<const char*, 12> kTerms = {
      "x", "X", "5e2", "5E2", "500", "500.0", "1E+22", "-0.0", ".25", "", "TRUE", "no such"};
  std::vector<Predicate> terms;
  for (const char* text : kTerms) {
    for (const bool quoted : {false, true}) {
      for (const bool ignore_case : {false, true}) {
        terms.push_back({TermMatch{Attribute("a"), text, quoted, ignore_case}});
      }
    }
  }
  std::vector<Event> events;
  for (const char* value : kValues) {
    events.emplace_back().attributes = std::string(R"({"a":)") + value + "}";
  }
  for (const Predicate& one : terms) {
    for (const Predicate& other : terms) {
      const std::vector<Matcher> alone = CompileEach({one, other});
      const Result<Matcher> together = Matcher::Compile({Or{{one, other}}});
      ASSERT_TRUE(together);
      for (const Event& event : events) {
        EXPECT_EQ(together->Matches(event), AnyOf(alone, event))
            << std::get<TermMatch>(one.node).value << " or "
            << std::get<TermMatch>(other.node).value << " in " << event.attributes;
      }
    }
  }
}

// The same over fields of all kinds, mixed with other predicates and with an OR inside the OR.
TEST(Matcher, AnOrMeansAnyOfItsPartsHoweverItIsGrouped) {
  constexpr int kQuestions = 400;
  constexpr std::uint32_t kEvents = 40;
  SeededRandom random(20'240'501);
  std::vector<Event> events;
  for (std::uint32_t n = 0; n < kEvents; ++n) events.push_back(RandomEvent(random, n).event);
  int found = 0;
  for (int question = 0; question < kQuestions; ++question) {
    SCOPED_TRACE(question);
    std::vector<Predicate> parts;
    for (std::uint64_t n = 2 + random.Below(20); n > 0; --n) {
      Predicate part = RandomPredicate(random, random.Below(4) == 0 ? 1 : 0);
      // A pattern cut inside a character is refused.
      if (Matcher::Compile(part)) parts.push_back(std::move(part));
    }
    const auto middle = parts.begin() + static_cast<std::ptrdiff_t>(random.Below(parts.size() + 1));
    std::vector<Predicate> outer(middle, parts.end());
    outer.push_back({Or{{parts.begin(), middle}}});
    const Result<Matcher> flat = Matcher::Compile({Or{parts}});
    const Result<Matcher> nested = Matcher::Compile({Or{outer}});
    ASSERT_TRUE(flat);
    ASSERT_TRUE(nested);
    const std::vector<Matcher> alone = CompileEach(parts);
    for (const Event& event : events) {
      const bool expected = AnyOf(alone, event);
      EXPECT_EQ(flat->Matches(event), expected);
      EXPECT_EQ(nested->Matches(event), expected);
      found += expected ? 1 : 0;
    }
  }
  // Neither all nor nothing, so that the comparison says something.
  EXPECT_GT(found, kQuestions);
  EXPECT_LT(found, kQuestions * static_cast<int>(kEvents) * 19 / 20);
}

TEST(Matcher, AStatusInASetMayBeSpelledInEveryWay) {
  const Result<Matcher> matcher = Matcher::Compile(
      {Or{{Term(ReservedField("status"), "WARNING"), Term(ReservedField("status"), "Err")}}});
  ASSERT_TRUE(matcher);
  EXPECT_TRUE(matcher->Matches(Sample()));
}

TEST(Matcher, RefusesABlockThatIsNone) {
  const Result<Matcher> matcher = Matcher::Compile(InBlocks(Attribute("ip"), {"10.0.0.0/33"}));
  ASSERT_FALSE(matcher);
  EXPECT_EQ(matcher.error().code, ErrorCode::kInvalidArgument);
}

TEST(Matcher, TreatsUnreadableAttributesAsNone) {
  Event event;
  event.attributes = R"({"a":"b")";
  EXPECT_FALSE(Matcher::Compile(Has(Attribute("a")))->Matches(event));
}

TEST(Matcher, CountsEachOfDuplicateKeysBesideANumberBeyond64Bits) {
  Event event;
  event.attributes =
      R"({"a":"x","a":"y","n":123456789012345678901234567890,"t":"1234567890123456789012 \"3"})";
  EXPECT_TRUE(Matcher::Compile(Term(Attribute("a"), "x"))->Matches(event));
  EXPECT_TRUE(Matcher::Compile(Term(Attribute("a"), "y"))->Matches(event));
  EXPECT_TRUE(Matcher::Compile(Term(Attribute("n"), "1.2345678901234568e+29"))->Matches(event));
  EXPECT_TRUE(Matcher::Compile(Term(Attribute("t"), "1234567890123456789012 \"3"))->Matches(event));
}

TEST(Matcher, SaysWhatItReads) {
  EXPECT_FALSE(Matcher::Compile({MatchAll{}})->reads_fields());
  EXPECT_FALSE(Matcher::Compile(Has(ReservedField("timestamp")))->reads_fields());
  EXPECT_TRUE(Matcher::Compile(Term(Tag("a"), "b"))->reads_fields());
  EXPECT_FALSE(Matcher::Compile(Term(Tag("a"), "b"))->reads_attributes());
  EXPECT_TRUE(Matcher::Compile(Term(kText, "b"))->reads_attributes());
}

TEST(Text, FoldsOneCodePointToOne) {
  EXPECT_EQ(Fold("ABC ÄÖÜ ŁÓDŹ Ÿ ΑΣς ДЁ ß×"), "abc äöü łódź ÿ ασσ дё ß×");
  EXPECT_EQ(Fold("\xFF\xC3"), "\xFF\xC3");
}

TEST(Text, CutsWords) {
  const std::string text = "  Grüße,—a_b «c»\xFF d";
  Words words(text);
  EXPECT_EQ(words.Next(), "Grüße");
  EXPECT_EQ(words.Next(), "a_b");
  EXPECT_EQ(words.Next(), "c");
  EXPECT_EQ(words.Next(), "\xFF");
  EXPECT_EQ(words.Next(), "d");
  EXPECT_EQ(words.Next(), "");
}

TEST(EventId, HasOneTextThatReadsBack) {
  const EventId id = EventId::Make(1'700'000'000'000, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
  const std::string text = id.ToString();
  EXPECT_TRUE(text.starts_with("AQAA")) << text;
  EXPECT_EQ(EventId::Parse(text), id);
  EXPECT_FALSE(EventId::Parse("AQAA"));
  EXPECT_FALSE(EventId::Parse("BQAA" + text.substr(4)));
  EXPECT_LT(EventId::Make(1, {255}), EventId::Make(2, {}));
}

TEST(NumberText, IsOneFormANumber) {
  EXPECT_EQ(NumberText(7.0), "7");
  EXPECT_EQ(NumberText(-0.0), "0");
  EXPECT_EQ(NumberText(0.1), "0.1");
  EXPECT_EQ(NumberText(1e22), "1e+22");
}

}  // namespace
}  // namespace postglass::store
