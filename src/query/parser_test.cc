#include "query/parser.h"

#include <gtest/gtest.h>

#include <string>

#include "query/field_names.h"
#include "query/predicate_testing.h"

namespace postglass::query {
namespace {

struct Accepted {
  const char* query;
  const char* ast;
};

class ParserAccepts : public testing::TestWithParam<Accepted> {};

TEST_P(ParserAccepts, GivesTheTree) {
  const auto parsed = Parse(GetParam().query);
  if (const auto* error = std::get_if<SyntaxError>(&parsed)) {
    FAIL() << GetParam().query << " at " << error->position << ": " << error->message;
  }
  EXPECT_EQ(ToText(std::get<store::Predicate>(parsed)), GetParam().ast) << GetParam().query;
}

INSTANTIATE_TEST_SUITE_P(Terms,
                         ParserAccepts,
                         testing::Values(Accepted{"", "all"},
                                         Accepted{" \t ", "all"},
                                         Accepted{"*", "all"},
                                         Accepted{"*:*", "all"},
                                         Accepted{"-*:*", "(not all)"},
                                         Accepted{"NOT *", "(not all)"},
                                         Accepted{"alice", "text=alice"},
                                         Accepted{"alice reset", "(and text=alice text=reset)"},
                                         Accepted{"\"reset password\"", "text=\"reset password\""},
                                         Accepted{"\xE2\x80\x9Creset password\xE2\x80\x9D",
                                                  "text=\"reset password\""},
                                         Accepted{R"("a \"b\" \\ c")", R"(text="a "b" \ c")"},
                                         Accepted{"pass*", "text~pass*"},
                                         Accepted{"*link", "text~*link"},
                                         Accepted{"a**b?c", "text~a*b?c"},
                                         Accepted{"\"a*\"", "text=\"a*\""},
                                         Accepted{R"(a\*b)", "text=a*b"},
                                         Accepted{R"(hello\ world)", "text=hello world"},
                                         Accepted{R"(a\:b)", "text=a:b"},
                                         Accepted{"and", "text=and"},
                                         Accepted{"or", "text=or"},
                                         Accepted{"ANDROID", "text=ANDROID"},
                                         Accepted{"NOTE", "text=NOTE"},
                                         Accepted{"alice@example.org", "text=alice@example.org"},
                                         Accepted{"i-0123=4+5", "text=i-0123=4+5"},
                                         Accepted{"#1707", "text=#1707"},
                                         Accepted{"a\"b c\"d", "(and text=a text=\"b c\" text=d)"},
                                         Accepted{"caf\xC3\xA9", "text=caf\xC3\xA9"}));

INSTANTIATE_TEST_SUITE_P(
    Booleans,
    ParserAccepts,
    testing::Values(Accepted{"a OR b c", "(or text=a (and text=b text=c))"},
                    Accepted{"a b OR c AND d", "(or (and text=a text=b) (and text=c text=d))"},
                    Accepted{"a && b || c", "(or (and text=a text=b) text=c)"},
                    Accepted{"(a OR b) c", "(and (or text=a text=b) text=c)"},
                    Accepted{"(a)(b)", "(and text=a text=b)"},
                    Accepted{"((a))", "text=a"},
                    Accepted{"-a", "(not text=a)"},
                    Accepted{"+a -b", "(and text=a (not text=b))"},
                    Accepted{"NOT a b", "(and (not text=a) text=b)"},
                    Accepted{"NOT(a b)", "(not (and text=a text=b))"},
                    Accepted{"NOT NOT a", "text=a"},
                    Accepted{"NOT -a", "text=a"},
                    Accepted{"a OR -b", "(or text=a (not text=b))"},
                    Accepted{"a AND NOT (b OR c)", "(and text=a (not (or text=b text=c)))"}));

INSTANTIATE_TEST_SUITE_P(
    Fields,
    ParserAccepts,
    testing::Values(
        Accepted{"service:auth -status:info", "(and service=auth (not status=info))"},
        Accepted{"status:WARNING", "status=WARNING"},
        Accepted{"status:Err*", "status~Err*"},
        Accepted{"status:(error OR 4)", "(or status=error status=4)"},
        Accepted{"host:i-0123", "host=i-0123"},
        Accepted{"message:hello", "message=hello"},
        Accepted{"env:prod", "env:=prod"},
        Accepted{"env:*", "exists(env:)"},
        Accepted{"env:p*", "env:~p*"},
        Accepted{"env:(prod OR dev)", "(or env:=prod env:=dev)"},
        Accepted{"env:(prod OR team:core)", "(or env:=prod team:=core)"},
        Accepted{"url:http://x.y/z", "url:=http://x.y/z"},
        Accepted{"tags:canary", "tags=canary"},
        Accepted{"tags:env:prod", "tags=env:prod"},
        Accepted{"@mail.destination:alice@example.org", "@mail.destination=alice@example.org"},
        Accepted{"@mail.destination:(alice@example.org AND bob@x.io)",
                 "(and @mail.destination=alice@example.org @mail.destination=bob@x.io)"},
        Accepted{"@a:(-b c)", "(and (not @a=b) @a=c)"},
        Accepted{R"(@mail.commonHeaders.subject:Password\ reset)",
                 "@mail.commonHeaders.subject=Password reset"},
        Accepted{"@mail.commonHeaders.subject:Password?reset",
                 "@mail.commonHeaders.subject~Password?reset"},
        Accepted{"@mail.commonHeaders.subject:\"Password reset\"",
                 "@mail.commonHeaders.subject=\"Password reset\""},
        Accepted{"@mail:*", "exists(@mail)"},
        Accepted{"-@bounce:*", "(not exists(@bounce))"},
        Accepted{"*:password", "*=password"},
        Accepted{"*:\"a b\"", "*=\"a b\""},
        Accepted{"*:wor*", "*~wor*"},
        Accepted{"*:a b", "(and *=a *=b)"},
        Accepted{"*:a b c AND d e", "(and *=a *=b *=c text=d text=e)"},
        Accepted{"*:a @b:c d", "(and *=a @b=c text=d)"},
        Accepted{"*:a -b", "(and *=a (not text=b))"},
        Accepted{"*:(a OR b) c", "(and (or *=a *=b) text=c)"},
        Accepted{"_exists_:message", "exists(message)"},
        Accepted{"_exists_:@mail.destination", "exists(@mail.destination)"},
        Accepted{"_exists_:\"@a b\"", "exists(@a b)"},
        Accepted{"_exists_:a", "exists(a:)"},
        Accepted{"_missing_:@bounce", "(not exists(@bounce))"},
        Accepted{"-_missing_:@bounce", "(not (not exists(@bounce)))"},
        Accepted{"sender:A@b.org",
                 "(or @mail.source=i:A@b.org @email.from.address=i:A@b.org sender:=i:A@b.org)"},
        Accepted{"sender:*@b.org",
                 "(or @mail.source~i:*@b.org @email.from.address~i:*@b.org sender:~i:*@b.org)"},
        Accepted{"sender:*",
                 "(or exists(@mail.source) exists(@email.from.address) exists(sender:))"},
        Accepted{"\\sender:A", "sender:=A"},
        Accepted{"_exists_:(@a OR b)", "(or exists(@a) exists(b:))"},
        Accepted{"_missing_:(@a OR b)", "(or (not exists(@a)) (not exists(b:)))"}));

// A colon in a path needs no escape; where it may as well belong to the value, both are asked for.
INSTANTIATE_TEST_SUITE_P(
    ColonsInPaths,
    ParserAccepts,
    testing::Values(
        Accepted{"@mail.tags.ses:configuration-set:default",
                 "(or @mail.tags.ses=configuration-set:default "
                 "@mail.tags.ses:configuration-set=default)"},
        Accepted{"@mail.tags.ses:configuration-set:\"a b\"",
                 "@mail.tags.ses:configuration-set=\"a b\""},
        Accepted{"@mail.tags.ses:configuration-set:(a OR b)",
                 "(or @mail.tags.ses:configuration-set=a @mail.tags.ses:configuration-set=b)"},
        Accepted{
            "@mail.tags.ses:configuration-set:*",
            "(or @mail.tags.ses~configuration-set:* exists(@mail.tags.ses:configuration-set))"},
        Accepted{"@a:b:>5", "@a:b>5#5"},
        Accepted{"@a:b:[1 TO 2]", "@a:b in[1#1,2#2]"},
        Accepted{R"(@mail.tags.ses\:configuration-set:default)",
                 "@mail.tags.ses:configuration-set=default"},
        Accepted{"_exists_:@mail.tags.ses:configuration-set",
                 "exists(@mail.tags.ses:configuration-set)"},
        Accepted{"@at:2016-10-14T05\\:02\\:16Z", "@at=2016-10-14T05:02:16Z"}));

INSTANTIATE_TEST_SUITE_P(
    Aliases,
    ParserAccepts,
    testing::Values(
        Accepted{"@evt.name:email.delivered",
                 "(or @evt.name=email.delivered @event.name=email.delivered)"},
        Accepted{"-@usr.email:a@b.c", "(not (or @usr.email=a@b.c @email.recipient.address=a@b.c))"},
        Accepted{"_missing_:@evt.name", "(not (or exists(@evt.name) exists(@event.name)))"},
        Accepted{"@metadata.transport.smtp_code:[500 TO 599]",
                 "(or @metadata.transport.smtp_code in[500#500,599#599] "
                 "@smtp.code in[500#500,599#599])"}));

INSTANTIATE_TEST_SUITE_P(
    Comparisons,
    ParserAccepts,
    testing::Values(Accepted{"@http.status_code:>=500", "@http.status_code>=500#500"},
                    Accepted{"@a:<5", "@a<5#5"},
                    Accepted{"@a:<=-1.5E3", "@a<=-1.5E3#-1500"},
                    Accepted{R"(@a:>\-5)", "@a>-5#-5"},
                    Accepted{"@a:>x", "@a>x"},
                    Accepted{"@a:>\"5\"", "@a>5"},
                    Accepted{"@a:-5", "@a=-5"},
                    Accepted{R"(@a:\-5)", "@a=-5"},
                    Accepted{"env:>5", "env:>5"},
                    Accepted{">5", "text>5"},
                    Accepted{"@a:>2020-01-01T00:00:00Z", "@a>2020-01-01T00:00:00Z"},
                    Accepted{"@a:(>5 AND <=9)", "(and @a>5#5 @a<=9#9)"},
                    Accepted{"@duration:>1ms", "@duration>1ms#1000000"},
                    Accepted{"@duration:>20us", "@duration>20us#20000"},
                    Accepted{"@delivery.processingTimeMillis:>2s",
                             "@delivery.processingTimeMillis>2s#2000"},
                    Accepted{"@network.bytes_read:>=2KB", "@network.bytes_read>=2KB#2000"},
                    Accepted{"@network.bytes_read:>=2KiB", "@network.bytes_read>=2KiB#2048"},
                    Accepted{"@a:[1 TO 6]", "@a in[1#1,6#6]"},
                    Accepted{"@a:{503 TO 600}", "@a in{503#503,600#600}"},
                    Accepted{"@a:[* TO 6]", "@a in[*,6#6]"},
                    Accepted{"@a:[1 TO *]", "@a in[1#1,*]"},
                    Accepted{"@a:[* TO *]", "exists(@a)"},
                    Accepted{"[* TO *]", "all"},
                    Accepted{"[4 TO *]", "text in[4,*]"},
                    Accepted{"env:[1 TO 6]", "env: in[1,6]"},
                    Accepted{"@a:[\"1\" TO \"60\"]", "@a in[1,60]"},
                    Accepted{"@a:[1 TO \"6\"]", "@a in[1,6]"},
                    Accepted{"@a:[ 1  TO  6 ]", "@a in[1#1,6#6]"}));

INSTANTIATE_TEST_SUITE_P(Cidr,
                         ParserAccepts,
                         testing::Values(Accepted{"CIDR(@ip,10.0.0.0/8)", "cidr(@ip,10.0.0.0/8)"},
                                         Accepted{"NOT(CIDR(@ip, 10.0.0.0/8, 2001:db8::/32))",
                                                  "(not cidr(@ip,10.0.0.0/8,2001:db8::/32))"},
                                         Accepted{"-CIDR(@mail.tags.ses:source-ip,192.0.2.1)",
                                                  "(not cidr(@mail.tags.ses:source-ip,192.0.2.1))"},
                                         Accepted{"cidr", "text=cidr"}));

struct Rejected {
  const char* query;
  std::size_t position;
};

class ParserRejects : public testing::TestWithParam<Rejected> {};

TEST_P(ParserRejects, NamesThePlace) {
  const auto parsed = Parse(GetParam().query);
  const auto* error = std::get_if<SyntaxError>(&parsed);
  ASSERT_NE(error, nullptr) << GetParam().query << " gave "
                            << ToText(std::get<store::Predicate>(parsed));
  EXPECT_EQ(error->position, GetParam().position) << GetParam().query << ": " << error->message;
  EXPECT_FALSE(error->message.empty());
}

INSTANTIATE_TEST_SUITE_P(Errors,
                         ParserRejects,
                         testing::Values(Rejected{"@a:", 3},
                                         Rejected{"@a: b", 3},
                                         Rejected{"@a:b:", 5},
                                         Rejected{"env:", 4},
                                         Rejected{":x", 0},
                                         Rejected{"@:x", 1},
                                         Rejected{"(a", 2},
                                         Rejected{"a)", 1},
                                         Rejected{"()", 1},
                                         Rejected{"@a:()", 4},
                                         Rejected{"a AND", 5},
                                         Rejected{"a OR ", 5},
                                         Rejected{"AND a", 0},
                                         Rejected{"a AND OR b", 6},
                                         Rejected{"NOT", 3},
                                         Rejected{"(NOT )", 5},
                                         Rejected{"- a", 0},
                                         Rejected{"a -", 2},
                                         Rejected{"\"abc", 4},
                                         Rejected{"@a:\"abc", 7},
                                         Rejected{"!a", 0},
                                         Rejected{"@a:!b", 3},
                                         Rejected{"@a:-b", 3},
                                         Rejected{"~a", 0},
                                         Rejected{"@a:~b", 3},
                                         Rejected{"=a", 0},
                                         Rejected{"^a", 0},
                                         Rejected{"@a:>", 4},
                                         Rejected{"@a:> 5", 4},
                                         Rejected{"@a:[1 TO 2", 10},
                                         Rejected{"@a:[1 TO 2}", 10},
                                         Rejected{"@a:{1 TO 2]", 10},
                                         Rejected{"@a:[1 2]", 6},
                                         Rejected{"@a:[]", 4},
                                         Rejected{"@a:[1 TO ]", 9},
                                         Rejected{"a]", 1},
                                         Rejected{"}", 0},
                                         Rejected{"@a*:x", 0},
                                         Rejected{"e?v:x", 0},
                                         Rejected{"#n:x", 0},
                                         Rejected{"_exists_:", 9},
                                         Rejected{"_exists_:*", 9},
                                         Rejected{"_exists_:@a*", 9},
                                         Rejected{"_exists_:[1 TO 2]", 9},
                                         Rejected{"CIDR(@a", 7},
                                         Rejected{"CIDR(@a)", 7},
                                         Rejected{"CIDR(@a,x)", 8},
                                         Rejected{"CIDR(@a,10.0.0.0/33)", 8},
                                         Rejected{"CIDR(,10.0.0.0/8)", 5}));

TEST(Parser, BoundsLengthTermsAndDepth) {
  const auto position = [](const std::string& query) {
    const auto parsed = Parse(query);
    const auto* error = std::get_if<SyntaxError>(&parsed);
    return error == nullptr ? std::string::npos : error->position;
  };
  EXPECT_EQ(position(std::string(kQueryBytesMax, 'a')), std::string::npos);
  EXPECT_EQ(position(std::string(kQueryBytesMax + 1, 'a')), kQueryBytesMax);

  std::string terms;
  for (std::size_t i = 0; i < kQueryTermsMax; ++i) terms += "a ";
  EXPECT_EQ(position(terms), std::string::npos);
  EXPECT_EQ(position(terms + "b"), terms.size());

  const std::string open(kQueryDepthMax, '(');
  const std::string close(kQueryDepthMax, ')');
  EXPECT_EQ(position(open + "a" + close), std::string::npos);
  EXPECT_EQ(position("(" + open + "a" + close + ")"), kQueryDepthMax);
  EXPECT_EQ(position(std::string(kQueryBytesMax, '(')), kQueryDepthMax);
  EXPECT_NE(position(std::string(kQueryBytesMax, '-')), std::string::npos);
}

TEST(Parser, QuoteMakesAPhraseOfAnyText) {
  EXPECT_EQ(Quote(R"(a"b\c)"), R"("a\"b\\c")");
  for (const std::string text : {"a", "a \"b\" \\", "*?:()", "\xE2\x80\x9Cx", ""}) {
    const auto parsed = Parse("@a:" + Quote(text));
    ASSERT_TRUE(std::holds_alternative<store::Predicate>(parsed)) << text;
    EXPECT_EQ(std::get<store::TermMatch>(std::get<store::Predicate>(parsed).node).value, text);
  }
}

TEST(FieldNames, AliasesNameOtherPaths) {
  for (const FieldAlias& alias : FieldAliases()) EXPECT_NE(alias.written, alias.stored);
}

}  // namespace
}  // namespace postglass::query
