#include "store/embedded/segment/segment_footer.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/embedded/segment/limits.h"
#include "store/embedded/table/limits.h"
#include "store/hash.h"
#include "store/text.h"

namespace postglass::store {

namespace {

constexpr std::string_view kHeaderMagic = "PGLSSEG2";
constexpr std::string_view kTrailerMagic = "PGLSEND2";
constexpr std::size_t kReservedColumns = 8;

// Bits of a column's flags.
constexpr std::uint8_t kLowerCase = 1;
constexpr std::uint8_t kFolded = 2;
constexpr std::uint8_t kIdsInFilter = 4;
constexpr std::uint8_t kPieces = 8;

void PutColumn(std::string& out, const ColumnEntry& column) {
  PutFixed(out, static_cast<std::uint8_t>(column.key.kind));
  PutFixed(out, static_cast<std::uint8_t>(column.key.type));
  PutBytes(out, column.key.path);
  PutVarint(out, column.dictionary_size);
  PutVarint(out, column.values_count);
  PutFixed(out,
           static_cast<std::uint8_t>(
               (column.all_lower_case ? kLowerCase : 0) | (column.all_folded ? kFolded : 0) |
               (column.ids_in_filter ? kIdsInFilter : 0) | (column.has_pieces ? kPieces : 0)));
  PutFixed(out, static_cast<std::uint8_t>(column.codes_form));
  PutVarint(out, column.codes_of);
  PutExtent(out, column.codes);
  PutFixed(out, static_cast<std::uint8_t>(column.dictionary_form));
  PutVarint(out, column.dictionary_of);
  PutBytes(out, column.prefix);
  PutBytes(out, column.suffix);
  PutExtent(out, column.dictionary);
  PutFixed(out, column.bools);
  PutFixed(out, static_cast<std::uint8_t>(column.counts_form));
  PutVarint(out, column.counts_equal);
  PutVarint(out, column.counts.size());
  for (const Extent& page : column.counts) PutExtent(out, page);
  PutVarint(out, column.filter_bytes);
  if (column.filter_bytes > 0) {
    PutVarint(out, column.filter_offset);
    for (const std::uint64_t checksum : column.filter_checksums) PutFixed(out, checksum);
  }
}

bool IsRead(std::uint32_t version) {
  return version >= kSegmentVersionMin && version <= kSegmentVersion;
}

std::uint32_t Bounded(ByteReader& in, std::uint64_t max) {
  const std::uint64_t number = in.Varint();
  if (number > max) {
    in.Take(~std::uint64_t{0});
    return 0;
  }
  return static_cast<std::uint32_t>(number);
}

template <class Enum>
Enum TakeEnum(ByteReader& in, Enum last) {
  const auto value = in.Fixed<std::uint8_t>();
  if (value > static_cast<std::uint8_t>(last)) in.Take(~std::uint64_t{0});
  return in.ok() ? static_cast<Enum>(value) : Enum{};
}

ColumnEntry TakeColumn(ByteReader& in, std::uint64_t file_bytes, std::uint32_t version) {
  ColumnEntry column;
  column.key.kind = TakeEnum(in, ColumnKind::kAttributesText);
  column.key.type = TakeEnum(in, ValueType::kBool);
  column.key.path = in.Bytes();
  column.dictionary_size = Bounded(in, kColumnValuesMax);
  column.values_count = Bounded(in, kColumnValuesMax);
  const auto flags = in.Fixed<std::uint8_t>();
  column.all_lower_case = (flags & kLowerCase) != 0;
  column.all_folded = (flags & kFolded) != 0;
  column.ids_in_filter = (flags & kIdsInFilter) != 0;
  column.has_pieces = (flags & kPieces) != 0;
  column.codes_form = TakeEnum(in, CodesForm::kDetermined);
  column.codes_of = Bounded(in, kTableColumnsMax + kReservedColumns);
  column.codes = TakeExtent(in, file_bytes);
  column.dictionary_form = TakeEnum(in, DictionaryForm::kAffixed);
  column.dictionary_of = Bounded(in, kTableColumnsMax + kReservedColumns);
  column.prefix = in.Bytes();
  column.suffix = in.Bytes();
  column.dictionary = TakeExtent(in, file_bytes);
  column.bools = in.Fixed<std::uint8_t>();
  column.counts_form = TakeEnum(in, CountsForm::kSameAs);
  column.counts_equal = Bounded(in, kTableRowsMax);
  const std::uint64_t pages = in.Varint();
  for (std::uint64_t i = 0; i < pages && in.ok(); ++i) {
    column.counts.push_back(TakeExtent(in, file_bytes));
  }
  column.filter_bytes = Bounded(in, kExtentBytesMax);
  if (column.filter_bytes > 0) {
    column.filter_offset = in.Varint();
    if (column.filter_offset > file_bytes ||
        column.filter_bytes > file_bytes - column.filter_offset) {
      in.Take(~std::uint64_t{0});
    }
    const std::uint32_t filter_pages = (column.filter_bytes - 1) / kFilterPageBytes + 1;
    for (std::uint32_t i = 0; i < filter_pages && in.ok(); ++i) {
      column.filter_checksums.push_back(in.Fixed<std::uint64_t>());
    }
  }
  if (version == 2) TakeExtent(in, file_bytes);  // an index of words of its own
  return column;
}

void PutShape(std::string& out, const Shape& shape) {
  PutBytes(out, shape.skeleton);
  PutFixed(out, static_cast<std::uint8_t>(shape.text));
  PutVarint(out, shape.tags_count);
  PutVarint(out, shape.columns.size());
  for (const ColumnIndex column : shape.columns) PutFixed(out, static_cast<std::uint16_t>(column));
}

Shape TakeShape(ByteReader& in, std::size_t columns_count) {
  Shape shape;
  shape.skeleton = in.Bytes();
  shape.text = TakeEnum(in, Shape::Text::kOpaque);
  shape.tags_count = Bounded(in, kRowValuesMax + kReservedColumns);
  const std::uint32_t columns = Bounded(in, in.remaining() / 2);
  for (std::uint32_t i = 0; i < columns && in.ok(); ++i) {
    const auto column = in.Fixed<std::uint16_t>();
    if (column >= columns_count) in.Take(~std::uint64_t{0});
    shape.columns.push_back(column);
  }
  return shape;
}

// Who leans on whom must end somewhere.
bool LeansRight(const std::vector<ColumnEntry>& columns) {
  for (std::uint32_t i = 0; i < columns.size(); ++i) {
    const ColumnEntry& c = columns[i];
    if (c.codes_form == CodesForm::kSameAs || c.codes_form == CodesForm::kDetermined) {
      if (c.codes_of >= columns.size() || c.codes_of == i) return false;
      const ColumnEntry& of = columns[c.codes_of];
      if (of.codes_form == CodesForm::kSameAs) return false;
      if (c.codes_form == CodesForm::kSameAs) {
        if (of.dictionary_size != c.dictionary_size || of.values_count != c.values_count ||
            of.counts_form == CountsForm::kSameAs) {
          return false;
        }
      }
      std::uint32_t end = i;
      for (int depth = 0; columns[end].codes_form == CodesForm::kDetermined; ++depth) {
        if (depth > kColumnDepthMax) return false;
        end = columns[end].codes_of;
        if (end >= columns.size()) return false;
      }
    } else if (c.counts_form == CountsForm::kSameAs) {
      return false;
    }
    if (c.codes_form == CodesForm::kDetermined && c.counts_form == CountsForm::kSameAs) {
      return false;
    }
    if (c.codes_form == CodesForm::kConstant && c.dictionary_size != 1) return false;
    if (c.counts_form == CountsForm::kStored &&
        c.counts.size() !=
            (std::uint64_t{c.dictionary_size} + kCountsPageValues - 1) / kCountsPageValues) {
      return false;
    }
    if (c.dictionary_form != DictionaryForm::kStored) {
      if (c.dictionary_of >= columns.size()) return false;
      const ColumnEntry& of = columns[c.dictionary_of];
      if (of.dictionary_form != DictionaryForm::kStored || of.key.type != c.key.type ||
          of.dictionary_size != c.dictionary_size) {
        return false;
      }
      if (c.dictionary_form == DictionaryForm::kAffixed && c.key.type != ValueType::kString) {
        return false;
      }
    }
    if (c.key.type == ValueType::kBool && c.dictionary_size > 2) return false;
    if (c.dictionary_size == 0) return false;
    if (i > 0 && !(columns[i - 1].key < c.key)) return false;
  }
  return true;
}

tl::unexpected<Error> Damaged(std::string_view name, std::string_view what) {
  return Fail(ErrorCode::kCorruption, fmt::format("{}: {}", name, what));
}

}  // namespace

std::string EncodeHeader(SegmentId id) {
  std::string out(kHeaderMagic);
  PutFixed(out, kSegmentVersion);
  PutFixed(out, static_cast<std::uint32_t>(kTextRulesVersion));
  PutFixed(out, id);
  PutFixed(out, Hash64(out));
  return out;
}

Status CheckHeader(std::string_view header, SegmentId id, std::string_view name) {
  ByteReader in(header);
  if (in.Take(kHeaderMagic.size()) != kHeaderMagic)
    return Damaged(name, "no segment of this format");
  const auto version = in.Fixed<std::uint32_t>();
  const auto text_rules = in.Fixed<std::uint32_t>();
  const auto stored_id = in.Fixed<std::uint64_t>();
  const auto checksum = in.Fixed<std::uint64_t>();
  if (!in.ok() || Hash64(header.substr(0, kHeaderBytes - sizeof checksum)) != checksum) {
    return Damaged(name, "the header has a wrong checksum");
  }
  if (!IsRead(version) || text_rules != kTextRulesVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{}: format {} with text rules {}; this program reads {} to {} and {}",
                            name,
                            version,
                            text_rules,
                            kSegmentVersionMin,
                            kSegmentVersion,
                            kTextRulesVersion));
  }
  if (stored_id != id) return Damaged(name, fmt::format("the header is of segment {}", stored_id));
  return {};
}

