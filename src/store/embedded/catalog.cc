#include "store/embedded/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace postglass::store {

namespace {

// Trouble with the bytes of one file, as opposed to a disk that does not work at all.
bool IsDamage(const Error& error) {
  return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kNotFound ||
         error.code == ErrorCode::kIo;
}

std::map<SegmentId, std::uint32_t> VersionsOf(const Manifest& manifest) {
  std::map<SegmentId, std::uint32_t> versions;
  for (const Manifest::Entry& entry : manifest.segments) {
    versions[entry.id] = entry.deletions_version;
  }
  return versions;
}

}  // namespace

Result<Catalog> Catalog::Open(FileSystem& fs,
                              const Path& dir,
                              std::vector<std::string>& set_aside) {
  RETURN_IF_ERROR(fs.CreateDirectories(dir));
  Catalog catalog(fs, dir);
  RETURN_IF_ERROR(catalog.Load(set_aside));
  RETURN_IF_ERROR(catalog.OpenSegments(set_aside));
  return catalog;
}

Status Catalog::Load(std::vector<std::string>& set_aside) {
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
  return Rebuild(names, set_aside);
}

// Segments are never replaced by others in this version, so the files alone tell what is live. A
// complete segment that no manifest named yet counts too: its journal records are then passed over.
Status Catalog::Rebuild(const std::vector<std::string>& names,
                        std::vector<std::string>& set_aside) {
  std::map<SegmentId, std::uint32_t> deletions;
  for (const std::string& name : names) {
    const std::optional<DeletionsName> parsed = ParseDeletionsFileName(name);
    if (!parsed || !ReadDeletions(*fs_, dir_, parsed->id, parsed->version)) continue;
    deletions[parsed->id] = std::max(deletions[parsed->id], parsed->version);
  }
  for (const std::string& name : names) {
    const std::optional<SegmentId> id = ParseSegmentFileName(name);
    if (!id) continue;
    manifest_.next_segment_id = std::max(manifest_.next_segment_id, *id + 1);
    const Result<std::shared_ptr<const Segment>> segment = Segment::Open(*fs_, dir_, *id);
    if (!segment) {
      // Nothing says that it ever was live: it may be the leftover of a seal.
      set_aside.push_back(fmt::format("{} could not be read: {}", name, segment.error().message));
      continue;
    }
    manifest_.segments.push_back({*id, deletions[*id]});
    manifest_.sealed_through = std::max(manifest_.sealed_through, (*segment)->info().last_sequence);
  }
  return WriteManifest(*fs_, dir_, manifest_);
}

Status Catalog::RemoveLeftovers(const std::vector<std::string>& names) {
  const std::map<SegmentId, std::uint32_t> versions = VersionsOf(manifest_);
  for (const std::string& name : names) {
    const std::optional<SegmentId> segment = ParseSegmentFileName(name);
    const std::optional<DeletionsName> deletions = ParseDeletionsFileName(name);
    bool leftover = name.ends_with(".tmp");
    // The journal still has the rows of a segment that no manifest named.
    if (segment) leftover = *segment >= manifest_.next_segment_id;
    if (deletions) {
      const auto live = versions.find(deletions->id);
      leftover = live == versions.end() || live->second != deletions->version;
    }
    if (leftover) RETURN_IF_ERROR(fs_->Remove(dir_ / name));
  }
  return {};
}

Status Catalog::OpenSegments(std::vector<std::string>& set_aside) {
  auto segments = std::make_shared<Segments>();
  for (const Manifest::Entry& entry : manifest_.segments) {
    Result<std::shared_ptr<const Segment>> segment = Segment::Open(*fs_, dir_, entry.id);
    if (!segment) {
      if (!IsDamage(segment.error())) return Fail(std::move(segment.error()));
      set_aside.push_back(fmt::format("segment {} ({}) is left out: {}",
                                      entry.id,
                                      SegmentFileName(entry.id),
                                      segment.error().message));
      continue;
    }
    LiveSegment live{std::move(*segment), nullptr, entry.deletions_version};
    if (entry.deletions_version > 0) {
      Result<DeletedRows> rows = ReadDeletions(*fs_, dir_, entry.id, entry.deletions_version);
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

Catalog::Change Catalog::WithSegment(LiveSegment added, journal::Sequence sealed_through) const {
  Change change{manifest_, nullptr};
  const SegmentId id = added.segment->info().id;
  change.manifest.segments.push_back({id, 0});
  change.manifest.next_segment_id = id + 1;
  change.manifest.sealed_through = sealed_through;
  auto segments = std::make_shared<Segments>(*segments_);
  segments->push_back(std::move(added));
  change.segments = std::move(segments);
  return change;
}

Catalog::Change Catalog::WithDeletions(Segments changed) const {
  Change change{manifest_, nullptr};
  std::map<SegmentId, std::uint32_t> versions;
  for (const LiveSegment& live : changed) {
    versions[live.segment->info().id] = live.deletions_version;
  }
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
