#include "streams/batch_deliverer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::streams {
namespace {

constexpr std::chrono::minutes kTimeout{3};       // [Firehose]
constexpr std::size_t kAnswerBytesMax = 1 << 20;  // [Firehose]
constexpr std::string_view kFailed = "http-endpoint-failed/";

// "2026/11/25/14/" as Firehose adds it to the prefix, in UTC.
std::string HourPath(Timestamp t) {
  std::string text = FormatIso8601Millis(t).substr(0, 13);  // 2026-11-25T14
  std::replace(text.begin(), text.end(), '-', '/');
  std::replace(text.begin(), text.end(), 'T', '/');
  return text + "/";
}

// What a caller chose becomes a relative path that stays below where it is put.
std::string SafePath(std::string_view text) {
  std::string safe;
  std::size_t part_begin = 0;
  for (const char c : text) {
    if (c == '/') {
      const std::string_view part = std::string_view(safe).substr(part_begin);
      if (part.empty() || part == "." || part == "..") {
        safe.resize(part_begin);
        continue;
      }
      safe += '/';
      part_begin = safe.size();
      continue;
    }
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-_.=!").find(c) != std::string_view::npos;
    safe += good ? c : '_';
  }
  const std::string_view last = std::string_view(safe).substr(part_begin);
  if (last == "." || last == "..") safe.resize(part_begin);
  return safe;
}

}  // namespace

BatchDeliverer::Outcome BatchDeliverer::Post(const StreamConfig& stream, const Batch& batch) const {
  const HttpEndpoint& to = *stream.endpoint;
  json::array records;
  for (const std::string& record : batch.records) {
    records.push_back(json::object{{"data", Base64Encode(record)}});
  }
  net::HttpClient::Request request;
  request.method = "POST";
  request.url = to.url;
  request.timeout = kTimeout;
  request.response_bytes_max = kAnswerBytesMax;
  request.deny_link_local_addresses = true;
  request.deny_private_addresses = private_endpoints_ == PrivateEndpoints::kDenied;
  request.body = json::Serialize(json::object{{"requestId", batch.id},
                                              {"timestamp", clock_.Now().millis()},
                                              {"records", std::move(records)}});
  request.headers.Add("X-Amz-Firehose-Protocol-Version", "1.0");
  request.headers.Add("X-Amz-Firehose-Request-Id", batch.id);
  request.headers.Add("X-Amz-Firehose-Source-Arn", stream.arn);
  if (!to.access_key.empty()) request.headers.Add("X-Amz-Firehose-Access-Key", to.access_key);
  if (!to.common_attributes.empty()) {
    json::object attributes;
    for (const auto& [name, value] : to.common_attributes) attributes[name] = value;
    request.headers.Add("X-Amz-Firehose-Common-Attributes",
                        json::Serialize(json::object{{"commonAttributes", std::move(attributes)}}));
  }
  request.headers.Add("Content-Type", "application/json");
  request.headers.Add("User-Agent", "Amazon Kinesis Data Firehose Agent/1.0");
  if (stream.gzip) {
    Result<std::string> packed = net::GzipCompress(request.body);
    if (!packed) return {false, true, packed.error().message};
    request.body = std::move(*packed);
    request.headers.Add("Content-Encoding", "gzip");
  }
  const Result<net::HttpResponse> response = client_.Send(request);
  if (!response) return {false, true, response.error().message};
  if (response->status == 413) return {false, false, "answered 413"};
  if (response->status != 200) {
    return {false, true, fmt::format("answered {}", response->status)};
  }
  const Result<json::object> answer = json::ParseObject(response->body);
  if (!answer || json::GetStringOr(*answer, "requestId", "") != batch.id ||
      !json::GetInt(*answer, "timestamp")) {
    return {false, true, "answered 200 without this request's id and a timestamp"};
  }
  return {};
}

Status BatchDeliverer::WriteFile(const StreamConfig& stream,
                                 const Batch& batch,
                                 bool failed) const {
  std::string content;
  for (const std::string& record : batch.records) content += record;
  if (stream.gzip) {
    ASSIGN_OR_RETURN(content, net::GzipCompress(content));
  }
  const Timestamp now = clock_.Now();
  std::string prefix = stream.prefix;
  if (failed) prefix += (prefix.empty() || prefix.ends_with('/') ? "" : "/") + std::string(kFailed);
  const Path path = files_ / SafePath(stream.bucket.empty() ? "backup" : stream.bucket) /
                    SafePath(fmt::format("{}{}{}-1-{}-{}{}",
                                         prefix,
                                         HourPath(now),
                                         stream.name,
                                         FormatIso8601Millis(now).substr(0, 19),
                                         batch.id,
                                         stream.gzip ? ".gz" : ""));
  RETURN_IF_ERROR(fs_.CreateDirectories(path.parent_path()));
  RETURN_IF_ERROR(fs_.WriteFileAtomically(path, content));
  keeper_.SweepIfDue();
  return {};
}

}  // namespace postglass::streams
