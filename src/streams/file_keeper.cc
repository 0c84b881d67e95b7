#include "streams/file_keeper.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/time_format.h"

namespace postglass::streams {
namespace {

constexpr std::size_t kUuidCharacters = 36;
constexpr std::size_t kTimeCharacters = 19;

// When a file was written, by its name: …-2026-11-25T14_05_09-UUID[.gz].
std::optional<Timestamp> TimeOf(std::string name) {
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  constexpr std::size_t kTail = 1 + kTimeCharacters + 1 + kUuidCharacters;
  if (name.size() <= kTail || name[name.size() - kTail] != '-') return std::nullopt;
  std::string time = name.substr(name.size() - kTail + 1, kTimeCharacters);
  std::replace(time.begin(), time.end(), '_', ':');
  const auto parsed = ParseIso8601(time + "Z");
  if (!parsed) return std::nullopt;
  return *parsed;
}

}  // namespace

FileKeeper::FileKeeper(
    FileSystem& fs, const Clock& clock, Metrics& metrics, Path files, Limits limits)
    : fs_(fs),
      clock_(clock),
      files_(std::move(files)),
      limits_(limits),
      removed_(metrics.GetCounter("postglass_streams_files_removed_total",
                                  "Files of delivery streams removed for age or size")) {}

void FileKeeper::SweepIfDue() {
  {
    MutexLock lock(mutex_);
    const std::chrono::nanoseconds now = clock_.Monotonic();
    if (now - swept_at_ < kEvery) return;
    swept_at_ = now;
  }
  std::vector<Entry> found;
  Collect(files_, 0, found);
  std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) {
    return a.written_at < b.written_at;
  });
  std::uint64_t bytes = 0;
  for (const Entry& entry : found) bytes += entry.bytes;
  const Timestamp oldest = clock_.Now() - limits_.age_max;
  for (const Entry& entry : found) {
    if (entry.written_at >= oldest && bytes <= limits_.bytes_max) break;
    Remove(entry);
    bytes -= entry.bytes;
  }
}

void FileKeeper::Collect(const Path& folder, int depth, std::vector<Entry>& found) const {
  if (depth > kDepthMax) return;
  const Result<std::vector<std::string>> names = fs_.List(folder);
  if (!names) return;  // a file, or nothing there
  for (const std::string& name : *names) {
    if (found.size() >= kFilesMax) return;
    const Path path = folder / name;
    if (const std::optional<Timestamp> at = TimeOf(name)) {
      found.push_back({*at, fs_.FileSize(path).value_or(0), path});
    } else {
      Collect(path, depth + 1, found);
    }
  }
}

void FileKeeper::Remove(const Entry& entry) {
  if (const Status removed = fs_.Remove(entry.path); !removed) {
    log::Warn("streams", "{} not removed: {}", entry.path.string(), removed.error().message);
    return;
  }
  removed_.Add();
  // Hours and days that are empty now; the first that is not ends it.
  for (Path folder = entry.path.parent_path(); folder != files_; folder = folder.parent_path()) {
    if (!fs_.Remove(folder)) break;
  }
}

}  // namespace postglass::streams
