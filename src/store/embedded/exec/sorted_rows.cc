#include "store/embedded/exec/sorted_rows.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "store/embedded/exec/field_columns.h"
#include "store/embedded/exec/field_values.h"
#include "store/embedded/exec/key_ids.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

constexpr std::size_t kRowsAnOffer = 4'096;
constexpr std::uint32_t kNoColumn = ~std::uint32_t{0};

// A value of a table, not yet read.
struct Place {
  std::uint32_t column = kNoColumn;  // in TableOrder; none: a missing value
  Code code = 0;
};

// The order of the values that one table's rows are sorted by. Dictionaries are sorted, so that
// codes of one column compare as their values do.
class TableOrder {
 public:
  static Result<TableOrder> Of(const CountedField& field, const Table& table, Order order) {
    TableOrder made(order);
    for (const FieldColumn& column : ColumnsOf(field.field, field.prefix, table)) {
      One one;
      one.column = column;
      ASSIGN_OR_RETURN(one.dictionary, table.DictionaryOf(column.column));
      ASSIGN_OR_RETURN(std::tie(one.begin, one.end), CodesOfField(column, *one.dictionary));
      if (one.begin == one.end) continue;
      ASSIGN_OR_RETURN(one.codes, table.CodesOf(column.column));
      ASSIGN_OR_RETURN(one.layout, table.LayoutOf(column.column));
      if (column.type == ValueType::kInteger) {
        ASSIGN_OR_RETURN(one.integers, one.dictionary->Integers());
      } else if (column.type == ValueType::kDouble) {
        ASSIGN_OR_RETURN(one.doubles, one.dictionary->Doubles());
      } else {
        ++made.text_columns_;
      }
      made.columns_.push_back(std::move(one));
    }
    return made;
  }

  // The value that comes first, by place in `rows`.
  Result<std::vector<Place>> FirstValues(const std::vector<RowIndex>& rows) const {
    std::vector<Place> best(rows.size());
    Status status;
    for (std::uint32_t c = 0; c < columns_.size(); ++c) {
      const One& column = columns_[c];
      column.codes->Visit([&](const auto& codes) {
        ForEachValueOfRows(*column.layout, rows, [&](std::size_t place, ValueIndex i) {
          const Place value{c, codes[i]};
          if (value.code < column.begin || value.code >= column.end || !status) return;
          const Result<int> compared = Compare(value, best[place]);
          if (!compared) {
            status = Fail(compared.error());
          } else if (*compared < 0) {
            best[place] = value;
          }
        });
      });
      RETURN_IF_ERROR(status);
    }
    return best;
  }

  // Whether values of two columns are compared by their texts, which are to be read for that.
  bool reads_texts() const { return text_columns_ > 1; }

  // Below 0 when `a` comes first. Requires: !reads_texts().
  int CompareCodes(const Place& a, const Place& b) const {
    if (a.column == b.column && a.code == b.code) return 0;
    // Also of one column: integers beyond 2^53 may be one double, and -0.0 is 0.0.
    const SortKey key_a = NumberOf(a);
    const bool texts = a.column == b.column && key_a.kind == SortKey::Kind::kText;
    if (!texts) return CompareKeys(order_, key_a, NumberOf(b));
    return (a.code < b.code) == (order_ == Order::kOldestFirst) ? -1 : 1;
  }

  // The same for all. Errors: of the table.
  Result<int> Compare(const Place& a, const Place& b) const {
    if (a.column == b.column || !reads_texts()) return CompareCodes(a, b);
    ASSIGN_OR_RETURN(const SortKey key_a, KeyOf(a));
    ASSIGN_OR_RETURN(const SortKey key_b, KeyOf(b));
    return CompareKeys(order_, key_a, key_b);
  }

  Result<SortKey> KeyOf(const Place& place) const {
    SortKey key = NumberOf(place);
    if (key.kind == SortKey::Kind::kText) {
      const One& column = columns_[place.column];
      RETURN_IF_ERROR(AppendValueText(*column.dictionary, column.column, place.code, key.text));
    }
    return key;
  }

