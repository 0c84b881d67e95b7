#include "pipelines/attribute_remapper.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "pipelines/tree.h"

namespace postglass::pipelines {
namespace {

std::optional<double> NumberOf(const json::value& v) {
  if (v.is_int64()) return static_cast<double>(v.get_int64());
  if (v.is_uint64()) return static_cast<double>(v.get_uint64());
  if (v.is_double()) return v.get_double();
  if (!v.is_string()) return std::nullopt;
  const std::string_view text = TrimAscii(std::string_view(v.get_string()));
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Doubles beyond this are no longer exact integers.
constexpr double kExactIntegerMax = 9007199254740992.0;

json::value Cast(json::value v, AttributeRemapper::Format format) {
  using Format = AttributeRemapper::Format;
  if (format == Format::kAuto || v.is_object() || v.is_array() || v.is_null()) return v;
  if (format == Format::kString) return json::value(TextOf(v), v.storage());
  const auto number = NumberOf(v);
  if (!number) return v;
  if (format == Format::kDouble) return json::value(*number, v.storage());
  if (v.is_int64() || v.is_uint64()) return v;
  if (!(*number >= -kExactIntegerMax && *number <= kExactIntegerMax)) return v;
  return json::value(static_cast<std::int64_t>(*number), v.storage());
}

// Takes the value of the first tag `key:value` out of `tags`.
std::optional<std::string> FindTag(std::vector<std::string>& tags,
                                   std::string_view key,
                                   bool remove) {
  const auto is_key = [&](const std::string& tag) {
    return tag.size() > key.size() && tag[key.size()] == ':' && tag.starts_with(key);
  };
  const auto found = std::find_if(tags.begin(), tags.end(), is_key);
  if (found == tags.end()) return std::nullopt;
  std::string value = found->substr(key.size() + 1);
  if (remove) tags.erase(found);
  return value;
}

}  // namespace

Status AttributeRemapper::Process(Log& log, Context&) const {
  if (options_.target.empty() || options_.target.find_first_of(":,") != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("attribute remapper: bad target \"{}\"", options_.target));
  }
  const bool to_tag = options_.target_kind == Kind::kTag;
  if (!to_tag && !options_.override_on_conflict &&
      json::FindPath(log.attributes, options_.target) != nullptr) {
    return {};
  }
  json::value v(log.attributes.storage());
  bool found = false;
  for (const std::string& source : options_.sources) {
    if (options_.source_kind == Kind::kTag) {
      auto tag = FindTag(log.tags, source, !options_.preserve_source);
      if (!tag) continue;
      v = *tag;
    } else {
      const json::value* at = json::FindPath(log.attributes, source);
      if (at == nullptr) continue;
      v = json::value(*at, log.attributes.storage());
      if (!options_.preserve_source) RemovePath(log.attributes, source);
    }
    found = true;
    break;
  }
  if (!found) return {};
  if (to_tag) {
    const std::string text = TextOf(v);
    if (!text.empty()) log.tags.push_back(fmt::format("{}:{}", options_.target, text));
  } else {
    SetPath(log.attributes, options_.target, Cast(std::move(v), options_.format));
  }
  return {};
}

}  // namespace postglass::pipelines
