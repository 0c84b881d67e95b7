#include "intake/preprocess.h"

#include <array>

#include "base/encoding.h"
#include "intake/limits.h"
#include "pipelines/date.h"
#include "pipelines/json_parser.h"
#include "pipelines/status.h"
#include "pipelines/string_builder.h"
#include "pipelines/tree.h"

namespace postglass::intake {
namespace {

constexpr std::array<std::string_view, 8> kDatePaths = {"@timestamp",
                                                        "timestamp",
                                                        "_timestamp",
                                                        "Timestamp",
                                                        "eventTime",
                                                        "date",
                                                        "published_date",
                                                        "syslog.timestamp"};
constexpr std::array<std::string_view, 3> kHostPaths = {"host", "hostname", "syslog.hostname"};
constexpr std::array<std::string_view, 4> kStatusPaths = {
    "status", "severity", "level", "syslog.severity"};
constexpr std::array<std::string_view, 2> kServicePaths = {"service", "syslog.appname"};

void LiftMessage(json::object& entry) {
  json::value* message = entry.if_contains("message");
  if (message == nullptr) return;
  json::object inner(entry.storage());
  if (message->is_object()) {
    inner = std::move(message->get_object());
  } else if (message->is_string()) {
    const std::string_view text = message->get_string();
    if (!TrimAscii(text).starts_with('{')) return;
    auto parsed = pipelines::ParseObjectInto(text, entry.storage());
    if (!parsed) return;  // not JSON after all: a text
    inner = *std::move(parsed);
  } else {
    return;
  }
  entry.stable_erase("message");
  for (auto& member : inner) entry.insert_or_assign(member.key(), std::move(member.value()));
}

// The text of the first path that has one. The reserved name itself, first in the list, is taken
// out: it is shown as the official field; the others stay, since people search for them.
template <std::size_t N>
std::string TakeFirst(json::object& entry, const std::array<std::string_view, N>& paths) {
  for (const std::string_view path : paths) {
    const json::value* v = json::FindPath(entry, path);
    if (v == nullptr || v->is_object() || v->is_array()) continue;
    std::string text = pipelines::TextOf(*v);
    if (text.empty()) continue;
    if (path == paths.front()) entry.stable_erase(path);
    return text;
  }
  return {};
}

void AppendTags(std::vector<std::string>& tags, std::vector<std::string> more) {
  for (std::string& tag : more) {
    if (tags.size() == kTagsMax) return;
    tags.push_back(std::move(tag));
  }
}

std::vector<std::string> TakeTags(json::object& entry) {
  const json::value* v = entry.if_contains("ddtags");
  if (v == nullptr) return {};
  std::vector<std::string> tags;
  if (v->is_string() || v->is_array()) tags = SplitTags(pipelines::TextOf(*v));
  entry.stable_erase("ddtags");
  return tags;
}

std::string TakeText(json::object& entry, std::string_view name) {
  const json::value* v = entry.if_contains(name);
  if (v == nullptr) return {};
  std::string text = v->is_string() ? std::string(std::string_view(v->get_string()))
                     : v->is_null() ? std::string()
                                    : json::Serialize(*v);
  entry.stable_erase(name);
  return text;
}

}  // namespace

bool IsSesEvent(const json::object& log) {
  return json::GetObject(log, "mail") != nullptr &&
         (json::GetString(log, "eventType") || json::GetString(log, "notificationType"));
}

std::vector<std::string> SplitTags(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view tag = TrimAscii(text.substr(0, comma));
    if (!tag.empty()) tags.emplace_back(pipelines::CutUtf8(tag, kTagBytesMax));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return tags;
}

pipelines::Log Preprocess(json::object entry, const RequestDefaults& defaults, Timestamp now) {
  LiftMessage(entry);
  pipelines::Log log;
  for (const std::string_view path : kDatePaths) {
    const json::value* v = json::FindPath(entry, path);
    if (v == nullptr) continue;
    log.timestamp_ms = pipelines::ParseLogDate(*v, now);
    if (log.timestamp_ms) break;
  }
  log.message = TakeText(entry, "message");
  log.source = TakeText(entry, "ddsource");
  if (log.source.empty()) log.source = defaults.source;
  log.host = TakeFirst(entry, kHostPaths);
  if (log.host.empty()) log.host = defaults.host;
  log.service = TakeFirst(entry, kServicePaths);
  if (log.service.empty()) log.service = defaults.service;
  const std::string status = TakeFirst(entry, kStatusPaths);
  if (!status.empty()) log.status = pipelines::MapStatus(status);
  AppendTags(log.tags, TakeTags(entry));
  AppendTags(log.tags, defaults.tags);
  if (!log.source.empty()) {
    AppendTags(log.tags, {std::string(pipelines::CutUtf8("source:" + log.source, kTagBytesMax))});
  }
  log.attributes = std::move(entry);
  return log;
}

}  // namespace postglass::intake
