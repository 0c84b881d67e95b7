#include "main/options.h"

#include <gtest/gtest.h>

namespace postglass {
namespace {

TEST(Options, FlagsBeatTheEnvironmentWhichBeatsTheFile) {
  const auto options =
      Options::Load("[mail]\nsandbox = true\nmode = \"relay\"\n[hooks.sns]\nmax_age = \"1h\"\n",
                    "postglass.toml",
                    {{"POSTGLASS_MAIL_MODE", "capture"},
                     {"POSTGLASS_HOOKS_SNS_MAX_AGE", "2h"},
                     {"PATH", "x"},
                     {"POSTGLASS_DATA", "somewhere"}},
                    {{"hooks.sns.max_age", "3h"}});
  ASSERT_TRUE(options.has_value()) << options.error().message;
  EXPECT_TRUE(options->Bool("mail.sandbox"));
  EXPECT_EQ(options->String("mail.mode"), "capture");
  EXPECT_EQ(options->Duration("hooks.sns.max_age"), std::chrono::hours(3));
  EXPECT_EQ(options->Bytes("capture.bytes_max"), 1'000'000'000u);
}

TEST(Options, TablesAndListsComeFromTomlOrText) {
  const auto options = Options::Load(
      "[mail.scenarios]\n\"*@bounce.example\" = \"bounce\"\n[hooks.sns]\ntopics = [\"a\", \"b\"]\n",
      "f",
      {},
      {});
  ASSERT_TRUE(options.has_value()) << options.error().message;
  EXPECT_EQ(options->Table("mail.scenarios").at("*@bounce.example"), "bounce");
  EXPECT_EQ(options->List("hooks.sns.topics"), (std::vector<std::string>{"a", "b"}));
  const auto flags = Options::Load("", "f", {}, {{"mail.scenarios", "x@y.example=delay, *=open"}});
  EXPECT_EQ(flags->Table("mail.scenarios").at("*"), "open");
  const auto pauses = Options::Load("[relay]\nretry_after = [\"500ms\", \"1h\"]\n", "f", {}, {});
  ASSERT_TRUE(pauses.has_value()) << pauses.error().message;
  EXPECT_EQ(pauses->Durations("relay.retry_after"),
            (std::vector<std::chrono::milliseconds>{std::chrono::milliseconds(500),
                                                    std::chrono::hours(1)}));
}

TEST(Options, SaysWhatIsWrongAndWhatIsNear) {
  const struct {
    const char* file;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> flags;
    const char* expected;
  } cases[] = {
      {"[mail]\nsandbx = true\n", {}, {}, "nearest is mail.sandbox"},
      {"[mail]\nsandbox = \"perhaps\"\n", {}, {}, "true or false"},
      {"mail = \n", {}, {}, "f:1"},
      {"", {{"POSTGLASS_MAIL_SANDBX", "true"}}, {}, "nearest is mail.sandbox"},
      {"", {}, {{"capture.retention", "a week"}}, "duration"},
      {"", {}, {{"capture.bytes_max", "-1"}}, "size"},
      {"", {}, {{"relay.retry_after", "1m,soon"}}, "durations"},
      {"", {}, {{"relay.retry_after", "1m,0s"}}, "durations"},
      {"", {}, {{"relay.retry_after", ","}}, "durations"},
      {"", {}, {{"http.workers", "many"}}, "whole number"},
  };

  for (const auto& c : cases) {
    const auto options = Options::Load(c.file, "f", c.environment, c.flags);
    ASSERT_FALSE(options.has_value()) << c.expected;
    EXPECT_EQ(options.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(options.error().message.find(c.expected), std::string::npos)
        << options.error().message;
  }
}

// The trust in what /hooks/sns receives is not for configuration to weaken: whoever adds an option
// reads this list.
TEST(Options, NoneWeakensVerification) {
  std::vector<std::string> keys;
  for (const OptionSpec& spec : AllOptions()) keys.emplace_back(spec.key);
  const std::vector<std::string> expected = {"listen.http",
                                             "listen.https",
                                             "listen.smtp",
                                             "listen.smtps",
                                             "listen.hooks",
                                             "public_url",
                                             "log.level",
                                             "tls.cert",
                                             "tls.key",
                                             "http.workers",
                                             "mail.mode",
                                             "mail.require_verified",
                                             "mail.sandbox",
                                             "mail.max_24_hour_send",
                                             "mail.max_send_rate",
                                             "mail.scenarios",
                                             "capture.retention",
                                             "capture.bytes_max",
                                             "relay.host",
                                             "relay.port",
                                             "relay.tls",
                                             "relay.user",
                                             "relay.password",
                                             "relay.retry_after",
                                             "relay.give_up_after",
                                             "functions.forwarder",
                                             "functions.inject_intake",
                                             "functions.custom_code",
                                             "topics.private_endpoints",
                                             "hooks.sns.topics",
                                             "hooks.sns.max_age",
                                             "streams.keep_files",
                                             "streams.files_max",
                                             "source.sqs.queue_url",
                                             "source.sqs.endpoint",
                                             "source.sqs.region",
                                             "source.sqs.access_key_id",
                                             "source.sqs.secret_access_key",
                                             "source.sqs.topics",
                                             "source.sqs.raw",
                                             "intake.masking",
                                             "store.durability",
                                             "store.disk_warn_percent",
                                             "store.disk_stop_percent",
                                             "store.retention_days",
                                             "store.size_max",
                                             "store.cache_size"};
  EXPECT_EQ(keys, expected);
}

}  // namespace
}  // namespace postglass
