#pragma once

#include <functional>
#include <map>
#include <string>

namespace postglass::forwarder {

// The environment of a function: names and values.
using Environment = std::map<std::string, std::string, std::less<>>;

}  // namespace postglass::forwarder