  // Compares values with one key: by halving the codes of a column once, for all its values.
  class Border {
   public:
    static Result<Border> Of(const TableOrder& order, const SortKey& key) {
      Border border(key);
      for (std::uint32_t c = 0; c < order.columns_.size(); ++c) {
        const One& column = order.columns_[c];
        Code low = column.begin;  // the first that is not before the key, ascending
        for (Code high = column.end; low < high;) {
          const Code middle = low + (high - low) / 2;
          ASSIGN_OR_RETURN(const SortKey at, order.KeyOf({c, middle}));
          if (CompareKeys(Order::kOldestFirst, at, key) < 0) {
            low = middle + 1;
          } else {
            high = middle;
          }
        }
        Code behind = low;  // more than one code may be equal: integers that are one double
        while (behind < column.end) {
          ASSIGN_OR_RETURN(const SortKey at, order.KeyOf({c, behind}));
          if (CompareKeys(Order::kOldestFirst, at, key) != 0) break;
          ++behind;
        }
        border.equal_.emplace_back(low, behind);
      }
      border.ascending_ = order.order_ == Order::kOldestFirst;
      return border;
    }

    // Below 0 when the value comes before the key.
    int Compare(const Place& place) const {
      const bool missing = key_.kind == SortKey::Kind::kMissing;
      if (place.column == kNoColumn) return missing ? 0 : 1;
      if (missing) return -1;
      const auto [begin, end] = equal_[place.column];
      if (place.code >= begin && place.code < end) return 0;
      return (place.code < begin) == ascending_ ? -1 : 1;
    }

   private:
    explicit Border(SortKey key) : key_(std::move(key)) {}

    SortKey key_;
    bool ascending_ = true;
    std::vector<std::pair<Code, Code>> equal_;  // by column
  };

 private:
  struct One {
    FieldColumn column;
    std::shared_ptr<const Dictionary> dictionary;
    std::shared_ptr<const Codes> codes;
    std::shared_ptr<const Layout> layout;
    Code begin = 0;  // the codes that are values of the field
    Code end = 0;
    std::span<const std::int64_t> integers;  // of the dictionary; one of the two, or none
    std::span<const double> doubles;
  };

  explicit TableOrder(Order order) : order_(order) {}

  // The key without its text.
  SortKey NumberOf(const Place& place) const {
    if (place.column == kNoColumn) return {};
    const One& column = columns_[place.column];
    if (!column.integers.empty()) {
      return {SortKey::Kind::kNumber, static_cast<double>(column.integers[place.code]), {}};
    }
    if (!column.doubles.empty()) return {SortKey::Kind::kNumber, column.doubles[place.code], {}};
    return {SortKey::Kind::kText, 0, {}};
  }

  Order order_;
  std::size_t text_columns_ = 0;
  std::vector<One> columns_;
};

std::vector<RowIndex> Listed(const RowSet& rows, RowIndex begin, RowIndex end) {
  std::vector<RowIndex> listed;
  if (rows.kind == RowSet::Kind::kAll) {
    for (RowIndex row = begin; row < end; ++row) listed.push_back(row);
  } else if (rows.kind == RowSet::Kind::kSome) {
    rows.some.ForEach(begin, end, [&](RowIndex row) { listed.push_back(row); });
  }
  return listed;
}

}  // namespace

SortedRows::SortedRows(const RowsRequest& request, MemoryBudget& budget)
    : request_(request), budget_(budget) {}

bool SortedRows::Before(const Row& a, const Row& b) const {
  const int by_key = CompareKeys(request_.order, a.key, b.key);
  return by_key != 0 ? by_key < 0 : Precedes(request_.order, a.ref.place, b.ref.place);
}

bool SortedRows::IsBehind(const SortKey& key, const RowCursor& place) const {
  if (!request_.after) return true;
  const int by_key = CompareKeys(request_.order, request_.after_key, key);
  return by_key != 0 ? by_key < 0 : Precedes(request_.order, *request_.after, place);
}

