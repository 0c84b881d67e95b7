#include "store/embedded/key_files.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <map>
#include <optional>

#include "store/coding.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::string_view kMagic = "PGLSKEY1";
constexpr std::string_view kSuffix = ".keys";
constexpr std::uint64_t kFileBytesMax = 1 << 30;

struct KeyFileName {
  std::int64_t hour = 0;
  std::uint64_t seal_id = 0;
};

// "00000000000494cb-0000000000000007.keys"
std::string NameOf(const KeyFileName& name) {
  return fmt::format(
      "{:016x}-{:016x}{}", static_cast<std::uint64_t>(name.hour), name.seal_id, kSuffix);
}

std::optional<KeyFileName> ParseName(std::string_view text) {
  std::uint64_t hour = 0;
  KeyFileName name;
  if (text.size() != 33 + kSuffix.size()) return std::nullopt;
  std::from_chars(text.data(), text.data() + 16, hour, 16);
  std::from_chars(text.data() + 17, text.data() + 33, name.seal_id, 16);
  name.hour = static_cast<std::int64_t>(hour);
  if (NameOf(name) != text) return std::nullopt;
  return name;
}

}  // namespace

bool IsKeyFileName(std::string_view name) { return ParseName(name).has_value(); }

Status WriteKeyFiles(FileSystem& fs,
                     const Path& dir,
                     std::uint64_t seal_id,
                     const std::vector<SeenKey>& keys) {
  std::map<std::int64_t, std::string> by_hour;
  std::string* bytes = nullptr;
  std::int64_t hour = 0;
  for (const SeenKey& seen : keys) {
    if (bytes == nullptr || seen.hour != hour) {
      hour = seen.hour;
      bytes = &by_hour[hour];
    }
    bytes->append(reinterpret_cast<const char*>(seen.key.bytes.data()), seen.key.bytes.size());
  }
  for (const auto& [of_hour, raw] : by_hour) {
    std::string file(kMagic);
    PutFixed(file, of_hour);
    PutFixed(file, static_cast<std::uint64_t>(raw.size() / sizeof(DedupKey)));
    file += raw;
    PutFixed(file, Hash64(file));
    RETURN_IF_ERROR(fs.WriteFileAtomically(dir / NameOf({of_hour, seal_id}), file));
  }
  return {};
}

void RemoveKeyFiles(FileSystem& fs, const Path& dir, std::uint64_t seal_id) {
  const Result<std::vector<std::string>> names = fs.List(dir);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::optional<KeyFileName> parsed = ParseName(name);
    // What stays is harmless: the journal has the same keys.
    if (parsed && parsed->seal_id == seal_id) static_cast<void>(fs.Remove(dir / name).has_value());
  }
}

Result<std::vector<SeenKey>> DecodeKeyFile(std::string_view bytes) {
  constexpr std::size_t kChecksumBytes = 8;
  ByteReader in(bytes);
  const std::string_view magic = in.Take(kMagic.size());
  SeenKey seen;
  seen.hour = in.Fixed<std::int64_t>();
  const auto count = in.Fixed<std::uint64_t>();
  if (!in.ok() || magic != kMagic || count > bytes.size() / sizeof(DedupKey) ||
      in.remaining() != count * sizeof(DedupKey) + kChecksumBytes) {
    return Fail(ErrorCode::kCorruption, "the header or the size is wrong");
  }
  std::vector<SeenKey> keys;
  keys.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::memcpy(seen.key.bytes.data(), in.Take(sizeof(DedupKey)).data(), sizeof(DedupKey));
    keys.push_back(seen);
  }
  if (in.Fixed<std::uint64_t>() != Hash64(bytes.substr(0, bytes.size() - kChecksumBytes))) {
    return Fail(ErrorCode::kCorruption, "the checksum is wrong");
  }
  return keys;
}

Result<KeyFilesReport> ReadKeyFiles(const FileSystem& fs, const Path& dir) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  KeyFilesReport report;
  for (const std::string& name : names) {
    if (!IsKeyFileName(name)) continue;
    const Result<std::string> bytes = fs.ReadFile(dir / name, kFileBytesMax);
    Result<std::vector<SeenKey>> keys =
        bytes ? DecodeKeyFile(*bytes) : Result<std::vector<SeenKey>>(Fail(bytes.error()));
    if (keys) {
      report.keys.insert(report.keys.end(), keys->begin(), keys->end());
    } else {
      report.damaged_files.push_back(name);
      report.damage.push_back(
          fmt::format("deduplication keys {}: {}; their events may be stored twice",
                      name,
                      keys.error().message));
    }
  }
  return report;
}

Status RemoveOldKeyFiles(FileSystem& fs, const Path& dir, std::int64_t hour) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  for (const std::string& name : names) {
    const std::optional<KeyFileName> parsed = ParseName(name);
    if (parsed && parsed->hour + kDedupWindowHours < hour) {
      RETURN_IF_ERROR(fs.Remove(dir / name));
    }
  }
  return {};
}

}  // namespace postglass::store
