#include "cloudwatch/query_form.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "aws/query_protocol.h"
#include "base/time_format.h"
#include "net/http.h"

namespace postglass::cloudwatch {
namespace {

constexpr std::size_t kPartsMax = 12;
constexpr std::size_t kMembersMax = 1'000;

std::vector<std::string_view> Split(std::string_view name) {
  std::vector<std::string_view> parts;
  while (parts.size() <= kPartsMax) {
    const std::size_t dot = name.find('.');
    parts.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return parts;
}

// Where the value of `parts` goes, made on the way; null when the name contradicts another.
json::value* Place(json::object& root, const std::vector<std::string_view>& parts) {
  json::value* at = nullptr;
  json::object* object = &root;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "member" && i > 0 && i + 1 < parts.size()) {
      std::size_t number = 0;
      const std::string_view text = parts[++i];
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size() || number == 0 ||
          number > kMembersMax) {
        return nullptr;
      }
      if (at->is_null()) at->emplace_array();
      json::array* list = at->if_array();
      if (list == nullptr) return nullptr;
      if (list->size() < number) list->resize(number);
      at = &(*list)[number - 1];
      object = nullptr;
    } else {
      if (object == nullptr) {
        if (at->is_null()) at->emplace_object();
        object = at->if_object();
        if (object == nullptr) return nullptr;
      }
      at = &(*object)[parts[i]];
      object = nullptr;
    }
  }
  return at;
}

void AppendValue(aws::XmlWriter& xml, std::string_view name, const json::value& value, bool time) {
  if (const json::object* o = value.if_object()) {
    xml.Open(name);
    for (const auto& member : *o) {
      const std::string_view key = member.key();
      AppendValue(
          xml, key, member.value(), key.ends_with("Timestamp") || key.ends_with("Timestamps"));
    }
    xml.Close();
  } else if (const json::array* items = value.if_array()) {
    xml.Open(name);
    for (const json::value& item : *items) AppendValue(xml, "member", item, time);
    xml.Close();
  } else if (const json::string* text = value.if_string()) {
    xml.Text(name, *text);
  } else if (time && value.is_number()) {
    const auto millis = static_cast<std::int64_t>(value.to_number<double>() * 1'000);
    xml.Text(name, FormatIso8601Millis(Timestamp::FromMillis(millis)));
  } else {
    xml.Text(name, json::Serialize(value));
  }
}

}  // namespace

Result<json::object> ObjectFromForm(std::string_view form) {
  ASSIGN_OR_RETURN(const auto pairs, net::ParseForm(form));
  json::object root;
  for (const auto& [name, value] : pairs) {
    const std::vector<std::string_view> parts = Split(name);
    json::value* place = parts.size() > kPartsMax ? nullptr : Place(root, parts);
    if (place == nullptr || !place->is_null()) {
      return Fail(ErrorCode::kInvalidArgument, "malformed parameter " + name.substr(0, 100));
    }
    *place = value;
  }
  return root;
}

std::string XmlFromObject(const json::object& output) {
  aws::XmlWriter xml;
  for (const auto& member : output) {
    const std::string_view key = member.key();
    AppendValue(
        xml, key, member.value(), key.ends_with("Timestamp") || key.ends_with("Timestamps"));
  }
  return std::move(xml).Finish();
}

}  // namespace postglass::cloudwatch
