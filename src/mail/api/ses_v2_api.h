#pragma once

#include <string>

#include "aws/service.h"
#include "mail/api/ses_backend.h"

namespace postglass::mail {

// Amazon SES API v2 (REST-JSON) under /v2/email. Which operations: docs/compat/ses.md. Thread-safe.
// Register it for signing name "ses", path "/v2/email".
class SesV2Api final : public aws::Service {
 public:
  explicit SesV2Api(const SesBackend& backend) : backend_(backend) {}

  net::HttpResponse Handle(const aws::ServiceRequest& request) override;
  net::HttpResponse RenderError(const aws::ServiceRequest& request,
                                const aws::AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  const SesBackend backend_;
};

}  // namespace postglass::mail
