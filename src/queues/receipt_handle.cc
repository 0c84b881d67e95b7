#include "queues/receipt_handle.h"

#include "base/crypto.h"
#include "base/encoding.h"

namespace postglass::queues {
namespace {

constexpr std::size_t kPlainBytes = 12;  // number and count, little-endian
constexpr std::size_t kMacBytes = 16;

void Append(std::string& out, std::uint64_t n, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(n >> (8 * i) & 0xFF);
}

std::uint64_t ReadNumber(std::string_view bytes) {
  std::uint64_t n = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    n = n << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  return n;
}

}  // namespace

std::string ReceiptHandles::Mac(std::string_view queue_uid, std::string_view plain) const {
  std::string text(plain);
  text += queue_uid;
  return HmacSha256(key_, text).substr(0, kMacBytes);
}

std::string ReceiptHandles::Make(std::string_view queue_uid, const Receipt& receipt) const {
  std::string plain;
  Append(plain, receipt.number, 8);
  Append(plain, receipt.receives, 4);
  return Base64UrlEncode(plain + Mac(queue_uid, plain));
}

std::optional<ReceiptHandles::Receipt> ReceiptHandles::Read(std::string_view queue_uid,
                                                            std::string_view handle) const {
  const std::optional<std::string> raw = Base64UrlDecode(handle);
  if (!raw || raw->size() != kPlainBytes + kMacBytes) return std::nullopt;
  const std::string_view plain = std::string_view(*raw).substr(0, kPlainBytes);
  if (!ConstantTimeEquals(std::string_view(*raw).substr(kPlainBytes), Mac(queue_uid, plain))) {
    return std::nullopt;
  }
  return Receipt{ReadNumber(plain.substr(0, 8)),
                 static_cast<std::uint32_t>(ReadNumber(plain.substr(8)))};
}

}  // namespace postglass::queues
