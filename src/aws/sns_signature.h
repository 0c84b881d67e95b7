#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "net/tls.h"

// The signature on SNS messages, both sides. Canonical string: SNS Developer Guide, "Verifying the
// signatures of Amazon SNS messages".

namespace postglass::aws {

// The bytes that are signed, for Notification, SubscriptionConfirmation, UnsubscribeConfirmation.
// kInvalidArgument when Type is unknown or a field is missing or not a string.
Result<std::string> SnsCanonicalString(const json::object& message);

enum class SnsSignatureVersion { kSha1 = 1, kSha256 = 2 };

// Holds the signing key of this installation. Thread-safe. One signature costs about 0.3 ms.
class SnsSigner {
 public:
  static Result<std::unique_ptr<SnsSigner>> Create(const net::CertificateAndKey& key);
  virtual ~SnsSigner() = default;
  virtual std::string Sign(std::string_view canonical,
                           SnsSignatureVersion version) const = 0;  // base64
  virtual const std::string& certificate_pem() const = 0;
  // "/SimpleNotificationService-<32 hex>.pem", from the certificate's hash.
  virtual const std::string& certificate_path() const = 0;
};

// Checks `signature_base64` over `canonical` with the RSA key of `certificate_pem`.
// `version` nothing: either hash (Lambda records say 1 whatever it is).
// Errors: kPermissionDenied (does not match), kInvalidArgument (not a certificate, not base64).
Status VerifySnsSignature(std::string_view canonical,
                          std::string_view signature_base64,
                          std::string_view certificate_pem,
                          std::optional<SnsSignatureVersion> version);

}  // namespace postglass::aws
