#include "access/unique_id.h"

#include "base/crypto.h"

namespace postglass::access {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

}  // namespace

std::string MakeUniqueId(std::string_view prefix, Random& random, int characters) {
  std::string id(prefix);
  for (int i = 0; i < characters; ++i) id += kLetters[random.Below(kLetters.size())];
  return id;
}

std::string UniqueIdOf(std::string_view prefix, std::string_view text) {
  std::string id(prefix);
  const std::string hash = Sha256(text);
  for (std::size_t i = 0; i < 17; ++i) {
    id += kLetters[static_cast<unsigned char>(hash[i]) % kLetters.size()];
  }
  return id;
}

}  // namespace postglass::access
