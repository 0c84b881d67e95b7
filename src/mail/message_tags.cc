#include "mail/message_tags.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool IsValueCharacter(char c) { return IsNameCharacter(c) || c == '.' || c == '@'; }

std::optional<std::string> CheckTag(const MessageTag& tag) {
  if (tag.name.empty()) return "The tag name must be specified.";
  if (tag.value.empty()) return "The tag value must be specified.";
  if (tag.name.size() > kTagCharactersMax) {
    return fmt::format("Tag name cannot exceed {} characters.", kTagCharactersMax);
  }
  if (tag.value.size() > kTagCharactersMax) {
    return fmt::format("Tag value cannot exceed {} characters.", kTagCharactersMax);
  }
  if (!std::all_of(tag.name.begin(), tag.name.end(), IsNameCharacter)) {
    return fmt::format(
        "Invalid tag name <{}>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
        ToValidUtf8(tag.name));
  }
  if (!std::all_of(tag.value.begin(), tag.value.end(), IsValueCharacter)) {
    return fmt::format(
        "Invalid tag value <{}>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are "
        "allowed.",
        ToValidUtf8(tag.value));
  }
  return std::nullopt;
}

}  // namespace

std::vector<MessageTag> ParseMessageTagsHeader(std::string_view value) {
  std::vector<MessageTag> tags;
  while (!value.empty() && tags.size() <= kMessageTagsMax) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view part = TrimAscii(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    MessageTag tag;
    tag.name = TrimAscii(part.substr(0, equals));
    tag.value = TrimAscii(part.substr(std::min(equals + 1, part.size())));
    tags.push_back(std::move(tag));
  }
  return tags;
}

std::optional<std::string> CheckMessageTags(const std::vector<MessageTag>& tags) {
  if (tags.size() > kMessageTagsMax) {
    return fmt::format("Tag count cannot exceed {}.", kMessageTagsMax);
  }
  for (const MessageTag& tag : tags) {
    if (std::optional<std::string> bad = CheckTag(tag)) return bad;
  }
  return std::nullopt;
}

}  // namespace postglass::mail
