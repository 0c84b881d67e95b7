#include "store/embedded/exec/field_columns.h"

#include <array>
#include <utility>

namespace postglass::store {

namespace {

// As in EventReader.
constexpr std::array<std::string_view, 3> kTextPaths = {"error.message", "error.stack", "title"};
constexpr std::array<std::string_view, 2> kTraceIdPaths = {"trace_id", "dd.trace_id"};

constexpr std::array<std::pair<std::string_view, ColumnKind>, 5> kReservedColumns = {
    {{"message", ColumnKind::kMessage},
     {"status", ColumnKind::kStatus},
     {"service", ColumnKind::kService},
     {"source", ColumnKind::kSource},
     {"host", ColumnKind::kHost}}};

class Gatherer {
 public:
  explicit Gatherer(const Table& table) : table_(table) {}

  void AddReserved(ColumnKind kind) {
    const std::optional<ColumnIndex> column = table_.Find({kind, ValueType::kString, ""});
    if (column) columns_.push_back({*column, ValueType::kString, true, false, {}});
  }

  void AddTags(std::string_view prefix) {
    const std::optional<ColumnIndex> column =
        table_.Find({ColumnKind::kTags, ValueType::kString, ""});
    if (column) columns_.push_back({*column, ValueType::kString, false, false, prefix});
  }

  void AddPath(std::string_view path, bool text_only) {
    for (const ColumnIndex column : table_.FindPath(path)) Add(column, text_only);
  }

  void AddAllPaths() {
    const auto all = table_.columns();
    for (ColumnIndex column = 0; column < all.size(); ++column) {
      if (all[column].key.kind == ColumnKind::kAttribute) Add(column, true);
    }
  }

  std::vector<FieldColumn> Take() { return std::move(columns_); }

 private:
  void Add(ColumnIndex column, bool text_only) {
    columns_.push_back({column, table_.columns()[column].key.type, false, text_only, {}});
  }

  const Table& table_;
  std::vector<FieldColumn> columns_;
};

}  // namespace

KeyField KeyFieldOf(const Field& field) {
  if (field.kind != Field::Kind::kReserved) return KeyField::kNone;
  if (field.name == "timestamp") return KeyField::kTimestamp;
  if (field.name == "id") return KeyField::kId;
  if (field.name == "index") return KeyField::kIndex;
  return KeyField::kNone;
}

std::string TagPrefixOf(const Field& field) {
  return field.kind == Field::Kind::kTag ? field.name + ':' : std::string();
}

std::vector<FieldColumn> ColumnsOf(const Field& field,
                                   std::string_view prefix,
                                   const Table& table) {
  Gatherer gatherer(table);
  switch (field.kind) {
    case Field::Kind::kText:
      gatherer.AddReserved(ColumnKind::kMessage);
      for (const std::string_view path : kTextPaths) gatherer.AddPath(path, true);
      break;
    case Field::Kind::kAllText:
      gatherer.AddReserved(ColumnKind::kMessage);
      gatherer.AddAllPaths();
      break;
    case Field::Kind::kReserved:
      for (const auto& [name, kind] : kReservedColumns) {
        if (field.name == name) gatherer.AddReserved(kind);
      }
      if (field.name == "trace_id") {
        for (const std::string_view path : kTraceIdPaths) gatherer.AddPath(path, false);
      }
      break;
    case Field::Kind::kTag:
    case Field::Kind::kTags:
      gatherer.AddTags(prefix);
      break;
    case Field::Kind::kAttribute:
      gatherer.AddPath(field.name, false);
      break;
  }
  return gatherer.Take();
}

Result<std::pair<Code, Code>> CodesWithPrefix(const Dictionary& dictionary,
                                              std::string_view prefix) {
  if (prefix.empty()) return std::pair<Code, Code>(0, dictionary.size());
  ASSIGN_OR_RETURN(const Code begin, dictionary.LowerBound(prefix));
  if (begin == dictionary.size()) return std::pair(begin, begin);
  // The least text behind all that begin with the prefix.
  std::string behind(prefix);
  while (!behind.empty() && behind.back() == '\xFF') behind.pop_back();
  if (behind.empty()) return std::pair<Code, Code>(begin, dictionary.size());
  behind.back() = static_cast<char>(static_cast<unsigned char>(behind.back()) + 1);
  ASSIGN_OR_RETURN(const Code end, dictionary.LowerBound(behind));
  return std::pair(begin, end);
}

Result<std::pair<Code, Code>> CodesOfField(const FieldColumn& column,
                                           const Dictionary& dictionary) {
  if (column.skips_empty) {
    ASSIGN_OR_RETURN(const std::optional<Code> empty, dictionary.Find(""));
    return std::pair<Code, Code>(empty ? 1 : 0, dictionary.size());
  }
  if (column.type != ValueType::kString) return std::pair<Code, Code>(0, dictionary.size());
  return CodesWithPrefix(dictionary, column.prefix);
}

}  // namespace postglass::store
