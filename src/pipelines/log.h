#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace postglass::pipelines {

// A log entry on its way through the pipelines: reserved attributes apart, the rest as a tree.
struct Log {
  std::optional<std::int64_t> timestamp_ms;  // official date; nothing: the time of ingest
  std::string message;
  std::string status;  // empty until something sets it; stored as "info"
  std::string service;
  std::string source;
  std::string host;
  std::vector<std::string> tags;
  json::object attributes;
};

}  // namespace postglass::pipelines
