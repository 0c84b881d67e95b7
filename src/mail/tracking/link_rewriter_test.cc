#include "mail/tracking/link_rewriter.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "base/clock_testing.h"
#include "base/encoding.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "mail/message_id.h"
#include "mail/tracking/html_parts.h"
#include "mail/tracking/links.h"
#include "mail/tracking/tracking_handler.h"

namespace postglass::mail {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kPublic = "https://mail.example";

class RecordingSpool final : public Spool {
 public:
  Status Accept(Mail) override { return Fail(ErrorCode::kUnavailable, "not here"); }

  Status Record(MailEvent event) override {
    if (!works) return Fail(ErrorCode::kDiskFull, "full");
    events.push_back(std::move(event));
    return {};
  }

  bool works = true;
  std::vector<MailEvent> events;
};

class KnownMails final : public MailLookup {
 public:
  std::optional<EventSubject> Find(const std::string& message_id) override {
    if (message_id != id) return std::nullopt;
    return EventSubject{id, "default", "{}"};
  }

  std::string id;
};

struct World {
  World() {
    const SecretBox box = *SecretBox::Open(fs, random, "/key");
    urls.emplace(box);
    rewriter.emplace(*urls, [] { return std::string(kPublic); });
    mails.id = MakeMessageId("us-east-1", clock.Now(), random);
    handler.emplace(*urls, spool, mails, clock, metrics);
  }

  std::string Rewrite(std::string raw, bool opens = true, bool clicks = true) const {
    TrackingRewriter::Wanted wanted;
    wanted.opens = opens;
    wanted.clicks = clicks;
    return rewriter->Rewrite(std::move(raw), mails.id, wanted);
  }

  net::HttpResponse Ask(std::string method, std::string url) {
    if (url.starts_with(kPublic)) url.erase(0, kPublic.size());
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(url);
    request.headers.Set("User-Agent", "Reader/1.0");
    request.peer_address = "192.0.2.9";
    return handler->Handle(request);
  }

