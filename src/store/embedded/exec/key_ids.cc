#include "store/embedded/exec/key_ids.h"

#include <algorithm>
#include <limits>

#include "store/group_rules.h"

namespace postglass::store {

namespace {

constexpr RowIndex kNoRow = ~RowIndex{0};

// Reading strings one after the other costs a tenth of looking one up.
constexpr std::size_t kLookUpCost = 10;

}  // namespace

Status ForEachMarkedText(const FieldValues::Column& column,
                         const std::vector<std::uint8_t>& marked,
                         FunctionRef<void(Code, std::string_view)> visit) {
  const auto is_marked = [](std::uint8_t mark) { return mark != 0; };
  const auto count = static_cast<std::size_t>(
      std::count_if(marked.begin() + column.begin, marked.begin() + column.end, is_marked));
  if (column.column.type == ValueType::kString && count * kLookUpCost > column.end - column.begin) {
    return column.dictionary->ForEachText(
        column.begin, column.end, [&](Code code, std::string_view text) {
          if (marked[code] != 0) visit(code, text.substr(column.column.prefix.size()));
          return true;
        });
  }
  std::string text;
  for (Code code = column.begin; code < column.end; ++code) {
    if (marked[code] == 0) continue;
    text.clear();
    RETURN_IF_ERROR(AppendValueText(*column.dictionary, column.column, code, text));
    visit(code, text);
  }
  return {};
}

Result<KeyIds> KeyIds::Of(const GroupKey& key,
                          const CountedField& field,
                          TableSelector& selector,
                          std::span<const RowIndex> rows,
                          MemoryBudget& budget) {
  KeyIds ids(key);
  ASSIGN_OR_RETURN(FieldValues values, FieldValues::Of(field, selector));
  ids.values_.emplace(std::move(values));
  ids.ids_count_ = key.bins ? static_cast<ValueId>(BinsCount(*key.bins)) : ids.values_->ids_count();
  if (ids.values_->key_field() != KeyField::kNone) {
    RETURN_IF_ERROR(ids.AddKeys(selector, rows));
  } else {
    RETURN_IF_ERROR(ids.AddColumns(rows, budget));
  }
  if (key.missing) ids.AddMissing();
  return ids;
}

KeyIds KeyIds::OfNoRows(const GroupKey& key, FieldValues values) {
  KeyIds ids(key);
  ids.ids_count_ = values.ids_count() + (key.missing ? 1 : 0);
  ids.values_.emplace(std::move(values));
  return ids;
}

Status KeyIds::AddKeys(TableSelector& selector, std::span<const RowIndex> rows) {
  ids_.resize(rows.size(), kNone);
  const KeyField field = values_->key_field();
  if (field != KeyField::kTimestamp) {
    if (key_->bins) return {};  // no numbers
    for (std::size_t i = 0; i < rows.size(); ++i) ids_[i] = field == KeyField::kId ? rows[i] : 0;
    return {};
  }
  ASSIGN_OR_RETURN(const RowKeys* keys, selector.Keys());
  RowIndex first = kNoRow;  // with the same time; rows of one time follow each other
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t time = keys->timestamp_ms(rows[i]);
    if (key_->bins) {
      ids_[i] = BinOf(*key_->bins, static_cast<double>(time)).value_or(kNone);
    } else {
      if (first == kNoRow || keys->timestamp_ms(first) != time) first = rows[i];
      ids_[i] = first;
    }
  }
  return {};
}

Result<std::vector<ValueId>> KeyIds::IdOfCode(const FieldValues::Column& column) const {
  std::vector<ValueId> ids(column.dictionary->size(), kNone);
  if (!key_->bins) {
    for (Code code = column.begin; code < column.end; ++code) {
      ids[code] = values_->Unified(column.first_id + code);
    }
    return ids;
  }
  const auto add_all = [&](const auto& numbers) {
    for (Code code = column.begin; code < column.end; ++code) {
      ids[code] = BinOf(*key_->bins, static_cast<double>(numbers[code])).value_or(kNone);
    }
  };
  if (column.column.text_only) return ids;
  if (column.column.type == ValueType::kInteger) {
    ASSIGN_OR_RETURN(const auto integers, column.dictionary->Integers());
    add_all(integers);
  } else if (column.column.type == ValueType::kDouble) {
    ASSIGN_OR_RETURN(const auto doubles, column.dictionary->Doubles());
    add_all(doubles);
  }
  return ids;
}

