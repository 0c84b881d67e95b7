#include "store/embedded/store_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/metrics.h"
#include "base/time_format.h"
#include "journal/journal.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/catalog.h"
#include "store/embedded/key_files.h"

namespace postglass::store {

namespace {

constexpr std::size_t kCacheBytes = 16 << 20;

void AddProblem(StoreCheck& check, const Path& file, const std::string& sentence) {
  check.problems.push_back(fmt::format("{}: {}", file.string(), sentence));
  if (std::find(check.damaged_files.begin(), check.damaged_files.end(), file.string()) ==
      check.damaged_files.end()) {
    check.damaged_files.push_back(file.string());
  }
}

void CheckSegment(const FileSystem& fs,
                  const Path& dir,
                  const Manifest::Entry& entry,
                  const std::function<void(std::uint64_t)>& on_bytes,
                  StoreCheck& check) {
  const Path name = Path("segments") / SegmentFileName(entry.id);
  BlockCache cache(kCacheBytes);
  const auto segment = Segment::Open(fs, dir / "segments", entry.id, cache);
  if (!segment) return AddProblem(check, name, segment.error().message);
  const SegmentInfo& info = (*segment)->segment_info();
  check.bytes += info.file_bytes;
  check.events_sealed += info.table.rows;
  if (info.table.rows != entry.rows || info.table.timestamp_min_ms != entry.timestamp_min_ms ||
      info.table.timestamp_max_ms != entry.timestamp_max_ms) {
    AddProblem(check,
               name,
               fmt::format("it has {} events, the manifest says {}", info.table.rows, entry.rows));
  }
  for (const std::string& sentence : (*segment)->Verify(on_bytes)) {
    AddProblem(check, name, sentence);
  }
  if (entry.deletions_version == 0) return;
  const std::string deletions = DeletionsFileName(entry.id, entry.deletions_version);
  const auto rows = ReadDeletions(fs, dir / "segments", entry.id, entry.deletions_version);
  if (!rows) {
    AddProblem(check, Path("segments") / deletions, rows.error().message);
  } else if (!rows->empty() && rows->back() >= info.table.rows) {
    AddProblem(check, Path("segments") / deletions, "a row is beyond the segment's");
  } else {
    check.events_sealed -= rows->size();
  }
}

Status CheckJournal(FileSystem& fs,
                    const Clock& clock,
                    const Path& dir,
                    journal::Sequence sealed_through,
                    StoreCheck& check) {
  Metrics metrics;
  journal::Options options;
  options.access = journal::Access::kReadOnly;
  journal::Recovery recovery;
  const auto opened =
      journal::Journal::Open(fs, clock, metrics, dir / "journal", options, &recovery);
  if (!opened && opened.error().code == ErrorCode::kNotFound) return {};  // a backup has none
  if (!opened) return Fail(opened.error());
  check.bytes += (*opened)->size_bytes();
  for (const std::string& sentence : recovery.set_aside) {
    check.problems.push_back("journal: " + sentence);
  }
  const journal::Sequence after = std::max(sealed_through, (*opened)->first_sequence() - 1);
  ASSIGN_OR_RETURN(const auto reader, (*opened)->Read(after));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<journal::Record> record, reader->Next());
    if (!record) return {};
    const Result<std::vector<NewEvent>> events = DecodeBatch(record->payload);
    if (events) {
      check.events_in_journal += events->size();
    } else {
      check.problems.push_back(
          fmt::format("journal record {}: {}", record->sequence, events.error().message));
    }
  }
}

Result<StoreCheck> CheckLocked(FileSystem& fs,
                               const Clock& clock,
                               const Path& dir,
                               const StoreProgress& progress,
                               Manifest& manifest) {
  StoreCheck check;
  Result<Manifest> read = ReadManifest(fs, dir / "segments");
  if (read) {
    manifest = std::move(*read);
  } else if (read.error().code == ErrorCode::kUnsupported) {
    return Fail(std::move(read.error()));
  } else {
    // Without one the store is new, unless there are segments.
    const Result<std::vector<std::string>> names = fs.List(dir / "segments");
    const bool has_segments =
        names && std::any_of(names->begin(), names->end(), [](const std::string& name) {
          return ParseSegmentFileName(name).has_value();
        });
    check.manifest_is_damaged = has_segments || read.error().code != ErrorCode::kNotFound;
    if (check.manifest_is_damaged) {
      check.problems.push_back("segments/MANIFEST: " + read.error().message);
    }
  }
  check.segments = manifest.segments.size();
  std::uint64_t bytes_all = 0;
  for (const Manifest::Entry& entry : manifest.segments) {
    bytes_all += fs.FileSize(dir / "segments" / SegmentFileName(entry.id)).value_or(0);
  }
  std::uint64_t bytes_done = 0;
  for (const Manifest::Entry& entry : manifest.segments) {
    const auto on_bytes = [&](std::uint64_t bytes) {
      bytes_done += bytes;
      if (progress) progress(bytes_done, std::max(bytes_done, bytes_all));
    };
    CheckSegment(fs, dir, entry, on_bytes, check);
  }
  if (fs.Exists(dir / "dedup")) {
    ASSIGN_OR_RETURN(const KeyFilesReport keys, ReadKeyFiles(fs, dir / "dedup"));
    for (std::size_t i = 0; i < keys.damage.size(); ++i) {
      check.problems.push_back(keys.damage[i]);
      check.damaged_files.push_back((Path("dedup") / keys.damaged_files[i]).string());
    }
  }
  RETURN_IF_ERROR(CheckJournal(fs, clock, dir, manifest.sealed_through, check));
  return check;
}

