#include "query/catalog.h"

#include <gtest/gtest.h>

#include <variant>

#include "base/random_testing.h"
#include "base/settings_testing.h"
#include "query/facets.h"
#include "query/parser.h"
#include "query/saved_views.h"
#include "store/match.h"
#include "store/types.h"

namespace postglass::query {
namespace {

class CatalogTest : public testing::Test {
 protected:
  std::unique_ptr<Catalog> Load(Catalog::Kind kind) {
    auto catalog = Catalog::Load(settings_, random_, std::move(kind));
    EXPECT_TRUE(catalog);
    return std::move(*catalog);
  }

  static std::string Id(const json::object& document) {
    return json::GetStringOr(document, "id", "");
  }

  static ErrorCode CodeOf(const Result<json::object>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::kInternal : result.error().code;
  }

  MemorySettings settings_;
  SeededRandom random_{1};
};

TEST_F(CatalogTest, KeepsWhatWasMadeOverARestart) {
  const auto facets = Load(FacetKind());
  const std::size_t built_in = facets->List().size();
  const auto made = facets->Create({{"path", "@order.id"}, {"name", "Order"}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(json::GetStringOr(*made, "group", ""), "Others");
  EXPECT_EQ(json::GetBool(*made, "built_in"), false);

  const auto again = Load(FacetKind());
  EXPECT_EQ(again->List().size(), built_in + 1);
  EXPECT_EQ(*again->Get(Id(*made)), *made);
  ASSERT_TRUE(again->Remove(Id(*made)));
  EXPECT_EQ(CodeOf(again->Get(Id(*made))), ErrorCode::kNotFound);
  EXPECT_EQ(Load(FacetKind())->List().size(), built_in);
}

TEST_F(CatalogTest, WhatComesOutGoesInAgain) {
  for (auto kind : {FacetKind(), SavedViewKind()}) {
    const auto catalog = Load(kind);
    for (const json::value& document : catalog->List()) {
      const auto replaced = catalog->Replace(Id(document.get_object()), document.get_object());
      ASSERT_TRUE(replaced) << replaced.error().message;
      EXPECT_EQ(json::GetBool(*replaced, "changed"), true);
      ASSERT_TRUE(catalog->Remove(Id(document.get_object())));
      EXPECT_EQ(*catalog->Get(Id(document.get_object())), document.get_object());
    }
  }
}

TEST_F(CatalogTest, ABuiltInDocumentChangesAndComesBack) {
  const auto facets = Load(FacetKind());
  const json::object before = *facets->Get("subject");
  EXPECT_EQ(facets->Remove("subject").error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(facets->Replace(
      "subject", {{"path", "@mail.commonHeaders.subject"}, {"name", "Betreff"}, {"hidden", true}}));
  EXPECT_EQ(json::GetStringOr(*Load(FacetKind())->Get("subject"), "name", ""), "Betreff");
  ASSERT_TRUE(facets->Remove("subject"));
  EXPECT_EQ(*facets->Get("subject"), before);
}

TEST_F(CatalogTest, TwoDocumentsHaveNotTheSamePath) {
  const auto facets = Load(FacetKind());
  EXPECT_EQ(CodeOf(facets->Create({{"path", "@eventType"}})), ErrorCode::kAlreadyExists);
  const auto made = facets->Create({{"path", "@a"}});
  EXPECT_EQ(CodeOf(facets->Replace(Id(*made), {{"path", "@eventType"}})),
            ErrorCode::kAlreadyExists);
  // Where the built-in one went elsewhere its path is free, and then it cannot come back.
  ASSERT_TRUE(facets->Replace("event-type", {{"path", "@event.name"}}));
  ASSERT_TRUE(facets->Replace(Id(*made), {{"path", "@eventType"}}));
  EXPECT_EQ(facets->Remove("event-type").error().code, ErrorCode::kAlreadyExists);
}

TEST_F(CatalogTest, AFailedWriteChangesNothing) {
  const auto facets = Load(FacetKind());
  settings_.FailApply(Error{ErrorCode::kDiskFull, "full"});
  EXPECT_EQ(CodeOf(facets->Create({{"path", "@a"}})), ErrorCode::kDiskFull);
  EXPECT_EQ(CodeOf(facets->Replace("subject", {{"path", "@b"}})), ErrorCode::kDiskFull);
  settings_.FailApply(std::nullopt);
  EXPECT_EQ(facets->List(), Load(FacetKind())->List());
}

TEST_F(CatalogTest, WhatIsStoredAndWrongIsLeftOut) {
  ASSERT_TRUE(settings_.Put("facet", "bad", R"({"path":7})"));
  ASSERT_TRUE(settings_.Put("facet", "worse", "{"));
  EXPECT_EQ(Load(FacetKind())->List().size(), FacetKind().built_in.size());
}

TEST_F(CatalogTest, FacetsAreChecked) {
  const auto facets = Load(FacetKind());
  const json::object refused[] = {
      {},
      {{"path", ""}},
      {{"path", "@"}},
      {{"path", 7}},
      {{"path", "@a b"}},
      {{"path", "@a"}, {"colour", "red"}},
      {{"path", "@a"}, {"type", "boolean"}},
      {{"path", "@a"}, {"unit", "second"}},
      {{"path", "@a"}, {"type", "integer"}, {"unit", "fortnight"}},
      {{"path", "@a"}, {"display", "range"}},
      {{"path", "@a"}, {"hidden", "yes"}},
      {{"path", "@a"}, {"name", "line\nbreak"}},
      {{"path", "@" + std::string(600, 'a')}},
  };
  for (const json::object& facet : refused) {
    EXPECT_EQ(CodeOf(facets->Create(facet)), ErrorCode::kInvalidArgument) << facet;
  }
  EXPECT_TRUE(facets->Create(
      {{"path", "@took"}, {"type", "double"}, {"unit", "second"}, {"display", "range"}}));
}

TEST_F(CatalogTest, ViewsAreChecked) {
  const auto views = Load(SavedViewKind());
  const json::object refused[] = {
      {{"query", "*"}},
      {{"name", "a"}, {"query", "@a:("}},
      // Closes a parenthesis that is not its own.
      {{"name", "a"}, {"query", "a) OR (b"}},
      {{"name", "a"}, {"from", "yesterday"}},
      {{"name", "a"}, {"columns", "@a"}},
      {{"name", "a"}, {"columns", json::array{"@a", 7}}},
      {{"name", "a"}, {"facets", json::array{""}}},
      {{"name", "a"}, {"sort", "-"}},
      {{"name", "a"}, {"rule", json::array{"@a:b"}}},
      {{"name", "a"}, {"rule", json::array{json::object{{"by", "colour"}, {"value", "x"}}}}},
      {{"name", "a"}, {"rule", json::array{json::object{{"by", "tag"}, {"value", "x"}}}}},
      {{"name", "a"}, {"rule", json::array{json::object{{"by", "subject"}, {"value", ""}}}}},
      {{"name", "Password resets"}},
  };
  for (const json::object& view : refused) {
    EXPECT_FALSE(views->Create(view)) << view;
  }
}

bool Finds(const json::object& view, const std::string& attributes) {
  const auto parsed = Parse(json::GetStringOr(view, "search", ""));
  store::Event event;
  event.attributes = attributes;
  return store::Matcher::Compile(std::get<store::Predicate>(parsed))->Matches(event);
}

TEST_F(CatalogTest, ARuleIsAQuery) {
  const auto views = Load(SavedViewKind());
  const std::string reset =
      R"({"mail":{"commonHeaders":{"subject":"Please reset your password"}}})";
  const std::string code = R"({"mail":{"commonHeaders":{"subject":"A (new) \"code\": 7"}}})";
  const std::string tagged = R"({"mail":{"tags":{"kind of":["reset:now"]}}})";
  EXPECT_TRUE(Finds(*views->Get("password-resets"), reset));
  EXPECT_FALSE(Finds(*views->Get("password-resets"), code));
  const auto rule = [](std::string_view by, std::string_view value) {
    return json::object{{"by", by}, {"value", value}};
  };
  const auto edited = views->Replace("password-resets",
                                     {{"name", "Password resets"},
                                      {"query", "-@eventType:Open"},
                                      {"rule",
                                       json::array{rule("subject", "A (new) \"code\": ?"),
                                                   rule("tag", "kind of:reset:now"),
                                                   rule("template", "reset-*"),
                                                   rule("configuration_set", "resets")}}});
  ASSERT_TRUE(edited) << edited.error().message;
  EXPECT_FALSE(Finds(*edited, reset));
  EXPECT_TRUE(Finds(*edited, code));
  EXPECT_TRUE(Finds(*edited, tagged));
  EXPECT_TRUE(Finds(*edited, R"({"email":{"template":"reset-de"}})"));
  EXPECT_TRUE(Finds(*edited, R"({"mail":{"tags":{"ses:configuration-set":["resets"]}}})"));
  EXPECT_FALSE(Finds(*edited, R"({"eventType":"Open","email":{"template":"reset-de"}})"));
}

TEST_F(CatalogTest, PasswordResetsShowEventTypeAndSubjectFirst) {
  const json::object view = *Load(SavedViewKind())->Get("password-resets");
  const json::array* facets = json::GetArray(view, "facets");
  ASSERT_GE(facets->size(), 2u);
  EXPECT_EQ(facets->at(0), "@eventType");
  EXPECT_EQ(facets->at(1), "@mail.commonHeaders.subject");
}

}  // namespace
}  // namespace postglass::query
