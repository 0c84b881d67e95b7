#pragma once

#include "base/result.h"
#include "main/options.h"

namespace postglass {

// What the types of the options do not say: choices, addresses, options that need each other.
// kInvalidArgument names the option and what it takes. Reads no file.
Status CheckOptions(const Options& options);

}  // namespace postglass
