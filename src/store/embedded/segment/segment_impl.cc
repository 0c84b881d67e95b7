#include "store/embedded/segment/segment_impl.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "store/embedded/segment/affixed_dictionary.h"
#include "store/embedded/segment/column_writer.h"
#include "store/embedded/segment/key_blocks.h"
#include "store/embedded/segment/key_filter.h"
#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/number_array.h"
#include "store/embedded/segment/number_dictionary.h"
#include "store/embedded/segment/text_dictionary.h"
#include "store/hash.h"
#include "store/text.h"

namespace postglass::store {

namespace {

using Counts = std::vector<std::uint32_t>;

bool HoldsWord(std::string_view folded, std::string_view folded_word) {
  Words words(folded);
  for (std::string_view word = words.Next(); !word.empty(); word = words.Next()) {
    if (word == folded_word) return true;
  }
  return false;
}

}  // namespace

Segment::Impl::Impl(std::shared_ptr<const SegmentCore> shared_core, Footer f)
    : core(std::move(shared_core)),
      footer(std::move(f)),
      classes(footer.shapes, footer.columns.size()) {
  infos.reserve(footer.columns.size());
  dictionary_sizes.reserve(footer.columns.size());
  for (const ColumnEntry& entry : footer.columns) {
    infos.push_back({entry.key, entry.dictionary_size, entry.values_count});
    dictionary_sizes.push_back(entry.dictionary_size);
  }
}

Result<std::shared_ptr<const RowKeys>> Segment::Impl::Keys() const {
  return core->Cached<RowKeys>(
      kKeysPart,
      0,
      [&]() -> Result<std::shared_ptr<const RowKeys>> {
        ASSIGN_OR_RETURN(auto bytes, reader().Read(footer.keys));
        auto keys = DecodeKeys(std::move(bytes), footer.info.table.rows);
        if (!keys) return reader().Damaged(footer.keys, keys.error().message);
        return keys;
      },
      KeysMemoryBytes);
}

Result<std::shared_ptr<const std::vector<std::uint16_t>>> Segment::Impl::ShapeOfRow() const {
  using Shapes = std::vector<std::uint16_t>;
  return core->Cached<Shapes>(
      kShapeOfRowPart,
      0,
      [&]() -> Result<std::shared_ptr<const Shapes>> {
        ASSIGN_OR_RETURN(const auto bytes, reader().Read(footer.shape_of_row));
        const auto codes = DecodeCodes(bytes->view(),
                                       footer.info.table.rows,
                                       static_cast<std::uint32_t>(footer.shapes.size()));
        if (!codes) return reader().Damaged(footer.shape_of_row, codes.error().message);
        auto shapes = std::make_shared<Shapes>(footer.info.table.rows);
        codes->Visit([&](const auto& values) {
          for (std::size_t row = 0; row < values.size(); ++row) {
            (*shapes)[row] = static_cast<std::uint16_t>(values[row]);
          }
        });
        return std::shared_ptr<const Shapes>(std::move(shapes));
      },
      [](const Shapes& s) { return s.size() * sizeof(s[0]); });
}

Result<std::shared_ptr<const Layout>> Segment::Impl::LayoutOf(ColumnIndex column) const {
  const ColumnIndex shared = classes.first_like(column);
  return core->Cached<Layout>(
      PartOf(shared, PartKind::kLayout),
      0,
      [&]() -> Result<std::shared_ptr<const Layout>> {
        ASSIGN_OR_RETURN(const auto shape_of_row, ShapeOfRow());
        const std::vector<std::uint32_t> arities = Layout::Arities(footer.shapes, shared);
        std::uint64_t values = 0;
        for (const std::uint16_t shape : *shape_of_row) values += arities[shape];
        if (values != footer.columns[column].values_count) {
          return reader().Damaged(footer.shape_of_row,
                                  fmt::format("gives column {} {} values instead of {}",
                                              column,
                                              values,
                                              footer.columns[column].values_count));
        }
        return Layout::Make(arities, *shape_of_row);
      },
      [](const Layout& layout) { return sizeof(layout) + layout.memory_bytes(); });
}

Result<std::shared_ptr<const ValuePlaces>> Segment::Impl::Places() const {
  return core->Cached<ValuePlaces>(
      kPlacesPart,
      0,
      [&]() -> Result<std::shared_ptr<const ValuePlaces>> {
        ASSIGN_OR_RETURN(const auto shape_of_row, ShapeOfRow());
        return std::make_shared<const ValuePlaces>(classes, *shape_of_row);
      },
      [](const ValuePlaces& places) { return places.memory_bytes(); });
}

Result<std::shared_ptr<const ColumnCodes>> Segment::Impl::StoredCodesOf(ColumnIndex column) const {
  const ColumnEntry& entry = footer.columns[column];
  return core->Cached<ColumnCodes>(
      PartOf(column, PartKind::kStoredCodes),
      0,
      [&]() -> Result<std::shared_ptr<const ColumnCodes>> {
        ASSIGN_OR_RETURN(const auto bytes, reader().Read(entry.codes));
        const auto parsed = [&]() -> Result<std::shared_ptr<const ColumnCodes>> {
          if (entry.codes_form == CodesForm::kStored) {
            ASSIGN_OR_RETURN(auto stored,
                             StoredCodes::Parse(
                                 bytes, bytes->view(), entry.values_count, entry.dictionary_size));
            const std::size_t packed = stored.whole() == nullptr ? bytes->size() : 0;
            return std::make_shared<const ColumnCodes>(ColumnCodes{std::move(stored), packed});
          }
          ASSIGN_OR_RETURN(auto determined,
                           DeterminedCodes::Parse(bytes->view(),
                                                  entry.values_count,
                                                  entry.dictionary_size,
                                                  footer.columns[entry.codes_of].dictionary_size));
          return std::make_shared<const ColumnCodes>(ColumnCodes{std::move(determined), 0});
        };
        auto codes = parsed();
        if (!codes) return reader().Damaged(entry.codes, codes.error().message);
        return codes;
      },
      [](const ColumnCodes& codes) { return codes.memory_bytes(); });
}

Result<std::shared_ptr<const Codes>> Segment::Impl::LoadCodes(ColumnIndex column, int depth) const {
  const ColumnEntry& entry = footer.columns[column];
  if (entry.codes_form == CodesForm::kConstant) {
    return std::make_shared<const Codes>(Codes::Constant{entry.values_count});
  }
  ASSIGN_OR_RETURN(const auto stored, StoredCodesOf(column));
  const auto loaded = [&]() -> Result<Codes> {
    if (const auto* own = std::get_if<StoredCodes>(&stored->form)) {
      return own->Unpack(entry.dictionary_size);
    }
    ASSIGN_OR_RETURN(const auto layout, LayoutOf(column));
    ASSIGN_OR_RETURN(const auto key_layout, LayoutOf(entry.codes_of));
    ASSIGN_OR_RETURN(const auto key_codes, CodesOf(entry.codes_of, depth + 1));
    const auto key_of_row = CodeOfRow(*key_codes, *key_layout, footer.info.table.rows);
    if (!key_of_row) return Fail(ErrorCode::kCorruption, "the key has several values in a row");
    return std::get<DeterminedCodes>(stored->form)
        .Expand(*layout, entry.dictionary_size, *key_of_row);
  };
  Result<Codes> codes = loaded();
  if (!codes && codes.error().code == ErrorCode::kCorruption) {
    return reader().Damaged(entry.codes, codes.error().message);
  }
  if (!codes) return Fail(std::move(codes.error()));
  return std::make_shared<const Codes>(std::move(*codes));
}

Result<std::shared_ptr<const Codes>> Segment::Impl::CodesOf(ColumnIndex column, int depth) const {
  if (depth > kColumnDepthMax) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("{}: columns lean on one another without end", reader().name()));
  }
  const ColumnEntry& entry = footer.columns[column];
  if (entry.codes_form == CodesForm::kSameAs) return CodesOf(entry.codes_of, depth + 1);
  if (entry.codes_form == CodesForm::kStored) {
    // What is whole already need not be kept twice.
    ASSIGN_OR_RETURN(const auto stored, StoredCodesOf(column));
    const Codes* const whole = std::get<StoredCodes>(stored->form).whole();
    if (whole != nullptr) return std::shared_ptr<const Codes>(stored, whole);
  }
  return core->Cached<Codes>(
      PartOf(column, PartKind::kCodes),
      0,
      [&] { return LoadCodes(column, depth); },
      [](const Codes& codes) { return codes.memory_bytes(); });
}

