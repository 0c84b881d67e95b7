#pragma once

#include <string>

#include "aws/service.h"

namespace postglass::aws {

// STS as far as clients ask it before anything else: GetCallerIdentity. Thread-safe.
class StsService final : public Service {
 public:
  explicit StsService(Account account) : account_(std::move(account)) {}

  net::HttpResponse Handle(const ServiceRequest& request) override;
  net::HttpResponse RenderError(const ServiceRequest& request, const AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  const Account account_;
};

}  // namespace postglass::aws
