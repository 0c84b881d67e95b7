#include "store/embedded/segment/segment_rows.h"

#include <algorithm>
#include <utility>

#include "store/embedded/segment/limits.h"

namespace postglass::store {

Result<std::unique_ptr<RowsOfTable>> Segment::SegmentRows::Make(const Impl& segment,
                                                                std::vector<RowIndex> rows) {
  std::unique_ptr<SegmentRows> made(new SegmentRows(segment, std::move(rows)));
  RETURN_IF_ERROR(made->Locate());
  return made;
}

Status Segment::SegmentRows::Locate() {
  ASSIGN_OR_RETURN(const auto shape_of_row, segment_.ShapeOfRow());
  ASSIGN_OR_RETURN(const auto places, segment_.Places());
  const LayoutClasses& classes = segment_.classes;
  runs_.resize(rows_.size() * classes.size());
  std::vector<std::uint32_t> before(classes.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    places->Before(rows_[i], *shape_of_row, before);
    Run* const runs = &runs_[i * classes.size()];
    for (std::size_t c = 0; c < classes.size(); ++c) runs[c].begin = before[c];
    for (const LayoutClasses::Arity& arity : classes.of_shape((*shape_of_row)[rows_[i]])) {
      runs[arity.of].count = arity.values;
    }
  }
  return {};
}

tl::unexpected<Error> Segment::SegmentRows::Damaged(ColumnIndex column,
                                                    std::string_view what) const {
  return segment_.reader().Damaged(segment_.footer.columns[column].codes, what);
}

Status Segment::SegmentRows::ReadCodes(ColumnIndex column, int depth, RowValues& out) {
  const ColumnEntry& entry = segment_.footer.columns[column];
  if (depth > kColumnDepthMax) return Damaged(column, "columns lean on one another without end");
  out.Clear();
  switch (entry.codes_form) {
    case CodesForm::kConstant:
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        out.codes.resize(out.codes.size() + RunOf(i, column).count);
        out.ends.push_back(static_cast<std::uint32_t>(out.codes.size()));
      }
      return {};
    case CodesForm::kSameAs: {
      const ColumnIndex same = entry.codes_of;
      if (segment_.footer.columns[same].codes_form == CodesForm::kSameAs) {
        return Damaged(column, "columns lean on one another without end");
      }
      return ReadCodes(same, depth + 1, out);
    }
    case CodesForm::kStored:
    case CodesForm::kDetermined:
      break;
  }
  ASSIGN_OR_RETURN(const auto codes, segment_.StoredCodesOf(column));
  if (const auto* stored = std::get_if<StoredCodes>(&codes->form)) {
    RETURN_IF_ERROR(ReadStored(column, *stored, out));
  } else {
    RETURN_IF_ERROR(
        ReadDetermined(column, entry.codes_of, depth, std::get<DeterminedCodes>(codes->form), out));
  }
  const bool known = std::all_of(
      out.codes.begin(), out.codes.end(), [&](Code code) { return code < entry.dictionary_size; });
  if (!known) return Damaged(column, "codes that are none of this dictionary");
  return {};
}

Status Segment::SegmentRows::ReadStored(ColumnIndex column,
                                        const StoredCodes& codes,
                                        RowValues& out) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Run& run = RunOf(i, column);
    if (run.count > codes.size() || run.begin > codes.size() - run.count) {
      return Damaged(column, "fewer codes than values");
    }
    for (std::uint32_t n = 0; n < run.count; ++n) out.codes.push_back(codes[run.begin + n]);
    out.ends.push_back(static_cast<std::uint32_t>(out.codes.size()));
  }
  return {};
}

Status Segment::SegmentRows::ReadDetermined(
    ColumnIndex column, ColumnIndex key, int depth, const DeterminedCodes& codes, RowValues& out) {
  auto known = keys_.find(key);
  if (known == keys_.end()) {
    RowValues of_key;
    RETURN_IF_ERROR(ReadCodes(key, depth + 1, of_key));
    known = keys_.emplace(key, std::move(of_key)).first;
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const std::uint32_t wanted = RunOf(i, column).count;
    const std::size_t begin = out.codes.size();
    const std::span<const Code> of_key = known->second.of(i);
    if (wanted > 0 && of_key.size() == 1) codes.Append(of_key[0], out.codes);
    if (out.codes.size() - begin != wanted) {
      return Damaged(column, "codes that do not follow from their key");
    }
    out.ends.push_back(static_cast<std::uint32_t>(out.codes.size()));
  }
  return {};
}

}  // namespace postglass::store
