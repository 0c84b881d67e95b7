#include "net/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>

#include "base/mutex.h"

namespace postglass::net {
namespace {

// Forward secrecy and authenticated encryption only; every client since 2014 has one of these.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

// Where distributions keep the trusted roots in one file.
constexpr std::array<const char*, 4> kRootBundles = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",    // Red Hat, Fedora
    "/etc/ssl/ca-bundle.pem",              // SUSE
    "/etc/ssl/cert.pem",                   // Alpine
};

std::shared_ptr<SSL_CTX> NewContext(const SSL_METHOD* method) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Release: an idle connection then holds no record buffers (some 34 kB).
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                       SSL_MODE_RELEASE_BUFFERS);
  // Head and body of a record in one call to the kernel. The small records of a dialogue like SMTP
  // cost little else.
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

tl::unexpected<Error> BadFiles(std::string_view what) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("TLS certificate: {}: {}", what, TakeOpenSslError()));
}

BioPtr ReadBio(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Offered protocols as ALPN lists them (RFC 7301 §3.1): a length byte before each name.
int SelectProtocol(SSL*,
                   const unsigned char** out,
                   unsigned char* out_size,
                   const unsigned char* offered,
                   unsigned int offered_size,
                   void*) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {
      8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(
          &selected, out_size, kHttp11.data(), kHttp11.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

Result<std::shared_ptr<SSL_CTX>> MakeServerContext(const CertificateAndKey& files) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context = NewContext(TLS_server_method());
  if (context == nullptr) return Fail(ErrorCode::kInternal, TakeOpenSslError());
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(context.get(), SelectProtocol, nullptr);

  const BioPtr chain = ReadBio(files.certificate_pem);
  const CertificatePtr leaf(PEM_read_bio_X509_AUX(chain.get(), nullptr, nullptr, nullptr));
  if (leaf == nullptr || SSL_CTX_use_certificate(context.get(), leaf.get()) != 1) {
    return BadFiles("no certificate to read");
  }
  for (;;) {
    CertificatePtr next(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    if (SSL_CTX_add0_chain_cert(context.get(), next.get()) != 1) return BadFiles("chain");
    static_cast<void>(next.release());  // add0 took it
  }
  ERR_clear_error();  // the end of the chain is an error to the PEM reader
  const BioPtr key_bio = ReadBio(files.private_key_pem);
  const PrivateKeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr || SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return BadFiles("the private key does not serve");
  }
  return context;
}

class ReloadableContext final : public TlsServerContext {
 public:
  explicit ReloadableContext(std::shared_ptr<SSL_CTX> context) : context_(std::move(context)) {}

  Status Reload(const CertificateAndKey& files) override {
    ASSIGN_OR_RETURN(std::shared_ptr<SSL_CTX> made, MakeServerContext(files));
    MutexLock lock(mutex_);
    context_.swap(made);
    return {};
  }

  std::shared_ptr<ssl_ctx_st> Current() const override {
    MutexLock lock(mutex_);
    return context_;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<SSL_CTX> context_ GUARDED_BY(mutex_);
};

Status AddRoots(SSL_CTX* context, const std::string& pem) {
  ERR_clear_error();
  const BioPtr bio = ReadBio(pem);
  int added = 0;
  for (;;) {
    const CertificatePtr root(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (root == nullptr) break;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get()) != 1) {
      return BadFiles("extra root");
    }
    ++added;
  }
  ERR_clear_error();
  if (added == 0) return Fail(ErrorCode::kInvalidArgument, "extra roots: no certificate in them");
  return {};
}

Status AddSystemRoots(SSL_CTX* context) {
  for (const char* const bundle : kRootBundles) {
    if (SSL_CTX_load_verify_file(context, bundle) == 1) return {};
    ERR_clear_error();
  }
  return Fail(ErrorCode::kUnavailable, "no trusted roots found (install ca-certificates)");
}

}  // namespace

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::Create(const CertificateAndKey& files) {
  ASSIGN_OR_RETURN(std::shared_ptr<SSL_CTX> context, MakeServerContext(files));
  return std::shared_ptr<TlsServerContext>(std::make_shared<ReloadableContext>(std::move(context)));
}

Result<std::shared_ptr<SSL_CTX>> MakeClientContext(const TrustOptions& trust) {
  std::shared_ptr<SSL_CTX> context = NewContext(TLS_client_method());
  if (context == nullptr) return Fail(ErrorCode::kInternal, TakeOpenSslError());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (!trust.extra_roots_pem.empty()) {
    RETURN_IF_ERROR(AddRoots(context.get(), trust.extra_roots_pem));
  }
  if (trust.system_roots) {
    const Status added = AddSystemRoots(context.get());
    // A container without roots can still talk to those that our own CA signed.
    if (!added && trust.extra_roots_pem.empty()) return Fail(added.error());
  }
  return context;
}

Result<std::shared_ptr<SSL_CTX>> MakeUncheckedClientContext() {
  std::shared_ptr<SSL_CTX> context = NewContext(TLS_client_method());
  if (context == nullptr) return Fail(ErrorCode::kInternal, TakeOpenSslError());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return context;
}

Result<std::shared_ptr<SSL_CTX>> LazyClientContext::Get() {
  MutexLock lock(mutex_);
  if (context_ == nullptr) {
    ASSIGN_OR_RETURN(context_, MakeClientContext(trust_));
  }
  return context_;
}

}  // namespace postglass::net
