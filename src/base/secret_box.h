#pragma once

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/random.h"
#include "base/result.h"

namespace postglass {

// Authenticated encryption at rest (AES-256-GCM) under one key file of mode 0600. Thread-safe.
//
// Sealed form: version byte 1, 12-byte nonce, ciphertext, 16-byte tag. `context` is authenticated
// but not stored: a sealed value moved to another place does not open there.
class SecretBox {
 public:
  // Reads `key_file`, or makes it when it is missing. Errors: kCorruption (wrong length), kIo.
  static Result<SecretBox> Open(FileSystem& fs, Random& random, const Path& key_file);

  std::string Seal(std::string_view context, std::string_view plain) const;
  // kCorruption when it was not sealed with this key and context.
  Result<std::string> Unseal(std::string_view context, std::string_view sealed) const;
  // A key for another purpose (signed links, cursors) that cannot be turned back into this one.
  std::string DeriveKey(std::string_view purpose) const;

 private:
  SecretBox(std::string key, Random& random) : key_(std::move(key)), random_(&random) {}

  std::string key_;
  Random* random_;
};

}  // namespace postglass
