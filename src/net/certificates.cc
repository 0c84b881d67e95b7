#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <chrono>
#include <ctime>

#include "net/openssl_handles.h"
#include "net/tls.h"

namespace postglass::net {
namespace {

constexpr int kRsaBits = 2048;
constexpr std::chrono::days kAuthorityLife{3650};
constexpr std::chrono::days kServerLife{825};  // the longest that Apple's clients take
// A client whose clock is a little behind would refuse a certificate of this very second.
constexpr std::chrono::hours kBackdated{1};
constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kCommonNameBytesMax = 64;  // ub-common-name, RFC 5280 appendix A.1

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpenSslFree<GENERAL_NAMES_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpenSslFree<X509_EXTENSION_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, OpenSslFree<BN_free>>;

tl::unexpected<Error> OpenSslFailed(std::string_view step) {
  return Fail(ErrorCode::kInternal, fmt::format("{}: {}", step, TakeOpenSslError()));
}

std::string BioText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Result<std::string> CertificatePem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return OpenSslFailed("write certificate");
  }
  return BioText(bio.get());
}

Result<std::string> PrivateKeyPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr ||
      PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslFailed("write private key");
  }
  return BioText(bio.get());
}

BioPtr ReadBio(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Status SetSerial(X509* certificate, Random& random) {
  std::array<unsigned char, kSerialBytes> raw;
  random.Fill(std::as_writable_bytes(std::span(raw)));
  raw[0] = static_cast<unsigned char>((raw[0] & 0x7F) | 0x40);  // positive and of full length
  const NumberPtr number(BN_bin2bn(raw.data(), static_cast<int>(raw.size()), nullptr));
  if (number == nullptr ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return OpenSslFailed("serial number");
  }
  return {};
}

Status SetLife(X509* certificate, Timestamp now, std::chrono::seconds life) {
  const std::time_t from = static_cast<std::time_t>((now - kBackdated).millis() / 1000);
  const std::time_t until = static_cast<std::time_t>((now + life).millis() / 1000);
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), from) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), until) == nullptr) {
    return OpenSslFailed("validity");
  }
  return {};
}

Status SetSubject(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [&](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(name,
                                      field,
                                      MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()),
                                      -1,
                                      0) == 1;
  };
  // The organisation keeps the subject from being empty where a long host name does not fit:
  // clients read the alternative names only.
  bool added = add("O", "Postglass");
  if (!common_name.empty() && common_name.size() <= kCommonNameBytesMax) {
    added = added && add("CN", common_name);
  }
  if (!added) return OpenSslFailed("subject");
  return {};
}

Status AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpenSslFailed(fmt::format("extension {}", OBJ_nid2sn(nid)));
  }
  return {};
}

// One subjectAltName entry: an IP address where `name` is one, else a DNS name. Built from values,
// not from OpenSSL's configuration syntax, in which a comma in a name would add entries.
bool AddName(GENERAL_NAMES* names, const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  int address_bytes = 0;
  if (inet_pton(AF_INET, name.c_str(), address.data()) == 1) {
    address_bytes = sizeof(in_addr);
  } else if (inet_pton(AF_INET6, name.c_str(), address.data()) == 1) {
    address_bytes = sizeof(in6_addr);
  }
  GENERAL_NAME* entry = GENERAL_NAME_new();
  if (entry == nullptr) return false;
  ASN1_STRING* text = address_bytes > 0 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  const bool set =
      text != nullptr &&
      (address_bytes > 0 ? ASN1_STRING_set(text, address.data(), address_bytes)
                         : ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())));
  GENERAL_NAME_set0_value(entry, address_bytes > 0 ? GEN_IPADD : GEN_DNS, text);
  if (!set || sk_GENERAL_NAME_push(names, entry) == 0) {
    GENERAL_NAME_free(entry);
    return false;
  }
  return true;
}

Status AddNames(X509* certificate, const std::vector<std::string>& names) {
  const GeneralNamesPtr all(sk_GENERAL_NAME_new_null());
  for (const std::string& name : names) {
    if (name.empty()) return Fail(ErrorCode::kInvalidArgument, "a certificate name is empty");
    for (const char c : name) {
      if (c <= ' ' || c > '~') {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("'{}' cannot be a name in a certificate", name));
      }
    }
    if (all == nullptr || !AddName(all.get(), name)) return OpenSslFailed("alternative name");
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, X509V3_ADD_DEFAULT) != 1) {
    return OpenSslFailed("alternative names");
  }
  return {};
}