Status SortedRows::OfferTable(TableSelector& selector,
                              const CountedField& field,
                              const RowSet& rows,
                              std::size_t unit) {
  if (rows.kind == RowSet::Kind::kNone) return {};
  ASSIGN_OR_RETURN(const RowKeys* keys, selector.Keys());
  ASSIGN_OR_RETURN(const TableOrder order, TableOrder::Of(field, selector.table(), request_.order));
  const std::vector<RowIndex> selected = Listed(rows, selector.begin(), selector.end());
  ASSIGN_OR_RETURN(const std::vector<Place> values, order.FirstValues(selected));
  RETURN_IF_ERROR(CheckStop(selector.plan()));
  const auto place_of = [&](std::uint32_t i) {
    return RowCursor{keys->timestamp_ms(selected[i]), keys->id(selected[i])};
  };
  std::vector<std::uint32_t> candidates;
  std::optional<TableOrder::Border> border;
  if (request_.after) {
    ASSIGN_OR_RETURN(border, TableOrder::Border::Of(order, request_.after_key));
  }
  for (std::uint32_t i = 0; i < selected.size(); ++i) {
    const int compared = border ? border->Compare(values[i]) : 1;
    if (compared > 0 || (compared == 0 && Precedes(request_.order, *request_.after, place_of(i)))) {
      candidates.push_back(i);
    }
  }
  const std::size_t rows_max =
      std::min(request_.limit, std::numeric_limits<std::size_t>::max() - 1) + 1;
  if (candidates.size() > rows_max && !order.reads_texts()) {
    const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(rows_max);
    std::nth_element(
        candidates.begin(), end, candidates.end(), [&](std::uint32_t a, std::uint32_t b) {
          const int compared = order.CompareCodes(values[a], values[b]);
          if (compared != 0) return compared < 0;
          // Rows are in the order of time.
          return request_.order == Order::kOldestFirst ? a < b : b < a;
        });
    candidates.resize(rows_max);
  }
  std::vector<Row> first;
  for (const std::uint32_t i : candidates) {
    ASSIGN_OR_RETURN(SortKey key, order.KeyOf(values[i]));
    first.push_back({std::move(key), {place_of(i), unit, selected[i]}});
    if (first.size() < kRowsAnOffer) continue;
    Offer(std::exchange(first, {}));
    RETURN_IF_ERROR(CheckStop(selector.plan()));
  }
  Offer(std::move(first));
  return budget_.Check();
}

void SortedRows::OfferEvent(EventReader& reader, std::size_t unit, std::uint32_t row) {
  const RowCursor place{reader.event().timestamp_ms, reader.event().id};
  SortKey key = SortKeyOf(reader, *request_.by, request_.order);
  if (!IsBehind(key, place)) return;
  std::vector<Row> one;
  one.push_back({std::move(key), {place, unit, row}});
  Offer(std::move(one));
}

void SortedRows::Offer(std::vector<Row> rows) {
  const auto before = [this](const Row& a, const Row& b) { return Before(a, b); };
  std::sort(rows.begin(), rows.end(), before);
  MutexLock lock(mutex_);
  // What comes behind all that are kept is of no use.
  if (rows_.size() > request_.limit) {
    while (!rows.empty() && !Before(rows.back(), rows_.back())) rows.pop_back();
  }
  for (const Row& row : rows) budget_.Add(sizeof(Row) + row.key.text.size());
  const auto old_end = static_cast<std::ptrdiff_t>(rows_.size());
  std::move(rows.begin(), rows.end(), std::back_inserter(rows_));
  std::inplace_merge(rows_.begin(), rows_.begin() + old_end, rows_.end(), before);
  while (rows_.size() > request_.limit && rows_.size() - 1 > request_.limit) {
    budget_.Remove(sizeof(Row) + rows_.back().key.text.size());
    rows_.pop_back();
  }
}

std::vector<RowRef> SortedRows::Take(bool& more) {
  MutexLock lock(mutex_);
  more = rows_.size() > request_.limit;
  if (more) rows_.pop_back();
  std::vector<RowRef> refs;
  for (const Row& row : rows_) refs.push_back(row.ref);
  return refs;
}

}  // namespace postglass::store
