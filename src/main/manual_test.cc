#include "main/manual.h"

#include <gtest/gtest.h>

namespace postglass {
namespace {

class ManualTest : public testing::Test {
 protected:
  ManualTest() {
    CLI::App* keys = app_.add_subcommand("keys", "list and create keys");
    CLI::App* create = keys->add_subcommand("create", "make one; it's shown once: [now]");
    create->add_option("kind", kind_, "what for")->required()->check(CLI::IsMember({"api", "aws"}));
    create->add_option("--name", name_, ".dots and \\backslashes")->capture_default_str();
    create->add_option("--format", format_, "how")->check(CLI::IsMember({"csv", "ndjson"}));
    create->add_flag("--json", json_, "print JSON");
  }

  std::string kind_;
  std::string name_ = "default";
  std::string format_;
  bool json_ = false;
  CLI::App app_{"does things", "prog"};
};

TEST_F(ManualTest, ThePageTellsEveryCommandAndOption) {
  const std::string page = ManualPage(app_, "1.2", "Option a\n.b");
  for (const std::string_view text : {".SH NAME\nprog \\- does things\n",
                                      ".SS prog keys\n",
                                      ".SS prog keys create kind\n",
                                      ".B \\-\\-name \\fITEXT\\fR\n\\&.dots and \\ebackslashes "
                                      "(default: default)\n",
                                      ".B \\-\\-format \\fIcsv|ndjson\\fR\n",
                                      ".B \\-\\-json\nprint JSON\n",
                                      "Option a\n\\&.b\n"}) {
    EXPECT_NE(page.find(text), std::string::npos) << text << "\nin\n" << page;
  }
}

TEST_F(ManualTest, BashKnowsWordsAndValues) {
  const std::string script = BashCompletion(app_);
  for (const std::string_view text : {"' keys'|' keys create'",
                                      "'') words='keys -h --help'",
                                      "' keys create') words='api aws -h --help --name --format "
                                      "--json'",
                                      "' keys create --format') words='csv ndjson'",
                                      "' keys create --name') words=''"}) {
    EXPECT_NE(script.find(text), std::string::npos) << text << "\nin\n" << script;
  }
  EXPECT_EQ(script.find("' keys create --json')"), std::string::npos);
}

TEST_F(ManualTest, ZshEscapesWhatMeansSomething) {
  const std::string script = ZshCompletion(app_);
  for (const std::string_view text : {"#compdef prog\n",
                                      "'keys:list and create keys'",
                                      "'create:make one; it'\\''s shown once\\: \\[now\\]'",
                                      "'--format[how]:value:(csv ndjson)'",
                                      "':kind:(api aws)'",
                                      "'--json[print JSON]'"}) {
    EXPECT_NE(script.find(text), std::string::npos) << text << "\nin\n" << script;
  }
}

}  // namespace
}  // namespace postglass
