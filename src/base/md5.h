#pragma once

#include <string>
#include <string_view>

namespace postglass {

// The 16 raw bytes of RFC 1321's digest, for protocols that still compare it (SQS). Guards against
// nothing but transmission errors.
std::string Md5(std::string_view data);

}  // namespace postglass
