#include "access/key_ring.h"

#include <fmt/format.h>

#include "access/unique_id.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/json.h"

namespace postglass::access {
namespace {

constexpr std::size_t kApiKeyBytes = 16;
constexpr std::size_t kApplicationKeyBytes = 20;
constexpr std::size_t kShortIdCharacters = 8;

std::string_view SettingsKind(KeyInfo::Kind kind) {
  switch (kind) {
    case KeyInfo::Kind::kAws:
      return "aws_key";
    case KeyInfo::Kind::kApi:
      return "api_key";
    case KeyInfo::Kind::kApplication:
      return "application_key";
  }
  return "";
}

// As AWS makes them: an id of 20 characters, a secret of 40 base64 characters.
std::string MakeSecret(Random& random) {
  std::string raw(30, '\0');
  random.Fill(std::as_writable_bytes(std::span(raw)));
  return Base64Encode(raw);
}

}  // namespace

Result<std::unique_ptr<KeyRing>> KeyRing::Load(Settings& settings,
                                               const SecretBox& box,
                                               const Clock& clock,
                                               Random& random) {
  std::unique_ptr<KeyRing> ring(new KeyRing(settings, box, clock, random));
  RETURN_IF_ERROR(ring->LoadAll());
  return ring;
}

Status KeyRing::LoadAll() {
  MutexLock lock(mutex_);
  for (const KeyInfo::Kind kind :
       {KeyInfo::Kind::kAws, KeyInfo::Kind::kApi, KeyInfo::Kind::kApplication}) {
    ASSIGN_OR_RETURN(const std::vector<Settings::Document> documents,
                     settings_.List(SettingsKind(kind)));
    for (const Settings::Document& document : documents) {
      ASSIGN_OR_RETURN(const json::object body, json::ParseObject(document.json));
      StoredKey key;
      key.info = {kind,
                  json::GetStringOr(body, "id", ""),
                  json::GetStringOr(body, "name", ""),
                  Timestamp::FromMillis(json::GetInt(body, "created_ms").value_or(0))};
      if (kind == KeyInfo::Kind::kAws) {
        const auto sealed = Base64Decode(json::GetStringOr(body, "secret", ""));
        ASSIGN_OR_RETURN(std::string secret,
                         box_.Unseal("aws_key/" + key.info.id, sealed.value_or("")));
        aws::Credential credential{key.info.id, std::move(secret), key.info.name, {}};
        if (const json::array* actions = json::GetArray(body, "actions")) {
          for (const json::value& action : *actions) {
            if (action.is_string()) credential.allowed_actions.emplace_back(action.get_string());
          }
        }
        aws_keys_.insert_or_assign(key.info.id, std::move(credential));
      } else {
        key.hash = HexDecode(document.key).value_or("");
      }
      keys_.insert_or_assign(document.key, std::move(key));
    }
  }
  return {};
}

std::optional<aws::Credential> KeyRing::Find(std::string_view access_key_id) const {
  MutexLock lock(mutex_);
  const auto found = aws_keys_.find(access_key_id);
  if (found == aws_keys_.end()) return std::nullopt;
  return found->second;
}

bool KeyRing::Contains(KeyInfo::Kind kind, std::string_view key) const {
  if (key.empty()) return false;
  // Looking up by hash leaks nothing useful by its timing: the hash of a guess is not the key.
  const std::string hash = HexEncode(Sha256(key));
  MutexLock lock(mutex_);
  const auto found = keys_.find(hash);
  return found != keys_.end() && found->second.info.kind == kind;
}

bool KeyRing::IsApiKey(std::string_view key) const { return Contains(KeyInfo::Kind::kApi, key); }

bool KeyRing::IsApplicationKey(std::string_view key) const {
  return Contains(KeyInfo::Kind::kApplication, key);
}

Result<aws::Credential> KeyRing::CreateAwsKey(std::string user_name,
                                              std::vector<std::string> allowed_actions) {
  aws::Credential credential{MakeUniqueId("AKIA", random_, 16),
                             MakeSecret(random_),
                             std::move(user_name),
                             std::move(allowed_actions)};
  const Timestamp now = clock_.Now();
  json::object body;
  body["id"] = credential.access_key_id;
  body["name"] = credential.user_name;
  body["created_ms"] = now.millis();
  body["secret"] =
      Base64Encode(box_.Seal("aws_key/" + credential.access_key_id, credential.secret_access_key));
  json::array actions;
  for (const std::string& action : credential.allowed_actions) actions.emplace_back(action);
  body["actions"] = std::move(actions);
  RETURN_IF_ERROR(settings_.Put("aws_key", credential.access_key_id, json::Serialize(body)));
  MutexLock lock(mutex_);
  keys_.insert_or_assign(
      credential.access_key_id,
      StoredKey{{KeyInfo::Kind::kAws, credential.access_key_id, credential.user_name, now}, ""});
  aws_keys_.insert_or_assign(credential.access_key_id, credential);
  return credential;
}

Result<std::string> KeyRing::CreateHashed(KeyInfo::Kind kind, std::size_t bytes, std::string name) {
  std::string key = random_.Hex(bytes);
  StoredKey stored{{kind, key.substr(0, kShortIdCharacters), std::move(name), clock_.Now()},
                   Sha256(key)};
  json::object body;
  body["id"] = stored.info.id;
  body["name"] = stored.info.name;
  body["created_ms"] = stored.info.created_at.millis();
  const std::string document = HexEncode(stored.hash);
  RETURN_IF_ERROR(settings_.Put(SettingsKind(kind), document, json::Serialize(body)));
  MutexLock lock(mutex_);
  keys_.insert_or_assign(document, std::move(stored));
  return key;
}

Result<std::string> KeyRing::CreateApiKey(std::string name) {
  return CreateHashed(KeyInfo::Kind::kApi, kApiKeyBytes, std::move(name));
}

Result<std::string> KeyRing::CreateApplicationKey(std::string name) {
  return CreateHashed(KeyInfo::Kind::kApplication, kApplicationKeyBytes, std::move(name));
}

std::vector<KeyInfo> KeyRing::List() const {
  MutexLock lock(mutex_);
  std::vector<KeyInfo> all;
  for (const auto& [document, key] : keys_) all.push_back(key.info);
  return all;
}

Status KeyRing::Revoke(std::string_view id) {
  std::string document;
  KeyInfo::Kind kind = KeyInfo::Kind::kApi;
  {
    // A whole API or application key is taken as well as its short id: people paste what they have.
    const std::string whole_key_hash = HexEncode(Sha256(id));
    MutexLock lock(mutex_);
    for (const auto& [name, key] : keys_) {
      if (key.info.id != id && name != whole_key_hash) continue;
      if (!document.empty()) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("more than one key begins with {}; give the whole key", id));
      }
      document = name;
      kind = key.info.kind;
    }
  }
  if (document.empty()) return Fail(ErrorCode::kNotFound, fmt::format("no key has the id {}", id));
  RETURN_IF_ERROR(settings_.Remove(SettingsKind(kind), document));
  MutexLock lock(mutex_);
  keys_.erase(document);
  aws_keys_.erase(std::string(id));
  return {};
}

}  // namespace postglass::access
