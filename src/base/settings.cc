#include "base/settings.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>  // result codes
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/time_format.h"

namespace postglass {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x50474C53;  // "PGLS", for file(1)
constexpr int kBusyTimeoutMs = 5'000;       // the command line may be reading meanwhile
constexpr int kDamagedNamesMax = 1'000;     // names tried for a file that is set aside

// Extended codes keep the primary code in the low byte.
int PrimaryCode(const SQLite::Exception& e) { return e.getErrorCode() & 0xFF; }

bool IsDamage(const SQLite::Exception& e) {
  return PrimaryCode(e) == SQLITE_CORRUPT || PrimaryCode(e) == SQLITE_NOTADB;
}

ErrorCode CodeOf(const SQLite::Exception& e) {
  switch (PrimaryCode(e)) {
    case SQLITE_FULL:
      return ErrorCode::kDiskFull;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::kPermissionDenied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorruption;
    default:
      return ErrorCode::kIo;
  }
}

auto Failure(const SQLite::Exception& e, std::string_view what, const Path& path) {
  return Fail(CodeOf(e), fmt::format("{} {}: {}", what, path.string(), e.what()));
}

// SQLite would make the file readable by everyone; its -wal and -shm inherit the mode of the file.
Status EnsurePrivateFile(const Path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  const int error = errno;
  const ErrorCode code = error == EACCES || error == EPERM || error == EROFS
                             ? ErrorCode::kPermissionDenied
                         : error == ENOSPC || error == EDQUOT  ? ErrorCode::kDiskFull
                         : error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound
                                                               : ErrorCode::kIo;
  return Fail(code,
              fmt::format("open {}: {}", path.string(), std::generic_category().message(error)));
}

Status MoveAside(PosixFileSystem& fs, const Path& path, std::string* moved_to) {
  const std::string stem =
      fmt::format("{}.damaged-{}", path.string(), FormatCompactUtc(SystemClock().Now()));
  std::string target = stem;
  for (int n = 2; fs.Exists(target) && n < kDamagedNamesMax; ++n) {
    target = fmt::format("{}-{}", stem, n);
  }
  RETURN_IF_ERROR(fs.Rename(path, target));
  for (const char* suffix : {"-wal", "-shm"}) {
    Path side = path;
    side += suffix;
    if (fs.Exists(side)) RETURN_IF_ERROR(fs.Rename(side, target + suffix));
  }
  RETURN_IF_ERROR(fs.SyncDirectory(path.parent_path()));
  *moved_to = target;
  return {};
}

class SqliteSettings final : public Settings {
 public:
  enum class Access { kReadOnly, kReadWrite };

  // Throws SQLite::Exception.
  SqliteSettings(const Path& path, Access access)
      : path_(path),
        access_(access),
        db_(path.string(),
            access == Access::kReadOnly ? SQLite::OPEN_READONLY
                                        : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
            kBusyTimeoutMs) {}

