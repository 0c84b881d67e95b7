#pragma once

#include <string_view>

namespace postglass::aws {

// Whether the address lies in the CIDR block ("10.0.0.0/8", "2001:db8::/32") or equals the address
// that is given in its place. False when one of them is neither, or they are of different families.
bool InNetwork(std::string_view network_text, std::string_view address_text);

}  // namespace postglass::aws
