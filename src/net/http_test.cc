#include "net/http.h"

#include <gtest/gtest.h>

namespace postglass::net {
namespace {

TEST(Headers, NamesCompareWithoutRegardToCase) {
  Headers headers = {{"Content-Type", "a"}, {"X-One", "1"}, {"x-one", "2"}};
  EXPECT_EQ(headers.Get("content-TYPE"), "a");
  EXPECT_EQ(headers.Find("x-ONE"), "1");
  EXPECT_EQ(headers.Find("missing"), std::nullopt);
  EXPECT_EQ(headers.Get("missing"), "");
}

TEST(Headers, SetReplacesAllOfThatName) {
  Headers headers = {{"X-One", "1"}, {"B", "b"}, {"x-one", "2"}};
  headers.Set("X-ONE", "3");
  EXPECT_EQ(headers.size(), 2U);
  EXPECT_EQ(headers.Get("x-one"), "3");
  headers.Remove("b");
  EXPECT_EQ(headers.size(), 1U);
}

TEST(HttpRequest, SplitsTheTargetAtTheFirstQuestionMark) {
  HttpRequest request;
  request.target = "/a/b?c=d?e";
  EXPECT_EQ(request.path(), "/a/b");
  EXPECT_EQ(request.query(), "c=d?e");
  request.target = "/a";
  EXPECT_EQ(request.path(), "/a");
  EXPECT_EQ(request.query(), "");
}

TEST(ParseForm, DecodesPairsInOrder) {
  const auto pairs = ParseForm("Action=SendEmail&Name=a+b%26c&empty=&bare&&x=1=2");
  ASSERT_TRUE(pairs);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"Action", "SendEmail"}, {"Name", "a b&c"}, {"empty", ""}, {"bare", ""}, {"x", "1=2"}};
  EXPECT_EQ(*pairs, expected);
  EXPECT_EQ(FindParam(*pairs, "Name"), "a b&c");
  EXPECT_EQ(FindParam(*pairs, "name"), std::nullopt);
}

TEST(ParseForm, RefusesTooManyPairs) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "a=1&";
  EXPECT_TRUE(ParseForm(text));
  const auto refused = ParseForm(text + "a=1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
}

TEST(HttpResponses, CarryTheirType) {
  EXPECT_EQ(TextResponse(404, "no").headers.Get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(JsonResponse(202, "{}").headers.Get("content-type"), "application/json");
  EXPECT_EQ(HttpReason(404), "Not Found");
  EXPECT_EQ(HttpReason(799), "Unknown");
}

}  // namespace
}  // namespace postglass::net
