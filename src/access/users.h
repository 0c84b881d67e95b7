#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_box.h"
#include "base/settings.h"

namespace postglass::access {

inline constexpr std::size_t kPasswordBytesMin = 12;
inline constexpr std::size_t kPasswordBytesMax = 1024;

// The people who may log in to the console: name and password (argon2id). Thread-safe.
class Users {
 public:
  static Result<std::unique_ptr<Users>> Load(Settings& settings,
                                             const SecretBox& box,
                                             const Clock& clock,
                                             Random& random);

  std::vector<std::string> List() const;
  // kAlreadyExists; kInvalidArgument (name not [a-z0-9._@-]{1,64}, password too short or long).
  Status Create(const std::string& name, std::string_view password);
  // Ends all sessions of the user. kNotFound.
  Status SetPassword(const std::string& name, std::string_view password);
  Status Remove(const std::string& name);

  // A session token for a right password, good for 12 hours. One check costs about 40 ms and 19
  // MiB, a wrong name as much as a wrong password. Errors: kUnauthenticated; kLimit (too many
  // failures for this name or from this address lately: 10 in a row wait a minute).
  Result<std::string> LogIn(const std::string& name,
                            std::string_view password,
                            const std::string& peer_address);
  // The user of a valid token; tokens survive a restart and end with the password they were made
  // for.
  std::optional<std::string> FindSession(std::string_view token) const;

  // A password that can be read out: four groups of five.
  static std::string MakePassword(Random& random);

 private:
  struct Failures {
    int count = 0;
    std::chrono::nanoseconds last{};
  };

  Users(Settings& settings, std::string session_key, const Clock& clock, Random& random)
      : settings_(settings), session_key_(std::move(session_key)), clock_(clock), random_(random) {}

  Status Store(const std::string& name, std::string_view password);
  bool IsLockedOut(const std::string& who) EXCLUDES(mutex_);
  void NoteFailure(const std::string& who) EXCLUDES(mutex_);
  std::string Sign(std::string_view payload, std::string_view password_hash) const;

  Settings& settings_;
  const std::string session_key_;
  const Clock& clock_;
  Random& random_;
  mutable Mutex mutex_;
  std::map<std::string, std::string, std::less<>> password_hashes_ GUARDED_BY(mutex_);
  std::map<std::string, Failures, std::less<>> failures_ GUARDED_BY(mutex_);
  // Hashing one at a time bounds the memory that a flood of log-ins can take.
  Mutex hashing_;
};

}  // namespace postglass::access
