#include "mail/templates/handlebars.h"

#include <gtest/gtest.h>

namespace postglass::mail {
namespace {

std::string Render(std::string_view text, std::string_view data, const RenderLimits& limits = {}) {
  const Result<HandlebarsTemplate> parsed = HandlebarsTemplate::Parse(text);
  if (!parsed) return "parse: " + parsed.error().message;
  const Result<std::string> rendered = parsed->Render(json::ParseObject(data).value(), limits);
  return rendered ? *rendered : "render: " + rendered.error().message;
}

struct Case {
  std::string_view text;
  std::string_view data;
  std::string_view rendered;
};

TEST(Handlebars, Values) {
  const Case cases[] = {
      {"", "{}", ""},
      {"no tags } }} {", "{}", "no tags } }} {"},
      {"Hi {{name}}!", R"({"name":"Ann"})", "Hi Ann!"},
      {"{{ a.b.c }}", R"({"a":{"b":{"c":7}}})", "7"},
      {"{{a/b}}", R"({"a":{"b":true}})", "true"},
      {"{{list.1}} {{list.[0]}}", R"({"list":["x","y"]})", "y x"},
      {"{{[odd name].[x.y]}}", R"({"odd name":{"x.y":1.5}})", "1.5"},
      // SES escapes nothing.
      {"{{x}}{{{x}}}{{&x}}", R"({"x":"<&\">"})", "<&\"><&\"><&\">"},
      {"a{{x}}b", R"({"x":null})", "ab"},
      {"{{x}}", R"({"x":[1,"a",{}]})", R"([1,"a",{}])"},
      {"a {{~ x ~}} b", R"({"x":"-"})", "a-b"},
      {"a\n{{~! gone ~}}\n b", "{}", "ab"},
      {"a{{! one }}b{{!-- two }} --}}c{{!----}}d", "{}", "abcd"},
      {R"(\{{x}} \\{{x}})", R"({"x":1})", R"({{x}} \1)"},
      {"{{\"text\"}}{{5}}{{true}}", "{}", "text5true"},
      {"{{ses:openTracker}}{{ amazonSESUnsubscribeUrl }}",
       "{}",
       "{{ses:openTracker}}{{ amazonSESUnsubscribeUrl }}"},
      {"{{this.x}}{{./x}}{{@root.x}}", R"({"x":1})", "111"},
      {"{{first-name}}{{ünï}}", R"({"first-name":"A","ünï":"B"})", "AB"},
  };
  for (const Case& c : cases) EXPECT_EQ(Render(c.text, c.data), c.rendered) << c.text;
}

TEST(Handlebars, Blocks) {
  const Case cases[] = {
      {"{{#if x}}yes{{else}}no{{/if}}", R"({"x":true})", "yes"},
      {"{{#if x}}yes{{else}}no{{/if}}", "{}", "no"},
      {"{{#if x}}yes{{^}}no{{/if}}", R"({"x":""})", "no"},
      {"{{#if x}}yes{{/if}}", R"({"x":0})", ""},
      {"{{#if x}}yes{{/if}}", R"({"x":[]})", ""},
      {"{{#if x}}yes{{/if}}", R"({"x":{}})", "yes"},
      {"{{#if a}}A{{else if b}}B{{else}}C{{/if}}", R"({"b":1})", "B"},
      {"{{#if a}}A{{else if b}}B{{else}}C{{/if}}", "{}", "C"},
      {"{{#unless x}}no{{else}}yes{{/unless}}", R"({"x":1})", "yes"},
      {"{{#each l}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}",
       R"({"l":["a","b"]})",
       "0a,1b"},
      {"{{#each l}}{{n}}{{else}}none{{/each}}", R"({"l":[]})", "none"},
      {"{{#each l}}{{n}}{{else}}none{{/each}}", "{}", "none"},
      {"{{#each o}}{{@key}}={{.}};{{/each}}", R"({"o":{"a":1,"b":2}})", "a=1;b=2;"},
      {"{{#each l as |v k|}}{{k}}{{v.n}}{{/each}}", R"({"l":[{"n":"x"}]})", "0x"},
      {"{{#each l}}{{../x}}{{@root.x}}{{x}}{{/each}}", R"({"x":"o","l":[{"x":"i"}]})", "ooi"},
      // A name that the inner value lacks is looked for around it.
      {"{{#each l}}{{x}}{{/each}}", R"({"x":"o","l":[1,2]})", "oo"},
      {"{{#each l}}{{#each this}}{{@../index}}{{@index}} {{/each}}{{/each}}",
       R"({"l":[["a"],["b","c"]]})",
       "00 10 11 "},
      {"{{#with a}}{{b}}{{else}}none{{/with}}", R"({"a":{"b":1}})", "1"},
      {"{{#with a}}{{b}}{{else}}none{{/with}}", "{}", "none"},
      {"{{#l}}{{.}}{{/l}}{{^l}}none{{/l}}", R"({"l":[1,2]})", "12"},
      {"{{#l}}{{.}}{{/l}}{{^l}}none{{/l}}", R"({"l":false})", "none"},
      {"{{#o}}{{a}}{{/o}}", R"({"o":{"a":1}})", "1"},
      {"{{#each l}}{{lookup ../names @index}}{{/each}}", R"({"l":[0,0],"names":["a","b"]})", "ab"},
      {"{{lookup o k}}", R"({"o":{"a":1},"k":"a"})", "1"},
      {"{{#*inline \"n\"}}<{{x}}>{{/inline}}{{> n}}{{#each l}}{{> n}}{{/each}}",
       R"({"x":1,"l":[{"x":2}]})",
       "<1><2>"},
      {"{{> n}}{{#* inline 'n'}}x{{/inline}}", "{}", "x"},
      {"{{#*inline \"n\"}}{{x}}{{y}}{{/inline}}{{> n a y=\"k\"}}", R"({"a":{"x":1}})", "1k"},
      {"{{#if a~}} \n x {{~/if}}", R"({"a":1})", "x"},
  };
  for (const Case& c : cases) EXPECT_EQ(Render(c.text, c.data), c.rendered) << c.text;
}