  // Throws SQLite::Exception on damage and on other trouble.
  Status Prepare() {
    MutexLock lock(mutex_);
    const int version = db_.execAndGet("PRAGMA user_version").getInt();
    if (version > kSchemaVersion) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("{}: has schema version {}, this program knows up to {}",
                              path_.string(),
                              version,
                              kSchemaVersion));
    }
    if (access_ == Access::kReadWrite) {
      db_.exec("PRAGMA journal_mode=WAL");
      db_.exec("PRAGMA synchronous=FULL");
      if (version == 0) {
        SQLite::Transaction transaction(db_);
        db_.exec(
            "CREATE TABLE IF NOT EXISTS documents("
            "kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,"
            "PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID");
        db_.exec(fmt::format("PRAGMA application_id={}", kApplicationId));
        db_.exec(fmt::format("PRAGMA user_version={}", kSchemaVersion));
        transaction.commit();
      }
    }
    const std::string check = db_.execAndGet("PRAGMA quick_check(1)").getString();
    if (check != "ok") throw SQLite::Exception(check, SQLITE_CORRUPT);
    get_.emplace(db_, "SELECT body FROM documents WHERE kind=? AND key=?");
    list_.emplace(db_, "SELECT key, body FROM documents WHERE kind=? ORDER BY key");
    if (access_ == Access::kReadWrite) {
      put_.emplace(db_,
                   "INSERT INTO documents(kind, key, body) VALUES(?, ?, ?) "
                   "ON CONFLICT(kind, key) DO UPDATE SET body=excluded.body");
      remove_.emplace(db_, "DELETE FROM documents WHERE kind=? AND key=?");
    }
    return {};
  }

  Result<std::optional<std::string>> Get(std::string_view kind,
                                         std::string_view key) const override {
    MutexLock lock(mutex_);
    try {
      const Rewind rewind{*get_};
      get_->bind(1, std::string(kind));
      get_->bind(2, std::string(key));
      if (!get_->executeStep()) return std::optional<std::string>();
      return std::optional(get_->getColumn(0).getString());
    } catch (const SQLite::Exception& e) {
      return Failure(e, "read", path_);
    }
  }

  Result<std::vector<Document>> List(std::string_view kind) const override {
    MutexLock lock(mutex_);
    try {
      const Rewind rewind{*list_};
      std::vector<Document> documents;
      list_->bind(1, std::string(kind));
      while (list_->executeStep()) {
        documents.push_back({list_->getColumn(0).getString(), list_->getColumn(1).getString()});
      }
      return documents;
    } catch (const SQLite::Exception& e) {
      return Failure(e, "read", path_);
    }
  }

  Status Apply(const std::vector<Change>& changes) override {
    if (access_ == Access::kReadOnly) {
      return Fail(ErrorCode::kPermissionDenied,
                  fmt::format("write {}: opened for reading only", path_.string()));
    }
    MutexLock lock(mutex_);
    try {
      SQLite::Transaction transaction(db_);
      for (const Change& change : changes) {
        SQLite::Statement& statement = change.json ? *put_ : *remove_;
        const Rewind rewind{statement};
        statement.bind(1, change.kind);
        statement.bind(2, change.key);
        if (change.json) statement.bind(3, *change.json);
        statement.exec();
      }
      transaction.commit();
      return {};
    } catch (const SQLite::Exception& e) {
      return Failure(e, "write", path_);
    }
  }

 private:
  // Leaves a statement ready for its next use, and its read transaction ended, on every way out.
  struct Rewind {
    SQLite::Statement& statement;

    ~Rewind() { statement.tryReset(); }
  };

  const Path path_;
  const Access access_;
  // Held across SQLite's I/O: one connection serves one caller at a time, and this is not a hot
  // path (stages keep their documents in memory).
  mutable Mutex mutex_;
  SQLite::Database db_ GUARDED_BY(mutex_);
  mutable std::optional<SQLite::Statement> get_ GUARDED_BY(mutex_);
  mutable std::optional<SQLite::Statement> list_ GUARDED_BY(mutex_);
  std::optional<SQLite::Statement> put_ GUARDED_BY(mutex_);
  std::optional<SQLite::Statement> remove_ GUARDED_BY(mutex_);
};

Result<std::unique_ptr<Settings>> OpenSqlite(const Path& path,
                                             SqliteSettings::Access access,
                                             bool* damaged) {
  try {
    auto settings = std::make_unique<SqliteSettings>(path, access);
    RETURN_IF_ERROR(settings->Prepare());
    return settings;
  } catch (const SQLite::Exception& e) {
    *damaged = IsDamage(e);
    return Failure(e, "open", path);
  }
}

}  // namespace

Result<std::unique_ptr<Settings>> Settings::Open(const Path& path, std::string* damage) {
  if (damage != nullptr) damage->clear();
  RETURN_IF_ERROR(EnsurePrivateFile(path));
  bool damaged = false;
  Result<std::unique_ptr<Settings>> settings =
      OpenSqlite(path, SqliteSettings::Access::kReadWrite, &damaged);
  if (settings || !damaged) return settings;

  PosixFileSystem fs;
  std::string moved_to;
  RETURN_IF_ERROR(MoveAside(fs, path, &moved_to));
  if (damage != nullptr) {
    *damage = fmt::format("{}; set aside as {}", settings.error().message, moved_to);
  }
  RETURN_IF_ERROR(EnsurePrivateFile(path));
  return OpenSqlite(path, SqliteSettings::Access::kReadWrite, &damaged);
}

Result<std::unique_ptr<Settings>> Settings::OpenReadOnly(const Path& path) {
  if (!PosixFileSystem().Exists(path)) {
    return Fail(ErrorCode::kNotFound, fmt::format("open {}: no such file", path.string()));
  }
  bool damaged = false;
  return OpenSqlite(path, SqliteSettings::Access::kReadOnly, &damaged);
}

Status Settings::Copy(const Path& from, const Path& to) {
  RETURN_IF_ERROR(EnsurePrivateFile(to));
  try {
    SQLite::Database source(from.string(), SQLite::OPEN_READONLY, kBusyTimeoutMs);
    SQLite::Database target(to.string(), SQLite::OPEN_READWRITE);
    SQLite::Backup(target, source).executeStep();
    // One file that needs no -wal beside it.
    target.exec("PRAGMA journal_mode=DELETE");
    return {};
  } catch (const SQLite::Exception& e) {
    return Failure(e, "copy", from);
  }
}

Status Settings::Put(std::string_view kind, std::string_view key, std::string json) {
  return Apply({{std::string(kind), std::string(key), std::move(json)}});
}

Status Settings::Remove(std::string_view kind, std::string_view key) {
  return Apply({{std::string(kind), std::string(key), std::nullopt}});
}

}  // namespace postglass
