#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/keys.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_box.h"
#include "base/settings.h"

namespace postglass::access {

// What the operator sees of a key; never the secret.
struct KeyInfo {
  enum class Kind { kAws, kApi, kApplication };
  Kind kind = Kind::kApi;
  std::string id;    // access key id, or the first 8 characters of an API or application key
  std::string name;  // what it is for; the IAM user name of AWS keys
  Timestamp created_at;
};

// All keys of one installation: AWS access keys, API keys, application keys. API and application
// keys are kept as SHA-256 (they are 128 and 160 random bits: nothing slower is needed); AWS
// secrets must be known to check signatures and are sealed. Thread-safe; look-ups do no I/O.
class KeyRing final : public aws::CredentialStore, public KeyVerifier {
 public:
  // Loads kinds "aws_key", "api_key", "application_key". All references must outlive it.
  static Result<std::unique_ptr<KeyRing>> Load(Settings& settings,
                                               const SecretBox& box,
                                               const Clock& clock,
                                               Random& random);

  std::optional<aws::Credential> Find(std::string_view access_key_id) const override;
  bool IsApiKey(std::string_view key) const override;
  bool IsApplicationKey(std::string_view key) const override;

  // The secret is returned once and cannot be shown again. `allowed_actions` as aws::Credential.
  Result<aws::Credential> CreateAwsKey(std::string user_name,
                                       std::vector<std::string> allowed_actions = {"*"});
  Result<std::string> CreateApiKey(std::string name);          // 32 hex characters
  Result<std::string> CreateApplicationKey(std::string name);  // 40 hex characters

  std::vector<KeyInfo> List() const;
  // Takes effect at once. kNotFound; kInvalidArgument when a short id names more than one key.
  Status Revoke(std::string_view id);

 private:
  struct StoredKey {
    KeyInfo info;
    std::string hash;  // raw SHA-256; empty for AWS keys
  };

  KeyRing(Settings& settings, const SecretBox& box, const Clock& clock, Random& random)
      : settings_(settings), box_(box), clock_(clock), random_(random) {}

  Status LoadAll();
  Result<std::string> CreateHashed(KeyInfo::Kind kind, std::size_t bytes, std::string name);
  bool Contains(KeyInfo::Kind kind, std::string_view key) const;

  Settings& settings_;
  const SecretBox& box_;
  const Clock& clock_;
  Random& random_;
  mutable Mutex mutex_;
  std::map<std::string, aws::Credential, std::less<>> aws_keys_ GUARDED_BY(mutex_);
  // By document key: the access key id, or the hash in hex.
  std::map<std::string, StoredKey, std::less<>> keys_ GUARDED_BY(mutex_);
};

}  // namespace postglass::access
