#pragma once

#include <boost/json/fwd.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"

namespace postglass {

// All configuration that APIs change: documents of JSON text by (kind, key), in one SQLite file
// (WAL, synchronous=FULL: what a call returned OK for survives a power cut). Kinds in use are
// listed in docs/architecture.md. Stages load their kinds at start, keep them in memory and write
// through: no hot path reads the database. Thread-safe.
class Settings {
 public:
  struct Document {
    std::string key;
    std::string json;
  };

  struct Change {
    std::string kind;
    std::string key;
    std::optional<std::string> json;  // nothing: remove
  };

  // A damaged file is renamed to `<path>.damaged-<time>` and a new one begun; `damage` then says
  // what was set aside. kUnsupported when the file's schema is newer than this program.
  static Result<std::unique_ptr<Settings>> Open(const Path& path, std::string* damage);
  // Reads a database that another process may be writing. Apply() fails with kPermissionDenied.
  static Result<std::unique_ptr<Settings>> OpenReadOnly(const Path& path);

  // A consistent copy of a database that another process may be writing. Requires: `to` is new.
  static Status Copy(const Path& from, const Path& to);

  virtual ~Settings() = default;
  virtual Result<std::optional<std::string>> Get(std::string_view kind,
                                                 std::string_view key) const = 0;
  virtual Result<std::vector<Document>> List(std::string_view kind) const = 0;  // by key
  // All or nothing. Errors: kDiskFull, kIo, kPermissionDenied.
  virtual Status Apply(const std::vector<Change>& changes) = 0;

  Status Put(std::string_view kind, std::string_view key, std::string json);
  Status Remove(std::string_view kind, std::string_view key);
};

}  // namespace postglass
