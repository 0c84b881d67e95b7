#include "access/sessions.h"

#include <fmt/format.h>

#include "access/unique_id.h"
#include "aws/policy.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::access {
namespace {

constexpr std::string_view kSealContext = "access/session/1";
constexpr std::size_t kPolicyCharactersMax = 2'048;  // [STS]
constexpr std::size_t kTokenCharactersMax = 8'192;

aws::AwsError NotAuthorized(const aws::Account& account,
                            const aws::Credential& caller,
                            const std::string& role_arn) {
  return {403,
          "AccessDenied",
          fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                      aws::PrincipalArn(account, caller),
                      role_arn)};
}

}  // namespace

aws::SessionStore::Found Sessions::Find(std::string_view access_key_id,
                                        std::string_view token) const {
  if (token.size() > kTokenCharactersMax) return {};
  const std::optional<std::string> sealed = Base64Decode(token);
  if (!sealed) return {};
  const Result<std::string> plain = box_.Unseal(kSealContext, *sealed);
  if (!plain) return {};
  const Result<json::object> o = json::ParseObject(*plain);
  if (!o || json::GetStringOr(*o, "id", "") != access_key_id) return {};
  if (clock_.Now().millis() >= json::GetInt(*o, "expires_ms").value_or(0)) return {{}, true};
  const std::string name = json::GetStringOr(*o, "role", "");
  const std::shared_ptr<const Role> role = iam_.FindRole(name);
  // A role that was made again under the same name is another one.
  if (!role || role->id != json::GetStringOr(*o, "role_id", "")) return {};
  const std::string session = json::GetStringOr(*o, "session", "");
  aws::Credential credential;
  credential.access_key_id = std::string(access_key_id);
  credential.secret_access_key = json::GetStringOr(*o, "secret", "");
  credential.user_name = name;
  credential.policy_sets.push_back(iam_.PoliciesOf(*role));
  if (const auto text = json::GetString(*o, "policy")) {
    const Result<json::object> policy = json::ParseObject(*text);
    if (!policy) return {};
    credential.policy_sets.push_back(
        {std::make_shared<const json::object>(aws::ActionPolicy(*policy))});
  }
  credential.assumed_role_arn =
      fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", iam_.account().account_id, name, session);
  credential.assumed_role_id = fmt::format("{}:{}", role->id, session);
  return {std::move(credential), false};
}

std::variant<aws::RoleAssumer::Session, aws::AwsError> Sessions::Assume(
    const aws::ServiceRequest& caller, const Request& request) {
  const aws::Account& account = iam_.account();
  const std::shared_ptr<const Role> role = iam_.FindRoleByArn(request.role_arn);
  // AWS does not say whether it is there.
  if (!role) return NotAuthorized(account, caller.caller, request.role_arn);
  const Result<json::object> trust = json::ParseObject(role->trust);
  if (!trust) return NotAuthorized(account, caller.caller, request.role_arn);
  const std::string arn = aws::PrincipalArn(account, caller.caller);
  const aws::PolicyOutcome outcome = aws::EvaluatePolicy(
      *trust,
      {.principal_service = {},
       .principal_account = account.account_id,
       .principal_arn = arn,
       .action = "sts:AssumeRole",
       .resource = {},
       .context = {{"aws:PrincipalArn", arn},
                   {"aws:PrincipalAccount", account.account_id},
                   {"aws:username", caller.caller.user_name},
                   {"aws:SourceIp", caller.http.peer_address},
                   {"aws:SecureTransport", caller.http.over_tls ? "true" : "false"},
                   {"sts:RoleSessionName", request.session_name},
                   {"aws:CurrentTime", FormatIso8601Millis(clock_.Now())}}});
  if (outcome.decision != aws::Decision::kAllowed) {
    return NotAuthorized(account, caller.caller, request.role_arn);
  }
  const std::chrono::seconds max(role->session_seconds_max);
  const std::chrono::seconds duration =
      request.duration.value_or(std::min(std::chrono::seconds(3'600), max));
  if (duration > max) {
    return aws::AwsError{400,
                         "ValidationError",
                         "The requested DurationSeconds exceeds the MaxSessionDuration set for "
                         "this role."};
  }
  if (!request.policy.empty()) {
    const Result<json::object> policy = json::ParseObject(request.policy);
    if (request.policy.size() > kPolicyCharactersMax) {
      return aws::AwsError{
          400, "PackedPolicyTooLarge", "The session policy is longer than 2048 characters"};
    }
    if (!policy || !aws::CheckIdentityPolicy(*policy)) {
      return aws::AwsError{400, "MalformedPolicyDocument", "The session policy is not valid."};
    }
  }
  Session session;
  aws::Credential& credential = session.credential;
  credential.access_key_id = MakeUniqueId("ASIA", random_, 16);
  std::string raw(30, '\0');
  random_.Fill(std::as_writable_bytes(std::span(raw)));
  credential.secret_access_key = Base64Encode(raw);
  credential.user_name = role->name;
  credential.assumed_role_arn = fmt::format(
      "arn:aws:sts::{}:assumed-role/{}/{}", account.account_id, role->name, request.session_name);
  credential.assumed_role_id = fmt::format("{}:{}", role->id, request.session_name);
  session.expires_at = Timestamp::FromMillis((clock_.Now() + duration).millis() / 1'000 * 1'000);
  json::object plain{{"id", credential.access_key_id},
                     {"secret", credential.secret_access_key},
                     {"role", role->name},
                     {"role_id", role->id},
                     {"session", request.session_name},
                     {"expires_ms", session.expires_at.millis()}};
  if (!request.policy.empty()) plain["policy"] = request.policy;
  session.token = Base64Encode(box_.Seal(kSealContext, json::Serialize(plain)));
  return session;
}

}  // namespace postglass::access
