#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace postglass::access {

// IAM's unique ids: a prefix of four letters ("AROA" of roles, "ANPA" of policies, "ASIA" of
// session keys) and so many upper-case letters and digits of base 32.
std::string MakeUniqueId(std::string_view prefix, Random& random, int characters = 17);
// The same one for the same text.
std::string UniqueIdOf(std::string_view prefix, std::string_view text);

}  // namespace postglass::access