  FaultyFileSystem fs;
  SeededRandom random{9};
  ManualClock clock;
  Metrics metrics;
  RecordingSpool spool;
  KnownMails mails;
  std::optional<TrackingUrls> urls;
  std::optional<LinkRewriter> rewriter;
  std::optional<TrackingHandler> handler;
};

std::string Html(std::string_view encoding, std::string_view body) {
  return fmt::format(
      "Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n{}\r\n{}",
      encoding.empty() ? "" : fmt::format("Content-Transfer-Encoding: {}\r\n", encoding),
      body);
}

constexpr std::string_view kLink = "https://a.example/guide?a=1&b=2#part";
constexpr std::string_view kBody =
    "<html><body><a href=\"https://a.example/guide?a=1&amp;b=2#part\">Guide</a></body></html>";

TEST(LinkRewriter, LinksLeadBackToWhereTheyLed) {
  World world;
  const std::string qp =
      "<html><body><a href=3D\"https://a.example/guide?a=3D1&amp;b=3D2#pa=\r\nrt\">Guide</a>"
      "</body></html>";
  for (const std::string& raw : {Html("", kBody),
                                 Html("7bit", kBody),
                                 Html("Quoted-Printable", qp),
                                 Html("BASE64", Base64Encode(kBody))}) {
    const std::string tracked = world.Rewrite(raw);
    ASSERT_NE(tracked, raw);
    const TrackedLinks links = FindTrackedLinks(tracked);
    ASSERT_TRUE(links.pixel);
    EXPECT_THAT(*links.pixel, StartsWith("https://mail.example/t/I0/" + world.mails.id + "/"));
    ASSERT_EQ(links.links.size(), 1U);
    EXPECT_THAT(links.links[0],
                StartsWith("https://mail.example/t/L0/https:%2F%2Fa.example%2Fguide%3Fa=1%26b=2"
                           "%23part/0/" +
                           world.mails.id + "/"));
    const net::HttpResponse click = world.Ask("GET", links.links[0]);
    EXPECT_EQ(click.status, 302);
    EXPECT_EQ(click.headers.Get("Location"), kLink);
    const net::HttpResponse open = world.Ask("GET", *links.pixel);
    EXPECT_EQ(open.status, 200);
    EXPECT_EQ(open.headers.Get("Content-Type"), "image/gif");
    EXPECT_THAT(open.body, StartsWith("GIF89a"));
    EXPECT_THAT(std::string(open.headers.Get("Cache-Control")), HasSubstr("no-store"));
    // No line breaks what SMTP allows (RFC 5321 §4.5.3.1.6).
    for (std::size_t begin = 0; begin < tracked.size();) {
      const std::size_t end = std::min(tracked.find("\r\n", begin), tracked.size());
      EXPECT_LE(end - begin, 998U);
      begin = end + 2;
    }
  }
  ASSERT_EQ(world.spool.events.size(), 8U);
  const auto& click = std::get<ClickDetail>(world.spool.events[0].detail);
  EXPECT_EQ(click.link, kLink);
  EXPECT_EQ(click.ip_address, "192.0.2.9");
  EXPECT_EQ(click.user_agent, "Reader/1.0");
  EXPECT_TRUE(click.link_tags.empty());
  EXPECT_EQ(world.spool.events[0].subject.message_id, world.mails.id);
  EXPECT_TRUE(std::holds_alternative<OpenDetail>(world.spool.events[1].detail));
}

TEST(LinkRewriter, TouchesOnlyTheHtmlParts) {
  World world;
  const std::string raw =
      "From: a@b.c\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/mixed; boundary=\"out er\"\r\n\r\npreamble\r\n"
      "--out er\r\nContent-Type: multipart/alternative;\r\n boundary=inner\r\n\r\n"
      "--inner\r\nContent-Type: text/plain\r\n\r\nhttps://a.example/plain\r\n"
      "--inner\r\nContent-Type: text/html\r\n\r\n<a href='https://a.example/html'>x</a>\r\n"
      "--inner--\r\n"
      "--out er\r\nContent-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n"
      "<a href='https://a.example/attached'>x</a>\r\n"
      "--out er--\r\nepilogue\r\n";
  const std::string tracked = world.Rewrite(raw);
  EXPECT_THAT(tracked, HasSubstr("\r\nhttps://a.example/plain\r\n--inner"));
  EXPECT_THAT(tracked, HasSubstr("'https://a.example/attached'"));
  EXPECT_THAT(tracked, HasSubstr("--inner--\r\n--out er"));
  EXPECT_THAT(tracked, ::testing::EndsWith("--out er--\r\nepilogue\r\n"));
  EXPECT_EQ(FindHtmlParts(tracked).size(), 1U);
  EXPECT_EQ(FindTrackedLinks(tracked).links.size(), 1U);
}

TEST(LinkRewriter, LeavesMessagesAloneThatItMustNotChange) {
  World world;
  const std::string messages[] = {
      "",
      "no header at all",
      "Subject: x\r\n\r\nplain https://a.example/\r\n",
      "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
      "<a href='https://a.example/'>\r\n--b--\r\n",
      "Content-Type: text/html; charset=utf-16\r\n\r\n<a href='https://a.example/'>",
      "Content-Type: text/html\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
      "<a href='https://a.example/'>",
      "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n<<<not base64>>>",
      "Content-Type: multipart/mixed\r\n\r\n--b\r\n",
  };
  for (const std::string& raw : messages) EXPECT_EQ(world.Rewrite(raw), raw);
  EXPECT_EQ(world.Rewrite(Html("", kBody), false, false), Html("", kBody));
}

TEST(LinkRewriter, OpensAndClicksAreWantedApart) {
  World world;
  const TrackedLinks opens = FindTrackedLinks(world.Rewrite(Html("", kBody), true, false));
  EXPECT_TRUE(opens.pixel);
  EXPECT_TRUE(opens.links.empty());
  const TrackedLinks clicks = FindTrackedLinks(world.Rewrite(Html("", kBody), false, true));
  EXPECT_FALSE(clicks.pixel);
  EXPECT_EQ(clicks.links.size(), 1U);
}

TEST(LinkRewriter, NeverRewritesALinkWithASecret) {
  World world;
  const std::string raw = Html("",
                               "<a href='https://a.example/reset?token=s3cr3t'>Reset</a>"
                               "<a href='https://a.example/help'>Help</a>");
  const std::string tracked = world.Rewrite(raw);
  EXPECT_THAT(tracked, HasSubstr("https://a.example/reset?token"));
  ASSERT_EQ(FindTrackedLinks(tracked).links.size(), 1U);
  EXPECT_THAT(FindTrackedLinks(tracked).links[0], HasSubstr("help"));
}

TEST(LinkRewriter, TracksSecretLinksWhereTheSetAsksForIt) {
  World world;
  TrackingRewriter::Wanted wanted;
  wanted.clicks = wanted.secret_links = true;
  const std::string tracked = world.rewriter->Rewrite(
      Html("", "<a href='https://a.example/reset?token=s3cr3t'>Reset</a>"), world.mails.id, wanted);
  EXPECT_EQ(FindTrackedLinks(tracked).links.size(), 1U);
}

TEST(LinkRewriter, ACustomDomainGoesByTheHttpsPolicy) {
  World world;
  const std::string raw =
      Html("", "<a href='http://a.example/1'>1</a><a href='https://a.example/2'>2</a>");

  struct Case {
    std::string_view policy;
    std::string_view pixel;
    std::string_view http_link;
  };

  for (const Case& c : {Case{"", "http://", "http://"},
                        Case{"OPTIONAL", "http://", "http://"},
                        Case{"REQUIRE_OPEN_ONLY", "https://", "http://"},
                        Case{"REQUIRE", "https://", "https://"}}) {
    TrackingRewriter::Wanted wanted;
    wanted.opens = wanted.clicks = true;
    wanted.redirect_domain = "click.shop.example";
    wanted.https_policy = c.policy;
    const TrackedLinks links =
        FindTrackedLinks(world.rewriter->Rewrite(raw, world.mails.id, wanted));
    ASSERT_EQ(links.links.size(), 2U);
    const std::string host = "click.shop.example/t/";
    EXPECT_THAT(links.pixel.value_or(""), StartsWith(std::string(c.pixel) + host));
    EXPECT_THAT(links.links[0], StartsWith(std::string(c.http_link) + host));
    EXPECT_THAT(links.links[1], StartsWith("https://" + host));
    const std::string path = links.links[1].substr(links.links[1].find("/t/"));
    EXPECT_EQ(world.Ask("GET", path).headers.Get("Location"), "https://a.example/2");
  }
  TrackingRewriter::Wanted wanted;
  wanted.clicks = true;
  wanted.redirect_domain = "no\"host.example";
  EXPECT_THAT(FindTrackedLinks(world.rewriter->Rewrite(raw, world.mails.id, wanted)).links[0],
              StartsWith(std::string(kPublic)));
}

TEST(LinkRewriter, TracksSo250LinksAtMost) {
  World world;
  std::string body;
  for (int i = 0; i < 300; ++i) body += fmt::format("<a href='https://a.example/{}'>x</a>\r\n", i);
  EXPECT_EQ(FindTrackedLinks(world.Rewrite(Html("", body))).links.size(), 250U);
}

TEST(LinkRewriter, TagsOfALinkComeBackWithTheClick) {
  World world;
  const std::string raw = Html(
      "",
      "<a ses:tags=\"product:book;genre:a;genre:b;bad tag:x;\" href='https://a.example/'>x</a>");
  const TrackedLinks links = FindTrackedLinks(world.Rewrite(raw));
  ASSERT_EQ(links.links.size(), 1U);
  EXPECT_EQ(world.Ask("GET", links.links[0]).status, 302);
  const auto& click = std::get<ClickDetail>(world.spool.events.at(0).detail);
  const LinkTags expected = {{"product", {"book"}}, {"genre", {"a", "b"}}};
  EXPECT_EQ(click.link_tags, expected);
}

TEST(TrackingHandler, RedirectsNowhereElse) {
  World world;
  const std::string good = world.urls->Link(world.mails.id, "https://a.example/x", 3, "k:v");
  EXPECT_EQ(world.Ask("GET", good).status, 302);
  // Every single changed character is refused, except where the encoding has two forms.
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'q' ? 'r' : 'q';
    EXPECT_EQ(world.Ask("GET", bad).status, 404) << bad;
  }
  const std::string other_mail = MakeMessageId("us-east-1", world.clock.Now(), world.random);
  const std::string targets[] = {
      "/t/",
      "/t/L0/",
      "/t/I0/",
      "/t/I0/" + world.mails.id,
      "/t/I0/" + world.mails.id + "/",
      "/t/L0/https:%2F%2Fevil.example%2F/0/" + world.mails.id + "/AAAAAAAAAAAAAAAAAAAAAAAAAAA",
      "/t/L0/https:%2F%2Fevil.example%2F" + world.urls->Pixel(world.mails.id).substr(5),
      "/t/X0/" + world.mails.id + "/x",
      "/t/L0/" + std::string(100'000, 'a'),
      good.substr(0, good.find('?')),
  };
  for (const std::string& target : targets) {
    const net::HttpResponse response = world.Ask("GET", target);
    EXPECT_EQ(response.status, 404) << target.substr(0, 200);
    EXPECT_FALSE(response.headers.Find("Location"));
  }
  EXPECT_EQ(world.spool.events.size(), 1U);
}

TEST(TrackingHandler, CountsOnlyWhatAReaderDid) {
  World world;
  const std::string pixel = world.urls->Pixel(world.mails.id);
  EXPECT_EQ(world.Ask("HEAD", pixel).status, 200);
  ASSERT_EQ(world.spool.events.size(), 1U);
  const std::vector<MessageTag> marked = {{"postglass-machine", "instant"}};
  EXPECT_EQ(world.spool.events[0].extra_tags, marked);
  world.spool.events.clear();
  world.clock.Advance(std::chrono::minutes(1));
  EXPECT_EQ(world.Ask("POST", pixel).status, 405);
  EXPECT_TRUE(world.spool.events.empty());

  const std::string unknown =
      world.urls->Pixel(MakeMessageId("us-east-1", world.clock.Now(), world.random));
  EXPECT_EQ(world.Ask("GET", unknown).status, 200) << "the reader must not notice";
  EXPECT_TRUE(world.spool.events.empty());

  world.spool.works = false;
  EXPECT_EQ(world.Ask("GET", pixel).status, 200);
  world.spool.works = true;
  EXPECT_EQ(world.Ask("GET", pixel).status, 200);
  EXPECT_EQ(world.spool.events.size(), 1U);
  EXPECT_TRUE(world.spool.events[0].extra_tags.empty());

  world.clock.Advance(std::chrono::hours(61 * 24));
  EXPECT_EQ(world.Ask("GET", pixel).status, 200);
  EXPECT_EQ(world.spool.events.size(), 1U) << "collected for 60 days";
}

class CountingClient final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request& request) override {
    urls.push_back(request.url);
    EXPECT_FALSE(request.headers.Get("User-Agent").empty());
    return net::HttpResponse{};
  }

  std::vector<std::string> urls;
};