// Everything that both kinds of certificate share, unsigned.
Result<CertificatePtr> Begin(const Clock& clock,
                             Random& random,
                             const std::string& common_name,
                             EVP_PKEY* key,
                             std::chrono::seconds life) {
  CertificatePtr certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return OpenSslFailed("certificate");
  }
  RETURN_IF_ERROR(SetSerial(certificate.get(), random));
  RETURN_IF_ERROR(SetLife(certificate.get(), clock.Now(), life));
  RETURN_IF_ERROR(SetSubject(certificate.get(), common_name));
  return certificate;
}

Result<CertificateAndKey> SignAndWrite(X509* certificate, EVP_PKEY* key, EVP_PKEY* signing_key) {
  if (X509_sign(certificate, signing_key, EVP_sha256()) == 0) return OpenSslFailed("sign");
  CertificateAndKey files;
  ASSIGN_OR_RETURN(files.certificate_pem, CertificatePem(certificate));
  ASSIGN_OR_RETURN(files.private_key_pem, PrivateKeyPem(key));
  return files;
}

}  // namespace

Result<CertificateAndKey> MakeCertificateAuthority(const Clock& clock,
                                                   Random& random,
                                                   const std::string& common_name) {
  const PrivateKeyPtr key(EVP_RSA_gen(kRsaBits));
  if (key == nullptr) return OpenSslFailed("make key");
  ASSIGN_OR_RETURN(const CertificatePtr certificate,
                   Begin(clock, random, common_name, key.get(), kAuthorityLife));
  X509* const x509 = certificate.get();
  if (X509_set_issuer_name(x509, X509_get_subject_name(x509)) != 1) return OpenSslFailed("issuer");
  // RFC 5280 §4.2.1: what clients that check strictly (Python, Go, Node) want to see in a CA.
  RETURN_IF_ERROR(AddExtension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  RETURN_IF_ERROR(AddExtension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign"));
  RETURN_IF_ERROR(AddExtension(x509, x509, NID_subject_key_identifier, "hash"));
  return SignAndWrite(x509, key.get(), key.get());
}

Result<CertificateAndKey> MakeServerCertificate(const Clock& clock,
                                                Random& random,
                                                const CertificateAndKey& authority,
                                                const std::string& common_name,
                                                const std::vector<std::string>& names) {
  const BioPtr issuer_bio = ReadBio(authority.certificate_pem);
  const BioPtr issuer_key_bio = ReadBio(authority.private_key_pem);
  const CertificatePtr issuer(PEM_read_bio_X509(issuer_bio.get(), nullptr, nullptr, nullptr));
  const PrivateKeyPtr issuer_key(
      PEM_read_bio_PrivateKey(issuer_key_bio.get(), nullptr, nullptr, nullptr));
  if (issuer == nullptr || issuer_key == nullptr ||
      X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the authority's certificate and key do not serve: {}", TakeOpenSslError()));
  }
  if (names.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a server certificate needs at least one name");
  }
  const PrivateKeyPtr key(EVP_RSA_gen(kRsaBits));
  if (key == nullptr) return OpenSslFailed("make key");
  ASSIGN_OR_RETURN(const CertificatePtr certificate,
                   Begin(clock, random, common_name, key.get(), kServerLife));
  X509* const x509 = certificate.get();
  if (X509_set_issuer_name(x509, X509_get_subject_name(issuer.get())) != 1) {
    return OpenSslFailed("issuer");
  }
  RETURN_IF_ERROR(AddExtension(x509, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(
      AddExtension(x509, issuer.get(), NID_key_usage, "critical,digitalSignature,keyEncipherment"));
  RETURN_IF_ERROR(AddExtension(x509, issuer.get(), NID_ext_key_usage, "serverAuth"));
  RETURN_IF_ERROR(AddExtension(x509, issuer.get(), NID_subject_key_identifier, "hash"));
  RETURN_IF_ERROR(AddExtension(x509, issuer.get(), NID_authority_key_identifier, "keyid:always"));
  RETURN_IF_ERROR(AddNames(x509, names));
  return SignAndWrite(x509, key.get(), issuer_key.get());
}

}  // namespace postglass::net
