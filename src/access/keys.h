#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postglass::access {

// The API keys of the Datadog-compatible side, as the stages ask for them. Thread-safe, no I/O.
class KeyVerifier {
 public:
  virtual ~KeyVerifier() = default;
  // May it submit logs? 32 hex characters; compared by hash in constant time.
  virtual bool IsApiKey(std::string_view key) const = 0;
  // May it read? 40 hex characters.
  virtual bool IsApplicationKey(std::string_view key) const = 0;
};

}  // namespace postglass::access
