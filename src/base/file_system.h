#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The seam between the product and the disk. Real code uses PosixFileSystem; tests use
// FaultyFileSystem (file_system_testing.h), which fails, tears or loses the n-th operation.
//
// Errors of every call: kNotFound, kAlreadyExists, kPermissionDenied, kDiskFull, kIo; the message
// names the path and the operating system's reason.

namespace postglass {

using Path = std::filesystem::path;

// Appends to one file. Not thread-safe. Destroying it closes without syncing.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  // Writes all bytes or fails; after a failure an unknown part may be in the file.
  virtual Status Append(std::string_view bytes) = 0;
  // fdatasync. After a failure the file must not be trusted or synced again: the kernel may have
  // dropped the dirty pages and would report success the second time.
  virtual Status Sync() = 0;
  virtual Status Truncate(std::uint64_t size_bytes) = 0;
  virtual Status Close() = 0;
  virtual std::uint64_t size() const = 0;  // bytes, as seen by this writer
};

// Reads anywhere in one file. Thread-safe.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  // Fills `out` from `offset_bytes`; returns the bytes read, fewer only at the end of the file.
  virtual Result<std::size_t> Read(std::uint64_t offset_bytes, std::span<char> out) const = 0;
  // Fails with kCorruption when the file is shorter.
  Status ReadExactly(std::uint64_t offset_bytes, std::span<char> out) const;
  virtual Result<std::uint64_t> Size() const = 0;
  virtual const std::string& name() const = 0;
};

// Exclusive advisory lock on a file, released on destruction or process end.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Thread-safe.
class FileSystem {
 public:
  enum class WriteMode { kCreateNew, kAppend, kTruncate };

  virtual ~FileSystem() = default;

  // New files get mode 0600. kCreateNew fails with kAlreadyExists.
  virtual Result<std::unique_ptr<WritableFile>> OpenForWrite(const Path& path, WriteMode mode) = 0;
  virtual Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const Path& path) const = 0;
  virtual Status Rename(const Path& from, const Path& to) = 0;  // replaces `to` atomically
  virtual Status Link(const Path& from, const Path& to) = 0;    // hard link
  virtual Status Remove(const Path& path) = 0;                  // a file or an empty directory
  // Makes the missing ones of `path` with mode 0700; durable on return.
  virtual Status CreateDirectories(const Path& path) = 0;
  // Makes renames, creations and removals in `path` durable.
  virtual Status SyncDirectory(const Path& path) = 0;
  // Names (not paths) in the directory, sorted, without . and ..
  virtual Result<std::vector<std::string>> List(const Path& path) const = 0;
  virtual bool Exists(const Path& path) const = 0;
  virtual Result<std::uint64_t> FileSize(const Path& path) const = 0;
  // kUnavailable when another process holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const Path& path) = 0;

  struct Space {
    std::uint64_t total_bytes = 0;
    std::uint64_t available_bytes = 0;
  };

  virtual Result<Space> DiskSpace(const Path& path) const = 0;

  // Whole small file; kLimit above `bytes_max`.
  Result<std::string> ReadFile(const Path& path, std::uint64_t bytes_max = 64 << 20) const;
  // Write to `<path>.tmp`, sync, rename, sync the directory: old or new, never half. One caller at
  // a time for one path.
  Status WriteFileAtomically(const Path& path, std::string_view bytes);
};

// The operating system's files. Stateless.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const Path& path, WriteMode mode) override;
  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const Path& path) const override;
  Status Rename(const Path& from, const Path& to) override;
  Status Link(const Path& from, const Path& to) override;
  Status Remove(const Path& path) override;
  Status CreateDirectories(const Path& path) override;
  Status SyncDirectory(const Path& path) override;
  Result<std::vector<std::string>> List(const Path& path) const override;
  bool Exists(const Path& path) const override;
  Result<std::uint64_t> FileSize(const Path& path) const override;
  Result<std::unique_ptr<FileLock>> Lock(const Path& path) override;
  Result<Space> DiskSpace(const Path& path) const override;
};

}  // namespace postglass
