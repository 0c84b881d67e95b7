#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

// DKIM signatures (RFC 6376): rsa-sha256, relaxed/relaxed.

namespace postglass::mail {

// A private RSA key of 1024 to 2048 bits. Immutable; thread-safe.
class DkimKey {
 public:
  // `base64`: of a PKCS #1 or PKCS #8 DER, as SES's API takes it (DomainSigningPrivateKey); line
  // ends and a PEM's first and last line are fine. kInvalidArgument says what is wrong.
  static Result<std::shared_ptr<const DkimKey>> Parse(std::string_view base64);
  ~DkimKey();

  // RSASSA-PKCS1-v1_5 with SHA-256 over `text`; raw bytes. Takes about a millisecond.
  std::string Sign(std::string_view text) const;

 private:
  struct Handle;  // hides OpenSSL
  explicit DkimKey(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
};

struct DkimSigner {
  std::string domain;
  std::string selector;
  std::shared_ptr<const DkimKey> key;
};

// The header field to put in front of `message`, line end included. It covers the body and the
// headers that readers see or act on, From once more than it is there (RFC 6376 §8.15), so that
// none can be added. Requires: CRLF line ends.
std::string DkimSignatureField(std::string_view message, const DkimSigner& signer, Timestamp at);

// The canonical forms, for tests: RFC 6376 §3.4.2 (a field with its line end, without it) and
// §3.4.4.
std::string RelaxedField(std::string_view field);
std::string RelaxedBody(std::string_view body);

}  // namespace postglass::mail
