#include "mail/smtp/smtp_path.h"

#include <gtest/gtest.h>

namespace postglass::mail {
namespace {

struct Case {
  const char* arguments;
  const char* address;     // null: refused
  const char* parameters;  // "NAME=value NAME2="
};

TEST(SmtpPath, IsReadAsClientsWriteIt) {
  const Case cases[] = {
      {"<a@b.c>", "a@b.c", ""},
      {" <a@b.c> SIZE=12 body=8bitmime", "a@b.c", "SIZE=12 BODY=8bitmime "},
      {"a@b.c", "a@b.c", ""},
      {"a@b.c SMTPUTF8", "a@b.c", "SMTPUTF8= "},
      {"<>", "", ""},
      {"<@one,@two:a@b.c>", "a@b.c", ""},
      {"<\"a > b\"@b.c>", "\"a > b\"@b.c", ""},
      {"<\"a\\\"b>\"@b.c>", "\"a\\\"b>\"@b.c", ""},
      {"", nullptr, ""},
      {"<a@b.c", nullptr, ""},
      {"<a@b.c>x", nullptr, ""},
      {"<<a@b.c>>", nullptr, ""},
      {"<@one>", nullptr, ""},
      {"<a@b.c> =x", nullptr, ""},
  };
  for (const Case& c : cases) {
    const auto path = ReadSmtpPath(c.arguments);
    ASSERT_EQ(path.has_value(), c.address != nullptr) << c.arguments;
    if (!path) continue;
    EXPECT_EQ(path->address, c.address);
    std::string parameters;
    for (const auto& [name, value] : path->parameters) parameters += name + "=" + value + " ";
    EXPECT_EQ(parameters, c.parameters);
  }
}

}  // namespace
}  // namespace postglass::mail
