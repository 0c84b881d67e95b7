#pragma once

#include <string_view>

namespace postglass::query {

// "10.0.0.0/8", "2001:db8::/32", or one address. Bits behind the prefix length may be set.
bool IsCidrBlock(std::string_view text);

}  // namespace postglass::query
