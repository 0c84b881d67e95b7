#include "store/embedded/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "store/embedded/catalog.h"
#include "store/embedded/key_files.h"
#include "store/embedded/store_check.h"

namespace postglass::store {

namespace {

constexpr std::size_t kCopyBytes = 1 << 20;
// The end of a segment holds the checksum of its footer, and that the checksums of the rest.
constexpr std::size_t kIdentityBytes = 64;

Result<std::string> LastBytes(const FileSystem& fs, const Path& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file, fs.OpenForRead(path));
  ASSIGN_OR_RETURN(const std::uint64_t size, file->Size());
  std::string bytes(std::min<std::uint64_t>(size, kIdentityBytes), '\0');
  RETURN_IF_ERROR(file->ReadExactly(size - bytes.size(), bytes));
  return bytes + fmt::format(" {}", size);
}

bool IsSameFile(const FileSystem& fs, const Path& a, const Path& b) {
  if (!fs.Exists(b)) return false;
  const Result<std::string> of_a = LastBytes(fs, a);
  const Result<std::string> of_b = LastBytes(fs, b);
  return of_a && of_b && *of_a == *of_b;
}

Result<std::uint64_t> CopyFile(FileSystem& fs, const Path& from, const Path& to) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> in, fs.OpenForRead(from));
  ASSIGN_OR_RETURN(const std::uint64_t size, in->Size());
  const Path temporary = Path(to.string() + ".tmp");
  ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> out,
                   fs.OpenForWrite(temporary, FileSystem::WriteMode::kTruncate));
  std::string buffer;
  for (std::uint64_t offset = 0; offset < size; offset += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(kCopyBytes, size - offset));
    RETURN_IF_ERROR(in->ReadExactly(offset, buffer));
    RETURN_IF_ERROR(out->Append(buffer));
  }
  RETURN_IF_ERROR(out->Sync());
  RETURN_IF_ERROR(out->Close());
  RETURN_IF_ERROR(fs.Rename(temporary, to));
  return size;
}

// Immutable files may be shared by two directories; over file systems they are copied.
Status LinkOrCopy(FileSystem& fs, const Path& from, const Path& to, BackupReport& report) {
  if (fs.Exists(to)) RETURN_IF_ERROR(fs.Remove(to));
  if (fs.Link(from, to)) {
    ++report.segments_linked;
    return {};
  }
  ASSIGN_OR_RETURN(const std::uint64_t bytes, CopyFile(fs, from, to));
  ++report.segments_copied;
  report.bytes_copied += bytes;
  return {};
}

// A directory that is there must be a backup already, or empty.
Status MustBeBackupOrEmpty(const FileSystem& fs, const Path& target) {
  if (!fs.Exists(target)) return {};
  ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(target));
  std::erase(names, "lock");
  const bool fits = names.empty() || fs.Exists(target / "segments");
  if (fits && !fs.Exists(target / "journal")) return {};  // a store has one, a backup has none
  return Fail(ErrorCode::kAlreadyExists,
              fmt::format("{} is neither empty nor a backup; give another folder",
                          target.string()));
}

Status CopySegments(FileSystem& fs,
                    const Path& source,
                    const Path& target,
                    const Manifest& manifest,
                    const BackupProgress& progress,
                    BackupReport& report) {
  for (const Manifest::Entry& entry : manifest.segments) {
    if (progress) {
      progress(0.5 * static_cast<double>(report.segments) /
                   static_cast<double>(manifest.segments.size()),
               "copying segments");
    }
    const std::string name = SegmentFileName(entry.id);
    ++report.segments;
    report.events += entry.rows;
    if (!fs.Exists(source / name)) {
      report.problems.push_back(fmt::format("segment {} is not there to be copied", entry.id));
      continue;
    }
    if (!IsSameFile(fs, source / name, target / name)) {
      RETURN_IF_ERROR(LinkOrCopy(fs, source / name, target / name, report));
    }
    if (entry.deletions_version == 0) continue;
    const std::string deletions = DeletionsFileName(entry.id, entry.deletions_version);
    if (fs.Exists(source / deletions)) {
      ASSIGN_OR_RETURN(const std::uint64_t bytes,
                       CopyFile(fs, source / deletions, target / deletions));
      report.bytes_copied += bytes;
    }
  }
  return fs.SyncDirectory(target);
}

