#include "aws/sts_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "aws/query_protocol.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/time_format.h"

namespace postglass::aws {
namespace {

constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

// A stable unique id in IAM's shape: AIDA and 17 upper-case letters and digits of base 32.
std::string UserId(const Account& account, std::string_view user_name) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = "AIDA";
  const std::string hash = Sha256(fmt::format("{}/{}", account.account_id, user_name));
  for (std::size_t i = 0; i < 17; ++i) {
    id += kLetters[static_cast<unsigned char>(hash[i]) % kLetters.size()];
  }
  return id;
}

bool IsSessionName(std::string_view name) {
  return name.size() >= 2 && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("_+=,.@-").find(c) != std::string_view::npos;
         });
}

}  // namespace

net::HttpResponse StsService::Handle(const ServiceRequest& request) {
  const Result<QueryParams> params = QueryParams::Parse(request.http);
  if (!params) {
    return RenderError(request, {400, "MalformedInput", params.error().message});
  }
  if (params->action() == "AssumeRole") return AssumeRole(request, *params);
  if (params->action() != "GetCallerIdentity") {
    return RenderError(request,
                       {400,
                        "InvalidAction",
                        fmt::format("Could not find operation {} for version {}",
                                    params->action(),
                                    params->Find("Version").value_or("NO_VERSION_SPECIFIED"))});
  }
  XmlWriter xml;
  const Credential& caller = request.caller;
  xml.Text("Arn", PrincipalArn(account_, caller));
  xml.Text(
      "UserId",
      caller.assumed_role_id.empty() ? UserId(account_, caller.user_name) : caller.assumed_role_id);
  xml.Text("Account", account_.account_id);
  return QueryResponse(
      kNamespace, "GetCallerIdentity", std::move(xml).Finish(), request.request_id);
}

net::HttpResponse StsService::AssumeRole(const ServiceRequest& request, const QueryParams& params) {
  RoleAssumer::Request wanted{std::string(params.Get("RoleArn")),
                              std::string(params.Get("RoleSessionName")),
                              std::nullopt,
                              std::string(params.Get("Policy"))};
  const auto invalid = [&](std::string_view value, std::string_view at, std::string_view what) {
    return RenderError(
        request,
        {400,
         "ValidationError",
         fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy "
                     "constraint: {}",
                     value,
                     at,
                     what)});
  };
  if (wanted.role_arn.size() < 20) {
    return invalid(
        wanted.role_arn, "roleArn", "Member must have length greater than or equal to 20");
  }
  if (!IsSessionName(wanted.session_name)) {
    return invalid(wanted.session_name,
                   "roleSessionName",
                   "Member must satisfy regular expression pattern: [\\w+=,.@-]*, 2 to 64 long");
  }
  if (const auto text = params.Find("DurationSeconds")) {
    int seconds = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (error != std::errc() || end != text->data() + text->size() || seconds < 900 ||
        seconds > 43'200) {
      return invalid(*text, "durationSeconds", "Member must be between 900 and 43200");
    }
    wanted.duration = std::chrono::seconds(seconds);
  }
  const auto assumed = roles_ == nullptr ? std::variant<RoleAssumer::Session, AwsError>(AwsError{
                                               403, "AccessDenied", "There are no roles here"})
                                         : roles_->Assume(request, wanted);
  if (const auto* error = std::get_if<AwsError>(&assumed)) return RenderError(request, *error);
  const auto& session = std::get<RoleAssumer::Session>(assumed);
  XmlWriter xml;
  xml.Open("Credentials")
      .Text("AccessKeyId", session.credential.access_key_id)
      .Text("SecretAccessKey", session.credential.secret_access_key)
      .Text("SessionToken", session.token)
      .Text("Expiration", FormatIso8601Millis(session.expires_at))
      .Close();
  xml.Open("AssumedRoleUser")
      .Text("AssumedRoleId", session.credential.assumed_role_id)
      .Text("Arn", session.credential.assumed_role_arn)
      .Close();
  return QueryResponse(kNamespace, "AssumeRole", std::move(xml).Finish(), request.request_id);
}

net::HttpResponse StsService::RenderError(const ServiceRequest& request, const AwsError& error) {
  return QueryErrorResponse(kNamespace, error, request.request_id);
}

std::string StsService::ActionOf(const net::HttpRequest& request) const {
  const Result<QueryParams> params = QueryParams::Parse(request);
  // Only what is here: the gateway asks each service whose an unsigned call may be.
  if (!params) return {};
  if (params->action() != "GetCallerIdentity" && params->action() != "AssumeRole") return {};
  return fmt::format("sts:{}", params->action());
}

}  // namespace postglass::aws
