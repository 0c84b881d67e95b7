#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "aws/query_protocol.h"
#include "aws/service.h"
#include "aws/sigv4.h"
#include "aws/wildcard.h"
#include "base/encoding.h"
#include "base/json.h"

namespace postglass::aws {
namespace {

constexpr std::string_view kRequestsTotal = "postglass_aws_requests_total";
constexpr std::string_view kRequestsHelp = "AWS calls by service and what became of them";

struct Route {
  std::string signing_name;
  std::string path_prefix;
  Service* service = nullptr;
};

// "/v2/email" covers itself and what is below it, not "/v2/emails".
bool Covers(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return false;
  return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

bool HasAction(std::string_view form) {
  constexpr std::string_view kName = "Action=";
  for (std::size_t at = form.find(kName); at != std::string_view::npos;
       at = form.find(kName, at + 1)) {
    if (at == 0 || form[at - 1] == '&') return true;
  }
  return false;
}

// Whoever may call it may find out who he is: IAM asks no permission for that.
bool MayCall(const Account& account,
             const net::HttpRequest& request,
             const Credential& caller,
             const std::string& action) {
  const bool by_key = std::any_of(
      caller.allowed_actions.begin(),
      caller.allowed_actions.end(),
      [&action](const std::string& a) { return MatchesWildcard(a, action, Case::kIgnored); });
  if (!by_key || caller.policy_sets.empty() || action == "sts:GetCallerIdentity") return by_key;
  const std::string arn = PrincipalArn(account, caller);
  const PolicyRequest asked{
      .principal_service = {},
      .principal_account = account.account_id,
      .principal_arn = arn,
      .action = action,
      .resource = {},
      .context = {{"aws:PrincipalArn", arn},
                  {"aws:PrincipalAccount", account.account_id},
                  {"aws:SourceIp", request.peer_address},
                  {"aws:SecureTransport", request.over_tls ? "true" : "false"}}};
  return std::all_of(caller.policy_sets.begin(), caller.policy_sets.end(), [&](const auto& set) {
    return EvaluateActions(set, asked) == Decision::kAllowed;
  });
}

// IAM is one for all Regions and always signed for this one; STS may be.
bool IsGlobal(const SignatureScope& scope) {
  return (scope.service == "iam" || scope.service == "sts") && scope.region == "us-east-1";
}

// For requests of no service that is known here. SDKs of the JSON protocols cannot read XML.
net::HttpResponse RenderWithoutService(const net::HttpRequest& request,
                                       const AwsError& error,
                                       std::string_view request_id) {
  const bool json = request.headers.Find("X-Amz-Target") ||
                    request.headers.Get("Content-Type").find("json") != std::string_view::npos ||
                    request.path() != "/";
  if (!json) return QueryErrorResponse("", error, request_id);
  net::HttpResponse response = RestJsonErrorResponse(error, request_id);
  response.body = "{\"__type\":";
  json::AppendQuoted(response.body, response.headers.Get("x-amzn-ErrorType"));
  response.body += ",\"message\":";
  json::AppendQuoted(response.body, error.message);
  response.body += '}';
  return response;
}

}  // namespace

std::string PrincipalArn(const Account& account, const Credential& caller) {
  if (!caller.assumed_role_arn.empty()) return caller.assumed_role_arn;
  return fmt::format("arn:aws:iam::{}:user/{}", account.account_id, caller.user_name);
}

struct Gateway::Impl {
  Impl(Account account_in,
       const CredentialStore& credentials_in,
       const Clock& clock_in,
       Random& random_in,
       Metrics& metrics_in)
      : account(std::move(account_in)),
        credentials(credentials_in),
        clock(clock_in),
        random(random_in),
        metrics(metrics_in) {}

  const Account account;
  const CredentialStore& credentials;
  const Clock& clock;
  Random& random;
  Metrics& metrics;
  const SessionStore* sessions = nullptr;
  std::vector<Route> routes;  // longest prefix first; fixed once requests come
  SigningKeyCache keys;

  const Route* FindRoute(std::string_view signing_name, std::string_view path) const {
    for (const Route& route : routes) {
      if (route.signing_name == signing_name && Covers(route.path_prefix, path)) return &route;
    }
    return nullptr;
  }

  SessionStore::Found FindCaller(const net::HttpRequest& request,
                                 std::string_view access_key_id) const {
    const auto token = request.headers.Find("X-Amz-Security-Token");
    if (!token) return {credentials.Find(access_key_id), false};
    if (sessions == nullptr) return {};
    return sessions->Find(access_key_id, *token);
  }

  // The service an unsigned request is for: the one that lets it through, else the one that knows
  // its action and can say so in its own words.
  const Route* FindUnsigned(const net::HttpRequest& request, bool& allowed) const {
    const Route* speaker = nullptr;
    for (const Route& route : routes) {
      if (!Covers(route.path_prefix, request.path())) continue;
      if (route.service->AllowsUnsigned(request)) {
        allowed = true;
        return &route;
      }
      if (speaker == nullptr && !route.service->ActionOf(request).empty()) speaker = &route;
    }
    allowed = false;
    return speaker;
  }

