#include <fmt/format.h>

#include <algorithm>

#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/segment_impl.h"
#include "store/text.h"

namespace postglass::store {

namespace {

constexpr std::size_t kCacheBytes = 32 << 20;
constexpr std::size_t kSentencesMax = 100;

std::string NameOf(const ColumnKey& key) {
  constexpr std::string_view kNames[] = {
      "message", "status", "service", "source", "host", "tags", "@", "attributes text"};
  constexpr std::string_view kTypes[] = {"", " (integer)", " (double)", " (bool)"};
  return fmt::format("{}{}{}",
                     kNames[static_cast<std::size_t>(key.kind)],
                     key.path,
                     kTypes[static_cast<std::size_t>(key.type)]);
}

// Whether the parts of a segment agree with one another, once each has its checksum.
class Comparison {
 public:
  Comparison(const Segment& segment, std::span<const ColumnEntry> columns)
      : segment_(segment), columns_(columns) {}

  std::vector<std::string> Run() {
    CompareKeys();
    for (ColumnIndex c = 0; c < columns_.size(); ++c) CompareColumn(c);
    return std::move(wrong_);
  }

 private:
  template <class T>
  bool Ok(const Result<T>& result) {
    if (!result) wrong_.push_back(result.error().message);
    return result.has_value();
  }

  void Wrong(ColumnIndex column, std::string_view what) {
    wrong_.push_back(
        fmt::format("{}: column {}: {}", segment_.Name(), NameOf(columns_[column].key), what));
  }

  void CompareKeys() {
    const auto keys = segment_.Keys();
    if (!Ok(keys)) return;
    const TableInfo& info = segment_.info();
    bool right = (*keys)->timestamp_ms(0) == info.timestamp_min_ms &&
                 (*keys)->timestamp_ms(info.rows - 1) == info.timestamp_max_ms;
    std::int64_t last = info.timestamp_min_ms;
    for (RowIndex row = 0; row < info.rows && right; ++row) {
      const std::int64_t at = (*keys)->timestamp_ms(row);
      const std::int64_t ingested = (*keys)->ingested_at_ms(row);
      right = at >= last && ingested >= info.ingested_min_ms && ingested <= info.ingested_max_ms;
      last = at;
    }
    if (right) return;
    wrong_.push_back(fmt::format("{}: times out of order or bounds", segment_.Name()));
  }

  void CompareColumn(ColumnIndex c) {
    const ColumnEntry& entry = columns_[c];
    const auto layout = segment_.LayoutOf(c);
    const auto codes = segment_.CodesOf(c);
    const auto counts = segment_.CountsOf(c);
    if (Ok(layout) && Ok(codes) && Ok(counts) &&
        CountRows(**codes, **layout, entry.dictionary_size) != **counts) {
      Wrong(c, "the counts are not those of the codes");
    }
    const auto dictionary = segment_.DictionaryOf(c);
    if (!Ok(dictionary)) return;
    if (entry.key.type == ValueType::kString) {
      CompareTexts(c, **dictionary);
    } else if (entry.key.type == ValueType::kInteger) {
      const auto integers = (*dictionary)->Integers();
      if (Ok(integers) &&
          std::adjacent_find(integers->begin(), integers->end(), std::greater_equal<>()) !=
              integers->end()) {
        Wrong(c, "values out of order");
      }
    }
  }

  void CompareTexts(ColumnIndex c, const Dictionary& dictionary) {
    std::string last;
    bool ordered = true;
    bool held = true;
    const Status read =
        dictionary.ForEachText(0, dictionary.size(), [&](Code code, std::string_view text) {
          ordered = ordered && (code == 0 || last < text);
          last = text;
          const Result<bool> may_hold = segment_.MayHoldFolded(c, Fold(text));
          held = held && may_hold.value_or(true);
          return true;
        });
    Ok(read);
    if (!ordered) Wrong(c, "values out of order");
    if (!held) Wrong(c, "a value that its filter does not know");
  }

