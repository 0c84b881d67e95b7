#include "mail/tracking/html_tracking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace postglass::mail {
namespace {

// Every link becomes "T" and its number; what was asked for is remembered.
struct Track {
  std::string operator()(std::string_view html, bool pixel = false) {
    HtmlTracking tracking;
    tracking.link = [this](const std::string& link, std::string_view tags) {
      asked.push_back(tags.empty() ? link : link + " " + std::string(tags));
      return std::optional<std::string>("T" + std::to_string(asked.size()));
    };
    if (pixel) tracking.pixel = "P";
    return TrackHtml(html, tracking);
  }

  std::vector<std::string> asked;
};

struct Case {
  const char* html;
  const char* tracked;
  std::vector<std::string> asked;
};

TEST(HtmlTracking, ReplacesTheLinksOfAnchorsAndNothingElse) {
  const Case cases[] = {
      {"", "", {}},
      {"no tags at all", "no tags at all", {}},
      {"<a href=\"https://a.example/\">x</a>", "<a href=\"T1\">x</a>", {"https://a.example/"}},
      {"<A HREF='HTTP://a.example/'>x</A>", "<A HREF='T1'>x</A>", {"HTTP://a.example/"}},
      {"<a class=b href=https://a.example/x>x</a>",
       "<a class=b href=\"T1\">x</a>",
       {"https://a.example/x"}},
      {"<a\n href = \"https://a.example/?a=1&amp;b=2\" >x</a>",
       "<a\n href = \"T1\" >x</a>",
       {"https://a.example/?a=1&b=2"}},
      {"<a href=\" https://a.example/ \">x</a>", "<a href=\"T1\">x</a>", {"https://a.example/"}},
      {"<a href=\"https://a.example/\"/>", "<a href=\"T1\"/>", {"https://a.example/"}},
      {"<a title='>' href='https://a.example/'>",
       "<a title='>' href='T1'>",
       {"https://a.example/"}},
      {"<a href='https://a.example/1'><a href='https://a.example/2'>",
       "<a href='T1'><a href='T2'>",
       {"https://a.example/1", "https://a.example/2"}},
      {"<a href='https://a.example/' href='https://b.example/'>",
       "<a href='T1' href='https://b.example/'>",
       {"https://a.example/"}},
      // Left alone.
      {"<a href=\"mailto:a@b.c\">", "<a href=\"mailto:a@b.c\">", {}},
      {"<a href=\"#top\">", "<a href=\"#top\">", {}},
      {"<a href=\"/relative\">", "<a href=\"/relative\">", {}},
      {"<a href=\"https://a.example/with blank\">",
       "<a href=\"https://a.example/with blank\">",
       {}},
      {"<a href=\"https://a.example/%zz\">", "<a href=\"https://a.example/%zz\">", {}},
      {"<a href=\"https://a.example/{{name}}\">", "<a href=\"https://a.example/{{name}}\">", {}},
      {"<a href=\"https://a.example/\xC3\xA9\">", "<a href=\"https://a.example/\xC3\xA9\">", {}},
      {"<a href>", "<a href>", {}},
      {"<a href=>", "<a href=>", {}},
      {"<a name=\"x\">", "<a name=\"x\">", {}},
      {"<abbr href='https://a.example/'>", "<abbr href='https://a.example/'>", {}},
      {"<img src='https://a.example/'>", "<img src='https://a.example/'>", {}},
      {"<!-- <a href='https://a.example/'> -->", "<!-- <a href='https://a.example/'> -->", {}},
      {"<!--[if mso]><a href='https://a.example/'><![endif]--><a href='https://b.example/'>",
       "<!--[if mso]><a href='https://a.example/'><![endif]--><a href='T1'>",
       {"https://b.example/"}},
      {"<style>a { b: \"<a href='https://a.example/'>\" }</style>",
       "<style>a { b: \"<a href='https://a.example/'>\" }</style>",
       {}},
      {"<script><a href='https://a.example/'></SCRIPT><a href='https://b.example/'>",
       "<script><a href='https://a.example/'></SCRIPT><a href='T1'>",
       {"https://b.example/"}},
      // SES's attributes.
      {"<a ses:no-track href='https://a.example/'>x</a>", "<a href='https://a.example/'>x</a>", {}},
      {"<a href='https://a.example/' ses:no-track>x</a>", "<a href='https://a.example/'>x</a>", {}},
      {"<a href='https://a.example/' ses:tags=\"k:v;k2:v2;\">",
       "<a href='T1'>",
       {"https://a.example/ k:v;k2:v2;"}},
      // Broken off.
      {"<a href='https://a.example/", "<a href='https://a.example/", {}},
      {"<a href='https://a.example/'", "<a href='https://a.example/'", {}},
      {"<a href=", "<a href=", {}},
      {"<a", "<a", {}},
      {"<", "<", {}},
      {"<!--", "<!--", {}},
      {"<a =='x' / / href='https://a.example/'>",
       "<a =='x' / / href='T1'>",
       {"https://a.example/"}},
  };
  for (const Case& c : cases) {
    Track track;
    EXPECT_EQ(track(c.html), c.tracked);
    EXPECT_EQ(track.asked, c.asked) << c.html;
  }
}

TEST(HtmlTracking, PutsThePixelAtTheEndOrWhereTheMailAsksForIt) {
  const std::string pixel =
      "<img alt=\"\" src=\"P\" style=\"display: none; width: 1px; height: 1px;\">";
  const std::pair<std::string, std::string> cases[] = {
      {"<p>x</p>", "<p>x</p>" + pixel},
      {"<body><p>x</p></body></html>", "<body><p>x</p>" + pixel + "</body></html>"},
      {"<p>{{ses:openTracker}}x{{ses:openTracker}}</p>", "<p>" + pixel + "x</p>"},
      {"", pixel},
  };
  for (const auto& [html, expected] : cases) {
    Track track;
    EXPECT_EQ(track(html, /*pixel=*/true), expected);
  }
  Track track;
  EXPECT_EQ(track("a{{ses:openTracker}}b"), "ab");
}

TEST(HtmlTracking, StaysLinearOnHostileText) {
  for (const std::string_view piece : {"<",
                                       "<!--",
                                       "<script>",
                                       "<a ",
                                       "<a href='",
                                       "</",
                                       "{{ses:openTracker",
                                       "&amp",
                                       "<a href"}) {
    std::string html;
    while (html.size() < 300'000) html += piece;
    Track track;
    EXPECT_FALSE(track(html, true).empty());
  }
}

}  // namespace
}  // namespace postglass::mail