  void Count(const Route* route, std::string_view result) {
    metrics
        .GetCounter(
            kRequestsTotal,
            kRequestsHelp,
            {{"service", route == nullptr ? "other" : std::string_view(route->signing_name)},
             {"result", result}})
        .Add();
  }

  net::HttpResponse Refuse(const Route* route,
                           const ServiceRequest& request,
                           std::string_view result,
                           const AwsError& error) {
    Count(route, result);
    if (route == nullptr) return RenderWithoutService(request.http, error, request.request_id);
    return route->service->RenderError(request, error);
  }

  void CountAnswer(const Route& route, int status) {
    Count(&route, status < 400 ? "ok" : status < 500 ? "client_error" : "server_error");
  }

  net::HttpResponse Serve(const Route& route, const ServiceRequest& request) {
    net::HttpResponse response = route.service->Handle(request);
    if (!response.later) {
      CountAnswer(route, response.status);
      return response;
    }
    response.later = [this, &route, begin = std::move(response.later)](net::HttpRespond respond) {
      begin([this, &route, respond = std::move(respond)](net::HttpResponse answer) {
        CountAnswer(route, answer.status);
        respond(std::move(answer));
      });
    };
    return response;
  }

  std::string ServiceNames() const {
    std::vector<std::string> names;
    for (const Route& route : routes) names.push_back(fmt::format("'{}'", route.signing_name));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return fmt::format("{}", fmt::join(names, ", "));
  }
};

Gateway::Gateway(Account account,
                 const CredentialStore& credentials,
                 const Clock& clock,
                 Random& random,
                 Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(account), credentials, clock, random, metrics)) {}

Gateway::~Gateway() = default;

void Gateway::UseSessions(const SessionStore& sessions) { impl_->sessions = &sessions; }

void Gateway::Register(std::string signing_name, std::string path_prefix, Service& service) {
  impl_->routes.push_back({std::move(signing_name), std::move(path_prefix), &service});
  std::stable_sort(impl_->routes.begin(), impl_->routes.end(), [](const Route& a, const Route& b) {
    return a.path_prefix.size() > b.path_prefix.size();
  });
}

bool Gateway::IsAwsRequest(const net::HttpRequest& request) {
  if (request.headers.Get("Authorization").starts_with("AWS4-HMAC-SHA256")) return true;
  if (request.headers.Find("X-Amz-Target")) return true;
  const std::string_view query = request.query();
  if (query.find("X-Amz-Algorithm=AWS4-HMAC-SHA256") != std::string_view::npos) return true;
  if (HasAction(query)) return true;
  return request.method == "POST" &&
         AsciiLower(request.headers.Get("Content-Type"))
             .starts_with("application/x-www-form-urlencoded") &&
         HasAction(request.body);
}

net::HttpResponse Gateway::Handle(const net::HttpRequest& request) {
  ServiceRequest call{request, {}, impl_->random.Uuid()};
  call.caller.allowed_actions.clear();
  const ScopeOrError read = ReadScope(request);
  if (!read.scope) {
    bool allowed = false;
    const Route* route = impl_->FindUnsigned(request, allowed);
    if (read.error) return impl_->Refuse(route, call, "bad_signature", *read.error);
    if (allowed) return impl_->Serve(*route, call);
    return impl_->Refuse(
        route,
        call,
        "unsigned",
        {403, "MissingAuthenticationToken", "Request is missing Authentication Token"});
  }

  const SignatureScope& scope = *read.scope;
  const Route* route = impl_->FindRoute(scope.service, request.path());
  const auto [caller, expired] = impl_->FindCaller(request, scope.access_key_id);
  if (expired) {
    return impl_->Refuse(
        route,
        call,
        "expired_token",
        {403, "ExpiredToken", "The security token included in the request is expired"});
  }
  if (!caller) {
    return impl_->Refuse(
        route,
        call,
        "unknown_key",
        {403, "InvalidClientTokenId", "The security token included in the request is invalid."});
  }
  if (scope.region != impl_->account.region && !IsGlobal(scope)) {
    return impl_->Refuse(
        route,
        call,
        "wrong_region",
        {403,
         "SignatureDoesNotMatch",
         fmt::format("Credential should be scoped to a valid region, not '{}'. Use '{}'.",
                     scope.region,
                     impl_->account.region)});
  }
  if (auto error = VerifySignature(
          request, scope, caller->secret_access_key, impl_->clock.Now(), &impl_->keys)) {
    return impl_->Refuse(route, call, "bad_signature", *error);
  }
  if (route == nullptr) {
    return impl_->Refuse(
        nullptr,
        call,
        "unknown_service",
        {403,
         "SignatureDoesNotMatch",
         fmt::format("Credential should be scoped to correct service: {}, not '{}'.",
                     impl_->ServiceNames(),
                     scope.service)});
  }
  call.caller = *caller;
  const std::string action = route->service->ActionOf(request);
  if (!MayCall(impl_->account, request, call.caller, action)) {
    return impl_->Refuse(
        route,
        call,
        "not_allowed",
        {403,
         "AccessDenied",
         fmt::format("User: {} is not authorized to perform: {} because no identity-based policy "
                     "allows the {} action",
                     PrincipalArn(impl_->account, call.caller),
                     action,
                     action)});
  }
  return impl_->Serve(*route, call);
}

}  // namespace postglass::aws
