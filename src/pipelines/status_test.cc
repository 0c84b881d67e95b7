#include "pipelines/status.h"

#include <gtest/gtest.h>

#include <utility>

namespace postglass::pipelines {
namespace {

TEST(MapStatus, FollowsTheStatusMap) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"0", "emergency"},     {"3", "error"},          {"7", "debug"},
      {"8", "info"},          {"42", "info"},          {"EMERG", "emergency"},
      {"fatal", "emergency"}, {"Alert", "alert"},      {"crit", "critical"},
      {"err", "error"},       {"ERROR", "error"},      {"warning", "warn"},
      {"notice", "notice"},   {"information", "info"}, {"verbose", "debug"},
      {"trace", "debug"},     {"success", "ok"},       {"ok", "ok"},
      {"", "info"},           {" Warn ", "warn"},      {"zzz", "info"},
      {"Delivery", "debug"},  {"Click", "critical"}};
  for (const auto& [text, status] : cases) EXPECT_EQ(MapStatus(text), status) << text;
}

}  // namespace
}  // namespace postglass::pipelines