Result<std::optional<KeyCodes>> Segment::Impl::KeysOf(ColumnIndex column,
                                                      const CodeSet& codes) const {
  const ColumnEntry& entry = footer.columns[column];
  if (entry.codes_form == CodesForm::kSameAs) return KeyCodes{entry.codes_of, codes};
  if (entry.codes_form != CodesForm::kDetermined) return std::optional<KeyCodes>();
  ASSIGN_OR_RETURN(const auto stored, StoredCodesOf(column));
  const auto& determined = std::get<DeterminedCodes>(stored->form);
  Result<CodeSet> keys = determined.KeysOf(codes, entry.dictionary_size);
  if (!keys) return reader().Damaged(entry.codes, keys.error().message);
  return KeyCodes{entry.codes_of, std::move(*keys)};
}

Result<std::shared_ptr<const TextIndex>> Segment::Impl::TextIndexOf(ColumnIndex column) const {
  const ColumnEntry& entry = footer.columns[column];
  return core->Cached<TextIndex>(
      PartOf(column, PartKind::kDictionary),
      0,
      [&]() -> Result<std::shared_ptr<const TextIndex>> {
        ASSIGN_OR_RETURN(const auto bytes, reader().Read(entry.dictionary));
        auto index = TextIndex::Parse(bytes->view(),
                                      entry.dictionary_size,
                                      file_bytes(),
                                      static_cast<std::uint32_t>(footer.columns.size()));
        if (index == nullptr) return reader().Damaged(entry.dictionary, "no index of strings");
        return index;
      },
      [](const TextIndex& index) { return index.memory_bytes(); });
}