Status MustBeStore(const FileSystem& fs, const Path& dir) {
  if (fs.Exists(dir / "segments")) return {};
  return Fail(ErrorCode::kNotFound, fmt::format("{} is not a store", dir.string()));
}

// The first name that is free.
Result<Path> MakeDamagedDir(FileSystem& fs, const Path& dir) {
  for (int n = 1;; ++n) {
    const Path path = dir / fmt::format("damaged-{}", n);
    if (fs.Exists(path)) continue;
    RETURN_IF_ERROR(fs.CreateDirectories(path));
    return path;
  }
}

// The manifest without segments whose file is damaged.
void DropDamaged(Manifest& manifest, StoreRepair& repair) {
  const std::set<std::string> damaged(repair.found.damaged_files.begin(),
                                      repair.found.damaged_files.end());
  std::erase_if(manifest.segments, [&](Manifest::Entry& entry) {
    const Path segments("segments");
    const std::string deletions = DeletionsFileName(entry.id, entry.deletions_version);
    if (damaged.contains((segments / SegmentFileName(entry.id)).string())) {
      repair.lost.push_back(
          fmt::format("segment {}: up to {} events from {} to {}",
                      entry.id,
                      entry.rows,
                      FormatIso8601Millis(Timestamp::FromMillis(entry.timestamp_min_ms)),
                      FormatIso8601Millis(Timestamp::FromMillis(entry.timestamp_max_ms))));
      return true;
    }
    if (entry.deletions_version > 0 && damaged.contains((segments / deletions).string())) {
      repair.done.push_back(
          fmt::format("deleted events of segment {} show again: delete them once more", entry.id));
      entry.deletions_version = 0;
    }
    return false;
  });
}

}  // namespace

Result<StoreCheck> CheckStore(FileSystem& fs,
                              const Clock& clock,
                              const Path& dir,
                              const StoreProgress& progress) {
  RETURN_IF_ERROR(MustBeStore(fs, dir));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, fs.Lock(dir / "lock"));
  Manifest manifest;
  return CheckLocked(fs, clock, dir, progress, manifest);
}

Result<StoreRepair> RepairStore(FileSystem& fs,
                                const Clock& clock,
                                const Path& dir,
                                const StoreProgress& progress) {
  RETURN_IF_ERROR(MustBeStore(fs, dir));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, fs.Lock(dir / "lock"));
  StoreRepair repair;
  {
    // A lost manifest is made again as a start does it.
    Manifest manifest;
    const Result<Manifest> read = ReadManifest(fs, dir / "segments");
    if (!read && read.error().code == ErrorCode::kUnsupported) return Fail(read.error());
    if (!read) {
      BlockCache cache(kCacheBytes);
      RETURN_IF_ERROR(Catalog::Open(fs, dir / "segments", cache, repair.done));
    }
  }
  Manifest manifest;
  ASSIGN_OR_RETURN(repair.found, CheckLocked(fs, clock, dir, progress, manifest));
  if (repair.found.damaged_files.empty()) return repair;
  ASSIGN_OR_RETURN(repair.damaged_dir, MakeDamagedDir(fs, dir));
  DropDamaged(manifest, repair);
  // First the manifest: a file that it does not name is nothing to a start, a name without its file
  // is damage.
  for (const std::string& file : repair.found.damaged_files) {
    if (!fs.Exists(dir / file)) continue;
    RETURN_IF_ERROR(fs.Link(dir / file, repair.damaged_dir / Path(file).filename()));
  }
  RETURN_IF_ERROR(fs.SyncDirectory(repair.damaged_dir));
  RETURN_IF_ERROR(WriteManifest(fs, dir / "segments", manifest));
  for (const std::string& file : repair.found.damaged_files) {
    if (!fs.Exists(dir / file)) continue;
    RETURN_IF_ERROR(fs.Remove(dir / file));
    repair.done.push_back(fmt::format("{} is now in {}", file, repair.damaged_dir.string()));
  }
  return repair;
}

Result<StoreContents> InspectStore(const FileSystem& fs,
                                   const Path& dir,
                                   std::optional<SegmentId> segment) {
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(fs, dir / "segments"));
  StoreContents contents;
  std::map<std::string, Segment::Part> parts;
  for (const Manifest::Entry& entry : manifest.segments) {
    if (segment && *segment != entry.id) continue;
    BlockCache cache(kCacheBytes);
    ASSIGN_OR_RETURN(const auto opened, Segment::Open(fs, dir / "segments", entry.id, cache));
    ++contents.segments;
    contents.events += entry.rows;
    contents.bytes += opened->segment_info().file_bytes;
    for (const Segment::Part& part : opened->Inspect()) {
      Segment::Part& sum = parts[part.name];
      if (!sum.name.empty() && sum.encoding != part.encoding) {
        sum.encoding = "differs by segment";
      } else {
        sum.encoding = part.encoding;
      }
      sum.name = part.name;
      sum.bytes += part.bytes;
      sum.distinct += part.distinct;
    }
  }
  if (segment && contents.segments == 0) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no segment {}", *segment));
  }
  for (auto& [name, part] : parts) contents.parts.push_back(std::move(part));
  std::stable_sort(contents.parts.begin(), contents.parts.end(), [](const auto& a, const auto& b) {
    return a.bytes > b.bytes;
  });
  return contents;
}

}  // namespace postglass::store
