#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <string>

#include "store/compress.h"
#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/segment_file.h"
#include "store/embedded/segment/segment_impl.h"
#include "store/embedded/segment/segment_rows.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

// Reads header, trailer and footer: two reads when the footer is of usual size.
Result<Footer> ReadFooter(const RandomAccessFile& file, SegmentId id, const std::string& name) {
  const auto damaged = [&](std::string_view what) {
    return Fail(ErrorCode::kCorruption, fmt::format("{}: {}", name, what));
  };
  ASSIGN_OR_RETURN(const std::uint64_t file_bytes, file.Size());
  if (file_bytes < kHeaderBytes + kTrailerBytes || file_bytes > kSegmentBytesMax) {
    return damaged(fmt::format("{} bytes are no segment", file_bytes));
  }
  std::string header(kHeaderBytes, '\0');
  RETURN_IF_ERROR(file.ReadExactly(0, header));
  RETURN_IF_ERROR(CheckHeader(header, id, name));
  std::string tail(std::min<std::uint64_t>(kTailGuessBytes, file_bytes - kHeaderBytes), '\0');
  RETURN_IF_ERROR(file.ReadExactly(file_bytes - tail.size(), tail));
  const std::string_view trailer_bytes = std::string_view(tail).substr(tail.size() - kTrailerBytes);
  ASSIGN_OR_RETURN(const Trailer trailer, DecodeTrailer(trailer_bytes, file_bytes, name));
  std::string large;
  std::string_view stored;
  if (trailer.footer_stored_bytes + kTrailerBytes <= tail.size()) {
    stored = std::string_view(tail).substr(
        tail.size() - kTrailerBytes - trailer.footer_stored_bytes, trailer.footer_stored_bytes);
  } else {
    large.resize(trailer.footer_stored_bytes);
    RETURN_IF_ERROR(file.ReadExactly(trailer.footer_offset, large));
    stored = large;
  }
  if (Hash64(stored) != trailer.footer_checksum) {
    return damaged("the footer has a wrong checksum");
  }
  std::string raw;
  if (!Decompress(stored, trailer.footer_raw_bytes, raw)) return damaged("the footer is no frame");
  Result<Footer> footer = DecodeFooter(raw, file_bytes, trailer.version);
  if (!footer) return damaged(footer.error().message);
  if (footer->info.id != id) return damaged("the footer is of another segment");
  footer->info.file_bytes = file_bytes;
  return footer;
}

}  // namespace

Segment::Segment(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Segment::~Segment() = default;

Result<std::shared_ptr<const Segment>> Segment::Open(const FileSystem& fs,
                                                     const Path& dir,
                                                     SegmentId id,
                                                     BlockCache& cache) {
  ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                   fs.OpenForRead(dir / SegmentFileName(id)));
  const std::string name = fmt::format("segment {}", id);
  ASSIGN_OR_RETURN(Footer footer, ReadFooter(*file, id, name));
  auto core = std::make_shared<const SegmentCore>(std::move(file), name, cache);
  auto impl = std::make_unique<Impl>(std::move(core), std::move(footer));
  return std::shared_ptr<const Segment>(new Segment(std::move(impl)));
}

const SegmentInfo& Segment::segment_info() const { return impl_->footer.info; }

const TableInfo& Segment::info() const { return impl_->footer.info.table; }

std::string Segment::Name() const { return impl_->reader().name(); }

std::span<const ColumnInfo> Segment::columns() const { return impl_->infos; }

std::span<const Shape> Segment::shapes() const { return impl_->footer.shapes; }

Result<std::shared_ptr<const RowKeys>> Segment::Keys() const { return impl_->Keys(); }

Result<std::shared_ptr<const std::vector<std::uint16_t>>> Segment::ShapeOfRow() const {
  return impl_->ShapeOfRow();
}

Result<std::shared_ptr<const Layout>> Segment::LayoutOf(ColumnIndex column) const {
  return impl_->LayoutOf(column);
}

Result<std::shared_ptr<const Codes>> Segment::CodesOf(ColumnIndex column) const {
  return impl_->CodesOf(column);
}

Result<std::optional<KeyCodes>> Segment::KeysOf(ColumnIndex column, const CodeSet& codes) const {
  return impl_->KeysOf(column, codes);
}

Result<std::shared_ptr<const Dictionary>> Segment::DictionaryOf(ColumnIndex column) const {
  return impl_->DictionaryOf(column);
}

Result<std::unique_ptr<RowsOfTable>> Segment::RowsAt(std::vector<RowIndex> rows) const {
  return SegmentRows::Make(*impl_, std::move(rows));
}

Result<std::shared_ptr<const std::vector<std::uint32_t>>> Segment::CountsOf(
    ColumnIndex column) const {
  return impl_->CountsOf(column);
}

Result<std::uint32_t> Segment::CountOf(ColumnIndex column, Code code) const {
  return impl_->CountOf(column, code);
}

Result<bool> Segment::MayHoldFolded(ColumnIndex column, std::string_view folded) const {
  return impl_->MayHoldFolded(column, folded);
}

Result<Table::WordHits> Segment::FindWord(std::string_view folded_word) const {
  return impl_->FindWord(folded_word);
}

}  // namespace postglass::store
