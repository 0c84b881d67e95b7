#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

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

// TLS 1.2 and 1.3 for a listener. Reload() swaps certificate and key for new connections.
// Thread-safe.
class TlsServerContext {
 public:
  static Result<std::shared_ptr<TlsServerContext>> Create(const CertificateAndKey& files);
  virtual ~TlsServerContext() = default;
  virtual Status Reload(const CertificateAndKey& files) = 0;
};

}  // namespace postglass::net
