// SNS messages that claim to be signed: what is signed, and the check against a certificate.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws/sns_signature.h"
#include "base/check.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<json::object> message = json::ParseObject(text);
  if (!message) return 0;
  const Result<std::string> canonical = aws::SnsCanonicalString(*message);
  if (!canonical) return 0;
  CHECK(canonical->starts_with("Message\n"));
  CHECK(canonical->ends_with("\n"));
  // The message as certificate: never one, never a crash.
  CHECK(!aws::VerifySnsSignature(
      *canonical, json::GetStringOr(*message, "Signature", ""), text, std::nullopt));
  CHECK(!aws::VerifySnsSignature(*canonical,
                                 json::GetStringOr(*message, "Signature", ""),
                                 json::GetStringOr(*message, "Certificate", ""),
                                 std::nullopt));
  return 0;
}
