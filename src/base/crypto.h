#pragma once

#include <memory>
#include <string>
#include <string_view>

// Hashes and MACs over byte strings, by OpenSSL. Results are raw bytes. Pure and thread-safe.

namespace postglass {

std::string Sha1(std::string_view data);
std::string Sha256(std::string_view data);
std::string HmacSha256(std::string_view key, std::string_view data);
// Takes the same time wherever the difference is.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

// The SHA-256 of bytes that come in pieces. Not thread-safe.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();

  void Add(std::string_view piece);
  // Requires: nothing is called afterwards.
  std::string Finish();

 private:
  struct State;  // hides OpenSSL
  std::unique_ptr<State> state_;
};

}  // namespace postglass
