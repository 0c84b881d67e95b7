#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "functions/zip_archive.h"

namespace postglass::functions {

// Which code a function has. Empty `sha256`: none of its own (the built-in forwarder).
struct Code {
  std::string sha256;       // of the archive, 64 hexadecimal digits
  std::uint64_t bytes = 0;  // of the archive
  bool operator==(const Code&) const = default;
};

// Keeps the archives of functions on disk under their checksum, and their files unpacked beside.
// The archive is the truth: what is unpacked is made anew when it is not there, so a backup needs
// the archives only. Thread-safe.
class CodeStore {
 public:
  struct Options {
    Path archives;  // <sha256>.zip
    Path unpacked;  // <sha256>/…
    std::uint64_t archive_bytes_max = 48u
                                      << 20;  // of one; what a request's body can hold in base64
    std::uint64_t bytes_max = 2ull << 30;     // of all archives
    ZipLimits zip = {};
  };

  // `fs`, `random` must outlive it.
  CodeStore(FileSystem& fs, Random& random, Options options);

  // Checks the archive by unpacking it and keeps it; durable on return. Errors: those of ReadZip,
  // kLimit (above archive_bytes_max or bytes_max), those of the file system.
  Result<Code> Put(std::string_view archive);
  // Where the files of this code are. Errors: kNotFound, kCorruption, those of Put.
  Result<Path> DirectoryOf(const Code& code);
  // Removes all archives but these and everything that is unpacked: for the start of a server.
  Status KeepOnly(const std::set<std::string>& sha256s);

 private:
  Result<Path> Unpack(const Code& code, std::string_view archive) REQUIRES(mutex_);
  Result<std::uint64_t> BytesOfArchives() const;
  void RemoveTree(const Path& path);

  FileSystem& fs_;
  Random& random_;
  const Options options_;
  Mutex mutex_;  // one at a time: unpacking is rare and large
};

}  // namespace postglass::functions