Result<PieceSources> Segment::Impl::SourcesOf(const TextIndex& index, int depth) const {
  PieceSources sources;
  for (const PiecePattern& pattern : index.patterns()) {
    for (const ColumnIndex column : pattern.columns) {
      if (depth > 0 || !IsSource(column)) {
        return Fail(ErrorCode::kCorruption,
                    fmt::format("{}: column {} is no source of pieces", reader().name(), column));
      }
      if (sources.contains(column)) continue;
      ASSIGN_OR_RETURN(sources[column], DictionaryOf(column, depth + 1));
    }
  }
  return sources;
}

Result<std::shared_ptr<const Dictionary>> Segment::Impl::DictionaryOf(ColumnIndex column,
                                                                      int depth) const {
  const ColumnEntry& entry = footer.columns[column];
  if (entry.dictionary_form == DictionaryForm::kSameAs) {
    return DictionaryOf(entry.dictionary_of, depth);
  }
  if (entry.dictionary_form == DictionaryForm::kAffixed) {
    ASSIGN_OR_RETURN(auto inner, DictionaryOf(entry.dictionary_of, depth));
    return std::make_shared<const AffixedDictionary>(
        std::move(inner), entry.prefix, entry.suffix, entry.all_lower_case);
  }
  if (entry.key.type == ValueType::kString) {
    ASSIGN_OR_RETURN(auto index, TextIndexOf(column));
    ASSIGN_OR_RETURN(PieceSources sources, SourcesOf(*index, depth));
    return std::make_shared<const TextDictionary>(core,
                                                  std::move(index),
                                                  std::move(sources),
                                                  PartOf(column, PartKind::kTexts),
                                                  entry.dictionary_size,
                                                  entry.all_lower_case);
  }
  return core->Cached<Dictionary>(
      PartOf(column, PartKind::kDictionary),
      0,
      [&]() -> Result<std::shared_ptr<const Dictionary>> {
        if (entry.key.type == ValueType::kBool) {
          std::vector<std::uint64_t> bits;
          for (Code code = 0; code < entry.dictionary_size; ++code) {
            bits.push_back(entry.bools >> code & 1U);
          }
          return std::make_shared<const NumberDictionary>(entry.key.type, bits);
        }
        ASSIGN_OR_RETURN(const auto bytes, reader().Read(entry.dictionary));
        const auto bits = DecodeNumbers(bytes->view(), entry.dictionary_size);
        if (!bits) return reader().Damaged(entry.dictionary, bits.error().message);
        return std::make_shared<const NumberDictionary>(entry.key.type, *bits);
      },
      [](const Dictionary& d) { return static_cast<const NumberDictionary&>(d).memory_bytes(); });
}

