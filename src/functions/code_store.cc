#include "functions/code_store.h"

#include <fmt/format.h>

#include <system_error>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/log.h"

namespace postglass::functions {
namespace {

constexpr std::string_view kArchiveSuffix = ".zip";
constexpr std::string_view kUnfinishedMark = "unfinished-";

Status WriteEntry(FileSystem& fs, const Path& root, const ZipEntry& entry) {
  const Path path = root / entry.path;
  RETURN_IF_ERROR(fs.CreateDirectories(path.parent_path()));
  ASSIGN_OR_RETURN(auto file, fs.OpenForWrite(path, FileSystem::WriteMode::kCreateNew));
  RETURN_IF_ERROR(file->Append(entry.content));
  RETURN_IF_ERROR(file->Close());
  if (!entry.executable) return {};
  // The seam to the disk knows no modes but 0600; a bootstrap must be executable by its owner.
  std::error_code error;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_exec, std::filesystem::perm_options::add, error);
  if (error) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path.string(), error.message()));
  return {};
}

}  // namespace

CodeStore::CodeStore(FileSystem& fs, Random& random, Options options)
    : fs_(fs), random_(random), options_(std::move(options)) {}

Result<Code> CodeStore::Put(std::string_view archive) {
  if (archive.size() > options_.archive_bytes_max) {
    return Fail(ErrorCode::kLimit,
                fmt::format("the archive has {} bytes, at most {} are taken",
                            archive.size(),
                            options_.archive_bytes_max));
  }
  const Code code{HexEncode(Sha256(archive)), archive.size()};
  MutexLock lock(mutex_);
  const Path kept = options_.archives / (code.sha256 + std::string(kArchiveSuffix));
  if (!fs_.Exists(kept)) {
    ASSIGN_OR_RETURN(const std::uint64_t bytes, BytesOfArchives());
    if (bytes + archive.size() > options_.bytes_max) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("code storage limit exceeded: all archives may have {} bytes",
                              options_.bytes_max));
    }
  }
  const auto unpacked = Unpack(code, archive);
  if (!unpacked) return Fail(unpacked.error());
  if (fs_.Exists(kept)) return code;
  RETURN_IF_ERROR(fs_.CreateDirectories(options_.archives));
  RETURN_IF_ERROR(fs_.WriteFileAtomically(kept, archive));
  return code;
}

Result<Path> CodeStore::DirectoryOf(const Code& code) {
  if (code.sha256.empty()) return Fail(ErrorCode::kNotFound, "the function has no code");
  MutexLock lock(mutex_);
  Path directory = options_.unpacked / code.sha256;
  if (fs_.Exists(directory)) return directory;
  ASSIGN_OR_RETURN(const std::string archive,
                   fs_.ReadFile(options_.archives / (code.sha256 + std::string(kArchiveSuffix)),
                                options_.archive_bytes_max));
  if (HexEncode(Sha256(archive)) != code.sha256) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("the archive {} is damaged on disk", code.sha256));
  }
  return Unpack(code, archive);
}

Result<Path> CodeStore::Unpack(const Code& code, std::string_view archive) {
  Path directory = options_.unpacked / code.sha256;
  if (fs_.Exists(directory)) return directory;
  // Under its final name only when all is there: a crash leaves nothing that looks whole.
  const Path unfinished = options_.unpacked / fmt::format("{}{}", kUnfinishedMark, random_.Hex(8));
  RETURN_IF_ERROR(fs_.CreateDirectories(unfinished));
  const Status read = ReadZip(archive, options_.zip, [&](const ZipEntry& entry) {
    return WriteEntry(fs_, unfinished, entry);
  });
  const Status done = read ? fs_.Rename(unfinished, directory) : read;
  if (done) return directory;
  RemoveTree(unfinished);
  // A file where another path has a directory; the archive's fault, not the disk's.
  if (done.error().code == ErrorCode::kAlreadyExists) {
    return Fail(ErrorCode::kInvalidArgument,
                "could not unzip: a path is both a file and a directory");
  }
  return Fail(done.error());
}

Result<std::uint64_t> CodeStore::BytesOfArchives() const {
  std::uint64_t bytes = 0;
  const auto names = fs_.List(options_.archives);
  if (!names && names.error().code == ErrorCode::kNotFound) return bytes;
  if (!names) return Fail(names.error());
  for (const std::string& name : *names) {
    bytes += fs_.FileSize(options_.archives / name).value_or(0);
  }
  return bytes;
}

Status CodeStore::KeepOnly(const std::set<std::string>& sha256s) {
  MutexLock lock(mutex_);
  const auto archives = fs_.List(options_.archives).value_or(std::vector<std::string>());
  for (const std::string& name : archives) {
    if (name.ends_with(kArchiveSuffix) &&
        sha256s.contains(name.substr(0, name.size() - kArchiveSuffix.size()))) {
      continue;
    }
    RETURN_IF_ERROR(fs_.Remove(options_.archives / name));
  }
  // What is unpacked is not synced: after a power cut files may be empty. Nothing that an earlier
  // process left is believed.
  RemoveTree(options_.unpacked);
  return {};
}

void CodeStore::RemoveTree(const Path& path) {
  // Programs write what they like below their directory, so names alone do not tell what is there.
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) log::Warn("functions", "{} stays: {}", path.string(), error.message());
}

}  // namespace postglass::functions
