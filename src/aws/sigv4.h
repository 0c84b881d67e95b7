#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/clock.h"
#include "net/http.h"

// Signature Version 4, both sides: verifying clients' requests, and signing our own (tests, load
// generator, SQS polling). Rules: reference "Authenticating Requests (AWS Signature Version 4)".

namespace postglass::aws {

// What the request says of itself before anything is checked.
struct SignatureScope {
  std::string access_key_id;
  std::string date;     // yyyymmdd
  std::string region;
  std::string service;
};
// Nothing when the request carries no signature at all; an AwsError (IncompleteSignature) when it
// carries a broken one.
struct ScopeOrError {
  std::optional<SignatureScope> scope;
  std::optional<AwsError> error;
};
ScopeOrError ReadScope(const net::HttpRequest& request);

// Nothing when the signature is right. Clock skew ±5 min (presigned: X-Amz-Expires, ≤ 7 days).
// Costs one SHA-256 of the body and six HMACs; constant-time comparison.
std::optional<AwsError> VerifySignature(const net::HttpRequest& request,
                                        const SignatureScope& scope,
                                        std::string_view secret_access_key,
                                        Timestamp now);

// Adds X-Amz-Date and Authorization; Host must be set.
void SignRequest(net::HttpRequest& request, const SignatureScope& scope,
                 std::string_view secret_access_key, Timestamp now);

// SES's SMTP password for a secret and Region (version byte 4), and its check.
std::string SmtpPassword(std::string_view secret_access_key, std::string_view region);

}  // namespace postglass::aws