TEST(Handlebars, WhatIsMissingFailsInTheWordsOfSes) {
  const Case cases[] = {
      {"{{x}}", "{}", "render: Attribute 'x' is not present in the rendering data."},
      {"{{a.b}}", R"({"a":1})", "render: Attribute 'a.b' is not present in the rendering data."},
      {"{{l.9}}", R"({"l":[1]})", "render: Attribute 'l.9' is not present in the rendering data."},
      {"{{../x}}", R"({"x":1})", "render: Attribute '../x' is not present in the rendering data."},
      {"{{#each l}}{{n}}{{/each}}",
       R"({"l":[{"n":1},{}]})",
       "render: Attribute 'n' is not present in the rendering data."},
      {"{{@index}}", "{}", "render: Attribute '@index' is not present in the rendering data."},
      {"{{#*inline \"n\"}}{{/inline}}{{> n gone}}",
       "{}",
       "render: Attribute 'gone' is not present in the rendering data."},
      {"{{upper x}}", R"({"x":"a"})", "render: could not find helper: 'upper'"},
  };
  for (const Case& c : cases) EXPECT_EQ(Render(c.text, c.data), c.rendered) << c.text;
}

TEST(Handlebars, BadTemplatesNameThePlace) {
  const Case cases[] = {
      {"ab{{x", "", "}} is missing at byte 2"},
      {"{{}}", "", "an empty tag at byte 0"},
      {"{{#if x}}", "", "{{#if}} is not closed at byte 0"},
      {"{{#if x}}{{/each}}", "", "{{#if}} is not closed at byte 0"},
      {"{{#if x}}{{else}}{{else}}{{/if}}", "", "{{#if}} is not closed at byte 0"},
      {"x{{/if}}", "", "{{/if}} closes nothing at byte 1"},
      {"{{#if}}{{/if}}", "", "an empty tag at byte 0"},
      {"{{#if a b}}{{/if}}", "", "{{#if}} takes one value at byte 0"},
      {"{{#upper a}}{{/upper}}", "", "the helper 'upper' is not known at byte 0"},
      {"{{> gone}}", "", "the partial 'gone' does not exist at byte 0"},
      {"{{#*inline n}}{{/inline}}", "", "an inline partial has no name at byte 0"},
      {"{{a..b}}", "", "a bad path at byte 0"},
      {"{{a.}}", "", "a path ends with a dot at byte 0"},
      {"{{@other}}", "", "'@other' is not known at byte 0"},
      {"{{lookup (a) b}}", "", "helpers within helpers are not known at byte 0"},
      {"{{{{raw}}}}", "", "raw blocks are not known at byte 0"},
      {"{{'x}}", "", "' is missing at byte 0"},
      {"{{a<b}}", "", "'a<b' is no name at byte 0"},
      {"{{!-- x }}", "", "}} is missing at byte 0"},
      {"{{else}}", "", "{{/}} closes nothing at byte 0"},
  };
  for (const Case& c : cases) {
    const Result<HandlebarsTemplate> parsed = HandlebarsTemplate::Parse(c.text);
    ASSERT_FALSE(parsed) << c.text;
    EXPECT_EQ(parsed.error().message, c.rendered) << c.text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Handlebars, NothingGrowsWithoutBound) {
  const Case cases[] = {
      {"{{#*inline \"n\"}}{{> n}}{{/inline}}{{> n}}",
       "{}",
       "render: Parts of the template are nested too deep."},
      {"{{#each l}}{{#each @root.l}}{{/each}}{{/each}}",
       R"({"l":[1,1,1,1,1,1,1,1,1,1]})",
       "render: Rendering the template takes too many steps."},
      {"{{x}}{{x}}", R"({"x":"123456"})", "render: The rendered template is too long."},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Render(c.text, c.data, {.bytes_max = 10, .steps_max = 100}), c.rendered) << c.text;
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "{{#if x}}";
  EXPECT_TRUE(Render(deep, "{}").starts_with("parse: blocks are nested too deep"));
  std::string chain = "{{#if x}}";
  for (int i = 0; i < 100; ++i) chain += "{{else if x}}";
  EXPECT_TRUE(Render(chain, "{}").starts_with("parse: blocks are nested too deep"));
}

}  // namespace
}  // namespace postglass::mail
