#pragma once

#include <memory>

#include "base/mutex.h"
#include "net/http_client.h"
#include "net/openssl_handles.h"
#include "net/tls.h"

namespace postglass::net {

// A context that checks servers against `trust`. Loads the system's roots, which takes some 10 ms:
// make it once. Errors: kInvalidArgument (extra_roots_pem), kUnavailable (no system roots found).
Result<std::shared_ptr<SSL_CTX>> MakeClientContext(const TrustOptions& trust);
// Takes any certificate: for opportunistic STARTTLS (RFC 7435), which shields from listeners only.
Result<std::shared_ptr<SSL_CTX>> MakeUncheckedClientContext();

// Makes the checked context when it is first wanted, once. Thread-safe.
class LazyClientContext {
 public:
  explicit LazyClientContext(TrustOptions trust) : trust_(std::move(trust)) {}

  Result<std::shared_ptr<SSL_CTX>> Get();

 private:
  const TrustOptions trust_;
  Mutex mutex_;
  std::shared_ptr<SSL_CTX> context_ GUARDED_BY(mutex_);
};

}  // namespace postglass::net