TEST(ReadTrackedMail, AsksForPixelAndFirstLink) {
  World world;
  const std::string raw = world.Rewrite(Html("", kBody));
  CountingClient client;
  EXPECT_TRUE(ReadTrackedMail(client, raw, "a@b.c", ReaderDoes::kOpen));
  EXPECT_EQ(client.urls.size(), 1U);
  EXPECT_TRUE(ReadTrackedMail(client, raw, "a@b.c", ReaderDoes::kOpenAndClick));
  ASSERT_EQ(client.urls.size(), 3U);
  EXPECT_THAT(client.urls[2], HasSubstr("/t/L0/"));
  EXPECT_TRUE(ReadTrackedMail(client, "plain", "a@b.c", ReaderDoes::kOpenAndClick));
}

TEST(QuotedPrintable, IsDecodedAsItComes) {
  const std::pair<const char*, const char*> cases[] = {
      {"a=3Db", "a=b"},
      {"a=\r\nb", "ab"},
      {"a= \t\r\nb", "ab"},
      {"a=\nb", "ab"},
      {"a=c3=A9", "a\xC3\xA9"},
      {"a=zz", "a=zz"},
      {"a=", "a"},
      {"=", ""},
      {"a=3", "a=3"},
  };
  for (const auto& [text, decoded] : cases) EXPECT_EQ(DecodeQuotedPrintable(text), decoded);
}

}  // namespace
}  // namespace postglass::mail
