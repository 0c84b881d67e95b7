#include "main/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/settings.h"
#include "base/time_format.h"

namespace postglass {
namespace {

constexpr std::string_view kSums = "SHA256SUMS";
constexpr std::string_view kPartial = ".partial";
constexpr std::string_view kDatabase = "postglass.db";
constexpr std::string_view kManifest = "store/segments/MANIFEST";
constexpr std::uint64_t kManifestBytesMax = 256 << 20;
constexpr std::uint64_t kSumsBytesMax = 256 << 20;
constexpr std::size_t kChunkBytes = 1 << 20;
constexpr std::size_t kSha256HexBytes = 64;
// A merge or a seal between reading the manifest and the end of the copy makes the copy worthless.
constexpr int kStoreAttempts = 20;
constexpr int kNamesMax = 100;  // backups of one second

constexpr std::array<std::string_view, 4> kFiles = {
    "format", "secret.key", "cli.key", "postglass.toml"};
// In the order of the data; the store comes last, by a way of its own.
// In the order of the data: what goes from one to the next while they are copied is in both, not in
// none.
constexpr std::array<std::string_view, 8> kStages = {
    "functions", "tls", "spool", "capture", "outbox", "invocations", "queues", "cloudwatch"};
constexpr std::array<std::string_view, 3> kStoreDirectories = {
    "store/segments", "store/dedup", "store/journal"};

struct Sum {
  std::string sha256;  // hex
  std::uint64_t bytes = 0;
};

// By path within the backup.
using Sums = std::map<std::string, Sum>;

bool IsPassing(std::string_view name) {
  return name == "lock" || name.ends_with(".tmp") || name.find(".tmp-") != name.npos;
}

// Files that never change once they have their name.
bool IsImmutable(std::string_view path) {
  return (path.starts_with("store/segments/") && path != kManifest) ||
         path.starts_with("store/dedup/");
}

std::string SumLine(const std::string& path, const Sum& sum) {
  return fmt::format("{}  {}\n", sum.sha256, path);
}

// Paths within a backup come from a file that may be anybody's.
bool IsPlainPath(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != path.npos) return false;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return true;
}

Result<std::map<std::string, std::string>> ReadSums(const FileSystem& fs, const Path& backup) {
  const Path file = backup / kSums;
  if (!fs.Exists(file)) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{} is no backup of Postglass: it has no {}", backup.string(), kSums));
  }
  ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(file, kSumsBytesMax));
  std::map<std::string, std::string> sums;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const bool good = line.size() > kSha256HexBytes + 2 &&
                      line.substr(kSha256HexBytes, 2) == "  " &&
                      IsPlainPath(line.substr(kSha256HexBytes + 2));
    if (!good) {
      return Fail(ErrorCode::kCorruption,
                  fmt::format("{}: line {} is not a checksum", file.string(), sums.size() + 1));
    }
    sums.emplace(line.substr(kSha256HexBytes + 2), line.substr(0, kSha256HexBytes));
  }
  return sums;
}

// Reads a file once, in pieces; `take` gets each.
Result<Sum> ReadThrough(const FileSystem& fs,
                        const Path& path,
                        const std::function<Status(std::string_view)>& take) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file, fs.OpenForRead(path));
  Sha256Stream hash;
  std::string chunk(kChunkBytes, '\0');
  Sum sum;
  while (true) {
    ASSIGN_OR_RETURN(const std::size_t got, file->Read(sum.bytes, chunk));
    if (got == 0) break;
    const std::string_view piece(chunk.data(), got);
    hash.Add(piece);
    RETURN_IF_ERROR(take(piece));
    sum.bytes += got;
  }
  sum.sha256 = HexEncode(hash.Finish());
  return sum;
}

// Copies a file that may be growing: what was there when it was read.
Result<Sum> CopyFile(FileSystem& fs,
                     const Path& from,
                     const Path& to,
                     const std::function<void(std::uint64_t)>& done) {
  ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> out,
                   fs.OpenForWrite(to, FileSystem::WriteMode::kTruncate));
  ASSIGN_OR_RETURN(Sum sum, ReadThrough(fs, from, [&](std::string_view piece) {
                     done(piece.size());
                     return out->Append(piece);
                   }));
  RETURN_IF_ERROR(out->Sync());
  RETURN_IF_ERROR(out->Close());
  return sum;
}