std::string EncodeTrailer(const Trailer& trailer) {
  std::string out;
  PutFixed(out, trailer.footer_offset);
  PutFixed(out, trailer.footer_stored_bytes);
  PutFixed(out, trailer.footer_raw_bytes);
  PutFixed(out, trailer.footer_checksum);
  PutFixed(out, kSegmentVersion);
  PutFixed(out, std::uint32_t{0});
  PutFixed(out, Hash64(out));
  out += kTrailerMagic;
  return out;
}

Result<Trailer> DecodeTrailer(std::string_view bytes,
                              std::uint64_t file_bytes,
                              std::string_view name) {
  ByteReader in(bytes);
  Trailer trailer;
  trailer.footer_offset = in.Fixed<std::uint64_t>();
  trailer.footer_stored_bytes = in.Fixed<std::uint32_t>();
  trailer.footer_raw_bytes = in.Fixed<std::uint32_t>();
  trailer.footer_checksum = in.Fixed<std::uint64_t>();
  trailer.version = in.Fixed<std::uint32_t>();
  in.Fixed<std::uint32_t>();
  const auto checksum = in.Fixed<std::uint64_t>();
  if (in.Take(kTrailerMagic.size()) != kTrailerMagic || !in.AtEnd()) {
    return Damaged(name, "the end of the file is missing");
  }
  if (Hash64(bytes.substr(0, kTrailerBytes - sizeof checksum - kTrailerMagic.size())) != checksum) {
    return Damaged(name, "the trailer has a wrong checksum");
  }
  if (!IsRead(trailer.version)) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{}: format {}", name, trailer.version));
  }
  if (trailer.footer_raw_bytes > kFooterBytesMax || trailer.footer_offset < kHeaderBytes ||
      trailer.footer_offset > file_bytes ||
      trailer.footer_stored_bytes + kTrailerBytes != file_bytes - trailer.footer_offset) {
    return Damaged(name, "the footer is not where the trailer says");
  }
  return trailer;
}

