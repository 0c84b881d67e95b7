#include "store/embedded/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace postglass::store {

namespace {

// Trouble with the bytes of one file, as opposed to a disk that does not work at all.
bool IsDamage(const Error& error) {
  return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kNotFound ||
         error.code == ErrorCode::kIo || error.code == ErrorCode::kLimit;
}

Manifest::Entry EntryOf(const SegmentInfo& info, std::uint32_t deletions_version) {
  return {info.id,
          deletions_version,
          info.table.rows,
          info.table.timestamp_min_ms,
          info.table.timestamp_max_ms};
}

bool IsMerged(const SegmentInfo& info) {
  return !info.replaces.empty() && info.replaces != std::vector<SegmentId>{info.id};
}

}  // namespace

std::optional<SegmentId> ParseSegmentFileName(std::string_view name) {
  constexpr std::size_t kIdDigits = 16;
  SegmentId id = 0;
  if (name.size() < kIdDigits) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kIdDigits, id, 16);
  if (error != std::errc() || SegmentFileName(id) != name) return std::nullopt;
  return id;
}

bool IsLastOfSeal(const SegmentInfo& info) { return info.replaces.empty(); }

Survivors SurvivorsOf(std::span<const SegmentInfo> segments) {
  std::map<SegmentId, const SegmentInfo*> by_id;
  for (const SegmentInfo& info : segments) by_id[info.id] = &info;
  // A merge whose inputs are all there was perhaps never published, and rows may have been deleted
  // from them meanwhile: the inputs count, their deletions lie beside them. When one is gone, it
  // was published.
  std::set<SegmentId> dead;
  for (auto it = by_id.rbegin(); it != by_id.rend(); ++it) {
    const SegmentInfo& info = *it->second;
    if (!IsMerged(info)) continue;
    const bool inputs_are_there =
        std::all_of(info.replaces.begin(), info.replaces.end(), [&](SegmentId input) {
          return by_id.contains(input);
        });
    if (inputs_are_there && !dead.contains(info.id)) {
      dead.insert(info.id);
    } else {
      dead.insert(info.replaces.begin(), info.replaces.end());
    }
  }
  // Of a seal that was cut, only the last segment is missing for certain. The journal has its
  // events, so that the others do not count.
  Survivors survivors;
  for (const auto& [id, info] : by_id) {
    if (IsMerged(*info) || IsLastOfSeal(*info)) {
      survivors.sealed_through = std::max(survivors.sealed_through, info->sealed_through);
    }
  }
  for (const auto& [id, info] : by_id) {
    if (!dead.contains(id) && info->sealed_through <= survivors.sealed_through) {
      survivors.live.push_back(id);
    }
  }
  return survivors;
}

Result<Catalog> Catalog::Open(FileSystem& fs,
                              const Path& dir,
                              BlockCache& cache,
                              std::vector<std::string>& set_aside) {
  RETURN_IF_ERROR(fs.CreateDirectories(dir));
  Catalog catalog(fs, dir);
  RETURN_IF_ERROR(catalog.Load(cache, set_aside));
  RETURN_IF_ERROR(catalog.OpenSegments(cache, set_aside));
  catalog.next_id_ = catalog.manifest_.next_segment_id;
  return catalog;
}

Status Catalog::Load(BlockCache& cache, std::vector<std::string>& set_aside) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_->List(dir_));
  Result<Manifest> manifest = ReadManifest(*fs_, dir_);
  if (manifest) {
    manifest_ = std::move(*manifest);
    return RemoveLeftovers(names);
  }
  const bool missing = manifest.error().code == ErrorCode::kNotFound;
  if (!missing && !IsDamage(manifest.error())) return Fail(std::move(manifest.error()));
  const bool has_segments = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return ParseSegmentFileName(name).has_value();
  });
  if (missing && !has_segments) return {};
  if (!missing) {
    RETURN_IF_ERROR(
        fs_->Rename(dir_ / kManifestFileName, dir_ / fmt::format("{}.damaged", kManifestFileName)));
  }
  set_aside.push_back(
      fmt::format("the store's manifest is {}; it was made again from the segments",
                  missing ? "missing" : "damaged (" + manifest.error().message + ")"));
  return Rebuild(names, cache, set_aside);
}

Status Catalog::Rebuild(const std::vector<std::string>& names,
                        BlockCache& cache,
                        std::vector<std::string>& set_aside) {
  std::map<SegmentId, std::uint32_t> deletions;
  for (const std::string& name : names) {
    const std::optional<DeletionsName> parsed = ParseDeletionsFileName(name);
    if (!parsed || !ReadDeletions(*fs_, dir_, parsed->id, parsed->version)) continue;
    deletions[parsed->id] = std::max(deletions[parsed->id], parsed->version);
  }
  std::vector<SegmentInfo> infos;
  for (const std::string& name : names) {
    const std::optional<SegmentId> id = ParseSegmentFileName(name);
    if (!id) continue;
    manifest_.next_segment_id = std::max(manifest_.next_segment_id, *id + 1);
    const Result<std::shared_ptr<const Segment>> segment = Segment::Open(*fs_, dir_, *id, cache);
    if (!segment) {
      if (segment.error().code == ErrorCode::kUnsupported) return Fail(segment.error());
      // Nothing says that it ever was live: it may be the leftover of a seal. It stays for repair.
      set_aside.push_back(fmt::format("{} could not be read: {}", name, segment.error().message));
      continue;
    }
    infos.push_back((*segment)->segment_info());
  }
  const Survivors survivors = SurvivorsOf(infos);
  manifest_.sealed_through = survivors.sealed_through;
  for (const SegmentInfo& info : infos) {
    if (std::binary_search(survivors.live.begin(), survivors.live.end(), info.id)) {
      manifest_.segments.push_back(EntryOf(info, deletions[info.id]));
    }
  }
  return WriteManifest(*fs_, dir_, manifest_);
}

