#include "pipelines/masking.h"

#include <gtest/gtest.h>

namespace postglass::pipelines {
namespace {

constexpr std::string_view kSecret = "a8Fk29sLq0ZmX71Pd4Rt";

TEST(MaskSecrets, LeavesNoSecretInAnyTextOfTheLog) {
  const std::string link = "https://app.example/reset?token=" + std::string(kSecret);
  Log log;
  log.message = "Click " + link;
  log.tags = {"link:" + link, "env:prod"};
  log.attributes["click"] = json::object{{"link", link}, {"n", 1}};
  log.attributes["list"] = json::array{link, json::object{{"deep", "see " + link + " now"}}};
  log.attributes["text"] =
      R"({"l":"https:\/\/app.example\/reset?token=)" + std::string(kSecret) + "\"}";
  MaskSecrets(log);
  EXPECT_EQ(json::Serialize(log.attributes).find(kSecret), std::string::npos)
      << json::Serialize(log.attributes);
  EXPECT_EQ(log.message.find(kSecret), std::string::npos);
  EXPECT_EQ(log.tags[0].find(kSecret), std::string::npos);
  EXPECT_EQ(log.tags[1], "env:prod");
}

TEST(MaskSecrets, KeepsWhatCarriesNone) {
  Log log;
  log.attributes = *json::ParseObject(
      R"({"u":"https://docs.example/ses/latest/send-email.html","m":"EXAMPLE7c191be45-e9aedb9a-02f9","p":"a\/\/b"})");
  const std::string before = json::Serialize(log.attributes);
  MaskSecrets(log);
  EXPECT_EQ(json::Serialize(log.attributes), before);
}

}  // namespace
}  // namespace postglass::pipelines