Result<std::vector<std::string>> NamesIn(const FileSystem& fs, const Path& directory) {
  Result<std::vector<std::string>> names = fs.List(directory);
  if (!names && names.error().code == ErrorCode::kNotFound) return std::vector<std::string>();
  if (!names) return names;
  std::erase_if(*names, IsPassing);
  // Cursors before records: a cursor that is behind its records repeats some, one that is ahead
  // would pass over them.
  std::stable_partition(
      names->begin(), names->end(), [](std::string_view n) { return !n.ends_with(".journal"); });
  return names;
}

// Delivery streams have a journal each, in a directory of its own.
Result<std::vector<std::string>> StreamDirectories(const FileSystem& fs, const Path& root) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, NamesIn(fs, root / "streams"));
  for (std::string& name : names) name = "streams/" + name;
  return names;
}

// Removes a flat tree of ours: files, then the directories they were in.
void RemoveTree(FileSystem& fs, const Path& root) {
  std::vector<std::string> directories =
      StreamDirectories(fs, root).value_or(std::vector<std::string>());
  for (const char* directory : {"streams",
                                "store/segments",
                                "store/dedup",
                                "store/journal",
                                "store",
                                "tls",
                                "spool",
                                "capture",
                                "outbox",
                                "queues",
                                "functions",
                                "invocations",
                                "cloudwatch",
                                ""}) {
    directories.emplace_back(directory);
  }
  for (const std::string& directory : directories) {
    const Path path = directory.empty() ? root : root / directory;
    const Result<std::vector<std::string>> names = fs.List(path);
    if (!names) continue;
    // What cannot be removed is overwritten or removed by the next backup.
    for (const std::string& name : *names) static_cast<void>(fs.Remove(path / name).has_value());
    static_cast<void>(fs.Remove(path).has_value());
  }
}

// One backup on its way.
class Backup {
 public:
  Backup(FileSystem& fs, Path data, Path target, const BackupProgress& progress)
      : fs_(fs), data_(std::move(data)), target_(std::move(target)), progress_(progress) {}

  // The backup before this one, whose files may be linked to.
  Status Follow(const Path& previous) {
    ASSIGN_OR_RETURN(previous_sums_, ReadSums(fs_, previous));
    previous_ = previous;
    return {};
  }

  Status Run() {
    RETURN_IF_ERROR(Estimate());
    RETURN_IF_ERROR(fs_.CreateDirectories(target_));
    for (const std::string_view name : kFiles) {
      if (fs_.Exists(data_ / name)) RETURN_IF_ERROR(Copy(std::string(name)));
    }
    RETURN_IF_ERROR(CopyDatabase());
    for (const std::string_view stage : kStages) RETURN_IF_ERROR(CopyDirectory(stage));
    ASSIGN_OR_RETURN(const std::vector<std::string> streams, StreamDirectories(fs_, data_));
    for (const std::string& stream : streams) RETURN_IF_ERROR(CopyDirectory(stream));
    RETURN_IF_ERROR(CopyStore());
    return Finish();
  }

  BackupReport Report() const {
    BackupReport report;
    report.files = sums_.size();
    for (const auto& [path, sum] : sums_) report.bytes += sum.bytes;
    report.copied_bytes = copied_bytes_;
    return report;
  }

