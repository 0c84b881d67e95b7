#include "mail/dkim_signing.h"

#include "base/encoding.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/header_block.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kSealContext = "mail/dkim";

bool Signs(const Identity& identity) {
  return identity.dkim.enabled && !identity.dkim.sealed_key.empty();
}

}  // namespace

DkimSigning::DkimSigning(const Identities& identities,
                         const SecretBox& box,
                         const Clock& clock,
                         Metrics& metrics)
    : identities_(identities),
      box_(box),
      clock_(clock),
      signed_(metrics.GetCounter("postglass_mail_dkim_signed_total",
                                 "Mails that left with a DKIM signature, each attempt counted")),
      failed_(metrics.GetCounter("postglass_mail_dkim_failed_total",
                                 "Mails that left without a DKIM signature because the key could "
                                 "not be read")) {}

Result<std::string> DkimSigning::SealKey(std::string_view base64) const {
  ASSIGN_OR_RETURN([[maybe_unused]] const std::shared_ptr<const DkimKey> key,
                   DkimKey::Parse(base64));
  return Base64Encode(box_.Seal(kSealContext, base64));
}

std::shared_ptr<const DkimKey> DkimSigning::KeyOf(const std::string& sealed) {
  {
    MutexLock lock(mutex_);
    const auto known = keys_.find(sealed);
    if (known != keys_.end()) return known->second;
  }
  const std::optional<std::string> bytes = Base64Decode(sealed);
  const auto plain = box_.Unseal(kSealContext, bytes.value_or(std::string()));
  const Result<std::shared_ptr<const DkimKey>> key =
      plain ? DkimKey::Parse(*plain) : Result<std::shared_ptr<const DkimKey>>(Fail(plain.error()));
  if (!key) {
    log::Error("mail", "a DKIM key cannot be read: {}", key.error().message);
    return nullptr;
  }
  MutexLock lock(mutex_);
  if (keys_.size() >= kKeysMax) keys_.clear();
  keys_[sealed] = *key;
  return *key;
}

std::string DkimSigning::FieldFor(std::string_view message) {
  const Result<HeaderBlock> header = HeaderBlock::Scan(message);
  const HeaderField* from = header ? header->Find("From") : nullptr;
  if (from == nullptr) return {};
  const Result<std::vector<Mailbox>> senders = ParseAddressList(from->Value());
  if (!senders || senders->empty()) return {};
  const std::string& address = senders->front().address;
  // An address inherits what its domain has, and the signature is the domain's.
  std::shared_ptr<const Identity> identity = identities_.Covering(address);
  if (identity && !identity->is_domain()) {
    identity = identities_.Covering(address.substr(address.rfind('@') + 1));
  }
  if (!identity || !identity->is_domain() || !Signs(*identity)) return {};
  const std::shared_ptr<const DkimKey> key = KeyOf(identity->dkim.sealed_key);
  if (!key) {
    failed_.Add();
    return {};
  }
  signed_.Add();
  return DkimSignatureField(message, {identity->name, identity->dkim.selector, key}, clock_.Now());
}

}  // namespace postglass::mail
