#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "store/embedded/address_search.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/embedded_store.h"
#include "store/embedded/exec/run_plan.h"
#include "store/plan_rules.h"

// Removing events: by a selection, which hides them, or all of a person's, which leaves nothing.

namespace postglass::store {

namespace {

constexpr std::string_view kLog = "store";
// A record that is durable is visible a moment later; until then its journal file stays.
constexpr int kTrimTriesMax = 100;

DeletedRows Union(const DeletedRows& a, const DeletedRows& b) {
  DeletedRows all;
  all.reserve(a.size() + b.size());
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

}  // namespace

Result<DeleteReport> EmbeddedStore::Delete(const Plan& selection) {
  RETURN_IF_ERROR(CheckPlan(selection));
  RETURN_IF_ERROR(Flush());
  MutexLock one_at_a_time(maintenance_);
  std::vector<Deletion> deletions;
  for (const LiveSegment& live : *LiveSegments()) {
    Result<std::vector<RowIndex>> rows = SelectRows({live.segment, live.deleted}, selection);
    if (!rows && rows.error().code == ErrorCode::kCorruption) {
      NoteDamage(
          {fmt::format("{} could not be read: {}", live.segment->Name(), rows.error().message)});
      continue;
    }
    if (!rows) return Fail(std::move(rows.error()));
    if (!rows->empty()) deletions.push_back({live, std::move(*rows)});
  }
  Result<std::uint64_t> hidden = HideRows(deletions);
  if (!hidden) {
    if (hidden.error().code == ErrorCode::kIo) NoteWriteError(hidden.error());
    return Fail(std::move(hidden.error()));
  }
  return DeleteReport{*hidden};
}

Result<std::uint64_t> EmbeddedStore::HideRows(const std::vector<Deletion>& deletions) {
  if (deletions.empty()) return std::uint64_t{0};
  Catalog::Segments changed = *LiveSegments();
  std::vector<Path> replaced;
  std::uint64_t hidden = 0;
  for (const Deletion& deletion : deletions) {
    const auto live = std::find_if(changed.begin(), changed.end(), [&](const LiveSegment& other) {
      return other.id() == deletion.live.id();
    });
    if (live == changed.end()) continue;  // its time came meanwhile
    DeletedRows rows =
        live->deleted == nullptr ? deletion.rows : Union(*live->deleted, deletion.rows);
    const std::size_t more = rows.size() - live->rows_deleted();
    if (more == 0) continue;
    hidden += more;
    if (live->deletions_version > 0) {
      replaced.push_back(segments_dir_ / DeletionsFileName(live->id(), live->deletions_version));
    }
    ++live->deletions_version;
    RETURN_IF_ERROR(WriteDeletions(fs_, segments_dir_, live->id(), live->deletions_version, rows));
    live->deleted = std::make_shared<const DeletedRows>(std::move(rows));
  }
  if (hidden == 0) return hidden;
  Catalog::Change change;
  {
    MutexLock lock(mutex_);
    change = catalog_->WithDeletions(std::move(changed));
  }
  RETURN_IF_ERROR(WriteManifest(fs_, segments_dir_, change.manifest));
  {
    MutexLock lock(mutex_);
    catalog_->Commit(std::move(change));
    snapshot_.reset();
    merge_due_ = true;
    merge_work_.NotifyAll();
  }
  for (const Path& path : replaced) {
    // A file that stays is a leftover that the next start removes.
    static_cast<void>(fs_.Remove(path).has_value());
  }
  return hidden;
}

Result<EraseReceipt> EmbeddedStore::Erase(std::string_view address, const StoreProgress& progress) {
  ASSIGN_OR_RETURN(const AddressPattern pattern, AddressPattern::Make(address));
  EraseReceipt receipt;
  receipt.started_ms = clock_.Now().millis();
  // What was appended before lies in files of its own, which go when it is sealed.
  ASSIGN_OR_RETURN(const journal::Sequence keep_from, journal_->BeginFile());
  RETURN_IF_ERROR(Flush());

  // Nothing else may merge from here on: rows keep their numbers.
  MutexLock no_merges(merging_);
  const std::shared_ptr<const Catalog::Segments> segments = LiveSegments();
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;  // read once, and once more if it holds the address
  for (const LiveSegment& live : *segments) total_bytes += live.segment->segment_info().file_bytes;
  std::vector<Deletion> deletions;
  for (const LiveSegment& live : *segments) {
    if (progress) progress(done_bytes, total_bytes);
    done_bytes += live.segment->segment_info().file_bytes;
    ++receipt.segments_searched;
    Result<std::vector<RowIndex>> rows = FindAddress(*live.segment, pattern);
    if (!rows) {
      receipt.not_erased.push_back(
          fmt::format("{} could not be read: {}", live.segment->Name(), rows.error().message));
      continue;
    }
    if (rows->empty()) continue;
    receipt.events_erased += rows->size();
    total_bytes += live.segment->segment_info().file_bytes;
    deletions.push_back({live, std::move(*rows)});
  }
  {
    MutexLock lock(mutex_);
    for (const std::string& sentence : set_aside_) receipt.not_erased.push_back(sentence);
  }
  {
    MutexLock one_at_a_time(maintenance_);
    if (const Result<std::uint64_t> hidden = HideRows(deletions); !hidden) {
      if (hidden.error().code == ErrorCode::kIo) NoteWriteError(hidden.error());
      return Fail(hidden.error());
    }
  }

  for (const Deletion& deletion : deletions) {
    if (progress) progress(done_bytes, total_bytes);
    done_bytes += deletion.live.segment->segment_info().file_bytes;
    // A delete in between hides more rows: then once more.
    for (bool again = true; again;) {
      again = false;
      const std::shared_ptr<const Catalog::Segments> now = LiveSegments();
      const auto live = std::find_if(now->begin(), now->end(), [&](const LiveSegment& other) {
        return other.id() == deletion.live.id();
      });
      if (live == now->end()) continue;
      const Result<MergeOutcome> outcome = MergeSegments({*live}, stop_.get_token());
      if (outcome) {
        receipt.bytes_rewritten += outcome->bytes_written;
        again = outcome->kind == MergeOutcome::Kind::kChangedMeanwhile;
      } else if (outcome.error().code == ErrorCode::kCorruption) {
        receipt.not_erased.push_back(fmt::format("{} is damaged, its events are hidden only: {}",
                                                 live->segment->Name(),
                                                 outcome.error().message));
      } else {
        return Fail(outcome.error());
      }
    }
    ++receipt.segments_rewritten;
  }

  RETURN_IF_ERROR(EmptyJournalBefore(keep_from));
  receipt.journal_bytes_left = journal_->size_bytes();
  if (journal_->first_sequence() < keep_from) {
    receipt.not_erased.push_back("the journal could not be emptied; erase once more");
  }
  receipt.finished_ms = clock_.Now().millis();
  log::Info(kLog,
            "erased a person: {} events, {} of {} segments written anew ({} bytes), {} not erased",
            receipt.events_erased,
            receipt.segments_rewritten,
            receipt.segments_searched,
            receipt.bytes_rewritten,
            receipt.not_erased.size());
  return receipt;
}

Status EmbeddedStore::EmptyJournalBefore(journal::Sequence keep_from) {
  for (int tries = 0; journal_->first_sequence() < keep_from && tries < kTrimTriesMax; ++tries) {
    RETURN_IF_ERROR(Flush());
    journal::Sequence trim_before = 0;
    {
      MutexLock lock(mutex_);
      trim_before = catalog_->manifest().sealed_through + 1;
    }
    // Behind what is sealed there may be probes, which nothing ever seals.
    ASSIGN_OR_RETURN(const auto reader, journal_->Read(trim_before - 1));
    while (trim_before < keep_from) {
      ASSIGN_OR_RETURN(const std::optional<journal::Record> record, reader->Next());
      if (!record) break;
      const Result<std::vector<NewEvent>> events = DecodeBatch(record->payload);
      if (!events || !events->empty()) break;
      trim_before = record->sequence + 1;
    }
    RETURN_IF_ERROR(journal_->TrimBefore(std::min(trim_before, keep_from)));
  }
  return {};
}

}  // namespace postglass::store
