#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "net/http_client.h"

namespace postglass::intake {

// Decides whether a signing certificate is to be believed. Thread-safe.
class CertificateChainChecker {
 public:
  virtual ~CertificateChainChecker() = default;
  // OK when the first certificate of `certificate_pem` is valid at `now`, names one of `host_names`
  // and leads to a trusted root. Errors: kPermissionDenied (it does not), kInvalidArgument (no
  // certificate), kUnavailable (an issuer could not be fetched: try again).
  virtual Status Check(const std::string& certificate_pem,
                       const std::vector<std::string>& host_names,
                       Timestamp now) = 0;
};

// Checks by X.509 path validation (RFC 5280) against the system's roots. Amazon SNS serves its
// signing certificate alone, so the intermediates are fetched from the address that the
// certificate itself names (authority information access), from Amazon Trust Services only. What is
// fetched needs no trust: the path must end at a root that is here already.
class IssuerFetchingChainChecker final : public CertificateChainChecker {
 public:
  // `client` must outlive it. kInvalidArgument when trust.extra_roots_pem holds no certificate.
  static Result<std::unique_ptr<IssuerFetchingChainChecker>> Create(net::HttpClient& client,
                                                                    const net::TrustOptions& trust);
  ~IssuerFetchingChainChecker() override;

  Status Check(const std::string& certificate_pem,
               const std::vector<std::string>& host_names,
               Timestamp now) override;

  // Whether an issuer may be fetched from there: http(s), host crt.*.amazontrust.com, no port.
  static bool IsIssuerUrlAllowed(const std::string& url);

 private:
  struct Roots;

  IssuerFetchingChainChecker(net::HttpClient& client, std::unique_ptr<Roots> roots);
  Result<std::string> FetchIssuer(const std::string& url);

  net::HttpClient& client_;
  std::unique_ptr<Roots> roots_;
  Mutex mutex_;
  // Issuers by address, DER or PEM as served, oldest first.
  std::deque<std::pair<std::string, std::string>> issuers_ GUARDED_BY(mutex_);
};

}  // namespace postglass::intake