Status CopyKeys(FileSystem& fs, const Path& source, const Path& target, BackupReport& report) {
  RETURN_IF_ERROR(fs.CreateDirectories(target));
  if (!fs.Exists(source)) return {};
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(source));
  const std::set<std::string> wanted(names.begin(), names.end());
  ASSIGN_OR_RETURN(const std::vector<std::string> old_names, fs.List(target));
  for (const std::string& name : old_names) {
    if (!wanted.contains(name)) RETURN_IF_ERROR(fs.Remove(target / name));
  }
  for (const std::string& name : names) {
    if (!IsKeyFileName(name) || IsSameFile(fs, source / name, target / name)) continue;
    ASSIGN_OR_RETURN(const std::uint64_t bytes, CopyFile(fs, source / name, target / name));
    report.bytes_copied += bytes;
  }
  return fs.SyncDirectory(target);
}

// What an earlier backup had and this one has not.
Status RemoveOthers(FileSystem& fs, const Path& target, const Manifest& manifest) {
  std::set<std::string> wanted = {std::string(kManifestFileName)};
  for (const Manifest::Entry& entry : manifest.segments) {
    wanted.insert(SegmentFileName(entry.id));
    wanted.insert(DeletionsFileName(entry.id, entry.deletions_version));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(target));
  for (const std::string& name : names) {
    if (!wanted.contains(name)) RETURN_IF_ERROR(fs.Remove(target / name));
  }
  return fs.SyncDirectory(target);
}

}  // namespace

Result<BackupReport> CopyStore(FileSystem& fs,
                               const Path& source,
                               const Path& target,
                               const Manifest& manifest,
                               const BackupProgress& progress) {
  RETURN_IF_ERROR(MustBeBackupOrEmpty(fs, target));
  RETURN_IF_ERROR(fs.CreateDirectories(target / "segments"));
  BackupReport report;
  // The manifest last: until then the earlier backup holds, whose files all stay.
  RETURN_IF_ERROR(CopySegments(
      fs, source / "segments", target / "segments", manifest, progress, report));
  RETURN_IF_ERROR(CopyKeys(fs, source / "dedup", target / "dedup", report));
  RETURN_IF_ERROR(WriteManifest(fs, target / "segments", manifest));
  RETURN_IF_ERROR(RemoveOthers(fs, target / "segments", manifest));
  ASSIGN_OR_RETURN(const StoreCheck check,
                   CheckStore(fs, SystemClock(), target, [&](double share, std::string_view step) {
                     if (progress) progress(0.5 + share / 2, step);
                   }));
  report.problems.insert(report.problems.end(), check.problems.begin(), check.problems.end());
  report.events = check.events_sealed;
  return report;
}

Result<BackupReport> RestoreStore(FileSystem& fs,
                                  const Path& backup,
                                  const Path& target,
                                  const BackupProgress& progress) {
  if (!fs.Exists(backup / "segments")) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} is not a backup", backup.string()));
  }
  if (fs.Exists(target / "segments") || fs.Exists(target / "journal")) {
    return Fail(ErrorCode::kAlreadyExists,
                fmt::format("{} has events already; move it away first", target.string()));
  }
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(fs, backup / "segments"));
  Result<BackupReport> report = CopyStore(fs, backup, target, manifest, progress);
  if (report && !report->problems.empty()) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("the backup is damaged ({}); postglass repair on the restored store "
                            "keeps the rest",
                            report->problems.front()));
  }
  return report;
}

}  // namespace postglass::store
