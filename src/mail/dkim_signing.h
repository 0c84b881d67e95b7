#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/secret_box.h"
#include "mail/dkim.h"
#include "mail/identities.h"

namespace postglass::mail {

// Signs mail with the keys that callers gave their domains (BYODKIM). Keys are kept sealed in the
// identity; what they look like is known here alone. Easy DKIM signs nothing: its names in DNS are
// Amazon's. Thread-safe.
class DkimSigning {
 public:
  static constexpr std::size_t kKeysMax = 1024;  // parsed and remembered; some kilobytes each

  // All must outlive it.
  DkimSigning(const Identities& identities,
              const SecretBox& box,
              const Clock& clock,
              Metrics& metrics);

  // A key as the API takes it, in the form an identity keeps. kInvalidArgument: DkimKey::Parse().
  Result<std::string> SealKey(std::string_view base64) const;

  // The DKIM-Signature field to put in front of a message; empty when neither the address of its
  // From header nor a domain above it has a key, or signing is switched off there.
  // Requires: CRLF line ends. Takes about a millisecond.
  std::string FieldFor(std::string_view message);

 private:
  std::shared_ptr<const DkimKey> KeyOf(const std::string& sealed);

  const Identities& identities_;
  const SecretBox& box_;
  const Clock& clock_;
  Counter& signed_;
  Counter& failed_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<const DkimKey>> keys_ GUARDED_BY(mutex_);  // by sealed form
};

}  // namespace postglass::mail
