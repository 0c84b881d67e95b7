#include "mail/message_tags.h"

#include <gtest/gtest.h>

namespace postglass::mail {
namespace {

TEST(ParseMessageTagsHeader, SplitsPairs) {
  using Tags = std::vector<MessageTag>;
  EXPECT_EQ(ParseMessageTagsHeader("a=1, b=2"), (Tags{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(ParseMessageTagsHeader(" a = 1 ,, "), (Tags{{"a", "1"}}));
  EXPECT_EQ(ParseMessageTagsHeader("a=1=2"), (Tags{{"a", "1=2"}}));
  EXPECT_EQ(ParseMessageTagsHeader("lonely"), (Tags{{"lonely", ""}}));
  EXPECT_EQ(ParseMessageTagsHeader(""), Tags{});
}

TEST(CheckMessageTags, SaysWhatSesSays) {
  const std::string long_text(256, 'x');

  struct Case {
    MessageTag tag;
    std::optional<std::string> error;
  };

  const Case cases[] = {
      {{"kind-1_a", "reset.v2@x-y"}, std::nullopt},
      {{"", ""}, "The tag name must be specified."},
      {{"a", ""}, "The tag value must be specified."},
      {{long_text, "v"}, "Tag name cannot exceed 255 characters."},
      {{"a", long_text}, "Tag value cannot exceed 255 characters."},
      {{"a b", "v"},
       "Invalid tag name <a b>: only alphanumeric ASCII characters, '_',  '-' are allowed."},
      {{"a", "v w"},
       "Invalid tag value <v w>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are "
       "allowed."},
  };
  for (const Case& c : cases) EXPECT_EQ(CheckMessageTags({c.tag}), c.error);
  EXPECT_TRUE(CheckMessageTags(std::vector<MessageTag>(51, {"a", "b"})));
}

}  // namespace
}  // namespace postglass::mail
