#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "net/http.h"

// Signature Version 4, both sides: verifying clients' requests, and signing our own (tests, load
// generator, SQS polling). Rules: reference "Authenticating Requests (AWS Signature Version 4)".

namespace postglass::aws {

// What the request says of itself before anything is checked.
struct SignatureScope {
  std::string access_key_id;
  std::string date;  // yyyymmdd
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

// Remembers derived signing keys: four of the six HMACs of a verification depend only on key, day,
// Region and service. Bounded; forgets everything when full. Thread-safe.
class SigningKeyCache {
 public:
  static constexpr std::size_t kEntriesMax = 1024;  // some 300 bytes each

  // The key "AWS4"+secret → date → region → service → aws4_request.
  std::string Get(const SignatureScope& scope, std::string_view secret_access_key);

 private:
  struct Entry {
    std::string secret_access_key;  // a key id whose secret was replaced must not match
    std::string signing_key;
  };

  Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);
};

// Nothing when the signature is right. Clock skew ±5 min (presigned: X-Amz-Expires, ≤ 7 days).
// Costs one SHA-256 of the body and six HMACs; constant-time comparison.
std::optional<AwsError> VerifySignature(const net::HttpRequest& request,
                                        const SignatureScope& scope,
                                        std::string_view secret_access_key,
                                        Timestamp now,
                                        SigningKeyCache* cache = nullptr);

// Adds X-Amz-Date and Authorization; Host must be set. Every header that is there is signed.
void SignRequest(net::HttpRequest& request,
                 const SignatureScope& scope,
                 std::string_view secret_access_key,
                 Timestamp now);

// SES's SMTP password for a secret and Region (version byte 4), and its check.
std::string SmtpPassword(std::string_view secret_access_key, std::string_view region);

}  // namespace postglass::aws
