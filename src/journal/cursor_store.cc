#include "journal/cursor_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace postglass::journal {
namespace {

constexpr std::string_view kRecentPrefix = "recent-";
constexpr std::string_view kCheckpointPrefix = "cursor-";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::string_view kMagic = "PGCURSOR";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kFieldBytes = 8;
constexpr std::size_t kChecksumOffset = 32;
constexpr std::size_t kFileBytes = 40;
constexpr std::size_t kNameBytesMax = 100;  // encoded; file systems allow 255

void AppendNumber(std::string& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((value >> shift) & 0xFF);
}

std::uint64_t NumberAt(std::string_view bytes, std::size_t offset) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kFieldBytes; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
  }
  return value;
}

// magic, version, save number, sequence, checksum of the 32 bytes before: docs/format/journal.md.
std::string Encode(std::uint64_t save_number, Sequence sequence) {
  std::string bytes(kMagic);
  AppendNumber(bytes, kVersion);
  AppendNumber(bytes, save_number);
  AppendNumber(bytes, sequence);
  AppendNumber(bytes, XXH3_64bits(bytes.data(), bytes.size()));
  return bytes;
}

Result<std::string> EncodeName(std::string_view name) {
  std::string encoded = PercentEncode(name);
  if (encoded.empty() || encoded.size() > kNameBytesMax || encoded.ends_with(kTemporarySuffix)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("cursor name of {} bytes", name.size()));
  }
  return encoded;
}

}  // namespace

Status CursorStore::Load(std::vector<std::string>* set_aside) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
  MutexLock lock(mutex_);
  for (const std::string& name : names) {
    if (name.ends_with(kTemporarySuffix)) continue;
    for (const std::string_view prefix : {kCheckpointPrefix, kRecentPrefix}) {
      if (!name.starts_with(prefix)) continue;
      RETURN_IF_ERROR(LoadFile(name, name.substr(prefix.size()), set_aside));
    }
  }
  return {};
}

Status CursorStore::LoadFile(const std::string& file_name,
                             const std::string& encoded_name,
                             std::vector<std::string>* set_aside) {
  const bool checkpoint = file_name.starts_with(kCheckpointPrefix);
  ASSIGN_OR_RETURN(const std::string bytes, fs_.ReadFile(dir_ / file_name));
  if (bytes.size() != kFileBytes || !bytes.starts_with(kMagic) ||
      NumberAt(bytes, kChecksumOffset) != XXH3_64bits(bytes.data(), kChecksumOffset)) {
    // A torn recent file is what a power cut leaves; a torn checkpoint should not be.
    if (checkpoint) {
      set_aside->push_back(fmt::format("{}: fails its check, the consumer begins again",
                                       (dir_ / file_name).string()));
    }
    return {};
  }
  if (NumberAt(bytes, 8) > kVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{}: cursor version {}, this program knows up to {}",
                            (dir_ / file_name).string(),
                            NumberAt(bytes, 8),
                            kVersion));
  }
  const std::uint64_t save_number = NumberAt(bytes, 16);
  Cursor& cursor = cursors_[encoded_name];
  if (save_number > cursor.save_number) {
    cursor = {.sequence = NumberAt(bytes, 24), .save_number = save_number, .durable = checkpoint};
  }
  return {};
}

Result<Sequence> CursorStore::Get(std::string_view name) const {
  ASSIGN_OR_RETURN(const std::string encoded, EncodeName(name));
  MutexLock lock(mutex_);
  const auto it = cursors_.find(encoded);
  return it == cursors_.end() ? Sequence{0} : it->second.sequence;
}

Status CursorStore::Save(std::string_view name, Sequence sequence) {
  ASSIGN_OR_RETURN(const std::string encoded, EncodeName(name));
  MutexLock lock(mutex_);
  Cursor& cursor = cursors_[encoded];
  if (cursor.save_number > 0 && cursor.sequence == sequence) return {};
  const Path path = dir_ / fmt::format("{}{}", kRecentPrefix, encoded);
  Path temporary = path;
  temporary += kTemporarySuffix;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                     fs_.OpenForWrite(temporary, FileSystem::WriteMode::kTruncate));
    RETURN_IF_ERROR(file->Append(Encode(cursor.save_number + 1, sequence)));
    RETURN_IF_ERROR(file->Close());
  }
  RETURN_IF_ERROR(fs_.Rename(temporary, path));
  cursor = {.sequence = sequence, .save_number = cursor.save_number + 1, .durable = false};
  return {};
}

Status CursorStore::Sync() {
  MutexLock lock(mutex_);
  for (auto& [encoded, cursor] : cursors_) {
    if (cursor.durable || cursor.save_number == 0) continue;
    RETURN_IF_ERROR(fs_.WriteFileAtomically(dir_ / fmt::format("{}{}", kCheckpointPrefix, encoded),
                                            Encode(cursor.save_number, cursor.sequence)));
    cursor.durable = true;
  }
  return {};
}

Sequence CursorStore::max_sequence() const {
  MutexLock lock(mutex_);
  Sequence max = 0;
  for (const auto& [name, cursor] : cursors_) max = std::max(max, cursor.sequence);
  return max;
}

}  // namespace postglass::journal
