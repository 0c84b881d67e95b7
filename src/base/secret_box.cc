#include "base/secret_box.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/check.h"
#include "base/crypto.h"

namespace postglass {
namespace {

constexpr std::size_t kKeyBytes = 32;    // AES-256
constexpr std::size_t kNonceBytes = 12;  // GCM's native size
constexpr std::size_t kTagBytes = 16;
constexpr char kVersion = 1;
constexpr std::size_t kOverheadBytes = 1 + kNonceBytes + kTagBytes;
constexpr std::size_t kPlainBytesMax = std::size_t{1} << 30;  // OpenSSL counts in int

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

// Fetched once: EVP_aes_256_gcm() is looked up by name, under a lock, at each use. Never freed, as
// OpenSSL's own tables.
const EVP_CIPHER* Aes256Gcm() {
  static const EVP_CIPHER* const cipher = [] {
    const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    CHECK(fetched != nullptr);
    return fetched;
  }();
  return cipher;
}

using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(char* at) { return reinterpret_cast<unsigned char*>(at); }

}  // namespace

Result<SecretBox> SecretBox::Open(FileSystem& fs, Random& random, const Path& key_file) {
  Result<std::string> key = fs.ReadFile(key_file, kKeyBytes);
  if (!key && key.error().code == ErrorCode::kNotFound) {
    std::string fresh(kKeyBytes, '\0');
    random.Fill(std::as_writable_bytes(std::span(fresh)));
    RETURN_IF_ERROR(fs.WriteFileAtomically(key_file, fresh));
    return SecretBox(std::move(fresh), random);
  }
  if (!key && key.error().code != ErrorCode::kLimit) return Fail(std::move(key.error()));
  if (!key || key->size() != kKeyBytes) {
    // Never replaced by a new key: what is sealed with the old one would be lost for good.
    return Fail(ErrorCode::kCorruption,
                fmt::format("key file {}: must have exactly {} bytes; restore it from a backup",
                            key_file.string(),
                            kKeyBytes));
  }
  return SecretBox(std::move(*key), random);
}

std::string SecretBox::Seal(std::string_view context, std::string_view plain) const {
  CHECK(plain.size() <= kPlainBytesMax && context.size() <= kPlainBytesMax);
  std::string sealed(kOverheadBytes + plain.size(), '\0');
  char* const nonce = sealed.data() + 1;
  char* const body = nonce + kNonceBytes;
  char* const tag = body + plain.size();
  sealed[0] = kVersion;
  // Random nonces are safe up to 2^32 values under one key (NIST SP 800-38D §8.3), 17 days at 3,000
  // a second without a pause. Beyond that the risk of one repeated nonce grows slowly.
  random_->Fill(std::as_writable_bytes(std::span(nonce, kNonceBytes)));

  const Context cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  CHECK(cipher != nullptr);
  CHECK(EVP_EncryptInit_ex(cipher.get(), Aes256Gcm(), nullptr, Bytes(key_), Bytes(nonce)) == 1);
  CHECK(EVP_EncryptUpdate(
            cipher.get(), nullptr, &length, Bytes(context), static_cast<int>(context.size())) == 1);
  CHECK(EVP_EncryptUpdate(
            cipher.get(), Bytes(body), &length, Bytes(plain), static_cast<int>(plain.size())) == 1);
  CHECK(EVP_EncryptFinal_ex(cipher.get(), Bytes(tag), &length) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag) == 1);
  return sealed;
}

Result<std::string> SecretBox::Unseal(std::string_view context, std::string_view sealed) const {
  if (sealed.size() < kOverheadBytes || sealed.size() - kOverheadBytes > kPlainBytesMax ||
      context.size() > kPlainBytesMax) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("sealed value: {} bytes cannot be one", sealed.size()));
  }
  if (sealed[0] != kVersion) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("sealed value: unknown version {}", static_cast<int>(sealed[0])));
  }
  const std::string_view nonce = sealed.substr(1, kNonceBytes);
  const std::string_view body = sealed.substr(1 + kNonceBytes, sealed.size() - kOverheadBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));  // OpenSSL takes it as non-const
  std::string plain(body.size(), '\0');

  const Context cipher(EVP_CIPHER_CTX_new());
  std::array<unsigned char, kTagBytes> rest;  // GCM's final step writes nothing
  int length = 0;
  CHECK(cipher != nullptr);
  CHECK(EVP_DecryptInit_ex(cipher.get(), Aes256Gcm(), nullptr, Bytes(key_), Bytes(nonce)) == 1);
  CHECK(EVP_DecryptUpdate(
            cipher.get(), nullptr, &length, Bytes(context), static_cast<int>(context.size())) == 1);
  CHECK(
      EVP_DecryptUpdate(
          cipher.get(), Bytes(plain.data()), &length, Bytes(body), static_cast<int>(body.size())) ==
      1);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(cipher.get(), rest.data(), &length) != 1) {
    return Fail(ErrorCode::kCorruption,
                "sealed value: was changed, or sealed with another key or for another place");
  }
  return plain;
}

std::string SecretBox::DeriveKey(std::string_view purpose) const {
  return HmacSha256(key_, purpose);
}

}  // namespace postglass
