#include "store/address_pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/event_reader.h"
#include "store/text.h"

namespace postglass::store {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

bool IsAsciiAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

bool IsHex(char c) { return kHexDigits.find(c) != std::string_view::npos; }

// Every sign but letters, digits and -._~ as %xx, folded as the text will be.
std::string PercentEncode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (IsAsciiAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Whether the address may begin behind `before`: not when its local part would be longer.
bool BeginsBehind(std::string_view before) {
  if (before.empty()) return true;
  const char last = before.back();
  const std::size_t size = before.size();
  // %3C is a sign, not a letter C; so is the n of \n in a text that was quoted once more.
  if (size >= 3 && before[size - 3] == '%' && IsHex(last) && IsHex(before[size - 2])) return true;
  if (size >= 2 && before[size - 2] == '\\') return true;
  if (static_cast<unsigned char>(last) >= 0x80) return false;
  return !IsAsciiAlnum(last) &&
         std::string_view("!#$&'*+-/?^_`{|}~.").find(last) == std::string_view::npos;
}

// In a link, & and ? end what comes before; in a bounce address + does.
bool BeginsBehindEncoded(std::string_view before) {
  return BeginsBehind(before) ||
         std::string_view("&?/+-").find(before.back()) != std::string_view::npos;
}

// Whether the domain ends in front of `behind`.
bool EndsBefore(std::string_view behind) {
  if (behind.empty()) return true;
  const char first = behind.front();
  if (static_cast<unsigned char>(first) >= 0x80 || IsAsciiAlnum(first) || first == '-' ||
      first == '_') {
    return false;
  }
  return first != '.' || behind.size() == 1 || !IsAsciiAlnum(behind[1]);
}

}  // namespace

Result<AddressPattern> AddressPattern::Make(std::string_view address) {
  const std::string folded = Fold(address);
  const std::size_t at = folded.find('@');
  if (at == std::string::npos || at == 0 || at + 1 == folded.size() ||
      folded.find('@', at + 1) != std::string::npos ||
      folded.find_first_of(" <>\t\r\n") != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, "an address looks like user@example.org");
  }
  AddressPattern pattern;
  const std::string local = folded.substr(0, at);
  const std::string domain = folded.substr(at + 1);
  pattern.forms_ = {folded};
  for (const std::string& form : {local + "%40" + domain,
                                  PercentEncode(local) + "%40" + domain,
                                  PercentEncode(local) + "@" + domain,
                                  local + "=" + domain}) {
    if (std::find(pattern.forms_.begin(), pattern.forms_.end(), form) == pattern.forms_.end()) {
      pattern.forms_.push_back(form);
    }
  }
  return pattern;
}

bool AddressPattern::IsIn(std::string_view text) const {
  if (text.size() < forms_.front().size()) return false;
  thread_local std::string folded;
  folded.clear();
  AppendFolded(folded, text);
  const std::string_view all = folded;
  for (std::size_t form = 0; form < forms_.size(); ++form) {
    const std::string& wanted = forms_[form];
    for (std::size_t at = all.find(wanted); at != std::string_view::npos;
         at = all.find(wanted, at + 1)) {
      const bool begins =
          form == 0 ? BeginsBehind(all.substr(0, at)) : BeginsBehindEncoded(all.substr(0, at));
      if (begins && EndsBefore(all.substr(at + wanted.size()))) return true;
    }
  }
  return false;
}

std::string UnescapeJson(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char sign = text[++i];
    if (sign != 'u' || i + 4 >= text.size()) {
      out += sign == 'n' || sign == 't' || sign == 'r' || sign == 'b' || sign == 'f' ? ' ' : sign;
      continue;
    }
    unsigned value = 0;
    for (int digit = 0; digit < 4; ++digit) {
      const char c = text[++i];
      const std::size_t place =
          kHexDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
      value = 16 * value + static_cast<unsigned>(place == std::string_view::npos ? 0 : place);
    }
    out += value < 0x80 ? static_cast<char>(value) : '?';
  }
  return out;
}

bool AttributesHoldAddress(const Event& event, const AddressPattern& pattern) {
  if (pattern.IsIn(event.attributes) || pattern.IsIn(UnescapeJson(event.attributes))) return true;
  EventReader reader;
  reader.Reset(event);
  bool found = false;
  reader.ForEachAttribute([&](std::string_view path, const ValueView& value) {
    found = found || pattern.IsIn(path) || pattern.IsIn(value.text);
  });
  return found;
}

bool HoldsAddress(const Event& event, const AddressPattern& pattern) {
  for (const std::string* text :
       {&event.message, &event.status, &event.service, &event.source, &event.host}) {
    if (pattern.IsIn(*text)) return true;
  }
  const bool in_tags = std::any_of(
      event.tags.begin(), event.tags.end(), [&](const auto& tag) { return pattern.IsIn(tag); });
  return in_tags || AttributesHoldAddress(event, pattern);
}

}  // namespace postglass::store
