#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace postglass::net {

struct CertificateAndKey {
  std::string certificate_pem;  // leaf first, then intermediates
  std::string private_key_pem;
};

// A CA of our own: RSA-2048, ten years. For DIR/tls.
Result<CertificateAndKey> MakeCertificateAuthority(const Clock& clock,
                                                   Random& random,
                                                   const std::string& common_name);
// A server certificate (RSA-2048, 825 days) for DNS names and IP addresses, signed by `authority`.
Result<CertificateAndKey> MakeServerCertificate(const Clock& clock,
                                                Random& random,
                                                const CertificateAndKey& authority,
                                                const std::string& common_name,
                                                const std::vector<std::string>& names);

// TLS 1.2 and 1.3 for a listener, without renegotiation. Thread-safe.
class TlsServerContext {
 public:
  // kInvalidArgument: no certificate or key in the files, or they do not belong together.
  static Result<std::shared_ptr<TlsServerContext>> Create(const CertificateAndKey& files);
  virtual ~TlsServerContext() = default;
  // Swaps certificate and key for new connections. On an error the old ones stay in use.
  virtual Status Reload(const CertificateAndKey& files) = 0;
  // OpenSSL's context of the newest files; for this folder's sockets.
  virtual std::shared_ptr<ssl_ctx_st> Current() const = 0;
};

}  // namespace postglass::net