// What the manifest does not name is a seal or merge that was cut short, or was replaced. The
// journal or the replaced segments have the rows of the first, others those of the second.
Status Catalog::RemoveLeftovers(const std::vector<std::string>& names) {
  std::map<SegmentId, std::uint32_t> versions;
  for (const Manifest::Entry& entry : manifest_.segments) {
    versions[entry.id] = entry.deletions_version;
  }
  for (const std::string& name : names) {
    const std::optional<SegmentId> segment = ParseSegmentFileName(name);
    const std::optional<DeletionsName> deletions = ParseDeletionsFileName(name);
    bool leftover = name.ends_with(".tmp");
    if (segment) leftover = !versions.contains(*segment);
    if (deletions) {
      const auto live = versions.find(deletions->id);
      leftover = live == versions.end() || live->second != deletions->version;
    }
    if (leftover) RETURN_IF_ERROR(fs_->Remove(dir_ / name));
  }
  return {};
}

Status Catalog::OpenSegments(BlockCache& cache, std::vector<std::string>& set_aside) {
  auto segments = std::make_shared<Segments>();
  for (const Manifest::Entry& entry : manifest_.segments) {
    Result<std::shared_ptr<const Segment>> segment = Segment::Open(*fs_, dir_, entry.id, cache);
    if (!segment) {
      if (!IsDamage(segment.error())) return Fail(std::move(segment.error()));
      set_aside.push_back(fmt::format("segment {} ({}, {} events) is left out: {}",
                                      entry.id,
                                      SegmentFileName(entry.id),
                                      entry.rows,
                                      segment.error().message));
      continue;
    }
    LiveSegment live{std::move(*segment), nullptr, entry.deletions_version};
    if (entry.deletions_version > 0) {
      Result<DeletedRows> rows = ReadDeletions(*fs_, dir_, entry.id, entry.deletions_version);
      if (rows && !rows->empty() && rows->back() >= live.segment->info().rows) {
        rows = Fail(ErrorCode::kCorruption, "a row is beyond the segment's");
      }
      if (rows) {
        live.deleted = std::make_shared<const DeletedRows>(std::move(*rows));
      } else {
        set_aside.push_back(
            fmt::format("the deletions of segment {} could not be read, deleted events show "
                        "again: {}",
                        entry.id,
                        rows.error().message));
      }
    }
    segments->push_back(std::move(live));
  }
  segments_ = std::move(segments);
  return {};
}

SegmentId Catalog::ReserveIds(std::uint64_t count) {
  const SegmentId first = next_id_;
  next_id_ += count;
  return first;
}

Catalog::Change Catalog::Replace(std::span<const SegmentId> removed,
                                 Segments added,
                                 std::optional<journal::Sequence> sealed_through) const {
  const auto is_removed = [&](SegmentId id) {
    return std::find(removed.begin(), removed.end(), id) != removed.end();
  };
  Change change{manifest_, nullptr};
  change.manifest.next_segment_id = next_id_;
  if (sealed_through) change.manifest.sealed_through = *sealed_through;
  std::erase_if(change.manifest.segments,
                [&](const Manifest::Entry& entry) { return is_removed(entry.id); });
  auto segments = std::make_shared<Segments>(*segments_);
  std::erase_if(*segments, [&](const LiveSegment& live) { return is_removed(live.id()); });
  for (LiveSegment& live : added) {
    change.manifest.segments.push_back(
        EntryOf(live.segment->segment_info(), live.deletions_version));
    segments->push_back(std::move(live));
  }
  change.segments = std::move(segments);
  return change;
}

Catalog::Change Catalog::WithDeletions(Segments changed) const {
  Change change{manifest_, nullptr};
  change.manifest.next_segment_id = next_id_;
  std::map<SegmentId, std::uint32_t> versions;
  for (const LiveSegment& live : changed) versions[live.id()] = live.deletions_version;
  for (Manifest::Entry& entry : change.manifest.segments) {
    const auto live = versions.find(entry.id);  // damaged segments are not live
    if (live != versions.end()) entry.deletions_version = live->second;
  }
  change.segments = std::make_shared<const Segments>(std::move(changed));
  return change;
}

void Catalog::Commit(Change change) {
  manifest_ = std::move(change.manifest);
  segments_ = std::move(change.segments);
}

}  // namespace postglass::store
