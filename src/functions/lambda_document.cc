#include "functions/lambda_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/arn.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "functions/function_registry.h"

namespace postglass::functions {
namespace {

using aws::AwsError;

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kDescriptionBytesMax = 256;
constexpr std::size_t kHandlerBytesMax = 128;
constexpr std::size_t kRuntimeBytesMax = 64;
constexpr std::size_t kArnBytesMax = 2048;
constexpr std::size_t kTagNameBytesMax =
    std::size_t{128} * 4;  // Unicode characters, four bytes at most
constexpr std::size_t kTagValueBytesMax = std::size_t{256} * 4;

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

// A queue or topic that a function's events may go to.
std::optional<AwsError> ReadTarget(std::string_view arn, std::string& target) {
  const auto parsed = arn.empty() ? std::nullopt : aws::ParseArn(arn);
  if (!arn.empty() && (!parsed || (parsed->service != "sqs" && parsed->service != "sns"))) {
    return InvalidParameter(
        fmt::format("The destination ARN {} is invalid: it must be that of an SQS queue or an SNS "
                    "topic.",
                    arn.substr(0, kArnBytesMax)));
  }
  target = arn;
  return std::nullopt;
}

std::optional<AwsError> ReadDeadLetter(const json::object& body, Function& function) {
  const json::object* config = json::GetObject(body, "DeadLetterConfig");
  if (config == nullptr) return std::nullopt;
  return ReadTarget(json::GetStringOr(*config, "TargetArn", ""), function.dead_letter_arn);
}

std::optional<AwsError> ReadText(const json::object& body,
                                 std::string_view name,
                                 std::size_t bytes_max,
                                 std::string& out) {
  const json::value* v = body.if_contains(name);
  if (v == nullptr || v->is_null()) return std::nullopt;
  if (!v->is_string() || v->get_string().size() > bytes_max) {
    return InvalidParameter(
        fmt::format("{} must be a string of at most {} bytes", name, bytes_max));
  }
  out = std::string_view(v->get_string());
  return std::nullopt;
}

std::optional<AwsError> ReadTexts(const json::object& body, Function& function) {
  if (auto e = ReadText(body, "Description", kDescriptionBytesMax, function.description)) return e;
  if (auto e = ReadText(body, "Handler", kHandlerBytesMax, function.handler)) return e;
  if (auto e = ReadText(body, "Runtime", kRuntimeBytesMax, function.runtime)) return e;
  if (auto e = ReadText(body, "Role", kArnBytesMax, function.role)) return e;
  const auto role = aws::ParseArn(function.role);
  if (!role || role->service != "iam" || !role->resource.starts_with("role/")) {
    return AwsError{400,
                    "ValidationException",
                    fmt::format("1 validation error detected: Value '{}' at 'role' failed to "
                                "satisfy constraint: Member must satisfy regular expression "
                                "pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{{12}}:role/?[a-zA-Z_0-9+=,"
                                ".@\\-_/]+",
                                function.role)};
  }
  if (const json::object* tracing = json::GetObject(body, "TracingConfig")) {
    function.tracing_mode = json::GetStringOr(*tracing, "Mode", function.tracing_mode);
    if (function.tracing_mode != "PassThrough" && function.tracing_mode != "Active") {
      return InvalidParameter("TracingConfig.Mode must be Active or PassThrough");
    }
  }
  if (const json::object* storage = json::GetObject(body, "EphemeralStorage")) {
    return ReadInt(*storage, "Size", 512, 10'240, function.ephemeral_megabytes);
  }
  return std::nullopt;
}

json::object EnvironmentOf(const Function& function) {
  json::object variables;
  for (const auto& [name, value] : function.environment) variables[name] = value;
  return variables;
}

std::optional<AwsError> ReadEnvironment(const json::object& body, Function& function) {
  const json::object* environment = json::GetObject(body, "Environment");
  if (environment == nullptr) return std::nullopt;
  const json::object* variables = json::GetObject(*environment, "Variables");
  decltype(function.environment) read;
  std::size_t bytes = 0;
  if (variables != nullptr) {
    for (const auto& variable : *variables) {
      if (!variable.value().is_string()) return InvalidParameter("Variables must be strings");
      const std::string name(variable.key());
      const bool plain = !name.empty() && (name[0] < '0' || name[0] > '9') &&
                         std::all_of(name.begin(), name.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '_';
                         });
      if (!plain) return InvalidParameter(fmt::format("bad variable name \"{}\"", name));
      if (name.starts_with("AWS_LAMBDA_")) {
        return InvalidParameter(
            fmt::format("Lambda was unable to configure your environment variables because the "
                        "environment variables you have provided contains reserved keys that are "
                        "currently not supported for modification. Reserved keys used in this "
                        "request: {}",
                        name));
      }
      bytes += name.size() + variable.value().get_string().size();
      read.emplace(name, std::string(std::string_view(variable.value().get_string())));
    }
  }
  if (bytes > kEnvironmentBytesMax) {
    return InvalidParameter(
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided exceeded the 4KB limit.");
  }
  function.environment = std::move(read);
  return std::nullopt;
}

// What would change how code runs and is not there here is refused rather than ignored.
std::optional<AwsError> RefuseUnsupported(const json::object& body) {
  const json::array* layers = json::GetArray(body, "Layers");
  if (layers != nullptr && !layers->empty()) {
    return InvalidParameter("Layers are not supported here: put their files into the archive");
  }
  if (json::GetBool(body, "Publish").value_or(false)) {
    return InvalidParameter("versions are not supported here: leave Publish out");
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> QueryParameters(const net::HttpRequest& request, std::string_view name) {
  std::vector<std::string> values;
  const std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (FormDecode(pair.substr(0, equals)) != name) continue;
    values.push_back(FormDecode(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return values;
}

AwsError InvalidParameter(std::string message) {
  return {400, "InvalidParameterValueException", std::move(message)};
}

AwsError StoreTrouble(const Error& error) {
  return {503, "ServiceException", error.message, false};
}

json::object Configuration(const Function& function) {
  std::string modified = FormatIso8601Millis(Timestamp::FromMillis(function.last_modified_ms));
  modified.replace(modified.size() - 1, 1, "+0000");  // Lambda's own form
  json::object o{{"FunctionName", function.name},
                 {"FunctionArn", function.arn},
                 {"Runtime", function.runtime},
                 {"Role", function.role},
                 {"Handler", function.handler},
                 {"CodeSize", function.code.bytes},
                 {"Description", function.description},
                 {"Timeout", function.timeout_seconds},
                 {"MemorySize", function.memory_megabytes},
                 {"LastModified", modified},
                 {"CodeSha256", Base64Encode(HexDecode(function.code.sha256).value_or(""))},
                 {"Version", "$LATEST"},
                 {"RevisionId", function.revision_id},
                 {"State", "Active"},
                 {"LastUpdateStatus", "Successful"},
                 {"PackageType", "Zip"}};
  o["TracingConfig"] = json::object{{"Mode", function.tracing_mode}};
  o["Architectures"] = json::array{json::value(function.architecture)};
  o["EphemeralStorage"] = json::object{{"Size", function.ephemeral_megabytes}};
  o["SnapStart"] = json::object{{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}};
  o["LoggingConfig"] =
      json::object{{"LogFormat", "Text"}, {"LogGroup", "/aws/lambda/" + function.name}};
  if (!function.dead_letter_arn.empty()) {
    o["DeadLetterConfig"] = json::object{{"TargetArn", function.dead_letter_arn}};
  }
  if (!function.environment.empty()) {
    o["Environment"] = json::object{{"Variables", EnvironmentOf(function)}};
  }
  return o;
}

json::object ConcurrencyOf(const Function& function) {
  json::object o;
  if (function.reserved_concurrency) {
    o["ReservedConcurrentExecutions"] = *function.reserved_concurrency;
  }
  return o;
}

json::object TagsOf(const Function& function) {
  json::object o;
  for (const auto& [name, value] : function.tags) o[name] = value;
  return o;
}

json::object EventInvokeDocument(const Function& function) {
  const EventInvokeConfig& config = *function.event_invoke;
  json::object o{{"FunctionArn", function.arn + ":$LATEST"},
                 {"LastModified", static_cast<double>(config.last_modified_ms) / 1e3}};
  if (config.retries_max) o["MaximumRetryAttempts"] = *config.retries_max;
  if (config.event_age_max_seconds) {
    o["MaximumEventAgeInSeconds"] = *config.event_age_max_seconds;
  }
  json::object destinations;
  for (const auto& [name, arn] :
       {std::pair<const char*, const std::string&>{"OnSuccess", config.on_success_arn},
        std::pair<const char*, const std::string&>{"OnFailure", config.on_failure_arn}}) {
    destinations[name] = arn.empty() ? json::object() : json::object{{"Destination", arn}};
  }
  o["DestinationConfig"] = std::move(destinations);
  return o;
}

// An integer member within bounds; an error that names it otherwise; nothing when it is not there.
std::optional<AwsError> ReadInt(
    const json::object& body, std::string_view name, int low, int high, int& out) {
  const json::value* v = body.if_contains(name);
  if (v == nullptr || v->is_null()) return std::nullopt;
  if (!v->is_int64() || v->get_int64() < low || v->get_int64() > high) {
    return InvalidParameter(fmt::format("{} must be a number from {} to {}", name, low, high));
  }
  out = static_cast<int>(v->get_int64());
  return std::nullopt;
}

std::optional<AwsError> ReadConfiguration(const json::object& body, Function& function) {
  if (auto error = RefuseUnsupported(body)) return error;
  if (const auto revision = json::GetString(body, "RevisionId");
      revision && *revision != function.revision_id) {
    return AwsError{412,
                    "PreconditionFailedException",
                    "The Revision Id provided does not match the latest Revision Id. Call the "
                    "GetFunction/GetAlias API to retrieve the latest Revision Id"};
  }
  if (auto error = ReadInt(body, "Timeout", 1, 900, function.timeout_seconds)) return error;
  if (auto error = ReadInt(body, "MemorySize", 128, 10240, function.memory_megabytes)) return error;
  if (auto error = ReadTexts(body, function)) return error;
  if (auto error = ReadDeadLetter(body, function)) return error;
  return ReadEnvironment(body, function);
}

std::optional<AwsError> ReadNewFunction(const json::object& body,
                                        const aws::Account& account,
                                        Function& function) {
  const std::string name = json::GetStringOr(body, "FunctionName", "");
  function.name = FunctionNameOf(name);
  if (!IsName(function.name)) {
    return AwsError{400,
                    "ValidationException",
                    fmt::format("1 validation error detected: Value '{}' at 'functionName' failed "
                                "to satisfy constraint: Member must satisfy regular expression "
                                "pattern: [a-zA-Z0-9-_]+",
                                name.substr(0, kArnBytesMax))};
  }
  function.arn = FunctionArn(account, function.name);
  if (json::GetStringOr(body, "PackageType", "Zip") != "Zip") {
    return InvalidParameter("PackageType must be Zip: container images are not supported here");
  }
  if (auto error = RefuseUnsupported(body)) return error;
  function.runtime.clear();
  function.handler.clear();
  function.revision_id.clear();
  json::object without_revision = body;
  without_revision.erase("RevisionId");
  if (auto error = ReadConfiguration(without_revision, function)) return error;
  if (function.runtime.empty() || function.handler.empty()) {
    return InvalidParameter(
        "Runtime and Handler are mandatory parameters for functions created with deployment "
        "packages.");
  }
  if (const json::array* architectures = json::GetArray(body, "Architectures")) {
    if (architectures->size() != 1 || !architectures->front().is_string() ||
        architectures->front().get_string() != "x86_64") {
      return InvalidParameter("Architectures must be [x86_64]: this machine runs no other");
    }
  }
  return ReadTags(body, function);
}

ZipOrError ReadZipFile(const json::object& code) {
  ZipOrError read;
  if (code.contains("S3Bucket") || code.contains("ImageUri")) {
    read.error =
        InvalidParameter("code comes in ZipFile only: there is no S3 and no image registry here");
    return read;
  }
  const auto text = json::GetString(code, "ZipFile");
  if (!text) {
    read.error = InvalidParameter("Please provide a source for function code.");
    return read;
  }
  auto zip = Base64Decode(*text);
  if (!zip) {
    read.error = AwsError{400, "InvalidRequestContentException", "ZipFile is not base64"};
    return read;
  }
  read.zip = *std::move(zip);
  return read;
}

std::optional<AwsError> ReadTags(const json::object& body, Function& function) {
  const json::object* tags = json::GetObject(body, "Tags");
  if (tags == nullptr) return std::nullopt;
  for (const auto& tag : *tags) {
    if (!tag.value().is_string() || tag.key().empty() || tag.key().size() > kTagNameBytesMax ||
        tag.value().get_string().size() > kTagValueBytesMax) {
      return InvalidParameter("a tag is a name of 1 to 128 and a value of 0 to 256 characters");
    }
    function.tags.insert_or_assign(std::string(tag.key()),
                                   std::string(std::string_view(tag.value().get_string())));
  }
  if (function.tags.size() > kTagsMax) {
    return InvalidParameter(fmt::format("a function has at most {} tags", kTagsMax));
  }
  return std::nullopt;
}

std::optional<AwsError> ReadEventInvoke(const json::object& body, EventInvokeConfig& config) {
  int retries = -1;
  if (auto error = ReadInt(body, "MaximumRetryAttempts", 0, 2, retries)) return error;
  if (retries >= 0) config.retries_max = retries;
  int age = -1;
  if (auto error = ReadInt(body, "MaximumEventAgeInSeconds", 60, 21'600, age)) return error;
  if (age >= 0) config.event_age_max_seconds = age;
  const json::object* destinations = json::GetObject(body, "DestinationConfig");
  if (destinations == nullptr) return std::nullopt;
  if (const json::object* target = json::GetObject(*destinations, "OnSuccess")) {
    const std::string arn = json::GetStringOr(*target, "Destination", "");
    if (auto error = ReadTarget(arn, config.on_success_arn)) return error;
  }
  if (const json::object* target = json::GetObject(*destinations, "OnFailure")) {
    const std::string arn = json::GetStringOr(*target, "Destination", "");
    if (auto error = ReadTarget(arn, config.on_failure_arn)) return error;
  }
  return std::nullopt;
}

}  // namespace postglass::functions
