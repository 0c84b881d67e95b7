#include "mail/address.h"

#include <gtest/gtest.h>

#include "mail/limits.h"

namespace postglass::mail {
namespace {

TEST(ParseAddressList, ReadsEveryForm) {
  struct Case {
    std::string in;
    std::vector<std::pair<std::string, std::string>> out;  // display name, address
  };

  const Case cases[] = {
      {"alice@example.com", {{"", "alice@example.com"}}},
      {"Alice <alice@example.com>", {{"Alice", "alice@example.com"}}},
      {"\"Last, First\" <a@example.com>, b@example.com",
       {{"Last, First", "a@example.com"}, {"", "b@example.com"}}},
      {"\"say \\\"hi\\\"\" <a@example.com>", {{"say \"hi\"", "a@example.com"}}},
      {"=?UTF-8?Q?J=C3=BCrgen?= <j@example.com>", {{"J\xC3\xBCrgen", "j@example.com"}}},
      {"<a@example.com>", {{"", "a@example.com"}}},
      {"a@example.com (a comment, with (nested) comma)", {{"", "a@example.com"}}},
      {"Team: a@example.com, B <b@example.com>;, c@example.com",
       {{"", "a@example.com"}, {"B", "b@example.com"}, {"", "c@example.com"}}},
      {"undisclosed-recipients:;", {}},
      {"", {}},
      {" , a@example.com ,, ", {{"", "a@example.com"}}},
      {"\"quoted local\"@example.com", {{"", "\"quoted local\"@example.com"}}},
      {"a@[192.0.2.1]", {{"", "a@[192.0.2.1]"}}},
      {"a@[IPv6:2001:db8::1]", {{"", "a@[IPv6:2001:db8::1]"}}},
      {"x@b\xC3\xBC"
       "cher.example",
       {{"",
         "x@b\xC3\xBC"
         "cher.example"}}},
      {"x@xn--bcher-kva.example", {{"", "x@xn--bcher-kva.example"}}},
      {"<@relay.example:a@example.com>", {{"", "a@example.com"}}},
      {"o'neil+tag=x/y@sub.example.com", {{"", "o'neil+tag=x/y@sub.example.com"}}},
  };
  for (const Case& c : cases) {
    const Result<std::vector<Mailbox>> mailboxes = ParseAddressList(c.in);
    ASSERT_TRUE(mailboxes) << c.in << ": " << mailboxes.error().message;
    ASSERT_EQ(mailboxes->size(), c.out.size()) << c.in;
    for (std::size_t i = 0; i < c.out.size(); ++i) {
      EXPECT_EQ((*mailboxes)[i].display_name, c.out[i].first) << c.in;
      EXPECT_EQ((*mailboxes)[i].address, c.out[i].second) << c.in;
    }
  }
}

TEST(ParseAddressList, RefusesInWordsThatClientsKnow) {
  const std::pair<std::string, std::string_view> cases[] = {
      {"alice", "Missing final '@domain'"},
      {"Alice <alice>", "Missing final '@domain'"},
      {"@example.com", "Missing local name"},
      {"alice@", "Missing domain"},
      {"a b@example.com", "Local address contains control or whitespace"},
      {"\xC3\xBC@example.com", "Local address contains control or whitespace"},
      {".a@example.com", "Local address starts with dot"},
      {"a.@example.com", "Local address ends with dot"},
      {"a..b@example.com", "Local address contains dot-dot"},
      {"a@.example.com", "Domain starts with dot"},
      {"a@example.com.", "Domain ends with dot"},
      {"a@example..com", "Domain contains dot-dot"},
      {"a@exa_mple.com", "Domain contains illegal character"},
      {"a@exam ple.com", "Domain contains control or whitespace"},
      {"a@b@example.com", "Local address contains illegal character"},
      {"a@example.com; b@example.com", "Illegal semicolon, not in group"},
      {"<a@example.com", "Missing '>'"},
      {"a@example.com>", "Missing '<'"},
      {"<a@example.com> trailing", "Illegal address"},
      {"<>", "Illegal address"},
      {"\"open <a@example.com>", "Unbalanced quoted string"},
      {"(open a@example.com", "Missing ')'"},
      {"a: b: c@example.com;;", "Nested group"},
      {"a: c@example.com", "Missing ';'"},
      {std::string(330, 'a') + "@example.com", "Address length is more than 320 characters long"},
      {"a@example.com\r\nBcc", "Domain contains control or whitespace"},
      {"a@example.com\r\nBcc: b@example.com", "Missing ';'"},  // looks like a group
      {std::string(kCommentDepthMax + 5, '(') + "a@example.com", "Illegal address"},
  };
  for (const auto& c : cases) {
    const Result<std::vector<Mailbox>> mailboxes = ParseAddressList(c.first);
    ASSERT_FALSE(mailboxes) << c.first;
    EXPECT_EQ(mailboxes.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(mailboxes.error().message, c.second) << c.first;
  }
}

TEST(ParseAddressList, IsBounded) {
  std::string many;
  for (std::size_t i = 0; i <= kAddressesMax; ++i) many += "a@b.c,";
  EXPECT_EQ(ParseAddressList(many).error().code, ErrorCode::kLimit);
}

TEST(ParseMailbox, WantsExactlyOne) {
  EXPECT_EQ(ParseMailbox(" Alice  <a@Example.com> ")->text, "Alice  <a@Example.com>");
  EXPECT_EQ(ParseMailbox("a@Example.com")->domain(), "Example.com");
  EXPECT_FALSE(ParseMailbox(""));
  EXPECT_FALSE(ParseMailbox("a@b.c, d@e.f"));
}

}  // namespace
}  // namespace postglass::mail