Status KeyIds::AddColumns(std::span<const RowIndex> rows, MemoryBudget& budget) {
  const std::vector<FieldValues::Column>& columns = values_->columns();
  if (values_->is_single()) {
    ids_.resize(rows.size(), kNone);
    for (const FieldValues::Column& column : columns) {
      ASSIGN_OR_RETURN(const std::vector<ValueId> id_of_code, IdOfCode(column));
      column.codes->Visit([&](const auto& codes) {
        ForEachValueOfRows(*column.layout, rows, [&](std::size_t place, ValueIndex i) {
          ids_[place] = id_of_code[codes[i]];
        });
      });
    }
    return {};
  }
  // Counted first, so that no memory is taken that the query may not use.
  ends_.resize(rows.size());
  std::uint64_t total = 0;
  for (const FieldValues::Column& column : columns) {
    ForEachValueOfRows(*column.layout, rows, [&](std::size_t place, ValueIndex) {
      ++ends_[place];
      ++total;
    });
  }
  const std::uint64_t bytes = total * sizeof(ValueId);
  if (total > std::numeric_limits<std::uint32_t>::max()) {
    return Fail(ErrorCode::kLimit, "the answer needs more memory than the query may use");
  }
  budget.Add(bytes);
  const Status fits = budget.Check();
  budget.Remove(bytes);
  RETURN_IF_ERROR(fits);
  std::vector<std::uint32_t> next(rows.size());
  for (std::size_t i = 1; i < rows.size(); ++i) next[i] = next[i - 1] + ends_[i - 1];
  ids_.resize(total);
  for (const FieldValues::Column& column : columns) {
    ASSIGN_OR_RETURN(const std::vector<ValueId> id_of_code, IdOfCode(column));
    column.codes->Visit([&](const auto& codes) {
      ForEachValueOfRows(*column.layout, rows, [&](std::size_t place, ValueIndex i) {
        ids_[next[place]++] = id_of_code[codes[i]];
      });
    });
  }
  // Each id of a row once, and no kNone.
  std::uint32_t begin = 0;
  std::uint32_t out = 0;
  for (std::size_t place = 0; place < rows.size(); ++place) {
    const std::uint32_t end = next[place];
    const auto first = ids_.begin() + begin;
    const auto last = ids_.begin() + end;
    if (end - begin > 1) std::sort(first, last);
    const std::uint32_t out_begin = out;
    for (auto it = first; it != last; ++it) {
      const ValueId id = *it;
      if (id == kNone || (out > out_begin && ids_[out - 1] == id)) continue;
      ids_[out++] = id;
    }
    begin = end;
    ends_[place] = out;
  }
  ids_.resize(out);
  return {};
}

void KeyIds::AddMissing() {
  const ValueId missing = ids_count_++;
  if (ends_.empty()) {
    std::replace(ids_.begin(), ids_.end(), kNone, missing);
    return;
  }
  std::vector<ValueId> ids;
  ids.reserve(ids_.size() + ends_.size() / 4);
  std::uint32_t begin = 0;
  for (std::uint32_t& end : ends_) {
    if (begin == end) {
      ids.push_back(missing);
    } else {
      ids.insert(ids.end(), ids_.begin() + begin, ids_.begin() + end);
    }
    begin = end;
    end = static_cast<std::uint32_t>(ids.size());
  }
  ids_ = std::move(ids);
}

void KeyIds::Keep(const std::vector<std::uint8_t>& keep) {
  if (ends_.empty()) {
    std::size_t out = 0;
    for (std::size_t place = 0; place < keep.size(); ++place) {
      if (keep[place] != 0) ids_[out++] = ids_[place];
    }
    ids_.resize(out);
    return;
  }
  std::uint32_t begin = 0;
  std::uint32_t out = 0;
  std::size_t places = 0;
  for (std::size_t place = 0; place < keep.size(); ++place) {
    const std::uint32_t end = ends_[place];
    if (keep[place] != 0) {
      for (std::uint32_t i = begin; i < end; ++i) ids_[out++] = ids_[i];
      ends_[places++] = out;
    }
    begin = end;
  }
  ids_.resize(out);
  ends_.resize(places);
}

Result<std::vector<std::string>> KeyIds::Texts(const std::vector<std::uint8_t>& marked) const {
  std::vector<std::string> texts(ids_count_);
  ValueId values = ids_count_;
  if (key_->missing) {
    texts[--values] = *key_->missing;
  }
  if (key_->bins) {
    for (ValueId id = 0; id < values; ++id) {
      if (marked[id] != 0) texts[id] = BinText(*key_->bins, id);
    }
    return texts;
  }
  if (values_->key_field() != KeyField::kNone) {
    for (ValueId id = 0; id < values; ++id) {
      if (marked[id] != 0) RETURN_IF_ERROR(values_->AppendText(id, texts[id]));
    }
    return texts;
  }
  std::vector<std::uint8_t> of_column;
  for (const FieldValues::Column& column : values_->columns()) {
    const auto first = marked.begin() + column.first_id;
    of_column.assign(first, first + column.dictionary->size());
    RETURN_IF_ERROR(ForEachMarkedText(column, of_column, [&](Code code, std::string_view text) {
      texts[column.first_id + code] = text;
    }));
  }
  return texts;
}

}  // namespace postglass::store
