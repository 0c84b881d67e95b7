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

bool MayCall(const Credential& caller, std::string_view action) {
  return std::any_of(
      caller.allowed_actions.begin(), caller.allowed_actions.end(), [action](const std::string& a) {
        return MatchesWildcard(a, action, Case::kIgnored);
      });
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
  std::vector<Route> routes;  // longest prefix first; fixed once requests come
  SigningKeyCache keys;

  const Route* FindRoute(std::string_view signing_name, std::string_view path) const {
    for (const Route& route : routes) {
      if (route.signing_name == signing_name && Covers(route.path_prefix, path)) return &route;
    }
    return nullptr;
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
  const std::optional<Credential> caller = impl_->credentials.Find(scope.access_key_id);
  // Session tokens are not issued here, so a request with one was made for somebody else.
  if (!caller || request.headers.Find("X-Amz-Security-Token")) {
    return impl_->Refuse(
        route,
        call,
        "unknown_key",
        {403, "InvalidClientTokenId", "The security token included in the request is invalid."});
  }
  if (scope.region != impl_->account.region) {
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
  if (!MayCall(call.caller, action)) {
    return impl_->Refuse(
        route,
        call,
        "not_allowed",
        {403,
         "AccessDenied",
         fmt::format("User: arn:aws:iam::{}:user/{} is not authorized to perform: {} because no "
                     "identity-based policy allows the {} action",
                     impl_->account.account_id,
                     call.caller.user_name,
                     action,
                     action)});
  }
  return impl_->Serve(*route, call);
}

}  // namespace postglass::aws