 private:
  Status Estimate() {
    std::vector<std::string_view> directories(kStages.begin(), kStages.end());
    directories.insert(directories.end(), kStoreDirectories.begin(), kStoreDirectories.end());
    ASSIGN_OR_RETURN(const std::vector<std::string> streams, StreamDirectories(fs_, data_));
    directories.insert(directories.end(), streams.begin(), streams.end());
    for (const std::string_view directory : directories) {
      ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(fs_, data_ / directory));
      for (const std::string& name : names) {
        total_bytes_ += fs_.FileSize(data_ / directory / name).value_or(0);
      }
    }
    return {};
  }

  void Done(std::uint64_t bytes) {
    done_bytes_ += bytes;
    if (progress_) progress_(std::min(done_bytes_, total_bytes_), total_bytes_);
  }

  Status Copy(const std::string& path) {
    ASSIGN_OR_RETURN(
        const Sum sum,
        CopyFile(fs_, data_ / path, target_ / path, [this](std::uint64_t bytes) { Done(bytes); }));
    sums_[path] = sum;
    copied_bytes_ += sum.bytes;
    return {};
  }

  Status CopyDatabase() {
    const std::string path(kDatabase);
    if (!fs_.Exists(data_ / path)) return {};
    RETURN_IF_ERROR(Settings::Copy(data_ / path, target_ / path));
    ASSIGN_OR_RETURN(sums_[path],
                     ReadThrough(fs_, target_ / path, [](std::string_view) { return Status(); }));
    copied_bytes_ += sums_[path].bytes;
    return {};
  }

  Status CopyDirectory(std::string_view directory) {
    const Path from = data_ / directory;
    if (!fs_.Exists(from)) return {};
    RETURN_IF_ERROR(fs_.CreateDirectories(target_ / directory));
    ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(fs_, from));
    for (const std::string& name : names) {
      const std::string path = fmt::format("{}/{}", directory, name);
      const Status copied = IsImmutable(path) ? Link(path) : Copy(path);
      // The stage was done with it, so a later stage has what it held.
      if (!copied && copied.error().code == ErrorCode::kNotFound) {
        Forget(path);
        continue;
      }
      RETURN_IF_ERROR(copied);
    }
    return fs_.SyncDirectory(target_ / directory);
  }

  // A hard link where that works, else a copy.
  Status Link(const std::string& path) {
    if (sums_.contains(path)) return {};  // of an attempt before
    ASSIGN_OR_RETURN(const std::uint64_t bytes, fs_.FileSize(data_ / path));
    const auto known = previous_sums_.find(path);
    if (known != previous_sums_.end() &&
        fs_.FileSize(previous_ / path).value_or(bytes + 1) == bytes &&
        fs_.Link(previous_ / path, target_ / path)) {
      sums_[path] = {known->second, bytes};
      Done(bytes);
      return {};
    }
    if (!fs_.Link(data_ / path, target_ / path)) return Copy(path);
    ASSIGN_OR_RETURN(sums_[path], ReadThrough(fs_, target_ / path, [this](std::string_view piece) {
                       Done(piece.size());
                       return Status();
                     }));
    return {};
  }

  void Forget(const std::string& path) {
    sums_.erase(path);
    static_cast<void>(fs_.Remove(target_ / path).has_value());
  }

  Result<std::string> ReadManifest() const {
    const Path path = data_ / kManifest;
    if (!fs_.Exists(path)) return std::string();
    return fs_.ReadFile(path, kManifestBytesMax);
  }

  Status CopyStore() {
    if (!fs_.Exists(data_ / "store")) return {};
    for (int attempt = 0; attempt < kStoreAttempts; ++attempt) {
      ASSIGN_OR_RETURN(const std::string before, ReadManifest());
      const std::uint64_t done_before = done_bytes_;
      for (const std::string_view directory : kStoreDirectories) {
        RETURN_IF_ERROR(ForgetVanished(directory));
        RETURN_IF_ERROR(CopyDirectory(directory));
      }
      ASSIGN_OR_RETURN(const std::string after, ReadManifest());
      if (before == after) return {};
      done_bytes_ = done_before;
    }
    return Fail(ErrorCode::kUnavailable,
                fmt::format("the store of {} changed {} times while it was copied; try again when "
                            "less is arriving",
                            data_.string(),
                            kStoreAttempts));
  }

  // What an attempt before copied and is not there any more.
  Status ForgetVanished(std::string_view directory) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(fs_, data_ / directory));
    const std::set<std::string> there(names.begin(), names.end());
    ASSIGN_OR_RETURN(const std::vector<std::string> copied, NamesIn(fs_, target_ / directory));
    for (const std::string& name : copied) {
      if (!there.contains(name)) Forget(fmt::format("{}/{}", directory, name));
    }
    return {};
  }

  Status Finish() {
    std::string text;
    for (const auto& [path, sum] : sums_) text += SumLine(path, sum);
    RETURN_IF_ERROR(fs_.WriteFileAtomically(target_ / kSums, text));
    return fs_.SyncDirectory(target_);
  }

  FileSystem& fs_;
  const Path data_;
  const Path target_;
  const BackupProgress& progress_;
  Path previous_;
  std::map<std::string, std::string> previous_sums_;
  Sums sums_;
  std::uint64_t copied_bytes_ = 0;
  std::uint64_t done_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace

