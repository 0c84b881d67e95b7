#include "main/import_entry.h"

#include <fmt/format.h>

#include <array>

#include "base/json.h"
#include "base/time_format.h"
#include "pipelines/date.h"

namespace postglass {
namespace {

// Where the intake looks for a log's date, in its order (docs/compat/intake.md).
constexpr std::array<std::string_view, 8> kDatePaths = {"@timestamp",
                                                        "timestamp",
                                                        "_timestamp",
                                                        "Timestamp",
                                                        "eventTime",
                                                        "date",
                                                        "published_date",
                                                        "syslog.timestamp"};

bool IsExported(const json::object& line) {
  return json::GetObject(line, "attributes") != nullptr && json::GetString(line, "id") &&
         json::GetString(line, "timestamp") && json::GetString(line, "ingested_at");
}

// Whether the attributes give that very date already.
bool TellsDate(const json::object& attributes, Timestamp at) {
  for (const std::string_view path : kDatePaths) {
    const json::value* value = json::FindPath(attributes, path);
    if (value == nullptr) continue;
    if (const auto date = pipelines::ParseLogDate(*value, at)) return *date == at.millis();
  }
  return false;
}

std::string TagList(const json::object& line) {
  std::string tags;
  const json::array* list = json::GetArray(line, "tags");
  if (list == nullptr) return tags;
  const std::string source = "source:" + json::GetStringOr(line, "source", "");
  for (const json::value& tag : *list) {
    // The intake adds the source's tag itself.
    if (!tag.is_string() || std::string_view(tag.get_string()) == source) continue;
    if (!tags.empty()) tags += ',';
    tags += std::string_view(tag.get_string());
  }
  return tags;
}

}  // namespace

Result<std::string> ImportEntry(std::string_view text) {
  ASSIGN_OR_RETURN(const json::object line, json::ParseObject(text));
  if (!IsExported(line)) return std::string(text);
  json::object entry = *json::GetObject(line, "attributes");
  const auto at = ParseIso8601(json::GetStringOr(line, "timestamp", ""));
  if (!at) return Fail(ErrorCode::kInvalidArgument, "its timestamp is no time");
  // The first name that the intake looks at, so that it wins.
  if (!TellsDate(entry, *at)) entry["@timestamp"] = FormatIso8601Millis(*at);
  const auto copy = [&](std::string_view from, std::string_view to) {
    if (const auto value = json::GetString(line, from)) entry[to] = *value;
  };
  copy("message", "message");
  copy("status", "status");
  copy("service", "service");
  copy("host", "host");
  copy("source", "ddsource");
  if (const std::string tags = TagList(line); !tags.empty()) entry["ddtags"] = tags;
  return json::Serialize(entry);
}

}  // namespace postglass
