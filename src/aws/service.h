#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/identity_policy.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "net/http.h"

// How an AWS request reaches a service here: the Gateway verifies SigV4, finds the service by the
// credential scope, and hands it an authenticated ServiceRequest.

namespace postglass::aws {

// Whose cloud this is. One account and one Region per data directory.
struct Account {
  std::string region = "us-east-1";
  std::string account_id = "000000000000";  // 12 digits
};

struct Credential {
  std::string access_key_id;
  std::string secret_access_key;
  std::string user_name;  // IAM user; the tag ses:caller-identity
  // Actions this key may call ("ses:SendRawEmail", "*", "sns:*"); case-insensitive, '*' wildcards.
  std::vector<std::string> allowed_actions = {"*"};
  // Of a session (AssumeRole): each of these sets must allow the action, too.
  std::vector<PolicySet> policy_sets = {};
  std::string assumed_role_arn = {};  // "arn:aws:sts::…:assumed-role/ROLE/SESSION"; empty: a user
  std::string assumed_role_id = {};   // "AROA…:SESSION"
};

// Who calls, as policies and answers name it.
std::string PrincipalArn(const Account& account, const Credential& caller);

// Thread-safe.
class CredentialStore {
 public:
  virtual ~CredentialStore() = default;
  virtual std::optional<Credential> Find(std::string_view access_key_id) const = 0;
};

// Knows the credentials that STS gave out for a time. Thread-safe.
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  struct Found {
    std::optional<Credential> credential;
    bool expired = false;
  };

  // Neither when the token was not made here, is for another key, or its role is gone.
  virtual Found Find(std::string_view access_key_id, std::string_view token) const = 0;
};

// An error as AWS would send it; each protocol renders it its own way.
struct AwsError {
  int http_status = 400;
  std::string code;  // "InvalidParameterValue"
  std::string message;
  bool sender_fault = true;  // <Type>Sender</Type> or Receiver
};

struct ServiceRequest {
  const net::HttpRequest& http;
  Credential caller;       // empty access_key_id for unsigned calls a service allows
  std::string request_id;  // UUID; goes into the answer
};

// One AWS service. Thread-safe; may block, or answer later (HttpResponse::later). Renders its own
// errors and sets x-amzn-RequestId.
class Service {
 public:
  virtual ~Service() = default;
  virtual net::HttpResponse Handle(const ServiceRequest& request) = 0;
  // Renders an error that the gateway found before the service was asked (signature, action).
  virtual net::HttpResponse RenderError(const ServiceRequest& request, const AwsError& error) = 0;
  // The IAM action of a request, "ses:SendEmail", for key policies and logs; empty if unknown.
  virtual std::string ActionOf(const net::HttpRequest& request) const = 0;

  // True for calls AWS lets through unsigned (SNS ConfirmSubscription and Unsubscribe links).
  virtual bool AllowsUnsigned(const net::HttpRequest&) const { return false; }
};

// Verifies and routes. Thread-safe.
class Gateway {
 public:
  // `credentials`, `clock`, `random`, `metrics` must outlive it.
  Gateway(Account account,
          const CredentialStore& credentials,
          const Clock& clock,
          Random& random,
          Metrics& metrics);
  ~Gateway();

  // Lets requests in that carry a session token; without it all are refused. Call before requests
  // come; `sessions` must outlive the gateway.
  void UseSessions(const SessionStore& sessions);

  // `signing_name` is the service of the credential scope: ses, sns, lambda, sts. Requests of one
  // scope may be split by path prefix ("/v2/email" and "/" are both ses); the longest one wins.
  // `service` must outlive the gateway.
  void Register(std::string signing_name, std::string path_prefix, Service& service);

  // True when a request is for AWS: `Authorization: AWS4-HMAC-SHA256`, X-Amz-* query signature,
  // Action= in query or form body, or X-Amz-Target.
  static bool IsAwsRequest(const net::HttpRequest& request);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postglass::aws
