#include "store/embedded/exec/value_totals.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "store/event_reader.h"

namespace postglass::store {

namespace {

// What a node of a hash table takes beside the text's own characters.
constexpr std::size_t kNodeBytes = 64;

template <class T>
std::optional<T> NumberOf(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::uint64_t CountUsed(const std::vector<std::uint32_t>& counts, Code begin, Code end) {
  const auto first = counts.begin();
  return static_cast<std::uint64_t>(end - begin) -
         static_cast<std::uint64_t>(std::count(first + begin, first + end, 0U));
}

}  // namespace

void AddCount(ValueCounts& counts, std::string_view text, std::uint64_t n, MemoryBudget& budget) {
  const auto found = counts.find(text);
  if (found != counts.end()) {
    found->second += n;
    return;
  }
  counts.emplace(text, n);
  budget.Add(text.size() + kNodeBytes);
}

std::uint32_t ColumnCounts::MaxOfBlock(const std::uint32_t* counts) {
  // Counts are of rows, so they are positive as signed numbers, which every processor can compare.
  std::array<std::int32_t, 8> max{};
  for (std::size_t i = 0; i < 64; i += max.size()) {
    for (std::size_t k = 0; k < max.size(); ++k) {
      const auto count = static_cast<std::int32_t>(counts[i + k]);
      max[k] = count > max[k] ? count : max[k];
    }
  }
  return static_cast<std::uint32_t>(*std::max_element(max.begin(), max.end()));
}

std::uint32_t ColumnCounts::CountOf(Code code) const {
  if (code < begin || code >= end) return 0;
  return (*counts)[code];
}

Result<std::uint64_t> ColumnCounts::CountOfText(std::string_view text) const {
  switch (column.type) {
    case ValueType::kString: {
      std::optional<Code> code;
      if (column.prefix.empty()) {
        ASSIGN_OR_RETURN(code, dictionary->Find(text));
      } else {
        std::string key(column.prefix);
        key += text;
        ASSIGN_OR_RETURN(code, dictionary->Find(key));
      }
      return code ? CountOf(*code) : 0;
    }
    case ValueType::kInteger: {
      const std::optional<std::int64_t> wanted = NumberOf<std::int64_t>(text);
      if (!wanted || text != std::to_string(*wanted)) return 0;
      ASSIGN_OR_RETURN(const auto integers, dictionary->Integers());
      const auto at = std::lower_bound(integers.begin(), integers.end(), *wanted);
      if (at == integers.end() || *at != *wanted) return 0;
      return CountOf(static_cast<Code>(at - integers.begin()));
    }
    case ValueType::kDouble: {
      const std::optional<double> wanted = NumberOf<double>(text);
      if (!wanted) return 0;
      ASSIGN_OR_RETURN(const auto doubles, dictionary->Doubles());
      std::uint64_t count = 0;
      for (auto at = std::lower_bound(doubles.begin(), doubles.end(), *wanted);
           at != doubles.end() && *at == *wanted;
           ++at) {
        if (NumberText(*at) == text) count += CountOf(static_cast<Code>(at - doubles.begin()));
      }
      return count;
    }
    case ValueType::kBool:
      for (Code code = 0; code < dictionary->size(); ++code) {
        if (text == (dictionary->BoolAt(code) ? "true" : "false")) return CountOf(code);
      }
      return 0;
  }
  return 0;
}

Status CountField(const CompiledPlan::CountedField& field,
                  TableSelector& selector,
                  const std::shared_ptr<const Table>& table,
                  const RowSet& rows,
                  MemoryBudget& budget,
                  ValueTotals& totals) {
  ASSIGN_OR_RETURN(FieldValues values, FieldValues::Of(field, selector));
  if (values.ids_count() == 0) return {};
  const bool stored = selector.IsWhole(rows) && values.is_separate();
  std::vector<std::uint32_t> counts;
  if (!stored) {
    budget.Add(values.ids_count() * sizeof(counts[0]));
    RETURN_IF_ERROR(budget.Check());
    counts.resize(values.ids_count());
    values.Count(rows, selector.begin(), selector.end(), counts);
  }
  if (!values.is_separate()) {
    std::string text;
    for (ValueId id = 0; id < counts.size(); ++id) {
      if (counts[id] == 0 || !values.is_value(id)) continue;
      text.clear();
      RETURN_IF_ERROR(values.AppendText(id, text));
      AddCount(totals.by_text, text, counts[id], budget);
    }
    budget.Remove(values.ids_count() * sizeof(counts[0]));
    return budget.Check();
  }
  for (const FieldValues::Column& column : values.columns()) {
    ColumnCounts one;
    one.table_name = table->Name();
    one.column = column.column;
    one.table = table;
    one.dictionary = column.dictionary;
    one.begin = column.begin;
    one.end = column.end;
    if (stored) {
      ASSIGN_OR_RETURN(one.counts, table->CountsOf(column.column.column));
    } else if (values.columns().size() == 1) {
      one.counts = std::make_shared<const std::vector<std::uint32_t>>(std::exchange(counts, {}));
    } else {
      const auto first = counts.begin() + column.first_id;
      one.counts = std::make_shared<const std::vector<std::uint32_t>>(
          first, first + column.dictionary->size());
    }
    // No value is in a dictionary without a row.
    one.used = stored ? one.end - one.begin : CountUsed(*one.counts, one.begin, one.end);
    if (one.used > 0) totals.columns.push_back(std::move(one));
  }
  return {};
}

}  // namespace postglass::store
