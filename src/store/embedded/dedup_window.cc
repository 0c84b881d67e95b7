#include "store/embedded/dedup_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <map>

#include "store/coding.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::size_t kSlotsMin = 1024;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::string_view kMagic = "PGLSKEY1";
constexpr std::string_view kSuffix = ".keys";
constexpr std::uint64_t kFileBytesMax = 1 << 30;

// "00000000000494cb-0000000000000007.keys": hour, segment.
std::string KeyFileName(std::int64_t hour, std::uint64_t segment_id) {
  return fmt::format("{:016x}-{:016x}{}", static_cast<std::uint64_t>(hour), segment_id, kSuffix);
}

std::optional<std::int64_t> HourOfKeyFileName(std::string_view name) {
  std::uint64_t hour = 0;
  if (name.size() != 33 + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 16, hour, 16);
  if (error != std::errc() || end != name.data() + 16) return std::nullopt;
  return static_cast<std::int64_t>(hour);
}

}  // namespace

std::int64_t HourOf(std::int64_t ingested_at_ms) {
  const std::int64_t rest = ingested_at_ms % kHourMs;
  return (ingested_at_ms - (rest < 0 ? rest + kHourMs : rest)) / kHourMs;
}

DedupWindow::DedupWindow(std::size_t keys_max)
    : keys_max_(std::max(keys_max, kSlotsMin)), keys_(kSlotsMin), hours_(kSlotsMin, kEmpty) {}

std::size_t DedupWindow::Find(const DedupKey& key) const {
  // Keys are hashes or random ids, but the peer chooses some of them; hash again.
  const std::uint64_t hash =
      Hash64(std::string_view(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()));
  const std::size_t mask = keys_.size() - 1;
  std::size_t slot = hash & mask;
  while (hours_[slot] != kEmpty && keys_[slot] != key) slot = (slot + 1) & mask;
  return slot;
}

std::int64_t DedupWindow::SlotHour(std::size_t slot) const { return base_hour_ + hours_[slot] - 1; }

bool DedupWindow::Contains(const DedupKey& key, std::int64_t hour) const {
  const std::size_t slot = Find(key);
  return hours_[slot] != kEmpty && SlotHour(slot) + kDedupWindowHours >= hour;
}

void DedupWindow::Rebuild(std::size_t slots, std::int64_t oldest_hour) {
  std::vector<DedupKey> keys(slots);
  std::vector<std::uint16_t> hours(slots, kEmpty);
  std::swap(keys, keys_);
  std::swap(hours, hours_);
  const std::int64_t old_base = base_hour_;
  base_hour_ = oldest_hour;
  size_ = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (hours[i] == kEmpty) continue;
    const std::int64_t hour = old_base + hours[i] - 1;
    if (hour < oldest_hour) continue;
    const std::size_t slot = Find(keys[i]);
    keys_[slot] = keys[i];
    hours_[slot] = static_cast<std::uint16_t>(hour - base_hour_ + 1);
    ++size_;
  }
}

void DedupWindow::Insert(const SeenKey& seen) {
  if (size_ == 0) base_hour_ = seen.hour;
  // A clock that jumped back for a while: such keys count as of the oldest hour that is kept.
  constexpr std::int64_t kSpanMax = std::numeric_limits<std::uint16_t>::max() - 1;
  if (seen.hour < base_hour_) {
    std::int64_t newest = base_hour_;
    for (std::size_t i = 0; i < hours_.size(); ++i) {
      if (hours_[i] != kEmpty) newest = std::max(newest, SlotHour(i));
    }
    if (newest - seen.hour <= kSpanMax) {
      Rebuild(keys_.size(), seen.hour);
    }
  } else if (seen.hour - base_hour_ > kSpanMax) {
    Rebuild(keys_.size(), seen.hour - kDedupWindowHours);
  }
  const std::int64_t hour = std::max(seen.hour, base_hour_);

  if (size_ >= keys_max_) {
    // Half of the span goes: rare, and cheaper than an order of keys.
    const std::size_t before = size_;
    Rebuild(keys_.size(), base_hour_ + (hour - base_hour_) / 2 + 1);
    dropped_early_ += before - size_;
  }
  if (4 * (size_ + 1) > 3 * keys_.size()) Rebuild(2 * keys_.size(), base_hour_);
  const std::int64_t kept_hour = std::max(hour, base_hour_);
  const std::size_t slot = Find(seen.key);
  const auto offset = static_cast<std::uint16_t>(kept_hour - base_hour_ + 1);
  if (hours_[slot] == kEmpty) {
    keys_[slot] = seen.key;
    hours_[slot] = offset;
    ++size_;
  } else {
    hours_[slot] = std::max(hours_[slot], offset);
  }
}

void DedupWindow::Expire(std::int64_t hour) {
  const std::int64_t oldest = hour - kDedupWindowHours;
  if (size_ == 0 || oldest <= base_hour_) return;
  std::size_t slots = keys_.size();
  Rebuild(slots, oldest);
  while (slots > kSlotsMin && 8 * size_ < slots) slots /= 2;
  if (slots != keys_.size()) Rebuild(slots, base_hour_);
}

Status WriteKeyFiles(FileSystem& fs,
                     const Path& dir,
                     std::uint64_t segment_id,
                     std::vector<SeenKey> keys) {
  std::map<std::int64_t, std::string> by_hour;
  for (const SeenKey& seen : keys) {
    by_hour[seen.hour].append(reinterpret_cast<const char*>(seen.key.bytes.data()),
                              seen.key.bytes.size());
  }
  for (const auto& [hour, raw] : by_hour) {
    std::string bytes(kMagic);
    PutFixed(bytes, hour);
    PutFixed(bytes, static_cast<std::uint64_t>(raw.size() / sizeof(DedupKey)));
    bytes += raw;
    PutFixed(bytes, Hash64(bytes));
    RETURN_IF_ERROR(fs.WriteFileAtomically(dir / KeyFileName(hour, segment_id), bytes));
  }
  return {};
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
    if (!HourOfKeyFileName(name)) continue;
    const Result<std::string> bytes = fs.ReadFile(dir / name, kFileBytesMax);
    Result<std::vector<SeenKey>> keys =
        bytes ? DecodeKeyFile(*bytes) : Result<std::vector<SeenKey>>(Fail(bytes.error()));
    if (keys) {
      report.keys.insert(report.keys.end(), keys->begin(), keys->end());
    } else {
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
    const std::optional<std::int64_t> file_hour = HourOfKeyFileName(name);
    if (file_hour && *file_hour + kDedupWindowHours < hour) {
      RETURN_IF_ERROR(fs.Remove(dir / name));
    }
  }
  return {};
}

}  // namespace postglass::store
