#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/result.h"
#include "store/embedded/segment/segment_impl.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// Some rows of a segment, read from the codes as they are stored: no column is decoded as a whole.
class Segment::SegmentRows final : public RowsOfTable {
 public:
  // `segment` must outlive it. Requires: ascending. Errors: kIo, kCorruption.
  static Result<std::unique_ptr<RowsOfTable>> Make(const Impl& segment, std::vector<RowIndex> rows);

  Status Read(ColumnIndex column, RowValues& out) override { return ReadCodes(column, 0, out); }

 private:
  // The values of a row in the columns of one class.
  struct Run {
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
  };

  SegmentRows(const Impl& segment, std::vector<RowIndex> rows)
      : segment_(segment), rows_(std::move(rows)) {}

  Status Locate();

  const Run& RunOf(std::size_t row, ColumnIndex column) const {
    return runs_[row * segment_.classes.size() + segment_.classes.of_column(column)];
  }

  Status ReadCodes(ColumnIndex column, int depth, RowValues& out);
  Status ReadStored(ColumnIndex column, const StoredCodes& codes, RowValues& out) const;
  Status ReadDetermined(
      ColumnIndex column, ColumnIndex key, int depth, const DeterminedCodes& codes, RowValues& out);
  tl::unexpected<Error> Damaged(ColumnIndex column, std::string_view what) const;

  const Impl& segment_;
  const std::vector<RowIndex> rows_;
  std::vector<Run> runs_;                  // by row, then by class
  std::map<ColumnIndex, RowValues> keys_;  // of those columns that others were read by
};

}  // namespace postglass::store
