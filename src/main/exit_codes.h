#pragma once

#include "base/result.h"

namespace postglass {

// What every command ends with; documented in `postglass help`.
enum ExitCode : int {
  kExitOk = 0,            // done, or found
  kExitNothingFound = 1,  // the question was answered: nothing
  kExitUsage = 2,         // the command line or the configuration is wrong
  kExitTrouble = 3,       // server, data directory, disk or network
};

// For an error that ends a command.
inline ExitCode ExitCodeFor(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument ? kExitUsage : kExitTrouble;
}

}  // namespace postglass
