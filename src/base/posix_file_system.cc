#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file_system.h"

namespace postglass {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

ErrorCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kDiskFull;
    default:
      return ErrorCode::kIo;
  }
}

auto SystemFailure(std::string_view what, const std::string& path, int error) {
  return Fail(CodeOf(error),
              fmt::format("{} {}: {}", what, path, std::generic_category().message(error)));
}

// Relative names without a directory live in the current one.
Path DirectoryOf(const Path& path) { return path.empty() ? Path(".") : path; }

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}

  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  Descriptor& operator=(Descriptor&&) = delete;

  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }

  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Result<Descriptor> OpenDescriptor(const std::string& path, int flags) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
    if (fd >= 0) return Descriptor(fd);
    if (errno != EINTR) return SystemFailure("open", path, errno);
  }
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(Descriptor fd, std::string name, std::uint64_t size_bytes)
      : fd_(std::move(fd)), name_(std::move(name)), size_bytes_(size_bytes) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written =
          ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_bytes_));
      if (written < 0) {
        if (errno == EINTR) continue;
        return SystemFailure("write", name_, errno);
      }
      size_bytes_ += static_cast<std::uint64_t>(written);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Status Sync() override {
    if (::fdatasync(fd_.get()) != 0) return SystemFailure("fdatasync", name_, errno);
    return {};
  }

  Status Truncate(std::uint64_t size_bytes) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) != 0) {
      return SystemFailure("truncate", name_, errno);
    }
    size_bytes_ = size_bytes;
    return {};
  }

  Status Close() override {
    // The descriptor is gone whatever close() says; NFS and quotas report late errors here.
    const int fd = fd_.release();
    if (fd >= 0 && ::close(fd) != 0) return SystemFailure("close", name_, errno);
    return {};
  }

  std::uint64_t size() const override { return size_bytes_; }

 private:
  Descriptor fd_;
  std::string name_;
  std::uint64_t size_bytes_;
};

class PosixRandomAccessFile final : public RandomAccessFile {
 public:
  PosixRandomAccessFile(Descriptor fd, std::string name)
      : fd_(std::move(fd)), name_(std::move(name)) {}

  Result<std::size_t> Read(std::uint64_t offset_bytes, std::span<char> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(
          fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset_bytes + done));
      if (got == 0) break;
      if (got < 0) {
        if (errno == EINTR) continue;
        return SystemFailure("read", name_, errno);
      }
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<std::uint64_t> Size() const override {
    struct stat info {};

    if (::fstat(fd_.get(), &info) != 0) return SystemFailure("stat", name_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

  const std::string& name() const override { return name_; }

 private:
  Descriptor fd_;
  std::string name_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;  // closing it releases the lock
};

Status SyncDirectoryAt(const Path& path) {
  const std::string name = DirectoryOf(path).string();
  ASSIGN_OR_RETURN(const Descriptor fd, OpenDescriptor(name, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return SystemFailure("fsync", name, errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<WritableFile>> PosixFileSystem::OpenForWrite(const Path& path,
                                                                    WriteMode mode) {
  int flags = O_WRONLY | O_CREAT;
  if (mode == WriteMode::kCreateNew) flags |= O_EXCL;
  if (mode == WriteMode::kTruncate) flags |= O_TRUNC;
  std::string name = path.string();
  ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(name, flags));

  struct stat info {};

  if (::fstat(fd.get(), &info) != 0) return SystemFailure("stat", name, errno);
  return std::make_unique<PosixWritableFile>(
      std::move(fd), std::move(name), static_cast<std::uint64_t>(info.st_size));
}

Result<std::unique_ptr<RandomAccessFile>> PosixFileSystem::OpenForRead(const Path& path) const {
  std::string name = path.string();
  ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(name, O_RDONLY));
  return std::make_unique<PosixRandomAccessFile>(std::move(fd), std::move(name));
}

Status PosixFileSystem::Rename(const Path& from, const Path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return SystemFailure("rename", fmt::format("{} to {}", from.string(), to.string()), errno);
  }
  return {};
}

Status PosixFileSystem::Link(const Path& from, const Path& to) {
  if (::link(from.c_str(), to.c_str()) != 0) {
    return SystemFailure("link", fmt::format("{} to {}", from.string(), to.string()), errno);
  }
  return {};
}

Status PosixFileSystem::Remove(const Path& path) {
  if (::unlink(path.c_str()) == 0) return {};
  const int error = errno;
  if (error == EISDIR && ::rmdir(path.c_str()) == 0) return {};
  return SystemFailure("remove", path.string(), error == EISDIR ? errno : error);
}

Status PosixFileSystem::CreateDirectories(const Path& path) {
  const Path directory = DirectoryOf(path);
  if (::mkdir(directory.c_str(), kDirectoryMode) == 0) {
    return SyncDirectoryAt(directory.parent_path());
  }
  const int error = errno;
  if (error == ENOENT && directory.has_relative_path() && directory.parent_path() != directory &&
      !directory.parent_path().empty()) {
    RETURN_IF_ERROR(CreateDirectories(directory.parent_path()));
    if (::mkdir(directory.c_str(), kDirectoryMode) == 0) {
      return SyncDirectoryAt(directory.parent_path());
    }
    if (errno != EEXIST) return SystemFailure("mkdir", directory.string(), errno);
    return {};
  }
  std::error_code ignored;
  if (error == EEXIST && std::filesystem::is_directory(directory, ignored)) return {};
  return SystemFailure("mkdir", directory.string(), error);
}

Status PosixFileSystem::SyncDirectory(const Path& path) { return SyncDirectoryAt(path); }

Result<std::vector<std::string>> PosixFileSystem::List(const Path& path) const {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator it(DirectoryOf(path), error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return SystemFailure("list", path.string(), error.value());
  std::sort(names.begin(), names.end());
  return names;
}

bool PosixFileSystem::Exists(const Path& path) const { return ::access(path.c_str(), F_OK) == 0; }

Result<std::uint64_t> PosixFileSystem::FileSize(const Path& path) const {
  struct stat info {};

  if (::stat(path.c_str(), &info) != 0) return SystemFailure("stat", path.string(), errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::Lock(const Path& path) {
  std::string name = path.string();
  ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(name, O_RDWR | O_CREAT));
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) {
      return Fail(ErrorCode::kUnavailable, fmt::format("lock {}: held by another process", name));
    }
    return SystemFailure("lock", name, errno);
  }
  return std::make_unique<PosixFileLock>(std::move(fd));
}

Result<FileSystem::Space> PosixFileSystem::DiskSpace(const Path& path) const {
  struct statvfs info {};

  if (::statvfs(path.c_str(), &info) != 0) return SystemFailure("statvfs", path.string(), errno);
  return Space{.total_bytes = std::uint64_t{info.f_blocks} * info.f_frsize,
               .available_bytes = std::uint64_t{info.f_bavail} * info.f_frsize};
}

}  // namespace postglass