Result<std::shared_ptr<const Counts>> Segment::Impl::CountsPage(ColumnIndex column,
                                                                std::uint32_t page) const {
  const ColumnEntry& entry = footer.columns[column];
  return core->Cached<Counts>(
      PartOf(column, PartKind::kCounts),
      page,
      [&]() -> Result<std::shared_ptr<const Counts>> {
        const std::uint32_t begin = page * kCountsPageValues;
        const std::uint32_t count = std::min(kCountsPageValues, entry.dictionary_size - begin);
        ASSIGN_OR_RETURN(const auto bytes, reader().Read(entry.counts[page]));
        ByteReader in(bytes->view());
        const std::optional<NumberArray> numbers = NumberArray::Take(in, count);
        if (!numbers || numbers->size() != count || !in.AtEnd()) {
          return reader().Damaged(entry.counts[page], "no counts");
        }
        auto counts = std::make_shared<Counts>(count);
        numbers->CopyTo(counts->data());
        return std::shared_ptr<const Counts>(std::move(counts));
      },
      [](const Counts& counts) { return counts.size() * sizeof(counts[0]); });
}

Result<std::shared_ptr<const Counts>> Segment::Impl::CountsOf(ColumnIndex column) const {
  const ColumnEntry& entry = footer.columns[column];
  if (entry.counts_form == CountsForm::kSameAs) return CountsOf(entry.codes_of);
  if (entry.counts_form == CountsForm::kStored && entry.counts.size() == 1) {
    return CountsPage(column, 0);
  }
  constexpr std::uint32_t kWhole = ~0U;  // beyond all pages
  return core->Cached<Counts>(
      PartOf(column, PartKind::kCounts),
      kWhole,
      [&]() -> Result<std::shared_ptr<const Counts>> {
        if (entry.counts_form == CountsForm::kEqual) {
          return std::make_shared<const Counts>(entry.dictionary_size, entry.counts_equal);
        }
        auto counts = std::make_shared<Counts>();
        counts->reserve(entry.dictionary_size);
        for (std::uint32_t page = 0; page < entry.counts.size(); ++page) {
          ASSIGN_OR_RETURN(const auto part, CountsPage(column, page));
          counts->insert(counts->end(), part->begin(), part->end());
        }
        return std::shared_ptr<const Counts>(std::move(counts));
      },
      [](const Counts& counts) { return counts.size() * sizeof(counts[0]); });
}

Result<std::uint32_t> Segment::Impl::CountOf(ColumnIndex column, Code code) const {
  const ColumnEntry& entry = footer.columns[column];
  if (entry.counts_form == CountsForm::kSameAs) return CountOf(entry.codes_of, code);
  if (entry.counts_form == CountsForm::kEqual) return entry.counts_equal;
  ASSIGN_OR_RETURN(const auto page, CountsPage(column, code / kCountsPageValues));
  return (*page)[code % kCountsPageValues];
}

Extent Segment::Impl::FilterPage(const ColumnEntry& entry, std::uint32_t page) const {
  const std::uint32_t begin = page * kFilterPageBytes;
  const std::uint32_t bytes = std::min(kFilterPageBytes, entry.filter_bytes - begin);
  return {entry.filter_offset + begin, bytes, bytes, entry.filter_checksums[page]};
}

