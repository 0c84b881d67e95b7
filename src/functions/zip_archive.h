#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postglass::functions {

// One file of a function's code.
struct ZipEntry {
  std::string path;  // relative, '/' between its parts, none of them empty, "." or ".."
  std::string content;
  bool executable = false;  // by anyone, as the archive's Unix attributes say
};

struct ZipLimits {
  std::size_t files_max = 20'000;
  std::uint64_t file_bytes_max = 128u << 20;
  std::uint64_t bytes_max = 250u << 20;  // of all files; Lambda's quota for unzipped code
  std::size_t path_bytes_max = 1024;
};

// Calls `take` for each file of a zip archive in memory, directories left out. Nothing is believed
// that the archive says of sizes: a file that inflates beyond the limits is stopped there.
// Errors: kInvalidArgument (no zip, damaged, a path that leads out of the archive, a path twice, a
// symbolic link, encrypted), kLimit, those of `take`.
Status ReadZip(std::string_view archive,
               const ZipLimits& limits,
               const std::function<Status(const ZipEntry&)>& take);

}  // namespace postglass::functions
