#include "access/users.h"

#include <argon2.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/check.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/json.h"

namespace postglass::access {
namespace {

// OWASP's second argon2id profile: 19 MiB, two passes, one lane.
constexpr std::uint32_t kPasses = 2;
constexpr std::uint32_t kMemoryKib = 19 * 1024;
constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kSaltBytes = 16;

constexpr std::chrono::hours kSessionLife{12};
constexpr int kFailuresMax = 10;
constexpr std::chrono::seconds kLockOut{60};
constexpr std::size_t kFailureEntriesMax = 10'000;

bool IsUserName(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  for (const char c : name) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                    c == '@' || c == '-';
    if (!ok) return false;
  }
  return true;
}

std::string HashPassword(std::string_view password, Random& random) {
  std::array<std::byte, kSaltBytes> salt;
  random.Fill(salt);
  std::array<char, 256> encoded{};
  const int code = argon2id_hash_encoded(kPasses,
                                         kMemoryKib,
                                         kLanes,
                                         password.data(),
                                         password.size(),
                                         salt.data(),
                                         salt.size(),
                                         kHashBytes,
                                         encoded.data(),
                                         encoded.size());
  CHECK(code == ARGON2_OK);
  return encoded.data();
}

bool Matches(const std::string& hash, std::string_view password) {
  return argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

}  // namespace

Result<std::unique_ptr<Users>> Users::Load(Settings& settings,
                                           const SecretBox& box,
                                           const Clock& clock,
                                           Random& random) {
  std::unique_ptr<Users> users(
      new Users(settings, box.DeriveKey("console sessions"), clock, random));
  ASSIGN_OR_RETURN(const std::vector<Settings::Document> documents, settings.List("user"));
  MutexLock lock(users->mutex_);
  for (const Settings::Document& document : documents) {
    ASSIGN_OR_RETURN(const json::object body, json::ParseObject(document.json));
    users->password_hashes_[document.key] = json::GetStringOr(body, "password_hash", "");
  }
  return users;
}

std::vector<std::string> Users::List() const {
  MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, hash] : password_hashes_) names.push_back(name);
  return names;
}

Status Users::Store(const std::string& name, std::string_view password) {
  if (password.size() < kPasswordBytesMin || password.size() > kPasswordBytesMax) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("a password has {} to {} characters", kPasswordBytesMin, kPasswordBytesMax));
  }
  const std::string hash = HashPassword(password, random_);
  json::object body;
  body["password_hash"] = hash;
  RETURN_IF_ERROR(settings_.Put("user", name, json::Serialize(body)));
  MutexLock lock(mutex_);
  password_hashes_[name] = hash;
  return {};
}

Status Users::Create(const std::string& name, std::string_view password) {
  if (!IsUserName(name)) {
    return Fail(ErrorCode::kInvalidArgument, "a user name has 1 to 64 of a-z 0-9 . _ @ -");
  }
  {
    MutexLock lock(mutex_);
    if (password_hashes_.contains(name)) {
      return Fail(ErrorCode::kAlreadyExists, fmt::format("the user {} exists", name));
    }
  }
  return Store(name, password);
}

Status Users::SetPassword(const std::string& name, std::string_view password) {
  {
    MutexLock lock(mutex_);
    if (!password_hashes_.contains(name)) {
      return Fail(ErrorCode::kNotFound, fmt::format("there is no user {}", name));
    }
    failures_.erase(name);
  }
  return Store(name, password);
}

Status Users::Remove(const std::string& name) {
  {
    MutexLock lock(mutex_);
    if (!password_hashes_.contains(name)) {
      return Fail(ErrorCode::kNotFound, fmt::format("there is no user {}", name));
    }
  }
  RETURN_IF_ERROR(settings_.Remove("user", name));
  MutexLock lock(mutex_);
  password_hashes_.erase(name);
  return {};
}

bool Users::IsLockedOut(const std::string& who) {
  MutexLock lock(mutex_);
  const auto found = failures_.find(who);
  if (found == failures_.end() || found->second.count < kFailuresMax) return false;
  if (clock_.Monotonic() - found->second.last < kLockOut) return true;
  failures_.erase(found);
  return false;
}

void Users::NoteFailure(const std::string& who) {
  MutexLock lock(mutex_);
  if (failures_.size() >= kFailureEntriesMax) failures_.clear();
  Failures& entry = failures_[who];
  ++entry.count;
  entry.last = clock_.Monotonic();
}

Result<std::string> Users::LogIn(const std::string& name,
                                 std::string_view password,
                                 const std::string& peer_address) {
  const std::string from = "from " + peer_address;  // a blank: never a user name
  if (IsLockedOut(name) || IsLockedOut(from)) {
    return Fail(ErrorCode::kLimit, "too many failed log-ins; wait a minute");
  }
  // A hash of nothing known, so that an unknown name takes as long as a wrong password.
  static const std::string kNobody =
      "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  std::string hash = kNobody;
  {
    MutexLock lock(mutex_);
    const auto found = password_hashes_.find(name);
    if (found != password_hashes_.end()) hash = found->second;
  }
  bool right = false;
  if (password.size() <= kPasswordBytesMax) {
    MutexLock lock(hashing_);
    right = Matches(hash, password);
  }
  if (!right) {
    NoteFailure(name);
    NoteFailure(from);
    return Fail(ErrorCode::kUnauthenticated, "the user name or the password is wrong");
  }
  {
    MutexLock lock(mutex_);
    failures_.erase(name);
    failures_.erase(from);
  }
  const std::string payload =
      fmt::format("{}|{}|{}", name, (clock_.Now() + kSessionLife).millis(), random_.Hex(8));
  return Base64UrlEncode(payload) + "." + Base64UrlEncode(Sign(payload, hash));
}

std::string Users::Sign(std::string_view payload, std::string_view password_hash) const {
  // The password's hash is part of the key: a new password ends all sessions.
  return HmacSha256(session_key_, fmt::format("{}\n{}", password_hash, payload));
}

std::optional<std::string> Users::FindSession(std::string_view token) const {
  const std::size_t dot = token.find('.');
  if (dot == std::string_view::npos || token.size() > 512) return std::nullopt;
  const auto payload = Base64UrlDecode(token.substr(0, dot));
  const auto signature = Base64UrlDecode(token.substr(dot + 1));
  if (!payload || !signature) return std::nullopt;
  const std::size_t first = payload->find('|');
  const std::size_t second = payload->find('|', first + 1);
  if (first == std::string::npos || second == std::string::npos) return std::nullopt;
  const std::string name = payload->substr(0, first);
  std::string hash;
  {
    MutexLock lock(mutex_);
    const auto found = password_hashes_.find(name);
    if (found == password_hashes_.end()) return std::nullopt;
    hash = found->second;
  }
  if (!ConstantTimeEquals(Sign(*payload, hash), *signature)) return std::nullopt;
  std::int64_t expires_ms = 0;
  std::from_chars(payload->data() + first + 1, payload->data() + second, expires_ms);
  if (clock_.Now().millis() >= expires_ms) return std::nullopt;
  return name;
}

std::string Users::MakePassword(Random& random) {
  constexpr std::string_view kAlphabet = "abcdefghjkmnpqrstuvwxyz23456789";  // nothing look-alike
  std::string password;
  for (int i = 0; i < 20; ++i) {
    if (i > 0 && i % 5 == 0) password += '-';
    password += kAlphabet[random.Below(kAlphabet.size())];
  }
  return password;
}

}  // namespace postglass::access
