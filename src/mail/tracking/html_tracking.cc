#include "mail/tracking/html_tracking.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "mail/tracking/tracking_urls.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kOpenTracker = "{{ses:openTracker}}";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'; }

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::size_t FindIgnoreCase(std::string_view text, std::string_view word, std::size_t from) {
  for (std::size_t at = from; at + word.size() <= text.size(); ++at) {
    if (EqualsIgnoreAsciiCase(text.substr(at, word.size()), word)) return at;
  }
  return std::string_view::npos;
}

// Character references that URLs in attributes are written with.
std::string DecodeReferences(std::string_view text) {
  constexpr std::pair<std::string_view, char> kNames[] = {{"&amp;", '&'},
                                                          {"&#38;", '&'},
                                                          {"&#x26;", '&'},
                                                          {"&quot;", '"'},
                                                          {"&#34;", '"'},
                                                          {"&#39;", '\''},
                                                          {"&lt;", '<'},
                                                          {"&gt;", '>'},
                                                          {"&#61;", '='},
                                                          {"&#x3d;", '='},
                                                          {"&#47;", '/'},
                                                          {"&#x2f;", '/'},
                                                          {"&#58;", ':'},
                                                          {"&#x3a;", ':'}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '&') {
      const auto known = std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& name) {
        return EqualsIgnoreAsciiCase(text.substr(i, name.first.size()), name.first);
      });
      if (known != std::end(kNames)) {
        out += known->second;
        i += known->first.size();
        continue;
      }
    }
    out += text[i++];
  }
  return out;
}

bool IsTrackable(std::string_view url) {
  constexpr std::string_view kMarks = "-._~:/?#[]@!$&'()*+,;=%";
  const bool web = EqualsIgnoreAsciiCase(url.substr(0, 7), "http://") ||
                   EqualsIgnoreAsciiCase(url.substr(0, 8), "https://");
  if (!web || url.size() > kTrackedLinkBytesMax) return false;
  for (std::size_t i = 0; i < url.size(); ++i) {
    const char c = url[i];
    const bool ok = IsLetter(c) || (c >= '0' && c <= '9') ||
                    (c != '\0' && kMarks.find(c) != std::string_view::npos);
    if (!ok) return false;
    if (c == '%' && !(i + 2 < url.size() && IsHex(url[i + 1]) && IsHex(url[i + 2]))) return false;
  }
  return true;
}

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Attribute {
  std::string_view name;
  Range whole;  // with the blanks before it
  Range value;  // without quotes; empty when it has none
};

struct Tag {
  std::string name;  // lower case
  std::vector<Attribute> attributes;
  std::size_t end = 0;  // behind '>'
  bool closed = false;  // an unfinished tag at the end of the text is none
};

// The start tag whose '<' is at `at` (WHATWG HTML §13.2.5, as far as it matters here).
Tag ReadTag(std::string_view html, std::size_t at) {
  Tag tag;
  std::size_t i = at + 1;
  while (i < html.size() && !IsBlank(html[i]) && html[i] != '>' && html[i] != '/') ++i;
  tag.name = AsciiLower(html.substr(at + 1, i - at - 1));
  while (i < html.size() && html[i] != '>') {
    const std::size_t whole = i;
    while (i < html.size() && (IsBlank(html[i]) || html[i] == '/')) ++i;
    const std::size_t name = i;
    while (i < html.size() && !IsBlank(html[i]) && html[i] != '>' && html[i] != '=' &&
           (html[i] != '/' || i == name)) {
      ++i;
    }
    if (i == name) {
      if (i < html.size() && html[i] == '=') ++i;  // a stray '=': skipped as browsers do
      continue;
    }
    Attribute attribute;
    attribute.name = html.substr(name, i - name);
    std::size_t next = i;
    while (next < html.size() && IsBlank(html[next])) ++next;
    if (next < html.size() && html[next] == '=') {
      i = next + 1;
      while (i < html.size() && IsBlank(html[i])) ++i;
      if (i < html.size() && (html[i] == '"' || html[i] == '\'')) {
        const std::size_t close = std::min(html.find(html[i], i + 1), html.size());
        attribute.value = {i + 1, close};
        i = std::min(close + 1, html.size());
      } else {
        const std::size_t begin = i;
        while (i < html.size() && !IsBlank(html[i]) && html[i] != '>') ++i;
        attribute.value = {begin, i};
      }
    }
    attribute.whole = {whole, i};
    tag.attributes.push_back(attribute);
  }
  tag.closed = i < html.size();
  tag.end = std::min(i + 1, html.size());
  return tag;
}

