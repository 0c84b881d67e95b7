#include <fmt/format.h>

#include <optional>

#include "store/compress.h"
#include "store/embedded/segment/code_stream.h"
#include "store/embedded/segment/column_writer.h"
#include "store/embedded/segment/key_blocks.h"
#include "store/embedded/segment/segment_file.h"
#include "store/embedded/segment/segment_footer.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr int kFooterLevel = 3;

Status WriteFooter(const Footer& footer, ExtentWriter& out) {
  const std::string raw = EncodeFooter(footer);
  const std::string stored = Compress(raw, kFooterLevel);
  Trailer trailer;
  trailer.footer_offset = out.offset();
  trailer.footer_stored_bytes = static_cast<std::uint32_t>(stored.size());
  trailer.footer_raw_bytes = static_cast<std::uint32_t>(raw.size());
  trailer.footer_checksum = Hash64(stored);
  RETURN_IF_ERROR(out.AppendPlain(stored));
  return out.AppendPlain(EncodeTrailer(trailer));
}

Status WriteContent(WritableFile& file, const NewSegment& segment, const Table& table) {
  ExtentWriter out(file);
  RETURN_IF_ERROR(out.AppendPlain(EncodeHeader(segment.id)));
  Footer footer;
  footer.info.id = segment.id;
  footer.info.sealed_through = segment.sealed_through;
  footer.info.replaces = segment.replaces;
  footer.info.retention_class = segment.retention_class;
  footer.info.table = table.info();
  footer.shapes.assign(table.shapes().begin(), table.shapes().end());

  ASSIGN_OR_RETURN(const auto keys, table.Keys());
  ASSIGN_OR_RETURN(footer.keys,
                   out.Append(EncodeKeys(*keys, table.info().rows), Squeeze::kWhenSmaller));
  ASSIGN_OR_RETURN(const auto shape_of_row, table.ShapeOfRow());
  const std::vector<Code> shape_codes(shape_of_row->begin(), shape_of_row->end());
  ASSIGN_OR_RETURN(footer.shape_of_row,
                   out.Append(EncodeCodes(Codes::Pack(shape_codes, footer.shapes.size()),
                                          static_cast<std::uint32_t>(footer.shapes.size())),
                              Squeeze::kNo));

  ASSIGN_OR_RETURN(const std::vector<CodesRelation> relations, FindRelations(table));
  ColumnWriter columns(table, relations, out);
  RETURN_IF_ERROR(columns.Write());
  ASSIGN_OR_RETURN(footer.words, columns.WriteWords());
  footer.columns = columns.TakeEntries();
  RETURN_IF_ERROR(WriteFooter(footer, out));
  return out.Flush();
}

}  // namespace

std::string SegmentFileName(SegmentId id) { return fmt::format("{:016x}.seg", id); }

Status WriteSegment(FileSystem& fs,
                    const Path& dir,
                    const NewSegment& segment,
                    const Table& table) {
  const Path path = dir / SegmentFileName(segment.id);
  Path temporary = path;
  temporary += ".tmp";
  const auto write = [&]() -> Status {
    ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                     fs.OpenForWrite(temporary, FileSystem::WriteMode::kTruncate));
    RETURN_IF_ERROR(WriteContent(*file, segment, table));
    // Without this the rename may become durable before the bytes.
    RETURN_IF_ERROR(file->Sync());
    RETURN_IF_ERROR(file->Close());
    RETURN_IF_ERROR(fs.Rename(temporary, path));
    return fs.SyncDirectory(dir);
  };
  Status written = write();
  if (!written) {
    // What is left of a failed attempt is in nobody's way, but takes room that may be short. Under
    // the final name it is when only the directory's sync failed.
    static_cast<void>(fs.Remove(temporary));
    static_cast<void>(fs.Remove(path));
  }
  return written;
}

}  // namespace postglass::store
