#include "aws/sns_signature.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <utility>

#include "base/check.h"
#include "base/crypto.h"
#include "base/encoding.h"

namespace postglass::aws {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

// Without it OpenSSL would ask at the terminal for the passphrase of an encrypted PEM block.
int NoPassphrase(char*, int, int, void*) { return 0; }

Bio ReadFrom(std::string_view pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Certificate ParseCertificate(std::string_view pem) {
  const Bio bio = ReadFrom(pem);
  Certificate certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)
                              : nullptr);
  ERR_clear_error();
  return certificate;
}

const EVP_MD* Hash(SnsSignatureVersion version) {
  return version == SnsSignatureVersion::kSha1 ? EVP_sha1() : EVP_sha256();
}

class OpenSslSnsSigner final : public SnsSigner {
 public:
  OpenSslSnsSigner(Key key, std::string certificate_pem, std::string certificate_path)
      : key_(std::move(key)),
        certificate_pem_(std::move(certificate_pem)),
        certificate_path_(std::move(certificate_path)) {}

  std::string Sign(std::string_view canonical, SnsSignatureVersion version) const override {
    const DigestContext context(EVP_MD_CTX_new());
    std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    std::size_t size = signature.size();
    CHECK(EVP_DigestSignInit(context.get(), nullptr, Hash(version), nullptr, key_.get()) == 1);
    CHECK(EVP_DigestSign(context.get(),
                         reinterpret_cast<unsigned char*>(signature.data()),
                         &size,
                         reinterpret_cast<const unsigned char*>(canonical.data()),
                         canonical.size()) == 1);
    signature.resize(size);
    return Base64Encode(signature);
  }

  const std::string& certificate_pem() const override { return certificate_pem_; }

  const std::string& certificate_path() const override { return certificate_path_; }

 private:
  const Key key_;
  const std::string certificate_pem_;
  const std::string certificate_path_;
};

bool Matches(EVP_PKEY* key,
             std::string_view canonical,
             std::string_view signature,
             SnsSignatureVersion version) {
  const DigestContext context(EVP_MD_CTX_new());
  const bool matches =
      EVP_DigestVerifyInit(context.get(), nullptr, Hash(version), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(),
                       reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(),
                       reinterpret_cast<const unsigned char*>(canonical.data()),
                       canonical.size()) == 1;
  ERR_clear_error();  // a mismatch leaves its reasons in this thread's queue
  return matches;
}

}  // namespace

Result<std::string> SnsCanonicalString(const json::object& message) {
  const std::string type = json::GetStringOr(message, "Type", "");
  const bool notification = type == "Notification";
  if (!notification && type != "SubscriptionConfirmation" && type != "UnsubscribeConfirmation") {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("unknown message type \"{}\"", type));
  }
  std::string canonical;
  const auto add = [&](std::string_view name) -> Status {
    const auto value = json::GetString(message, name);
    if (!value) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is not there or no string", name));
    }
    canonical.append(name).append("\n").append(*value).append("\n");
    return {};
  };
  RETURN_IF_ERROR(add("Message"));
  RETURN_IF_ERROR(add("MessageId"));
  if (notification) {
    // The Lambda form shows a missing subject as null; it is not signed then.
    const auto subject = message.find("Subject");
    if (subject != message.end() && !subject->value().is_null()) RETURN_IF_ERROR(add("Subject"));
    RETURN_IF_ERROR(add("Timestamp"));
  } else {
    RETURN_IF_ERROR(add("SubscribeURL"));
    RETURN_IF_ERROR(add("Timestamp"));
    RETURN_IF_ERROR(add("Token"));
  }
  RETURN_IF_ERROR(add("TopicArn"));
  RETURN_IF_ERROR(add("Type"));
  return canonical;
}

Result<std::unique_ptr<SnsSigner>> SnsSigner::Create(const net::CertificateAndKey& key) {
  const Certificate certificate = ParseCertificate(key.certificate_pem);
  if (!certificate) return Fail(ErrorCode::kInvalidArgument, "signing certificate is not PEM");
  const Bio bio = ReadFrom(key.private_key_pem);
  Key private_key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr)
                      : nullptr);
  ERR_clear_error();
  if (!private_key || EVP_PKEY_get_base_id(private_key.get()) != EVP_PKEY_RSA) {
    return Fail(ErrorCode::kInvalidArgument, "signing key is not an RSA key in PEM");
  }
  if (X509_check_private_key(certificate.get(), private_key.get()) != 1) {
    return Fail(ErrorCode::kInvalidArgument, "signing key does not belong to the certificate");
  }
  std::string path = fmt::format("/SimpleNotificationService-{}.pem",
                                 HexEncode(Sha256(key.certificate_pem).substr(0, 16)));
  return std::unique_ptr<SnsSigner>(std::make_unique<OpenSslSnsSigner>(
      std::move(private_key), key.certificate_pem, std::move(path)));
}

Status VerifySnsSignature(std::string_view canonical,
                          std::string_view signature_base64,
                          std::string_view certificate_pem,
                          std::optional<SnsSignatureVersion> version) {
  const std::optional<std::string> signature = Base64Decode(signature_base64);
  if (!signature) return Fail(ErrorCode::kInvalidArgument, "signature is not base64");
  const Certificate certificate = ParseCertificate(certificate_pem);
  if (!certificate) return Fail(ErrorCode::kInvalidArgument, "certificate is not PEM");
  EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
    return Fail(ErrorCode::kInvalidArgument, "certificate holds no RSA key");
  }
  for (const SnsSignatureVersion candidate :
       {SnsSignatureVersion::kSha256, SnsSignatureVersion::kSha1}) {
    if (version && *version != candidate) continue;
    if (Matches(key, canonical, *signature, candidate)) return {};
  }
  return Fail(ErrorCode::kPermissionDenied, "signature does not match the message");
}

}  // namespace postglass::aws
