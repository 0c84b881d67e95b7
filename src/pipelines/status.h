#pragma once

#include <string_view>

namespace postglass::pipelines {

// Datadog's status map: case-insensitive, by prefix; the integers 0..7 are syslog severities. One
// of emergency alert critical error warn notice info debug ok; anything unknown is "info". Pure.
std::string_view MapStatus(std::string_view text);

}  // namespace postglass::pipelines
