#include "store/embedded/exec/raw_filter.h"

#include <gtest/gtest.h>

#include "store/embedded/exec/compiled_plan.h"

namespace postglass::store {
namespace {

bool MayMatch(std::string wanted, std::string_view attributes) {
  Plan plan;
  plan.where = {TermMatch{{Field::Kind::kAttribute, "to"}, std::move(wanted)}};
  const Result<CompiledPlan> compiled = CompiledPlan::Of(plan);
  return RawFilter(compiled->condition).MayMatch(attributes);
}

TEST(RawFilter, RulesOutWhatDoesNotHoldTheText) {
  EXPECT_TRUE(MayMatch("a@b.example", R"({"to":"a@b.example"})"));
  EXPECT_FALSE(MayMatch("a@b.example", R"({"to":"c@b.example"})"));
  EXPECT_FALSE(MayMatch("a@b.example", R"({"from":"\"A\" <c@b.example>","to":"x\\y\n"})"));
}

TEST(RawFilter, LetsThroughWhatEscapesMayHide) {
  EXPECT_TRUE(MayMatch("a@b.example", R"({"to":"\u0061@b.example"})"));
  EXPECT_TRUE(MayMatch("a/b", R"({"to":"a\/b"})"));
  EXPECT_TRUE(MayMatch("a\"b", R"({"to":"a\"b"})"));
  EXPECT_TRUE(MayMatch("a\\b", R"({"to":"a\\b"})"));
  EXPECT_TRUE(MayMatch("a\nb", R"({"to":"a\nb"})"));
  EXPECT_FALSE(MayMatch("a\nb", R"({"to":"a b"})"));
}

}  // namespace
}  // namespace postglass::store
