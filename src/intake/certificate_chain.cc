#include "intake/certificate_chain.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace postglass::intake {
namespace {

constexpr int kIssuersMax = 3;                     // leaf, intermediates, cross-signed root
constexpr std::size_t kIssuersKeptMax = 16;        // by address
constexpr std::size_t kIssuerBytesMax = 64 << 10;  // a certificate has about 1.2 KB
constexpr std::chrono::milliseconds kFetchTimeout{5'000};
constexpr std::size_t kCertificatesOfPemMax = 10;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

void FreeStack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using StackPtr = std::unique_ptr<STACK_OF(X509), Freer<FreeStack>>;
using StorePtr = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using ContextPtr = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using AccessPtr = std::unique_ptr<AUTHORITY_INFO_ACCESS, Freer<AUTHORITY_INFO_ACCESS_free>>;

std::vector<CertificatePtr> ReadPem(const std::string& pem) {
  std::vector<CertificatePtr> read;
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (bio && read.size() < kCertificatesOfPemMax) {
    CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    read.push_back(std::move(certificate));
  }
  ERR_clear_error();  // the end of the text is an "error" too
  return read;
}

CertificatePtr ReadDerOrPem(const std::string& bytes) {
  if (bytes.starts_with("-----BEGIN")) {
    auto certificates = ReadPem(bytes);
    return certificates.empty() ? nullptr : std::move(certificates.front());
  }
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
  ERR_clear_error();
  return certificate;
}

// The address of the issuer's certificate as the certificate names it; empty when it does not.
std::string IssuerUrl(X509* certificate) {
  const AccessPtr access(static_cast<AUTHORITY_INFO_ACCESS*>(
      X509_get_ext_d2i(certificate, NID_info_access, nullptr, nullptr)));
  for (int i = 0; access && i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
    const ACCESS_DESCRIPTION* description = sk_ACCESS_DESCRIPTION_value(access.get(), i);
    if (OBJ_obj2nid(description->method) != NID_ad_ca_issuers) continue;
    if (description->location->type != GEN_URI) continue;
    const ASN1_IA5STRING* text = description->location->d.uniformResourceIdentifier;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
  }
  return {};
}

struct Verdict {
  bool trusted = false;
  bool issuer_missing = false;
  int depth = 0;  // of the certificate that the error is about
  std::string reason;
};

Verdict VerifyPath(X509_STORE* roots,
                   X509* leaf,
                   STACK_OF(X509) * issuers,
                   const std::vector<std::string>& host_names,
                   Timestamp now) {
  const ContextPtr context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), roots, leaf, issuers) != 1) {
    return {.reason = "out of memory"};
  }
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(now.millis() / 1000));
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  for (const std::string& name : host_names) {
    X509_VERIFY_PARAM_add1_host(param, name.c_str(), name.size());
  }
  Verdict verdict;
  verdict.trusted = X509_verify_cert(context.get()) == 1;
  if (!verdict.trusted) {
    const int error = X509_STORE_CTX_get_error(context.get());
    verdict.issuer_missing = error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                             error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
                             error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
    verdict.depth = X509_STORE_CTX_get_error_depth(context.get());
    verdict.reason = X509_verify_cert_error_string(error);
  }
  ERR_clear_error();
  return verdict;
}

}  // namespace

struct IssuerFetchingChainChecker::Roots {
  StorePtr store;
};

IssuerFetchingChainChecker::IssuerFetchingChainChecker(net::HttpClient& client,
                                                       std::unique_ptr<Roots> roots)
    : client_(client), roots_(std::move(roots)) {}

IssuerFetchingChainChecker::~IssuerFetchingChainChecker() = default;

Result<std::unique_ptr<IssuerFetchingChainChecker>> IssuerFetchingChainChecker::Create(
    net::HttpClient& client, const net::TrustOptions& trust) {
  auto roots = std::make_unique<Roots>();
  roots->store.reset(X509_STORE_new());
  if (!roots->store) return Fail(ErrorCode::kInternal, "no certificate store");
  if (trust.system_roots) X509_STORE_set_default_paths(roots->store.get());
  if (!trust.extra_roots_pem.empty()) {
    const auto extra = ReadPem(trust.extra_roots_pem);
    if (extra.empty()) return Fail(ErrorCode::kInvalidArgument, "extra roots: no certificate");
    for (const CertificatePtr& root : extra) {
      X509_STORE_add_cert(roots->store.get(), root.get());
    }
  }
  ERR_clear_error();
  return std::unique_ptr<IssuerFetchingChainChecker>(
      new IssuerFetchingChainChecker(client, std::move(roots)));
}

bool IssuerFetchingChainChecker::IsIssuerUrlAllowed(const std::string& url) {
  const auto parsed = net::ParseUrl(url);
  if (!parsed) return false;
  const bool usual_port = parsed->port == (parsed->scheme == "https" ? 443 : 80);
  return usual_port && parsed->host.starts_with("crt.") &&
         parsed->host.ends_with(".amazontrust.com") &&
         std::all_of(parsed->host.begin(), parsed->host.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
         });
}

Result<std::string> IssuerFetchingChainChecker::FetchIssuer(const std::string& url) {
  {
    MutexLock lock(mutex_);
    for (const auto& [address, bytes] : issuers_) {
      if (address == url) return bytes;
    }
  }
  net::HttpClient::Request request;
  request.url = url;
  request.timeout = kFetchTimeout;
  request.response_bytes_max = kIssuerBytesMax;
  const auto response = client_.Send(request);
  if (!response || response->status != 200) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("issuer certificate {}: {}",
                            url,
                            response ? fmt::format("answered {}", response->status)
                                     : response.error().message));
  }
  MutexLock lock(mutex_);
  if (issuers_.size() == kIssuersKeptMax) issuers_.pop_front();
  issuers_.emplace_back(url, response->body);
  return response->body;
}

Status IssuerFetchingChainChecker::Check(const std::string& certificate_pem,
                                         const std::vector<std::string>& host_names,
                                         Timestamp now) {
  auto certificates = ReadPem(certificate_pem);
  if (certificates.empty()) return Fail(ErrorCode::kInvalidArgument, "no certificate in the PEM");
  const CertificatePtr leaf = std::move(certificates.front());
  const StackPtr issuers(sk_X509_new_null());
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    sk_X509_push(issuers.get(), certificates[i].release());
  }
  X509* last = leaf.get();
  for (int fetched = 0;; ++fetched) {
    const Verdict verdict =
        VerifyPath(roots_->store.get(), leaf.get(), issuers.get(), host_names, now);
    if (verdict.trusted) return {};
    const std::string url = verdict.issuer_missing ? IssuerUrl(last) : std::string();
    if (fetched == kIssuersMax || !IsIssuerUrlAllowed(url)) {
      return Fail(ErrorCode::kPermissionDenied, verdict.reason);
    }
    ASSIGN_OR_RETURN(const std::string bytes, FetchIssuer(url));
    CertificatePtr issuer = ReadDerOrPem(bytes);
    if (!issuer) return Fail(ErrorCode::kPermissionDenied, verdict.reason);
    last = issuer.get();
    sk_X509_push(issuers.get(), issuer.release());
  }
}

}  // namespace postglass::intake
