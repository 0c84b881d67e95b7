#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_box.h"
#include "base/settings.h"

namespace postglass {

// One installation's state on disk. Layout:
//   format          version of the layout, one number
//   lock            held by the process that writes
//   postglass.db    settings (SQLite)       secret.key      key of everything encrypted at rest
//   store/          events                  spool/ capture/ outbox/ queues/   mail, topics, queues
//   tls/            CA, server certificate, SNS signing certificate
//   functions/      code of functions  invocations/    asynchronous invocations
//   cli.key         what the command line shows a running server      listening.json   where it is
class DataDirectory {
 public:
  static constexpr int kFormat = 1;

  // --data, else $POSTGLASS_DATA, $XDG_DATA_HOME/postglass, ~/.local/share/postglass.
  static Path DefaultPath(const std::map<std::string, std::string>& environment);

  // Makes the directory when it is missing and takes its lock. Errors: kUnavailable (another
  // process has it), kUnsupported (made by a newer Postglass), kPermissionDenied, kDiskFull, kIo;
  // each message says what to do.
  static Result<std::unique_ptr<DataDirectory>> OpenForWriting(FileSystem& fs,
                                                               Random& random,
                                                               const Path& path);

  const Path& path() const { return path_; }

  Settings& settings() { return *settings_; }

  const SecretBox& secret_box() const { return *secret_box_; }

  const std::string& cli_key() const { return cli_key_; }

  // Credentials and resources were not made yet (or a crash came in between: they are made anew).
  bool is_new() const { return is_new_; }

  Status MarkInitialised();

  const std::string& damage() const { return damage_; }  // of the database, for the operator

  Path store() const { return path_ / "store"; }

  Path spool() const { return path_ / "spool"; }

  Path capture() const { return path_ / "capture"; }

  Path outbox() const { return path_ / "outbox"; }

  Path queues() const { return path_ / "queues"; }

  Path functions() const { return path_ / "functions"; }

  Path functions_unpacked() const { return path_ / "functions-unpacked"; }

  Path invocations() const { return path_ / "invocations"; }

  Path streams() const { return path_ / "streams"; }

  Path stream_files() const { return path_ / "stream-files"; }

  Path cloudwatch() const { return path_ / "cloudwatch"; }

  Path tls() const { return path_ / "tls"; }

  Path listening_file() const { return path_ / "listening.json"; }

 private:
  DataDirectory() = default;

  Path path_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Settings> settings_;
  std::optional<SecretBox> secret_box_;
  std::string cli_key_;
  bool is_new_ = false;
  std::string damage_;
};

}  // namespace postglass
