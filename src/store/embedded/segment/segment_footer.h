#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/embedded/segment/extents.h"
#include "store/embedded/segment/segment_file.h"
#include "store/embedded/table/column.h"
#include "store/embedded/table/shape.h"

namespace postglass::store {

// How a column's codes are kept.
enum class CodesForm : std::uint8_t {
  kConstant,    // all 0
  kStored,      // code_stream.h
  kSameAs,      // those of column `codes_of`
  kDetermined,  // a function of the code of `codes_of` in the same row: determined_codes.h
};

// How a column's values are kept.
enum class DictionaryForm : std::uint8_t {
  kStored,   // text_index.h, number_dictionary.h; booleans: in the footer
  kSameAs,   // those of column `dictionary_of`
  kAffixed,  // the same between `prefix` and `suffix`
};

enum class CountsForm : std::uint8_t {
  kEqual,   // `counts_equal` rows for each value
  kStored,  // pages of kCountsPageValues
  kSameAs,  // as codes: those of column `codes_of`
};

// All that the footer says of a column. Columns lean on others only without a circle: kSameAs and
// kAffixed on one that is not so itself, kDetermined in a chain of at most kColumnDepthMax.
struct ColumnEntry {
  ColumnKey key;
  std::uint32_t dictionary_size = 0;
  std::uint32_t values_count = 0;
  bool all_lower_case = true;
  bool all_folded = true;  // ASCII without capitals: each value is its own Fold()

  CodesForm codes_form = CodesForm::kConstant;
  std::uint32_t codes_of = 0;
  Extent codes;

  DictionaryForm dictionary_form = DictionaryForm::kStored;
  std::uint32_t dictionary_of = 0;
  std::string prefix;
  std::string suffix;
  bool has_pieces = false;  // some strings are made of those of others
  Extent dictionary;
  std::uint8_t bools = 0;  // bit i: what code i stands for

  CountsForm counts_form = CountsForm::kEqual;
  std::uint32_t counts_equal = 0;
  std::vector<Extent> counts;

  // Of the folded values and, other seed, the folded words with a digit. None: look in the
  // dictionary. Pages of kFilterPageBytes, one behind the other.
  std::uint64_t filter_offset = 0;
  std::uint32_t filter_bytes = 0;
  std::vector<std::uint64_t> filter_checksums;

  // Words with a digit are told by the filter, or by templates whose words are not in it; else they
  // are indexed like all others.
  bool ids_in_filter = false;
};

// What is written, and the oldest that is read.
inline constexpr std::uint32_t kSegmentVersion = 3;
inline constexpr std::uint32_t kSegmentVersionMin = 2;

// A file's header: 32 bytes.
inline constexpr std::size_t kHeaderBytes = 32;
std::string EncodeHeader(SegmentId id);
// Errors: kUnsupported (newer), kCorruption.
Status CheckHeader(std::string_view header, SegmentId id, std::string_view name);

// The last bytes of a file: where the footer is.
inline constexpr std::size_t kTrailerBytes = 48;

struct Trailer {
  std::uint32_t version = 0;
  std::uint64_t footer_offset = 0;
  std::uint32_t footer_stored_bytes = 0;
  std::uint32_t footer_raw_bytes = 0;
  std::uint64_t footer_checksum = 0;
};

std::string EncodeTrailer(const Trailer& trailer);
// Errors: kUnsupported, kCorruption.
Result<Trailer> DecodeTrailer(std::string_view bytes,
                              std::uint64_t file_bytes,
                              std::string_view name);

struct Footer {
  SegmentInfo info;  // file_bytes: not in the footer, filled by who reads
  Extent keys;
  Extent shape_of_row;
  Extent words;           // word_index.h; empty: no string has one
  bool has_words = true;  // false in version 2: words are looked for in the strings
  std::vector<Shape> shapes;
  std::vector<ColumnEntry> columns;
};

std::string EncodeFooter(const Footer& footer);
// `file_bytes` bounds all places; `version` is the trailer's. Errors: kCorruption.
Result<Footer> DecodeFooter(std::string_view bytes,
                            std::uint64_t file_bytes,
                            std::uint32_t version = kSegmentVersion);

}  // namespace postglass::store
