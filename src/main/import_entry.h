#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace postglass {

// A line of a file to import as an entry of the log intake. An event as `postglass export` and
// `search --json` print it becomes what an intake would have got; any other JSON object goes as it
// is. kInvalidArgument for what is no JSON object. Pure.
Result<std::string> ImportEntry(std::string_view line);

}  // namespace postglass