Result<bool> Segment::Impl::FilterMayContain(ColumnIndex column, std::uint64_t hash) const {
  const ColumnEntry& entry = footer.columns[column];
  const std::size_t lines = entry.filter_bytes / kFilterLineBytes;
  if (lines == 0) return true;
  const std::size_t byte = FilterLineOf(hash, lines) * kFilterLineBytes;
  const auto page = static_cast<std::uint32_t>(byte / kFilterPageBytes);
  ASSIGN_OR_RETURN(const auto bytes,
                   core->Cached<Buffer>(
                       PartOf(column, PartKind::kFilter),
                       page,
                       [&] { return reader().Read(FilterPage(entry, page)); },
                       [](const Buffer& buffer) { return buffer.size(); }));
  return LineMayContain(bytes->view().data() + byte % kFilterPageBytes, hash);
}

Result<bool> Segment::Impl::MayHoldFolded(ColumnIndex column, std::string_view folded) const {
  const ColumnEntry& entry = footer.columns[column];
  if (entry.key.type != ValueType::kString) return true;
  if (entry.dictionary_form == DictionaryForm::kAffixed) {
    const std::string prefix = Fold(entry.prefix);
    const std::string suffix = Fold(entry.suffix);
    if (folded.size() < prefix.size() + suffix.size() || !folded.starts_with(prefix) ||
        !folded.ends_with(suffix)) {
      return false;
    }
    folded.remove_prefix(prefix.size());
    folded.remove_suffix(suffix.size());
  }
  const ColumnIndex texts = TextsOf(column);
  const ColumnEntry& of = footer.columns[texts];
  if (of.filter_bytes > 0) {
    ASSIGN_OR_RETURN(const bool in_filter, FilterMayContain(texts, Hash64(folded, kValueSeed)));
    if (in_filter || !of.has_pieces) return in_filter;
    return PieceMayHold(texts, folded);
  }
  if (!of.all_folded) return true;
  ASSIGN_OR_RETURN(const auto dictionary, DictionaryOf(texts));
  ASSIGN_OR_RETURN(const std::optional<Code> code, dictionary->Find(folded));
  return code.has_value();
}

Result<bool> Segment::Impl::PieceMayHold(ColumnIndex column, std::string_view folded) const {
  ASSIGN_OR_RETURN(const auto index, TextIndexOf(column));
  for (const PiecePattern& pattern : index->patterns()) {
    if (!pattern.is_single() || !IsSource(pattern.columns[0])) continue;
    const std::string prefix = Fold(pattern.literals[0]);
    const std::string suffix = Fold(pattern.literals[1]);
    if (folded.size() < prefix.size() + suffix.size() || !folded.starts_with(prefix) ||
        !folded.ends_with(suffix)) {
      continue;
    }
    ASSIGN_OR_RETURN(
        const bool held,
        MayHoldFolded(pattern.columns[0],
                      folded.substr(prefix.size(), folded.size() - prefix.size() - suffix.size())));
    if (held) return true;
  }
  return false;
}

Result<bool> Segment::Impl::PieceMayHoldWord(ColumnIndex column,
                                             std::string_view folded_word,
                                             const WordHits& hits_of_sources) const {
  ASSIGN_OR_RETURN(const auto index, TextIndexOf(column));
  for (const PiecePattern& pattern : index->patterns()) {
    const ColumnIndex source = pattern.columns[0];
    if (!pattern.is_single() || !IsSource(source)) continue;
    for (const std::string& literal : pattern.literals) {
      if (HoldsWord(Fold(literal), folded_word)) return true;
    }
    if (hits_of_sources.columns[source].kind != WordHits::Kind::kNone) return true;
  }
  return false;
}

