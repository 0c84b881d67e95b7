#include "journal/file_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace postglass::journal {

void FileInfo::AddFrame(Sequence first_sequence,
                        std::uint32_t records_count,
                        std::uint64_t offset_bytes) {
  if (records_count == 0) return;
  if (index.empty() || offset_bytes >= index.back().offset_bytes + kIndexStrideBytes) {
    index.push_back({first_sequence, offset_bytes});
  }
  records += records_count;
  last_sequence = first_sequence + records_count - 1;
}

void FileSet::Add(FileInfo file) {
  MutexLock lock(mutex_);
  files_.push_back(std::move(file));
}

void FileSet::AddFrame(Sequence first_sequence,
                       std::uint32_t records,
                       std::uint64_t offset_bytes,
                       std::uint64_t end_bytes) {
  MutexLock lock(mutex_);
  CHECK(!files_.empty());
  files_.back().AddFrame(first_sequence, records, offset_bytes);
  files_.back().end_bytes = end_bytes;
}

Result<std::optional<FileSet::Extent>> FileSet::Find(Sequence after) const {
  MutexLock lock(mutex_);
  return FindLocked(after);
}

Result<std::optional<FileSet::Extent>> FileSet::FindLocked(Sequence after) const {
  if (files_.empty()) return std::optional<Extent>();
  if (after < files_.front().previous_sequence) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("record {} was trimmed away, the oldest kept is {}",
                            after + 1,
                            files_.front().name.first_sequence));
  }
  std::size_t i = 0;
  while (i + 1 < files_.size() && files_[i].last_sequence <= after) ++i;
  const FileInfo& file = files_[i];
  const auto mark = std::upper_bound(
      file.index.begin(), file.index.end(), after, [](Sequence a, const FileInfo::Mark& m) {
        return a + 1 < m.first_sequence;
      });
  return ExtentFrom(i, mark == file.index.begin() ? kFileHeaderBytes : (mark - 1)->offset_bytes);
}

Result<std::optional<FileSet::Extent>> FileSet::Continue(const Extent& extent,
                                                         std::uint64_t offset_bytes,
                                                         Sequence after) const {
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].name == extent.name) return ExtentFrom(i, offset_bytes);
  }
  return FindLocked(after);  // the file was trimmed away meanwhile
}

std::optional<FileSet::Extent> FileSet::ExtentFrom(std::size_t i,
                                                   std::uint64_t offset_bytes) const {
  for (; i < files_.size(); ++i, offset_bytes = kFileHeaderBytes) {
    const FileInfo& file = files_[i];
    std::uint64_t end_bytes = file.end_bytes;
    for (const FileInfo::Gap& gap : file.gaps) {
      if (offset_bytes >= gap.end_bytes) continue;
      if (offset_bytes < gap.begin_bytes) {
        end_bytes = gap.begin_bytes;
        break;
      }
      offset_bytes = gap.end_bytes;
    }
    if (offset_bytes < end_bytes) return Extent{file.name, file.path, offset_bytes, end_bytes};
  }
  return std::nullopt;
}

std::optional<Sequence> FileSet::first_sequence() const {
  MutexLock lock(mutex_);
  for (const FileInfo& file : files_) {
    if (!file.index.empty()) return file.index.front().first_sequence;
  }
  return std::nullopt;
}

std::uint64_t FileSet::size_bytes() const {
  MutexLock lock(mutex_);
  std::uint64_t bytes = 0;
  for (const FileInfo& file : files_) bytes += file.end_bytes;
  return bytes;
}

std::optional<Path> FileSet::OldestBefore(Sequence keep_from) const {
  MutexLock lock(mutex_);
  if (files_.size() < 2 || files_.front().last_sequence >= keep_from) return std::nullopt;
  return files_.front().path;
}

void FileSet::RemoveOldest() {
  MutexLock lock(mutex_);
  CHECK(!files_.empty());
  files_.erase(files_.begin());
}

bool FileSet::NewestIsBefore(Sequence keep_from, std::uint64_t bytes) const {
  MutexLock lock(mutex_);
  return !files_.empty() && files_.back().records > 0 && files_.back().last_sequence < keep_from &&
         files_.back().end_bytes >= bytes;
}

}  // namespace postglass::journal