std::string EncodeFooter(const Footer& footer) {
  const SegmentInfo& info = footer.info;
  std::string out;
  PutFixed(out, info.id);
  PutFixed(out, info.sealed_through);
  PutFixed(out, info.retention_class);
  PutVarint(out, info.replaces.size());
  for (const SegmentId id : info.replaces) PutFixed(out, id);
  PutFixed(out, info.table.rows);
  PutFixed(out, info.table.timestamp_min_ms);
  PutFixed(out, info.table.timestamp_max_ms);
  PutFixed(out, info.table.ingested_min_ms);
  PutFixed(out, info.table.ingested_max_ms);
  PutExtent(out, footer.keys);
  PutExtent(out, footer.shape_of_row);
  PutExtent(out, footer.words);
  PutVarint(out, footer.columns.size());
  for (const ColumnEntry& column : footer.columns) PutColumn(out, column);
  PutVarint(out, footer.shapes.size());
  for (const Shape& shape : footer.shapes) PutShape(out, shape);
  return out;
}

Result<Footer> DecodeFooter(std::string_view bytes,
                            std::uint64_t file_bytes,
                            std::uint32_t version) {
  ByteReader in(bytes);
  Footer footer;
  SegmentInfo& info = footer.info;
  info.id = in.Fixed<std::uint64_t>();
  info.sealed_through = in.Fixed<std::uint64_t>();
  info.retention_class = in.Fixed<std::uint32_t>();
  const std::uint32_t replaces = Bounded(in, kReplacesMax);
  for (std::uint32_t i = 0; i < replaces && in.ok(); ++i) {
    info.replaces.push_back(in.Fixed<std::uint64_t>());
  }
  info.table.rows = in.Fixed<std::uint32_t>();
  info.table.timestamp_min_ms = in.Fixed<std::int64_t>();
  info.table.timestamp_max_ms = in.Fixed<std::int64_t>();
  info.table.ingested_min_ms = in.Fixed<std::int64_t>();
  info.table.ingested_max_ms = in.Fixed<std::int64_t>();
  footer.keys = TakeExtent(in, file_bytes);
  footer.shape_of_row = TakeExtent(in, file_bytes);
  footer.has_words = version > 2;
  if (footer.has_words) footer.words = TakeExtent(in, file_bytes);
  const std::uint32_t columns = Bounded(in, kTableColumnsMax + kReservedColumns);
  for (std::uint32_t i = 0; i < columns && in.ok(); ++i) {
    footer.columns.push_back(TakeColumn(in, file_bytes, version));
  }
  const std::uint32_t shapes = Bounded(in, kTableShapesMax);
  for (std::uint32_t i = 0; i < shapes && in.ok(); ++i) {
    footer.shapes.push_back(TakeShape(in, footer.columns.size()));
  }
  if (!in.AtEnd() || info.table.rows == 0 || info.table.rows > kTableRowsMax || shapes == 0 ||
      !LeansRight(footer.columns)) {
    return Fail(ErrorCode::kCorruption, "the footer is none");
  }
  return footer;
}

}  // namespace postglass::store
