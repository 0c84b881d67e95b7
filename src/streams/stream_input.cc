#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "net/http_client.h"
#include "streams/firehose_api.h"

// Reading of a destination: HttpEndpointDestinationConfiguration,
// ExtendedS3DestinationConfiguration or S3DestinationConfiguration.

namespace postglass::streams {
namespace {

aws::AwsError Invalid(std::string message) {
  return {400, "InvalidArgumentException", std::move(message)};
}

// A whole number within the bounds, or the fallback when there is none.
std::variant<std::int64_t, aws::AwsError> ReadNumber(const json::object* o,
                                                     std::string_view name,
                                                     std::int64_t min,
                                                     std::int64_t max,
                                                     std::int64_t fallback) {
  if (o == nullptr || !o->contains(name)) return fallback;
  const std::optional<std::int64_t> number = json::GetInt(*o, name);
  if (number && *number >= min && *number <= max) return *number;
  return Invalid(fmt::format("{} must be a number from {} to {}", name, min, max));
}

std::optional<aws::AwsError> ReadBuffering(const json::object& destination,
                                           std::int64_t bytes_max,
                                           StreamConfig& config) {
  const json::object* hints = json::GetObject(destination, "BufferingHints");
  const auto size = ReadNumber(hints, "SizeInMBs", 1, bytes_max, 5);
  if (const auto* error = std::get_if<aws::AwsError>(&size)) return *error;
  const auto interval = ReadNumber(hints, "IntervalInSeconds", 0, 900, 300);
  if (const auto* error = std::get_if<aws::AwsError>(&interval)) return *error;
  config.buffer_bytes = static_cast<std::size_t>(std::get<std::int64_t>(size)) << 20;
  config.buffer_interval = std::chrono::seconds(std::get<std::int64_t>(interval));
  return std::nullopt;
}

// Bucket and prefix of an S3 configuration.
std::optional<aws::AwsError> ReadBucket(const json::object& s3, StreamConfig& config) {
  constexpr std::string_view kPrefix = "arn:aws:s3:::";
  const std::string arn = json::GetStringOr(s3, "BucketARN", "");
  const std::string bucket = arn.starts_with(kPrefix) ? arn.substr(kPrefix.size()) : "";
  const bool good =
      bucket.size() >= 3 && bucket.size() <= 63 &&
      std::all_of(bucket.begin(), bucket.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
      });
  if (!good) return Invalid("BucketARN must be arn:aws:s3:::BUCKET");
  config.bucket = bucket;
  config.prefix = json::GetStringOr(s3, "Prefix", "");
  if (config.prefix.size() > 1'024) return Invalid("Prefix is longer than 1024 characters");
  return std::nullopt;
}

std::optional<aws::AwsError> ReadEndpoint(const json::object& destination, StreamConfig& config) {
  const json::object* endpoint = json::GetObject(destination, "EndpointConfiguration");
  HttpEndpoint& to = config.endpoint.emplace();
  to.url = endpoint == nullptr ? "" : json::GetStringOr(*endpoint, "Url", "");
  if (!net::ParseUrl(to.url) || to.url.size() > 1'000) {
    return Invalid("EndpointConfiguration.Url must be an http or https URL");
  }
  to.name = json::GetStringOr(*endpoint, "Name", "");
  to.access_key = json::GetStringOr(*endpoint, "AccessKey", "");
  const auto has_bad = [](const std::string& text) {
    return text.size() > 4'096 || std::any_of(text.begin(), text.end(), [](char c) {
             return static_cast<unsigned char>(c) < 0x20;
           });
  };
  if (has_bad(to.access_key)) return Invalid("EndpointConfiguration.AccessKey is not valid");
  if (auto error = ReadBuffering(destination, 64, config)) return error;
  const auto retry =
      ReadNumber(json::GetObject(destination, "RetryOptions"), "DurationInSeconds", 0, 7'200, 300);
  if (const auto* error = std::get_if<aws::AwsError>(&retry)) return *error;
  to.retry_duration = std::chrono::seconds(std::get<std::int64_t>(retry));
  if (const json::object* request = json::GetObject(destination, "RequestConfiguration")) {
    const std::string coding = json::GetStringOr(*request, "ContentEncoding", "NONE");
    if (coding != "NONE" && coding != "GZIP") return Invalid("ContentEncoding is NONE or GZIP");
    config.gzip = coding == "GZIP";
    if (const json::array* attributes = json::GetArray(*request, "CommonAttributes")) {
      if (attributes->size() > 50) return Invalid("At most 50 CommonAttributes");
      for (const json::value& item : *attributes) {
        const json::object attribute = item.is_object() ? item.get_object() : json::object();
        const std::string name = json::GetStringOr(attribute, "AttributeName", "");
        const std::string value = json::GetStringOr(attribute, "AttributeValue", "");
        if (name.empty() || name.size() > 256 || value.size() > 1'024) {
          return Invalid("CommonAttributes have a name (256) and a value (1024 characters)");
        }
        to.common_attributes.emplace_back(name, value);
      }
    }
  }
  if (const json::object* s3 = json::GetObject(destination, "S3Configuration")) {
    if (auto error = ReadBucket(*s3, config)) return error;
  }
  return std::nullopt;
}

// The S3 configuration as it is shown (a backup's buffering is its own, and only shown).
json::object ShowS3(const json::object& s3, const StreamConfig& config) {
  const json::object* hints = json::GetObject(s3, "BufferingHints");
  const auto hint = [hints](std::string_view name, std::int64_t fallback) {
    return hints == nullptr ? fallback : json::GetInt(*hints, name).value_or(fallback);
  };
  return {{"RoleARN", json::GetStringOr(s3, "RoleARN", "")},
          {"BucketARN", json::GetStringOr(s3, "BucketARN", "")},
          {"Prefix", config.prefix},
          {"BufferingHints",
           json::object{{"SizeInMBs", hint("SizeInMBs", 5)},
                        {"IntervalInSeconds", hint("IntervalInSeconds", 300)}}},
          {"CompressionFormat", json::GetStringOr(s3, "CompressionFormat", "UNCOMPRESSED")},
          {"EncryptionConfiguration", json::object{{"NoEncryptionConfig", "NoEncryption"}}},
          {"CloudWatchLoggingOptions", json::object{{"Enabled", false}}}};
}

json::object ShowEndpoint(const json::object& given, const StreamConfig& config) {
  json::array attributes;
  for (const auto& [name, value] : config.endpoint->common_attributes) {
    attributes.push_back(json::object{{"AttributeName", name}, {"AttributeValue", value}});
  }
  json::object shown{
      {"EndpointConfiguration",
       json::object{{"Url", config.endpoint->url}, {"Name", config.endpoint->name}}},
      {"BufferingHints",
       json::object{{"SizeInMBs", static_cast<std::int64_t>(config.buffer_bytes >> 20)},
                    {"IntervalInSeconds", config.buffer_interval.count()}}},
      {"RequestConfiguration",
       json::object{{"ContentEncoding", config.gzip ? "GZIP" : "NONE"},
                    {"CommonAttributes", std::move(attributes)}}},
      {"RetryOptions",
       json::object{{"DurationInSeconds", config.endpoint->retry_duration.count()}}},
      {"S3BackupMode", json::GetStringOr(given, "S3BackupMode", "FailedDataOnly")},
      {"RoleARN", json::GetStringOr(given, "RoleARN", "")},
      {"CloudWatchLoggingOptions", json::object{{"Enabled", false}}}};
  if (const json::object* s3 = json::GetObject(given, "S3Configuration")) {
    shown["S3DestinationDescription"] = ShowS3(*s3, config);
  }
  return shown;
}

}  // namespace

