#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"

namespace postglass::net {
namespace {

TEST(ParseUrl, TakesAbsoluteHttpUrls) {
  const struct {
    std::string_view text;
    std::string_view scheme, host;
    int port;
    std::string_view target, authority;
  } cases[] = {
      {"http://a.example", "http", "a.example", 80, "/", "a.example"},
      {"HTTPS://A.Example/x?y=1", "https", "a.example", 443, "/x?y=1", "a.example"},
      {"http://127.0.0.1:8080?q", "http", "127.0.0.1", 8080, "/?q", "127.0.0.1:8080"},
      {"https://[::1]:8443/a//b", "https", "::1", 8443, "/a//b", "[::1]:8443"},
      {"http://h:80/", "http", "h", 80, "/", "h"},
      {"http://h:443/%20", "http", "h", 443, "/%20", "h:443"},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto url = ParseUrl(c.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->scheme, c.scheme);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->target, c.target);
    EXPECT_EQ(url->authority(), c.authority);
  }
}

TEST(ParseUrl, RefusesEverythingElse) {
  for (const std::string& text :
       std::vector<std::string>{"",
                                "example.com/x",
                                "/x",
                                "//example.com/",
                                "ftp://example.com/",
                                "file:///etc/passwd",
                                "http://",
                                "http:///x",
                                "http://user@host/",
                                "http://user:pw@host/",
                                "https://sns.us-east-1.amazonaws.com@evil.example/",
                                "http://host/#fragment",
                                "http://host:0/",
                                "http://host:65536/",
                                "http://host:/",
                                "http://host:80x/",
                                "http://[::1/",
                                "http://[::1]x/",
                                "http://[1.2.3.4]/",
                                "http://ho st/",
                                "http://host/a b",
                                "http://host\\@evil/",
                                "http://ho%73t/",
                                "http://h\xc3\xb6st/",
                                "http://host/\r\nX: y",
                                "http://" + std::string(254, 'a') + "/",
                                "http://host/" + std::string(20'000, 'a')}) {
    SCOPED_TRACE(text.substr(0, 80));
    const auto url = ParseUrl(text);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ParseListenAddress, Table) {
  const struct {
    std::string_view text, host;
    int port;
  } good[] = {{"127.0.0.1:8080", "127.0.0.1", 8080},
              {"[::1]:0", "::1", 0},
              {":8080", "0.0.0.0", 8080},
              {"localhost:1", "127.0.0.1", 1},
              {"0.0.0.0:65535", "0.0.0.0", 65535}};

  for (const auto& c : good) {
    SCOPED_TRACE(c.text);
    const auto address = ParseListenAddress(c.text);
    ASSERT_TRUE(address) << address.error().message;
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
  }
  for (const std::string_view text : {"",
                                      "8080",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:x",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "::1:80",
                                      "[127.0.0.1]:80",
                                      "[]:80",
                                      "example.com:80",
                                      "1.2.3:80"}) {
    SCOPED_TRACE(text);
    const auto address = ParseListenAddress(text);
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace postglass::net
