#include "mail/delivery/spool_crypt.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kContext = "mail-spool";

}  // namespace

std::string SealSpoolRecord(const SecretBox& box, std::string_view encoded) {
  return box.Seal(kContext, encoded);
}

Result<SpoolRecord> OpenSpoolRecord(const SecretBox& box, std::string_view sealed) {
  ASSIGN_OR_RETURN(const std::string encoded, box.Unseal(kContext, sealed));
  return DecodeSpoolRecord(encoded);
}

}  // namespace postglass::mail
