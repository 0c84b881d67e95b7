#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "forwarder/environment.h"
#include "forwarder/redaction.h"

namespace postglass::forwarder {

// Where the forwarder sends to and what it adds, from the environment variables of Datadog's own.
struct Config {
  std::string api_key;     // DD_API_KEY, exactly 32 characters
  std::string intake_url;  // up to and without the path: "https://http-intake.logs.datadoghq.com"
  std::string tags;        // DD_TAGS as it stands
  bool compress = true;    // DD_USE_COMPRESSION
  int compression_level = 6;  // DD_COMPRESSION_LEVEL, 0..9

  struct Target {
    std::string intake_url;
    std::string api_key;
    bool operator==(const Target&) const = default;
  };

  // DD_ADDITIONAL_ENDPOINTS, as Datadog's agent takes it: {"https://host": ["key", …]}. Each gets
  // every log, too.
  std::vector<Target> additional;
  Redaction redaction;

  // DD_URL may be a host, host:port or a URL; without it the host is http-intake.logs.<DD_SITE>,
  // and DD_SITE is datadoghq.com. DD_PORT fills a port that DD_URL does not name. DD_NO_SSL=true
  // means http where DD_URL names no scheme. kInvalidArgument names the variable.
  static Result<Config> FromEnvironment(const Environment& environment);
};

}  // namespace postglass::forwarder
