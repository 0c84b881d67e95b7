#include "streams/stream_config.h"

#include "base/encoding.h"

namespace postglass::streams {
namespace {

constexpr std::string_view kSealContext = "streams/access_key/";

}  // namespace

std::string EncodeStream(const StreamConfig& config, const SecretBox& box) {
  json::object tags;
  for (const auto& [key, value] : config.tags) tags[key] = value;
  json::object document{{"name", config.name},
                        {"arn", config.arn},
                        {"uid", config.uid},
                        {"created_ms", config.created_at.millis()},
                        {"updated_ms", config.updated_at.millis()},
                        {"version", config.version},
                        {"bucket", config.bucket},
                        {"prefix", config.prefix},
                        {"gzip", config.gzip},
                        {"buffer_bytes", config.buffer_bytes},
                        {"buffer_seconds", config.buffer_interval.count()},
                        {"description", config.description},
                        {"tags", std::move(tags)}};
  if (config.endpoint) {
    json::array attributes;
    for (const auto& [name, value] : config.endpoint->common_attributes) {
      attributes.push_back(json::array{name, value});
    }
    document["endpoint"] =
        json::object{{"url", config.endpoint->url},
                     {"name", config.endpoint->name},
                     {"access_key",
                      Base64Encode(box.Seal(std::string(kSealContext) + config.uid,
                                            config.endpoint->access_key))},
                     {"common_attributes", std::move(attributes)},
                     {"retry_seconds", config.endpoint->retry_duration.count()}};
  }
  return json::Serialize(document);
}

Result<StreamConfig> DecodeStream(std::string_view json_text, const SecretBox& box) {
  ASSIGN_OR_RETURN(const json::object o, json::ParseObject(json_text));
  StreamConfig config;
  config.name = json::GetStringOr(o, "name", "");
  config.arn = json::GetStringOr(o, "arn", "");
  config.uid = json::GetStringOr(o, "uid", "");
  if (config.name.empty() || config.uid.empty()) {
    return Fail(ErrorCode::kCorruption, "stream without a name");
  }
  config.created_at = Timestamp::FromMillis(json::GetInt(o, "created_ms").value_or(0));
  config.updated_at =
      Timestamp::FromMillis(json::GetInt(o, "updated_ms").value_or(config.created_at.millis()));
  config.version = json::GetInt(o, "version").value_or(1);
  config.bucket = json::GetStringOr(o, "bucket", "");
  config.prefix = json::GetStringOr(o, "prefix", "");
  config.gzip = json::GetBool(o, "gzip").value_or(false);
  config.buffer_bytes = static_cast<std::size_t>(json::GetInt(o, "buffer_bytes").value_or(5 << 20));
  config.buffer_interval = std::chrono::seconds(json::GetInt(o, "buffer_seconds").value_or(300));
  if (const json::object* description = json::GetObject(o, "description")) {
    config.description = *description;
  }
  if (const json::object* tags = json::GetObject(o, "tags")) {
    for (const auto& entry : *tags) {
      if (entry.value().is_string()) {
        config.tags.emplace(std::string(entry.key()), std::string(entry.value().get_string()));
      }
    }
  }
  const json::object* endpoint = json::GetObject(o, "endpoint");
  if (endpoint == nullptr) return config;
  HttpEndpoint& to = config.endpoint.emplace();
  to.url = json::GetStringOr(*endpoint, "url", "");
  to.name = json::GetStringOr(*endpoint, "name", "");
  to.retry_duration = std::chrono::seconds(json::GetInt(*endpoint, "retry_seconds").value_or(300));
  ASSIGN_OR_RETURN(
      to.access_key,
      box.Unseal(std::string(kSealContext) + config.uid,
                 Base64Decode(json::GetStringOr(*endpoint, "access_key", "")).value_or("")));
  if (const json::array* attributes = json::GetArray(*endpoint, "common_attributes")) {
    for (const json::value& item : *attributes) {
      const json::array* pair = item.if_array();
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() ||
          !(*pair)[1].is_string()) {
        continue;
      }
      to.common_attributes.emplace_back((*pair)[0].get_string(), (*pair)[1].get_string());
    }
  }
  return config;
}

}  // namespace postglass::streams