Result<BackupReport> MakeBackup(FileSystem& fs,
                                const Clock& clock,
                                const Path& data,
                                const Path& to,
                                const BackupProgress& progress) {
  if (!fs.Exists(data / "format")) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{} is not a Postglass data directory; give --data", data.string()));
  }
  RETURN_IF_ERROR(fs.CreateDirectories(to));
  // Two at once would take each other's unfinished work for a crash's.
  ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, fs.Lock(to / "lock"));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(to));
  Path previous;
  for (const std::string& name : names) {
    if (name.ends_with(kPartial)) {
      RemoveTree(fs, to / name);
    } else if (fs.Exists(to / name / kSums)) {
      previous = to / name;  // names are times, so the last one is the newest
    }
  }
  const std::string time = FormatCompactUtc(clock.Now());
  std::string name = time;
  for (int n = 2; fs.Exists(to / name) && n < kNamesMax; ++n) name = fmt::format("{}-{}", time, n);
  const Path partial = to / (name + std::string(kPartial));
  Backup backup(fs, data, partial, progress);
  const auto run = [&]() -> Status {
    if (!previous.empty()) RETURN_IF_ERROR(backup.Follow(previous));
    RETURN_IF_ERROR(backup.Run());
    RETURN_IF_ERROR(fs.Rename(partial, to / name));
    return fs.SyncDirectory(to);
  };
  if (Status status = run(); !status) {
    RemoveTree(fs, partial);
    return Fail(std::move(status.error()));
  }
  BackupReport report = backup.Report();
  report.path = to / name;
  return report;
}

Result<BackupCheck> VerifyBackup(const FileSystem& fs,
                                 const Path& backup,
                                 const BackupProgress& progress) {
  ASSIGN_OR_RETURN(const auto sums, ReadSums(fs, backup));
  std::uint64_t total_bytes = 0;
  for (const auto& [path, sha256] : sums) {
    total_bytes += fs.FileSize(backup / path).value_or(0);
  }
  BackupCheck check;
  for (const auto& [path, sha256] : sums) {
    ++check.files;
    const Result<Sum> sum = ReadThrough(fs, backup / path, [&](std::string_view piece) {
      check.bytes += piece.size();
      if (progress) progress(check.bytes, total_bytes);
      return Status();
    });
    if (!sum) {
      check.wrong.push_back(sum.error().message);
    } else if (sum->sha256 != sha256) {
      check.wrong.push_back(
          fmt::format("{}: its content is not what was backed up", (backup / path).string()));
    }
  }
  return check;
}

Status RestoreBackup(FileSystem& fs,
                     const Path& backup,
                     const Path& data,
                     const BackupProgress& progress) {
  ASSIGN_OR_RETURN(const auto sums, ReadSums(fs, backup));
  if (fs.Exists(data)) {
    return Fail(ErrorCode::kAlreadyExists,
                fmt::format("{} is there; a backup is restored into a new directory only, give "
                            "another --data or move that one away",
                            data.string()));
  }
  std::uint64_t total_bytes = 0;
  for (const auto& [path, sha256] : sums) {
    total_bytes += fs.FileSize(backup / path).value_or(0);
  }
  const Path partial = data.string() + std::string(kPartial);
  RemoveTree(fs, partial);
  std::uint64_t done_bytes = 0;
  const auto restore = [&]() -> Status {
    RETURN_IF_ERROR(fs.CreateDirectories(partial));
    std::set<Path> directories{partial};
    for (const auto& [path, sha256] : sums) {
      const Path target = partial / path;
      const Path directory = target.parent_path();
      if (directories.insert(directory).second) RETURN_IF_ERROR(fs.CreateDirectories(directory));
      ASSIGN_OR_RETURN(const Sum sum, CopyFile(fs, backup / path, target, [&](std::uint64_t bytes) {
                         done_bytes += bytes;
                         if (progress) progress(done_bytes, total_bytes);
                       }));
      if (sum.sha256 != sha256) {
        return Fail(ErrorCode::kCorruption,
                    fmt::format("{}: its content is not what was backed up; restore another backup",
                                (backup / path).string()));
      }
    }
    for (const Path& directory : directories) RETURN_IF_ERROR(fs.SyncDirectory(directory));
    RETURN_IF_ERROR(fs.Rename(partial, data));
    return fs.SyncDirectory(data.has_parent_path() ? data.parent_path() : Path("."));
  };
  if (Status status = restore(); !status) {
    RemoveTree(fs, partial);
    return Fail(std::move(status.error()));
  }
  return {};
}

}  // namespace postglass
