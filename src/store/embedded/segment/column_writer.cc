#include "store/embedded/segment/column_writer.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "store/embedded/segment/code_stream.h"
#include "store/embedded/segment/determined_codes.h"
#include "store/embedded/segment/key_filter.h"
#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/number_array.h"
#include "store/embedded/segment/number_dictionary.h"
#include "store/embedded/segment/word_index.h"
#include "store/hash.h"
#include "store/text.h"

namespace postglass::store {

namespace {

bool IsAscii(std::string_view text) {
  return std::all_of(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

struct Affixes {
  std::string_view prefix;
  std::string_view suffix;
};

// What stands around `inner` in `text`, if that can be cut off everywhere.
std::optional<Affixes> AffixesOf(std::string_view text, std::string_view inner) {
  const std::size_t place = text.find(inner);
  if (inner.empty() || place == std::string_view::npos) return std::nullopt;
  const Affixes affixes{text.substr(0, place), text.substr(place + inner.size())};
  if (!affixes.prefix.empty() && !IsBorder(affixes.prefix.back())) return std::nullopt;
  if (!affixes.suffix.empty() && !IsBorder(affixes.suffix.front())) return std::nullopt;
  if (!IsAscii(affixes.prefix) || !IsAscii(affixes.suffix)) return std::nullopt;
  return affixes;
}

bool IsAffixed(std::string_view text, std::string_view inner, const Affixes& affixes) {
  return text.size() == affixes.prefix.size() + inner.size() + affixes.suffix.size() &&
         text.starts_with(affixes.prefix) && text.ends_with(affixes.suffix) &&
         text.substr(affixes.prefix.size(), inner.size()) == inner;
}

}  // namespace

bool HasDigit(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<ColumnIndex> ColumnWriter::OrderOfColumns() const {
  struct Place {
    ColumnIndex column = 0;
    unsigned bytes_log2 = 0;
    std::uint32_t size = 0;
  };

  std::vector<Place> places;
  for (ColumnIndex column = 0; column < table_.columns().size(); ++column) {
    const ColumnInfo& info = table_.columns()[column];
    Place place{column, 0, info.dictionary_size};
    if (info.key.type == ValueType::kString && info.dictionary_size >= kWordsValuesMin) {
      std::uint64_t bytes = 0;
      const auto dictionary = table_.DictionaryOf(column);
      if (dictionary) {
        static_cast<void>(
            (*dictionary)->ForEachText(0, place.size, [&](Code, std::string_view text) {
              bytes += text.size();
              return true;
            }));
      }
      place.bytes_log2 = static_cast<unsigned>(std::bit_width(bytes));
    }
    places.push_back(place);
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::pair(a.bytes_log2, b.size) < std::pair(b.bytes_log2, a.size);
  });
  std::vector<ColumnIndex> order;
  for (const Place& place : places) order.push_back(place.column);
  return order;
}

Status ColumnWriter::Write() {
  entries_.resize(table_.columns().size());
  for (const ColumnIndex column : OrderOfColumns()) RETURN_IF_ERROR(WriteColumn(column));
  return {};
}

Status ColumnWriter::WriteColumn(ColumnIndex column) {
  const ColumnInfo& info = table_.columns()[column];
  ColumnEntry entry;
  entry.key = info.key;
  entry.dictionary_size = info.dictionary_size;
  entry.values_count = info.values_count;
  RETURN_IF_ERROR(WriteCodes(column, entry));
  RETURN_IF_ERROR(info.key.type == ValueType::kString ? WriteTexts(column, entry)
                                                      : WriteNumbers(column, entry));
  RETURN_IF_ERROR(WriteCounts(column, entry));
  entries_[column] = std::move(entry);
  return {};
}

Status ColumnWriter::WriteCodes(ColumnIndex column, ColumnEntry& entry) {
  if (entry.dictionary_size <= 1) return {};  // kConstant
  const CodesRelation& relation = relations_[column];
  if (relation.same_as) {
    entry.codes_form = CodesForm::kSameAs;
    entry.codes_of = *relation.same_as;
    return {};
  }
  ASSIGN_OR_RETURN(const auto codes, table_.CodesOf(column));
  entry.codes_form = CodesForm::kStored;
  std::string bytes = EncodeCodes(*codes, entry.dictionary_size);
  if (relation.determined_by) {
    const ColumnIndex key = *relation.determined_by;
    const std::uint32_t key_size = table_.columns()[key].dictionary_size;
    ASSIGN_OR_RETURN(const auto key_codes, table_.CodesOf(key));
    ASSIGN_OR_RETURN(const auto key_layout, table_.LayoutOf(key));
    ASSIGN_OR_RETURN(const auto layout, table_.LayoutOf(column));
    const auto key_of_row = CodeOfRow(*key_codes, *key_layout, table_.info().rows);
    Determination determination;
    if (key_of_row && determination.Try(*codes, *layout, *key_of_row, key_size)) {
      std::string determined = determination.Encode(*codes, entry.dictionary_size, key_size);
      if (determined.size() < bytes.size() - bytes.size() / 10) {
        bytes = std::move(determined);
        entry.codes_form = CodesForm::kDetermined;
        entry.codes_of = key;
      }
    }
  }
  ASSIGN_OR_RETURN(entry.codes, out_.Append(bytes, Squeeze::kNo));
  return {};
}

Status ColumnWriter::WriteCounts(ColumnIndex column, ColumnEntry& entry) {
  if (entry.codes_form == CodesForm::kSameAs) {
    entry.counts_form = CountsForm::kSameAs;
    return {};
  }
  ASSIGN_OR_RETURN(const auto counts, table_.CountsOf(column));
  if (std::all_of(counts->begin(), counts->end(), [&](auto n) { return n == counts->front(); })) {
    entry.counts_equal = counts->front();
    return {};
  }
  entry.counts_form = CountsForm::kStored;
  std::vector<std::uint64_t> page;
  for (std::size_t begin = 0; begin < counts->size(); begin += kCountsPageValues) {
    const std::size_t end = std::min<std::size_t>(counts->size(), begin + kCountsPageValues);
    page.assign(counts->begin() + static_cast<std::ptrdiff_t>(begin),
                counts->begin() + static_cast<std::ptrdiff_t>(end));
    std::string bytes;
    NumberArray::Append(bytes, page);
    ASSIGN_OR_RETURN(const Extent extent, out_.Append(bytes, Squeeze::kWhenSmaller));
    entry.counts.push_back(extent);
  }
  return {};
}

Status ColumnWriter::WriteNumbers(ColumnIndex column, ColumnEntry& entry) {
  ASSIGN_OR_RETURN(const auto dictionary, table_.DictionaryOf(column));
  std::vector<std::uint64_t> bits;
  bits.reserve(dictionary->size());
  switch (entry.key.type) {
    case ValueType::kInteger: {
      ASSIGN_OR_RETURN(const auto integers, dictionary->Integers());
      for (const std::int64_t n : integers) bits.push_back(static_cast<std::uint64_t>(n));
      break;
    }
    case ValueType::kDouble: {
      ASSIGN_OR_RETURN(const auto doubles, dictionary->Doubles());
      for (const double n : doubles) bits.push_back(std::bit_cast<std::uint64_t>(n));
      break;
    }
    default:
      for (Code code = 0; code < dictionary->size(); ++code) {
        entry.bools = static_cast<std::uint8_t>(entry.bools | (dictionary->BoolAt(code) << code));
      }
      return {};
  }
  ASSIGN_OR_RETURN(entry.dictionary, out_.Append(EncodeNumbers(bits), Squeeze::kWhenSmaller));
  return {};
}

Result<TextList> ColumnWriter::LoadTexts(ColumnIndex column) const {
  ASSIGN_OR_RETURN(const auto dictionary, table_.DictionaryOf(column));
  TextList texts;
  texts.ends.reserve(dictionary->size());
  RETURN_IF_ERROR(dictionary->ForEachText(0, dictionary->size(), [&](Code, std::string_view text) {
    texts.Add(text);
    return true;
  }));
  return texts;
}

Result<bool> ColumnWriter::FindAlike(const TextList& texts, ColumnEntry& entry) const {
  const std::string_view first = texts[0];
  const std::string_view last = texts[texts.size() - 1];
  const std::uint64_t hash = Hash64(texts.arena);
  const auto [begin, end] = texts_by_size_.equal_range(texts.size());
  for (auto it = begin; it != end; ++it) {
    const Texts& other = it->second;
    std::optional<Affixes> affixes;
    if (hash == other.hash) {
      affixes.emplace();
    } else if (texts.size() >= kFilterValuesMin) {
      affixes = AffixesOf(first, other.first);
      if (affixes && !IsAffixed(last, other.last, *affixes)) affixes.reset();
    }
    if (!affixes) continue;
    ASSIGN_OR_RETURN(const TextList of, LoadTexts(other.column));
    bool alike = true;
    for (std::uint32_t i = 0; i < texts.size() && alike; ++i) {
      alike = IsAffixed(texts[i], of[i], *affixes);
    }
    if (!alike) continue;
    entry.dictionary_of = other.column;
    entry.prefix = affixes->prefix;
    entry.suffix = affixes->suffix;
    entry.dictionary_form = entry.prefix.empty() && entry.suffix.empty() ? DictionaryForm::kSameAs
                                                                         : DictionaryForm::kAffixed;
    return true;
  }
  return false;
}

Status ColumnWriter::WriteTexts(ColumnIndex column, ColumnEntry& entry) {
  ASSIGN_OR_RETURN(const TextList texts, LoadTexts(column));
  entry.all_lower_case = std::none_of(
      texts.arena.begin(), texts.arena.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  entry.all_folded = entry.all_lower_case && IsAscii(texts.arena);
  ASSIGN_OR_RETURN(const bool alike, FindAlike(texts, entry));
  if (alike) return {};
  ASSIGN_OR_RETURN(const TextIndex::Written written, TextIndex::Write(out_, texts, finder_));
  entry.dictionary = written.index;
  entry.has_pieces = written.has_pieces;
  if (!written.has_pieces && texts.size() >= kWordsValuesMin) finder_.Add(column, texts);
  RETURN_IF_ERROR(WriteFilterAndWords(column, texts, written, entry));
  texts_by_size_.emplace(texts.size(),
                         Texts{column,
                               Hash64(texts.arena),
                               std::string(texts[0]),
                               std::string(texts[texts.size() - 1])});
  return {};
}

Status ColumnWriter::WriteFilterAndWords(ColumnIndex column,
                                         const TextList& texts,
                                         const TextIndex::Written& written,
                                         ColumnEntry& entry) {
  entry.ids_in_filter = texts.size() >= kWordsValuesMin;
  const bool has_filter = texts.size() >= kFilterValuesMin;
  // Nobody looks for words in the text that an event came as.
  const bool has_words = entry.key.kind != ColumnKind::kAttributesText;
  std::vector<std::uint64_t> hashes;
  if (has_filter) hashes.reserve(texts.size());
  HashSet ids;
  std::string folded;
  for (Code code = 0; code < texts.size(); ++code) {
    std::string_view text = texts[code];
    if (!entry.all_folded) {
      folded.clear();
      AppendFolded(folded, text);
      text = folded;
    }
    // What is a piece of another column is in that one's filter.
    const bool is_piece = written.single_pieces[code];
    if (has_filter && !is_piece) hashes.push_back(Hash64(text, kValueSeed));
    if (!has_words) continue;
    const bool is_id = is_piece || written.id_blocks[code / written.block_values];
    Words in_text(text);
    for (std::string_view word = in_text.Next(); !word.empty(); word = in_text.Next()) {
      if (!entry.ids_in_filter || !HasDigit(word)) {
        words_.Add(code, word);
      } else if (!is_id) {
        ids.Insert(Hash64(word, kWordSeed));
      }
    }
  }
  words_.EndColumn(column, texts.size());
  if (!has_filter) return {};
  for (const std::uint64_t hash : ids.ToVector()) hashes.push_back(hash);
  const std::string filter = BuildKeyFilter(hashes);
  entry.filter_offset = out_.offset();
  entry.filter_bytes = static_cast<std::uint32_t>(filter.size());
  for (std::size_t begin = 0; begin < filter.size(); begin += kFilterPageBytes) {
    entry.filter_checksums.push_back(
        Hash64(std::string_view(filter).substr(begin, kFilterPageBytes)));
  }
  return out_.AppendPlain(filter);
}

}  // namespace postglass::store
