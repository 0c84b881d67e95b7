#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"

namespace postglass::mail {

// Behind the last '@', lower case; empty when there is none.
inline std::string DomainOf(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string() : AsciiLower(address.substr(at + 1));
}

// SES reports the recipients of one domain together. Domains in order of name.
inline std::map<std::string, std::vector<std::string>> ByDomain(
    const std::vector<std::string>& addresses) {
  std::map<std::string, std::vector<std::string>> groups;
  for (const std::string& address : addresses) groups[DomainOf(address)].push_back(address);
  return groups;
}

}  // namespace postglass::mail
