#include "forwarder/api_key.h"

#include <fmt/format.h>

#include "aws/arn.h"
#include "aws/sigv4.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::forwarder {
namespace {

constexpr std::chrono::milliseconds kTimeout{5'000};
constexpr std::size_t kAnswerBytesMax = 256 << 10;
constexpr std::size_t kApiKeyBytes = 32;

std::string Get(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : std::string(TrimAscii(found->second));
}

// A call of AWS's JSON protocol.
struct Call {
  std::string service;  // of the credential scope
  std::string target;   // X-Amz-Target
  std::string region;
  std::string endpoint;
  std::string body;
  std::string_view content_type = "application/x-amz-json-1.1";
};

Result<json::object> Ask(const Call& call,
                         const Environment& environment,
                         net::HttpClient& client,
                         const Clock& clock) {
  const std::string key_id = Get(environment, "AWS_ACCESS_KEY_ID");
  const std::string secret = Get(environment, "AWS_SECRET_ACCESS_KEY");
  if (key_id.empty() || secret.empty()) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set", call.service));
  }
  ASSIGN_OR_RETURN(const net::Url url, net::ParseUrl(call.endpoint));
  net::HttpRequest signed_request;
  signed_request.method = "POST";
  signed_request.target = "/";
  signed_request.body = call.body;
  signed_request.headers.Add("Host", url.authority());
  signed_request.headers.Add("Content-Type", std::string(call.content_type));
  signed_request.headers.Add("X-Amz-Target", call.target);
  if (const std::string token = Get(environment, "AWS_SESSION_TOKEN"); !token.empty()) {
    signed_request.headers.Add("X-Amz-Security-Token", token);
  }
  aws::SignatureScope scope;
  scope.access_key_id = key_id;
  scope.date = FormatCompactUtc(clock.Now()).substr(0, 8);
  scope.region = call.region;
  scope.service = call.service;
  aws::SignRequest(signed_request, scope, secret, clock.Now());

  net::HttpClient::Request request;
  request.method = "POST";
  request.url = call.endpoint + "/";
  for (const auto& [name, value] : signed_request.headers) {
    if (!EqualsIgnoreAsciiCase(name, "Host")) request.headers.Add(name, value);
  }
  request.body = call.body;
  request.timeout = kTimeout;
  request.response_bytes_max = kAnswerBytesMax;
  ASSIGN_OR_RETURN(const net::HttpResponse response, client.Send(request));
  auto answer = json::ParseObject(response.body);
  if (response.status == 200 && answer) return answer;
  const std::string why = answer ? json::GetStringOr(*answer, "__type", "") : std::string();
  return Fail(response.status >= 400 && response.status < 500 ? ErrorCode::kPermissionDenied
                                                              : ErrorCode::kUnavailable,
              fmt::format("{} answered {} {}", call.service, response.status, why));
}

std::string EndpointOf(const Environment& environment,
                       std::string_view variable,
                       std::string_view host,
                       std::string_view region) {
  for (const std::string_view name : {variable, std::string_view("AWS_ENDPOINT_URL")}) {
    std::string url = Get(environment, name);
    while (url.ends_with('/')) url.pop_back();
    if (!url.empty()) return url;
  }
  return fmt::format("https://{}.{}.amazonaws.com", host, region);
}

// The key as the secret holds it: alone, or as a member of an object.
Result<std::string> KeyIn(std::string_view secret, std::string_view where) {
  const std::string_view plain = TrimAscii(secret);
  if (plain.size() == kApiKeyBytes) return std::string(plain);
  if (const auto object = json::ParseObject(plain)) {
    for (const auto& member : *object) {
      const json::string* text = member.value().if_string();
      if (text != nullptr && text->size() == kApiKeyBytes) {
        return std::string(std::string_view(*text));
      }
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} holds no API key of {} characters", where, kApiKeyBytes));
}

Result<std::string> FromSecretsManager(const std::string& arn,
                                       const Environment& environment,
                                       net::HttpClient& client,
                                       const Clock& clock) {
  const auto parsed = aws::ParseArn(arn);
  Call call;
  call.service = "secretsmanager";
  call.target = "secretsmanager.GetSecretValue";
  call.region = parsed ? parsed->region : Get(environment, "AWS_REGION");
  call.endpoint =
      EndpointOf(environment, "AWS_ENDPOINT_URL_SECRETS_MANAGER", "secretsmanager", call.region);
  call.body = json::Serialize(json::object{{"SecretId", arn}});
  ASSIGN_OR_RETURN(const json::object answer, Ask(call, environment, client, clock));
  return KeyIn(json::GetStringOr(answer, "SecretString", ""), "DD_API_KEY_SECRET_ARN");
}

Result<std::string> FromParameterStore(const std::string& name,
                                       const Environment& environment,
                                       net::HttpClient& client,
                                       const Clock& clock) {
  Call call;
  call.service = "ssm";
  call.target = "AmazonSSM.GetParameter";
  call.region = Get(environment, "AWS_REGION");
  call.endpoint = EndpointOf(environment, "AWS_ENDPOINT_URL_SSM", "ssm", call.region);
  call.body = json::Serialize(json::object{{"Name", name}, {"WithDecryption", true}});
  ASSIGN_OR_RETURN(const json::object answer, Ask(call, environment, client, clock));
  const json::value* value = json::FindPath(answer, "Parameter.Value");
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return KeyIn(text == nullptr ? std::string_view() : std::string_view(*text),
               "DD_API_KEY_SSM_NAME");
}

}  // namespace

Status FindApiKey(Environment& environment, net::HttpClient& client, const Clock& clock) {
  if (!Get(environment, "DD_API_KEY").empty()) return {};
  const std::string secret = Get(environment, "DD_API_KEY_SECRET_ARN");
  const std::string parameter = Get(environment, "DD_API_KEY_SSM_NAME");
  if (secret.empty() && parameter.empty()) return {};
  ASSIGN_OR_RETURN(environment["DD_API_KEY"],
                   secret.empty() ? FromParameterStore(parameter, environment, client, clock)
                                  : FromSecretsManager(secret, environment, client, clock));
  return {};
}

}  // namespace postglass::forwarder
