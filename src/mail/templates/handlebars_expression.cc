#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "mail/templates/handlebars_program.h"

namespace postglass::mail::handlebars {
namespace {

constexpr std::size_t kWordsMax = 32;     // in one tag
constexpr std::size_t kSegmentsMax = 32;  // in one path

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

tl::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

// Cuts the next word off `text`: up to white space, but a quoted text or [segment] is whole.
Result<std::string_view> NextWord(std::string_view& text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  std::size_t end = 0;
  char close = 0;
  for (; end < text.size(); ++end) {
    const char c = text[end];
    if (close != 0) {
      if (c == close) close = 0;
    } else if (c == '"' || c == '\'') {
      close = c;
    } else if (c == '[') {
      close = ']';
    } else if (IsBlank(c) || (c == '|' && end > 0)) {
      break;
    }
  }
  if (close != 0) return Bad(fmt::format("{} is missing", close));
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

Status ParsePath(std::string_view text, Argument& out) {
  while (text.starts_with("../")) {
    ++out.up;
    text.remove_prefix(3);
  }
  if (text == "..") {
    ++out.up;
    return {};
  }
  if (text.starts_with("@root")) {
    text.remove_prefix(5);
    if (!text.empty() && text.front() != '.' && text.front() != '/') return Bad("a bad path");
    out.at_root = true;
    if (!text.empty()) text.remove_prefix(1);
  } else if (text.starts_with('@')) {
    text.remove_prefix(1);
    while (text.starts_with("../")) {  // @../index: of the loop around
      ++out.up;
      text.remove_prefix(3);
    }
    out.data = text;
    if (out.data != "index" && out.data != "key" && out.data != "first" && out.data != "last") {
      return Bad(fmt::format("'@{}' is not known", ToValidUtf8(text)));
    }
    return {};
  } else if (text.starts_with("./")) {
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    if (out.segments.size() == kSegmentsMax) return Bad("a path is too long");
    std::size_t end = 0;
    std::string_view segment;
    if (text.front() == '[') {
      end = text.find(']');
      if (end == std::string_view::npos) return Bad("] is missing");
      segment = text.substr(1, end - 1);
      ++end;
    } else {
      end = std::min(text.find_first_of("./"), text.size());
      segment = text.substr(0, end);
      // "." alone is this.
      if (segment.empty() && !(text == "." && out.segments.empty())) return Bad("a bad path");
      constexpr std::string_view kNotInNames = "!\"#%&'()*+,;<=>@[\\]^`{|}~";
      if (segment.find_first_of(kNotInNames) != std::string_view::npos) {
        return Bad(fmt::format("'{}' is no name", ToValidUtf8(segment)));
      }
    }
    if (!segment.empty() && !(segment == "this" && out.segments.empty())) {
      out.segments.emplace_back(segment);
    }
    text.remove_prefix(end);
    if (text == "." && end == 0) break;
    if (!text.empty()) {
      if (text.front() != '.' && text.front() != '/') return Bad("a bad path");
      text.remove_prefix(1);
      if (text.empty()) return Bad("a path ends with a dot");
    }
  }
  return {};
}

Result<Argument> ParseArgument(std::string_view word) {
  Argument out;
  out.text = ToValidUtf8(word);
  const char first = word.front();
  if (first == '"' || first == '\'') {
    if (word.size() < 2 || word.back() != first) return Bad("a bad quoted text");
    out.literal = json::value(word.substr(1, word.size() - 2));
    return out;
  }
  if (first == '(') return Bad("helpers within helpers are not known");
  if (word == "true" || word == "false") {
    out.literal = json::value(word == "true");
    return out;
  }
  if (word == "null" || word == "undefined") {
    out.literal = json::value(nullptr);
    return out;
  }
  if (std::int64_t number = 0; (first >= '0' && first <= '9') || first == '-') {
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == word.data() + word.size()) {
      out.literal = json::value(number);
      return out;
    }
  }
  RETURN_IF_ERROR(ParsePath(word, out));
  return out;
}

// "|a b|" behind "as".
Status ParseBlockNames(std::string_view text, std::vector<std::string>& names) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  if (text.size() < 2 || text.front() != '|' || text.back() != '|') return Bad("| is missing");
  text = text.substr(1, text.size() - 2);
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view name, NextWord(text));
    if (name.empty()) break;
    if (names.size() == 2 || name.front() == '|') return Bad("too many block parameters");
    names.emplace_back(name);
  }
  if (names.empty() || !text.empty()) return Bad("block parameters are missing");
  return {};
}

}  // namespace

Result<Expression> ParseExpression(std::string_view text) {
  Expression out;
  bool has_head = false;
  for (std::size_t words = 0;; ++words) {
    if (words == kWordsMax) return Bad("a tag is too long");
    ASSIGN_OR_RETURN(const std::string_view word, NextWord(text));
    if (word.empty()) {
      if (!text.empty()) return Bad("a bad character");
      break;
    }
    if (!has_head) {
      ASSIGN_OR_RETURN(out.head, ParseArgument(word));
      has_head = true;
      continue;
    }
    if (word == "as") {
      RETURN_IF_ERROR(ParseBlockNames(text, out.block_names));
      break;
    }
    const std::size_t equals = word.find('=');
    const bool quoted = word.front() == '"' || word.front() == '\'' || word.front() == '[';
    if (!quoted && equals != std::string_view::npos) {
      if (equals == 0 || equals + 1 == word.size()) return Bad("a bad named value");
      ASSIGN_OR_RETURN(Argument value, ParseArgument(word.substr(equals + 1)));
      out.named.emplace_back(std::string(word.substr(0, equals)), std::move(value));
      continue;
    }
    ASSIGN_OR_RETURN(Argument argument, ParseArgument(word));
    out.arguments.push_back(std::move(argument));
  }
  if (!has_head) return Bad("an empty tag");
  return out;
}

}  // namespace postglass::mail::handlebars
