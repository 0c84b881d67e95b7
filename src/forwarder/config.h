#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"

namespace postglass::forwarder {

// The environment of a function: names and values.
using Environment = std::map<std::string, std::string, std::less<>>;

// Where the forwarder sends to and what it adds, from the environment variables of Datadog's own.
struct Config {
  std::string api_key;     // DD_API_KEY, exactly 32 characters
  std::string intake_url;  // up to and without the path: "https://http-intake.logs.datadoghq.com"
  std::string tags;        // DD_TAGS as it stands
  bool compress = true;    // DD_USE_COMPRESSION
  int compression_level = 6;  // DD_COMPRESSION_LEVEL, 0..9

  // DD_URL may be a host, host:port or a URL; without it the host is http-intake.logs.<DD_SITE>,
  // and DD_SITE is datadoghq.com. DD_PORT fills a port that DD_URL does not name. DD_NO_SSL=true
  // means http where DD_URL names no scheme. kInvalidArgument names the variable.
  static Result<Config> FromEnvironment(const Environment& environment);
};

}  // namespace postglass::forwarder