  const Segment& segment_;
  std::span<const ColumnEntry> columns_;
  std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> Segment::Verify(const std::function<void(std::uint64_t)>& throttle) const {
  BlockCache cache(kCacheBytes);
  Footer footer = impl_->footer;
  const Segment fresh(std::make_unique<Impl>(
      std::make_shared<const SegmentCore>(impl_->reader().file(), Name(), cache), footer));
  const ExtentReader& reader = fresh.impl_->reader();

  std::vector<std::string> wrong;
  const auto note = [&](const Error& error) {
    if (wrong.size() < kSentencesMax) wrong.push_back(error.message);
  };
  const auto check = [&](const Extent& extent) {
    if (extent.empty()) return;
    if (const auto read = reader.Read(extent); !read) note(read.error());
    if (throttle) throttle(extent.stored_bytes);
  };
  check(footer.keys);
  check(footer.shape_of_row);
  for (ColumnIndex c = 0; c < footer.columns.size(); ++c) {
    const ColumnEntry& entry = footer.columns[c];
    check(entry.codes);
    for (const Extent& page : entry.counts) check(page);
    check(entry.dictionary);
    if (entry.key.type == ValueType::kString && !entry.dictionary.empty()) {
      if (const auto index = fresh.impl_->TextIndexOf(c)) {
        for (std::uint32_t block = 0; block < (*index)->blocks_count(); ++block) {
          if (const auto read = reader.ReadStored((*index)->place_of(block)); !read) {
            note(read.error());
          }
          if (throttle) throttle((*index)->place_of(block).stored_bytes);
        }
      }
    }
    for (std::uint32_t page = 0; page < entry.filter_checksums.size(); ++page) {
      check(fresh.impl_->FilterPage(entry, page));
    }
  }
  check(footer.words);
  if (!footer.words.empty()) {
    if (const auto index = fresh.impl_->WordIndexOfAll()) {
      for (std::uint32_t block = 0; block < (*index)->blocks_count(); ++block) {
        check((*index)->place_of(block));
      }
    }
  }
  // What fails its checksum fails the comparison too, and says less there.
  return wrong.empty() ? Comparison(fresh, footer.columns).Run() : wrong;
}

std::vector<Segment::Part> Segment::Inspect() const {
  const Footer& footer = impl_->footer;
  const std::uint32_t rows = footer.info.table.rows;
  std::vector<Part> parts;
  parts.push_back({"keys", "packed", footer.keys.stored_bytes, rows});
  parts.push_back({"shape of row",
                   "codes",
                   footer.shape_of_row.stored_bytes,
                   static_cast<std::uint32_t>(footer.shapes.size())});
  std::uint64_t bytes = footer.keys.stored_bytes + footer.shape_of_row.stored_bytes;
  for (ColumnIndex c = 0; c < footer.columns.size(); ++c) {
    const ColumnEntry& entry = footer.columns[c];
    const std::string name = NameOf(entry.key);
    const auto add = [&](std::string_view kind, std::string encoding, std::uint64_t part_bytes) {
      if (part_bytes == 0 && kind != "codes") return;
      parts.push_back({fmt::format("{} {}", kind, name),
                       std::move(encoding),
                       part_bytes,
                       entry.dictionary_size});
      bytes += part_bytes;
    };
    const auto of = [&](std::uint32_t column) { return NameOf(footer.columns[column].key); };
    switch (entry.codes_form) {
      case CodesForm::kConstant:
        add("codes", "constant", 0);
        break;
      case CodesForm::kStored:
        add("codes", "own", entry.codes.stored_bytes);
        break;
      case CodesForm::kSameAs:
        add("codes", fmt::format("same as {}", of(entry.codes_of)), 0);
        break;
      case CodesForm::kDetermined:
        add("codes", fmt::format("determined by {}", of(entry.codes_of)), entry.codes.stored_bytes);
        break;
    }
    std::uint64_t texts_bytes = entry.dictionary.stored_bytes;
    std::string encoding = "own";
    if (entry.key.type == ValueType::kString && !entry.dictionary.empty()) {
      if (const auto index = impl_->TextIndexOf(c)) {
        texts_bytes += (*index)->blocks_bytes();
        encoding = fmt::format("{} blocks of {}, {} bytes of index",
                               (*index)->blocks_count(),
                               (*index)->block_values(),
                               entry.dictionary.stored_bytes);
      }
    }
    add("dictionary", std::move(encoding), texts_bytes);
    std::uint64_t counts_bytes = 0;
    for (const Extent& page : entry.counts) counts_bytes += page.stored_bytes;
    add("counts", "own", counts_bytes);
    add("filter", "12 bits a key", entry.filter_bytes);
  }
  if (!footer.words.empty()) {
    std::uint64_t words_bytes = footer.words.stored_bytes;
    std::uint32_t blocks = 0;
    if (const auto index = impl_->WordIndexOfAll()) {
      words_bytes += (*index)->blocks_bytes();
      blocks = (*index)->blocks_count();
    }
    parts.push_back({"words",
                     fmt::format("postings, {} bytes of index", footer.words.stored_bytes),
                     words_bytes,
                     blocks});
    bytes += words_bytes;
  }
  parts.push_back({"header and footer",
                   "zstd",
                   footer.info.file_bytes - bytes,
                   static_cast<std::uint32_t>(footer.columns.size())});
  return parts;
}

}  // namespace postglass::store