// Replacements, in order of place and without overlap.
struct Edit {
  Range range;
  std::string text;
};

std::string Apply(std::string_view html, const std::vector<Edit>& edits) {
  std::string out;
  out.reserve(html.size() + edits.size() * 128);
  std::size_t done = 0;
  for (const Edit& edit : edits) {
    out += html.substr(done, edit.range.begin - done);
    out += edit.text;
    done = edit.range.end;
  }
  out += html.substr(done);
  return out;
}

class Scanner {
 public:
  Scanner(std::string_view html, const HtmlTracking& tracking) : html_(html), tracking_(tracking) {}

  std::vector<Edit> Scan() {
    for (std::size_t i = html_.find('<'); i < html_.size(); i = html_.find('<', i)) {
      if (html_.substr(i, 4) == "<!--") {
        i = std::min(html_.find("-->", i + 4), html_.size());
      } else if (i + 1 < html_.size() && IsLetter(html_[i + 1])) {
        const Tag tag = ReadTag(html_, i);
        if (tag.name == "a" && tag.closed) Anchor(tag);
        i = AfterTag(tag);
      } else {
        ++i;
      }
    }
    return std::move(edits_);
  }

 private:
  // Text of these elements is no markup.
  std::size_t AfterTag(const Tag& tag) const {
    for (const std::string_view raw : {"script", "style", "title", "textarea"}) {
      if (tag.name == raw) {
        return std::min(FindIgnoreCase(html_, fmt::format("</{}", raw), tag.end), html_.size());
      }
    }
    return tag.end;
  }

  std::string_view Text(Range range) const {
    return html_.substr(range.begin, range.end - range.begin);
  }

  void Anchor(const Tag& tag) {
    const Attribute* href = nullptr;
    bool no_track = false;
    std::string_view tags;
    std::vector<Edit> edits;
    for (const Attribute& attribute : tag.attributes) {
      if (EqualsIgnoreAsciiCase(attribute.name, "href") && href == nullptr) {
        href = &attribute;
      } else if (EqualsIgnoreAsciiCase(attribute.name, "ses:no-track")) {
        no_track = true;
        edits.push_back({attribute.whole, ""});
      } else if (EqualsIgnoreAsciiCase(attribute.name, "ses:tags")) {
        tags = Text(attribute.value);
        edits.push_back({attribute.whole, ""});
      }
    }
    if (href != nullptr && !no_track && tracking_.link) {
      const std::string url = DecodeReferences(TrimAscii(Text(href->value)));
      if (IsTrackable(url)) {
        if (const std::optional<std::string> tracked = tracking_.link(url, tags)) {
          const char before = html_[href->value.begin - 1];
          const bool quoted = before == '"' || before == '\'';
          edits.push_back({href->value, quoted ? *tracked : fmt::format("\"{}\"", *tracked)});
        }
      }
    }
    std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
      return a.range.begin < b.range.begin;
    });
    std::move(edits.begin(), edits.end(), std::back_inserter(edits_));
  }

  const std::string_view html_;
  const HtmlTracking& tracking_;
  std::vector<Edit> edits_;
};

std::string PutPixel(std::string html, const std::optional<std::string>& url) {
  std::string pixel;
  if (url) {
    pixel = fmt::format(
        "<img alt=\"\" src=\"{}\" style=\"display: none; width: 1px; height: 1px;\">", *url);
  }
  std::vector<Edit> edits;
  for (std::size_t at = html.find(kOpenTracker); at != std::string::npos;
       at = html.find(kOpenTracker, at + kOpenTracker.size())) {
    edits.push_back({{at, at + kOpenTracker.size()}, edits.empty() ? pixel : ""});
  }
  if (edits.empty() && url) {
    std::size_t end = std::string::npos;
    for (std::size_t at = html.rfind("</"); at != std::string::npos && at > 0;
         at = html.rfind("</", at - 1)) {
      if (EqualsIgnoreAsciiCase(std::string_view(html).substr(at, 6), "</body")) {
        end = at;
        break;
      }
    }
    end = std::min(end, html.size());
    edits.push_back({{end, end}, pixel});
  }
  if (edits.empty()) return html;
  return Apply(html, edits);
}

}  // namespace

std::string TrackHtml(std::string_view html, const HtmlTracking& tracking) {
  return PutPixel(Apply(html, Scanner(html, tracking).Scan()), tracking.pixel);
}

}  // namespace postglass::mail
