#include "base/file_system.h"

#include <fmt/format.h>

namespace postglass {

Status RandomAccessFile::ReadExactly(std::uint64_t offset_bytes, std::span<char> out) const {
  ASSIGN_OR_RETURN(const std::size_t got, Read(offset_bytes, out));
  if (got == out.size()) return {};
  return Fail(ErrorCode::kCorruption,
              fmt::format("{}: ends at byte {}, {} more were expected",
                          name(),
                          offset_bytes + got,
                          out.size() - got));
}

Result<std::string> FileSystem::ReadFile(const Path& path, std::uint64_t bytes_max) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file, OpenForRead(path));
  ASSIGN_OR_RETURN(const std::uint64_t size, file->Size());
  if (size > bytes_max) {
    return Fail(
        ErrorCode::kLimit,
        fmt::format("{}: has {} bytes, at most {} are read", path.string(), size, bytes_max));
  }
  std::string bytes(size, '\0');
  ASSIGN_OR_RETURN(const std::size_t got, file->Read(0, bytes));
  bytes.resize(got);
  return bytes;
}

Status FileSystem::WriteFileAtomically(const Path& path, std::string_view bytes) {
  Path temporary = path;
  temporary += ".tmp";
  const auto write = [&]() -> Status {
    ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                     OpenForWrite(temporary, WriteMode::kTruncate));
    RETURN_IF_ERROR(file->Append(bytes));
    // Without this the rename may become durable before the bytes: an empty file after a power cut.
    RETURN_IF_ERROR(file->Sync());
    RETURN_IF_ERROR(file->Close());
    return Rename(temporary, path);
  };
  if (Status status = write(); !status) {
    // The first error is the one to report; the leftover is overwritten by the next attempt.
    static_cast<void>(Remove(temporary));
    return status;
  }
  return SyncDirectory(path.parent_path());
}

}  // namespace postglass
