#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret_box.h"

namespace postglass::streams {

// Delivery to an HTTP endpoint.
struct HttpEndpoint {
  std::string url;
  std::string name;
  std::string access_key;  // shown to the endpoint; never to who asks
  std::vector<std::pair<std::string, std::string>> common_attributes;
  std::chrono::seconds retry_duration{300};
};

// A delivery stream, as it is until its destination or tags are changed. Files stand for S3: a
// bucket is a directory.
struct StreamConfig {
  std::string name;
  std::string arn;
  std::string uid;  // its journal is kept under this
  Timestamp created_at;
  Timestamp updated_at;
  std::int64_t version = 1;              // of the destination
  std::optional<HttpEndpoint> endpoint;  // nothing: to files
  std::string bucket;                    // of the files, or of what the endpoint did not take
  std::string prefix;
  bool gzip = false;
  std::size_t buffer_bytes = 5u << 20;
  std::chrono::seconds buffer_interval{300};
  json::object description;  // of the destination, as DescribeDeliveryStream shows it
  std::map<std::string, std::string> tags;
};

// The stored form: JSON text; the access key is sealed.
std::string EncodeStream(const StreamConfig& config, const SecretBox& box);
Result<StreamConfig> DecodeStream(std::string_view json_text, const SecretBox& box);

}  // namespace postglass::streams
