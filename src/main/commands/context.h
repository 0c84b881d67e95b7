#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"
#include "main/data_directory.h"
#include "main/exit_codes.h"

namespace postglass {

// The world of one command: what main() makes once.
struct CommandContext {
  FileSystem& fs;
  const Clock& clock;
  Random& random;
  std::map<std::string, std::string> environment;
  std::string program;  // path of this binary, for the forwarder's child process
  bool color = false;   // standard output is a terminal and NO_COLOR is not set

  Path DataPath(const std::string& flag) const {
    return flag.empty() ? DataDirectory::DefaultPath(environment) : Path(flag);
  }
};

inline void Print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// One line on standard error: what happened and what to do.
inline int FailWith(const Error& error) {
  std::fprintf(stderr, "postglass: %s\n", error.message.c_str());
  return ExitCodeFor(error);
}

}  // namespace postglass
