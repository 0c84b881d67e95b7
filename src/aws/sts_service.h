#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "aws/query_protocol.h"
#include "aws/service.h"

namespace postglass::aws {

// Gives out credentials for a role. Thread-safe.
class RoleAssumer {
 public:
  virtual ~RoleAssumer() = default;

  struct Request {
    std::string role_arn;
    std::string session_name;
    std::optional<std::chrono::seconds> duration;  // nothing: an hour
    std::string policy;                            // JSON text; empty: none
  };

  struct Session {
    Credential credential;  // its policy sets may be left out
    std::string token;
    Timestamp expires_at;
  };

  // The role's trust policy must let the caller in. The error is AWS's.
  virtual std::variant<Session, AwsError> Assume(const ServiceRequest& caller,
                                                 const Request& request) = 0;
};

// STS: GetCallerIdentity, which clients ask before anything else, and AssumeRole. Thread-safe.
class StsService final : public Service {
 public:
  // Without `roles` there are none to assume. It must outlive the service.
  explicit StsService(Account account, RoleAssumer* roles = nullptr)
      : account_(std::move(account)), roles_(roles) {}

  net::HttpResponse Handle(const ServiceRequest& request) override;
  net::HttpResponse RenderError(const ServiceRequest& request, const AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  net::HttpResponse AssumeRole(const ServiceRequest& request, const QueryParams& params);

  const Account account_;
  RoleAssumer* const roles_;
};

}  // namespace postglass::aws
