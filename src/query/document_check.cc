#include "query/document_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace postglass::query {
namespace {

constexpr std::size_t kPathBytesMax = 500;

bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

}  // namespace

DocumentCheck::DocumentCheck(const json::object& object,
                             std::initializer_list<std::string_view> known)
    : object_(object) {
  for (const auto& member : object) {
    const std::string_view name(member.key());
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      Refuse(fmt::format("there is no member \"{}\"", name));
    }
  }
}

void DocumentCheck::Refuse(std::string message) {
  if (status_) status_ = Fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::string DocumentCheck::Text(std::string_view name,
                                std::size_t bytes_max,
                                std::string_view fallback) {
  const json::value* value = object_.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string(fallback);
  if (!value->is_string()) {
    Refuse(fmt::format("\"{}\" must be a string", name));
    return {};
  }
  const std::string_view text(value->get_string());
  if (text.size() > bytes_max) {
    Refuse(fmt::format("\"{}\" is longer than {} bytes", name, bytes_max));
    return {};
  }
  if (HasControls(text)) Refuse(fmt::format("\"{}\" holds control characters", name));
  return ToValidUtf8(text);
}

std::string DocumentCheck::Word(std::string_view name, std::span<const std::string_view> words) {
  std::string text = Text(name, 100, words.front());
  if (std::find(words.begin(), words.end(), text) == words.end()) {
    Refuse(fmt::format("\"{}\" is one of {}, not \"{}\"", name, fmt::join(words, ", "), text));
  }
  return text;
}

bool DocumentCheck::Flag(std::string_view name) {
  const json::value* value = object_.if_contains(name);
  if (value == nullptr || value->is_null()) return false;
  if (!value->is_bool()) {
    Refuse(fmt::format("\"{}\" must be true or false", name));
    return false;
  }
  return value->get_bool();
}

std::vector<std::string> DocumentCheck::Texts(std::string_view name,
                                              std::size_t count_max,
                                              std::size_t bytes_max) {
  std::vector<std::string> texts;
  const json::value* value = object_.if_contains(name);
  if (value == nullptr || value->is_null()) return texts;
  const json::array* list = value->if_array();
  if (list == nullptr || list->size() > count_max) {
    Refuse(fmt::format("\"{}\" must be a list of at most {} strings", name, count_max));
    return texts;
  }
  for (const json::value& element : *list) {
    const json::string* text = element.if_string();
    if (text == nullptr || text->size() > bytes_max || HasControls(*text)) {
      Refuse(
          fmt::format("\"{}\" holds something that is no string of at most {} bytes without "
                      "control characters",
                      name,
                      bytes_max));
      return texts;
    }
    texts.push_back(ToValidUtf8(*text));
  }
  return texts;
}

Status CheckFieldPath(std::string_view path) {
  const auto refuse = [&path](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is no path of a field: {}", path, why));
  };
  if (path.empty() || path == "@") return refuse("it is empty");
  if (path == "*") return refuse("it stands for all of them");
  if (path.size() > kPathBytesMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a path has {} bytes at most", kPathBytesMax));
  }
  if (HasControls(path)) return refuse("it holds control characters");
  // A query quotes none of these in a name.
  if (path.find_first_of(" \"()[]{}") != path.npos) {
    return refuse("blanks, quotes and brackets cannot be in it");
  }
  return {};
}

}  // namespace postglass::query