Result<std::shared_ptr<const WordIndex>> Segment::Impl::WordIndexOfAll() const {
  return core->Cached<WordIndex>(
      kWordsPart,
      0,
      [&]() -> Result<std::shared_ptr<const WordIndex>> {
        ASSIGN_OR_RETURN(const auto bytes, reader().Read(footer.words));
        auto index = WordIndex::Parse(bytes->view(), file_bytes());
        if (index == nullptr) return reader().Damaged(footer.words, "no index of words");
        return index;
      },
      [](const WordIndex& index) { return index.memory_bytes(); });
}

Result<std::vector<WordPosting>> Segment::Impl::PostingsOf(std::string_view folded_word) const {
  if (footer.words.empty()) return std::vector<WordPosting>();
  ASSIGN_OR_RETURN(const auto index, WordIndexOfAll());
  const std::optional<std::uint32_t> block = index->BlockFor(folded_word);
  if (!block) return std::vector<WordPosting>();
  const Extent& place = index->place_of(*block);
  ASSIGN_OR_RETURN(const auto bytes,
                   core->Cached<Buffer>(
                       kWordBlocksPart,
                       *block,
                       [&] { return reader().Read(place); },
                       [](const Buffer& buffer) { return buffer.size(); }));
  auto postings = FindInWordBlock(bytes->view(), folded_word, dictionary_sizes);
  if (!postings) return reader().Damaged(place, postings.error().message);
  return postings;
}

// The columns whose filter and templates do not rule out a word with a digit.
Status Segment::Impl::AddIdColumns(std::string_view folded_word, WordHits& hits) const {
  const std::uint64_t hash = Hash64(folded_word, kWordSeed);
  // Those that are made of others' pieces ask what is known of the others.
  for (const bool has_pieces : {false, true}) {
    for (ColumnIndex column = 0; column < footer.columns.size(); ++column) {
      const ColumnEntry& entry = footer.columns[column];
      if (!entry.ids_in_filter || entry.has_pieces != has_pieces) continue;
      ASSIGN_OR_RETURN(bool may_hold, FilterMayContain(column, hash));
      if (!may_hold) {
        ASSIGN_OR_RETURN(const auto index, TextIndexOf(column));
        may_hold = index->IdMayHoldWord(folded_word);
      }
      if (!may_hold && has_pieces) {
        ASSIGN_OR_RETURN(may_hold, PieceMayHoldWord(column, folded_word, hits));
      }
      if (may_hold) hits.columns[column].kind = WordHits::Kind::kUnknown;
    }
  }
  return {};
}

Result<Table::WordHits> Segment::Impl::FindWord(std::string_view folded_word) const {
  using Kind = WordHits::Kind;
  if (!footer.has_words) return WordHits{};
  WordHits hits;
  hits.columns.resize(footer.columns.size(), {Kind::kNone, nullptr});
  ASSIGN_OR_RETURN(std::vector<WordPosting> postings, PostingsOf(folded_word));
  for (WordPosting& posting : postings) {
    hits.columns[posting.column] = {
        Kind::kSome, std::make_shared<const std::vector<Code>>(std::move(posting.codes))};
  }
  if (HasDigit(folded_word)) RETURN_IF_ERROR(AddIdColumns(folded_word, hits));
  for (ColumnIndex column = 0; column < footer.columns.size(); ++column) {
    const ColumnEntry& entry = footer.columns[column];
    WordHits::OfColumn& of_column = hits.columns[column];
    if (entry.key.type != ValueType::kString || entry.key.kind == ColumnKind::kAttributesText) {
      of_column = {};
    } else if (entry.dictionary_form != DictionaryForm::kStored) {
      of_column = hits.columns[entry.dictionary_of];
    }
    if (entry.dictionary_form != DictionaryForm::kAffixed) continue;
    // A word of the affixes is in every value.
    if (HoldsWord(Fold(entry.prefix), folded_word) || HoldsWord(Fold(entry.suffix), folded_word)) {
      auto all = std::make_shared<std::vector<Code>>(entry.dictionary_size);
      std::iota(all->begin(), all->end(), Code{0});
      of_column = {Kind::kSome, std::move(all)};
    }
  }
  return hits;
}

}  // namespace postglass::store
