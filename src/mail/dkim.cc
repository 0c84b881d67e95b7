#include "mail/dkim.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <climits>
#include <vector>

#include "base/check.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "mail/header_block.h"

namespace postglass::mail {
namespace {

constexpr std::size_t kKeyBytesMax = 8 << 10;
constexpr int kKeyBitsMin = 1024;
constexpr int kKeyBitsMax = 2048;  // [SES]
constexpr std::size_t kSignatureLine = 72;

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

// What readers see or act on; those that relays change (Received, Return-Path) are left out.
constexpr std::array<std::string_view, 18> kSigned = {"From",
                                                      "Sender",
                                                      "Reply-To",
                                                      "Subject",
                                                      "Date",
                                                      "Message-ID",
                                                      "To",
                                                      "Cc",
                                                      "MIME-Version",
                                                      "Content-Type",
                                                      "Content-Transfer-Encoding",
                                                      "Content-Disposition",
                                                      "In-Reply-To",
                                                      "References",
                                                      "List-Id",
                                                      "List-Unsubscribe",
                                                      "List-Unsubscribe-Post",
                                                      "Auto-Submitted"};

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// A PEM without its first and last line, and no white space.
std::string OnlyBase64(std::string_view text) {
  std::string kept;
  bool in_armor = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("-----")) {
      in_armor = !in_armor;
      i += 4;
      continue;
    }
    const char c = text[i];
    if (!in_armor && !IsBlank(c) && c != '\r' && c != '\n') kept += c;
  }
  return kept;
}

tl::unexpected<Error> BadKey(std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("the private key {}", why));
}

}  // namespace

struct DkimKey::Handle {
  std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>> key;
};

DkimKey::DkimKey(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

DkimKey::~DkimKey() = default;

Result<std::shared_ptr<const DkimKey>> DkimKey::Parse(std::string_view base64) {
  if (base64.size() > kKeyBytesMax) return BadKey("is too long");
  const std::optional<std::string> der = Base64Decode(OnlyBase64(base64));
  if (!der || der->empty()) return BadKey("is no base64");
  auto bytes = reinterpret_cast<const unsigned char*>(der->data());
  auto handle = std::make_unique<Handle>();
  handle->key.reset(d2i_AutoPrivateKey(nullptr, &bytes, static_cast<long>(der->size())));
  if (!handle->key || EVP_PKEY_get_base_id(handle->key.get()) != EVP_PKEY_RSA) {
    return BadKey("is no RSA key in DER");
  }
  const int bits = EVP_PKEY_get_bits(handle->key.get());
  if (bits < kKeyBitsMin || bits > kKeyBitsMax) {
    return BadKey(fmt::format("has {} bits, not {} to {}", bits, kKeyBitsMin, kKeyBitsMax));
  }
  return std::shared_ptr<const DkimKey>(new DkimKey(std::move(handle)));
}

std::string DkimKey::Sign(std::string_view text) const {
  const std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(handle_->key.get())), '\0');
  std::size_t size = signature.size();
  CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, handle_->key.get()) == 1);
  CHECK(EVP_DigestSign(context.get(),
                       reinterpret_cast<unsigned char*>(signature.data()),
                       &size,
                       reinterpret_cast<const unsigned char*>(text.data()),
                       text.size()) == 1);
  signature.resize(size);
  return signature;
}

std::string RelaxedField(std::string_view field) {
  const std::size_t colon = field.find(':');
  std::string out = AsciiLower(TrimAscii(field.substr(0, colon))) + ":";
  bool blank = false;
  bool begun = false;
  const std::string_view value =
      colon == std::string_view::npos ? std::string_view() : field.substr(colon + 1);
  for (const char c : value) {
    if (c == '\r' || c == '\n') continue;
    if (IsBlank(c)) {
      blank = true;
      continue;
    }
    if (blank && begun) out += ' ';
    blank = false;
    begun = true;
    out += c;
  }
  return out;
}

std::string RelaxedBody(std::string_view body) {
  std::string out;
  out.reserve(body.size() + 2);
  std::size_t kept = 0;  // up to the end of the last line that is not empty
  while (!body.empty()) {
    const std::size_t end = body.find("\r\n");
    const std::string_view line = body.substr(0, end);
    bool blank = false;
    bool empty = true;
    for (const char c : line) {
      if (IsBlank(c)) {
        blank = true;
        continue;
      }
      if (blank) out += ' ';
      blank = false;
      empty = false;
      out += c;
    }
    out += "\r\n";
    if (!empty) kept = out.size();
    if (end == std::string_view::npos) break;
    body.remove_prefix(end + 2);
  }
  out.resize(kept);
  return out;
}

std::string DkimSignatureField(std::string_view message, const DkimSigner& signer, Timestamp at) {
  const Result<HeaderBlock> header = HeaderBlock::Scan(message);
  if (!header) return {};
  std::string names;
  std::string text;
  const auto name_it = [&names](std::string_view name) {
    names += fmt::format("{}{}", names.empty() ? "" : ":", AsciiLower(name));
  };
  for (const std::string_view name : kSigned) {
    // Several of one name are taken from the last one up (RFC 6376 §5.4.2).
    for (auto field = header->fields().rbegin(); field != header->fields().rend(); ++field) {
      if (!EqualsIgnoreAsciiCase(field->name, name)) continue;
      name_it(name);
      text += RelaxedField(field->bytes) + "\r\n";
    }
  }
  name_it("From");  // once more than there are
  std::string field = fmt::format(
      "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\td={}; s={}; t={};\r\n\th={};\r\n"
      "\tbh={};\r\n\tb=",
      signer.domain,
      signer.selector,
      at.millis() / 1000,
      names,
      Base64Encode(Sha256(RelaxedBody(header->body()))));
  const std::string signature = Base64Encode(signer.key->Sign(text + RelaxedField(field)));
  for (std::size_t i = 0; i < signature.size(); i += kSignatureLine) {
    if (i > 0) field += "\r\n\t";
    field += signature.substr(i, kSignatureLine);
  }
  return field + "\r\n";
}

}  // namespace postglass::mail
