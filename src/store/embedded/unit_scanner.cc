#include "store/embedded/unit_scanner.h"

#include <algorithm>

#include "store/plan_rules.h"

namespace postglass::store {

namespace {

constexpr std::uint32_t kRowsBetweenStopChecks = 256;

}  // namespace

UnitScanner::UnitScanner(const Snapshot& snapshot,
                         const Plan& plan,
                         const Matcher& matcher,
                         const KeyCondition& condition,
                         FilterCache& filters,
                         Need need)
    : snapshot_(snapshot),
      plan_(plan),
      matcher_(matcher),
      condition_(condition),
      filters_(filters),
      need_(need) {}

bool UnitScanner::InTime(const ScanUnit& unit, const Plan& plan) {
  return unit.timestamp_max_ms >= plan.from_ms && unit.timestamp_min_ms < plan.to_ms &&
         unit.ingested_max_ms >= plan.ingested_from_ms;
}

bool UnitScanner::AllInTime(const ScanUnit& unit, const Plan& plan) {
  return InTimeRange(plan, unit.timestamp_min_ms, unit.ingested_min_ms) &&
         InTimeRange(plan, unit.timestamp_max_ms, unit.ingested_min_ms);
}

Status UnitScanner::CheckStop() const {
  if (!plan_.stop.stop_requested()) return {};
  return Fail(ErrorCode::kCancelled, "the query was cancelled");
}

Result<bool> UnitScanner::MayMatch(const ScanUnit& unit) {
  if (condition_.is_always()) return true;
  if (unit.memory_block != nullptr) return condition_.MayHold(unit.memory_block->filter);
  const Result<std::shared_ptr<const Segment::Filters>> filters =
      filters_.Get(*unit.segment->segment);
  if (!filters) {
    // The rows can be found without filters.
    ++damaged_filters_;
    return true;
  }
  const std::string_view filter = (*filters)->by_block[unit.block];
  if (filter.empty()) ++damaged_filters_;
  return condition_.MayHold(filter);
}

Status UnitScanner::Load(const ScanUnit& unit, Section section) {
  if (block_.has(section)) return {};
  if (unit.memory_block != nullptr) {
    const BlockInfo& info = unit.memory_block->info;
    return block_.Decode(section,
                         std::string_view(unit.memory_block->data)
                             .substr(info.SectionOffset(section), info.section(section).bytes));
  }
  RETURN_IF_ERROR(unit.segment->segment->ReadSection(unit.block, section, compressed_));
  return block_.Decode(section, compressed_);
}

Result<UnitScanner::Outcome> UnitScanner::Scan(const ScanUnit& unit, Visit visit) {
  RETURN_IF_ERROR(CheckStop());
  if (unit.info() == nullptr) {
    RETURN_IF_ERROR(ScanBatches(unit, visit));
    return Outcome::kScanned;
  }
  ASSIGN_OR_RETURN(const bool may_match, MayMatch(unit));
  if (!may_match) return Outcome::kSkippedByFilter;
  RETURN_IF_ERROR(ScanBlock(unit, visit));
  return Outcome::kScanned;
}

Status UnitScanner::ScanBlock(const ScanUnit& unit, Visit visit) {
  block_.Reset(*unit.info());
  RETURN_IF_ERROR(Load(unit, Section::kKeys));
  rows_.clear();
  for (std::uint32_t row = 0; row < block_.rows(); ++row) {
    if (InTimeRange(plan_, block_.timestamp_ms(row), block_.ingested_at_ms(row))) {
      rows_.push_back(row);
    }
  }
  if (unit.has_deletions) {
    const std::uint32_t first = unit.segment->segment->FirstRow(unit.block);
    const DeletedRows& deleted = *unit.segment->deleted;
    std::erase_if(rows_, [&](std::uint32_t row) {
      return std::binary_search(deleted.begin(), deleted.end(), first + row);
    });
  }
  if (rows_.empty()) return {};
  if (matcher_.reads_fields()) RETURN_IF_ERROR(Load(unit, Section::kFields));
  if (matcher_.reads_attributes()) RETURN_IF_ERROR(Load(unit, Section::kAttributes));
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (i % kRowsBetweenStopChecks == 0) RETURN_IF_ERROR(CheckStop());
    const std::uint32_t row = rows_[i];
    reader_.Reset(block_.View(row));
    if (!matcher_.Matches(reader_)) continue;
    if (need_ == Need::kEverything &&
        !(block_.has(Section::kFields) && block_.has(Section::kAttributes))) {
      RETURN_IF_ERROR(Load(unit, Section::kFields));
      RETURN_IF_ERROR(Load(unit, Section::kAttributes));
      reader_.Reset(block_.View(row));
    }
    if (!visit(row, reader_)) break;
  }
  return {};
}

Status UnitScanner::ScanBatches(const ScanUnit& unit, Visit visit) {
  std::uint32_t row = 0;
  for (std::size_t i = unit.batches_begin; i < unit.batches_end; ++i) {
    for (const Event& event : snapshot_.batches[i]->events) {
      if (row % kRowsBetweenStopChecks == 0) RETURN_IF_ERROR(CheckStop());
      const std::uint32_t this_row = row++;
      if (!InTimeRange(plan_, event.timestamp_ms, event.ingested_at_ms)) continue;
      reader_.Reset(event);
      if (matcher_.Matches(reader_) && !visit(this_row, reader_)) return {};
    }
  }
  return {};
}

}  // namespace postglass::store
