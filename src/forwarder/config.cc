#include "forwarder/config.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "base/encoding.h"
#include "base/json.h"
#include "net/http_client.h"

namespace postglass::forwarder {
namespace {

constexpr std::size_t kApiKeyBytes = 32;  // Datadog's forwarder refuses to start with another
constexpr std::size_t kAdditionalMax = 8;
constexpr std::string_view kSiteDefault = "datadoghq.com";

std::string_view Get(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view() : TrimAscii(found->second);
}

bool IsTrue(std::string_view text) { return text == "1" || EqualsIgnoreAsciiCase(text, "true"); }

std::optional<int> ParseNumber(std::string_view text, int low, int high) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number < low || number > high) return std::nullopt;
  return number;
}

// Whether host[:port] or [v6][:port] names a port.
bool NamesPort(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::size_t bracket = authority.rfind(']');
  return bracket == std::string_view::npos || colon > bracket;
}

Result<std::vector<Config::Target>> ParseAdditional(std::string_view text) {
  std::vector<Config::Target> targets;
  const auto wrong = [](std::string_view why) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("DD_ADDITIONAL_ENDPOINTS: {}; it takes {{\"https://host\": [\"key\"]}}", why));
  };
  if (text.empty()) return targets;
  const auto endpoints = json::ParseObject(text);
  if (!endpoints) return wrong(endpoints.error().message);
  for (const auto& endpoint : *endpoints) {
    std::string_view url = endpoint.key();
    while (url.ends_with('/')) url.remove_suffix(1);
    if (!net::ParseUrl(url)) return wrong(fmt::format("{} is not a URL", url));
    const json::array* keys = endpoint.value().if_array();
    if (keys == nullptr) return wrong("the keys of an endpoint are a list");
    for (const json::value& key : *keys) {
      if (!key.is_string() || key.get_string().size() != kApiKeyBytes) {
        return wrong(fmt::format("a key of {} has not {} characters", url, kApiKeyBytes));
      }
      targets.push_back({std::string(url), std::string(std::string_view(key.get_string()))});
    }
  }
  if (targets.size() > kAdditionalMax) {
    return wrong(fmt::format("more than {} targets", kAdditionalMax));
  }
  return targets;
}

}  // namespace

Result<Config> Config::FromEnvironment(const Environment& environment) {
  Config config;
  config.api_key = Get(environment, "DD_API_KEY");
  if (config.api_key.size() != kApiKeyBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("DD_API_KEY has {} characters, an API key has {}",
                            config.api_key.size(),
                            kApiKeyBytes));
  }
  config.tags = Get(environment, "DD_TAGS");
  if (const auto text = Get(environment, "DD_USE_COMPRESSION"); !text.empty()) {
    config.compress = IsTrue(text);
  }
  if (const auto text = Get(environment, "DD_COMPRESSION_LEVEL"); !text.empty()) {
    const auto level = ParseNumber(text, 0, 9);
    if (!level) return Fail(ErrorCode::kInvalidArgument, "DD_COMPRESSION_LEVEL takes 0 to 9");
    config.compression_level = *level;
  }
  ASSIGN_OR_RETURN(config.additional, ParseAdditional(Get(environment, "DD_ADDITIONAL_ENDPOINTS")));
  ASSIGN_OR_RETURN(config.redaction, Redaction::FromEnvironment(environment));

  std::string_view url = Get(environment, "DD_URL");
  std::string scheme = IsTrue(Get(environment, "DD_NO_SSL")) ? "http" : "https";
  if (const std::size_t at = url.find("://"); at != std::string_view::npos) {
    scheme = AsciiLower(url.substr(0, at));
    url.remove_prefix(at + 3);
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  std::string host(url);
  if (host.empty()) {
    const std::string_view site = Get(environment, "DD_SITE");
    host = fmt::format("http-intake.logs.{}", site.empty() ? kSiteDefault : site);
  }
  // A path in DD_URL is kept in front of ours; the port belongs behind the host.
  const std::size_t slash = std::min(host.find('/'), host.size());
  std::string authority = host.substr(0, slash);
  if (const auto port = Get(environment, "DD_PORT"); !port.empty()) {
    if (!ParseNumber(port, 1, 65535)) {
      return Fail(ErrorCode::kInvalidArgument, "DD_PORT is not a port");
    }
    if (!NamesPort(authority)) authority = fmt::format("{}:{}", authority, port);
  }
  config.intake_url = fmt::format("{}://{}{}", scheme, authority, host.substr(slash));
  const auto parsed = net::ParseUrl(config.intake_url);
  if (!parsed) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("DD_URL: {}", parsed.error().message));
  }
  return config;
}

}  // namespace postglass::forwarder