std::variant<StreamConfig, aws::AwsError> ReadStream(const json::object& input) {
  StreamConfig config;
  if (const json::object* http = json::GetObject(input, "HttpEndpointDestinationConfiguration")) {
    if (auto error = ReadEndpoint(*http, config)) return *error;
    config.description["HttpEndpointDestinationDescription"] = ShowEndpoint(*http, config);
    return config;
  }
  const json::object* extended = json::GetObject(input, "ExtendedS3DestinationConfiguration");
  const json::object* plain = json::GetObject(input, "S3DestinationConfiguration");
  const json::object* s3 = extended != nullptr ? extended : plain;
  if (s3 == nullptr) {
    return Invalid(
        "Exactly one destination configuration is supported for a Firehose: "
        "HttpEndpointDestinationConfiguration, ExtendedS3DestinationConfiguration or "
        "S3DestinationConfiguration");
  }
  if (auto error = ReadBucket(*s3, config)) return *error;
  if (auto error = ReadBuffering(*s3, 128, config)) return *error;
  const std::string format = json::GetStringOr(*s3, "CompressionFormat", "UNCOMPRESSED");
  if (format != "UNCOMPRESSED" && format != "GZIP") {
    return Invalid("CompressionFormat is UNCOMPRESSED or GZIP here");
  }
  config.gzip = format == "GZIP";
  json::object shown = ShowS3(*s3, config);
  if (extended != nullptr) {
    shown["S3BackupMode"] = json::GetStringOr(*extended, "S3BackupMode", "Disabled");
    config.description["ExtendedS3DestinationDescription"] = std::move(shown);
  } else {
    config.description["S3DestinationDescription"] = std::move(shown);
  }
  return config;
}

}  // namespace postglass::streams
