#include "query/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/time_format.h"
#include "query/document_check.h"
#include "query/field_names.h"
#include "query/measure.h"
#include "query/output.h"

namespace postglass::query {
namespace {

constexpr std::string_view kAllAttributes = "attributes";

// What begins a formula in one spreadsheet program or another, the full-width forms among them; tab
// and line ends are passed over in front of one.
bool MayBeFormula(std::string_view text) {
  if (text.empty()) return false;
  if (std::string_view("=+-@\t\r\n").find(text.front()) != std::string_view::npos) return true;
  for (const std::string_view wide : {"\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"}) {
    if (text.starts_with(wide)) return true;
  }
  return false;
}

std::string HeaderName(std::string_view column) {
  return CsvField(column.starts_with('@') ? column.substr(1) : column);
}

}  // namespace

std::string CsvField(std::string_view raw) {
  std::string text = ToValidUtf8(raw);
  // No program reads NUL as text.
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  if (MayBeFormula(text) && !ParseNumber(text)) text.insert(text.begin(), '\'');
  if (text.find_first_of(",;\"\r\n\t'") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::vector<std::string> SplitColumns(std::string_view text) {
  std::vector<std::string> columns;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    columns.emplace_back(TrimAscii(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return columns;
}

Exporter::Exporter(SearchService& search, ExportRequest request)
    : search_(search), request_(std::move(request)) {}

Result<Exporter> Exporter::Create(SearchService& search, ExportRequest request) {
  if (request.format == ExportRequest::Format::kCsv) {
    if (request.columns.empty() || request.columns.size() > kColumnsMax) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("1 to {} columns", kColumnsMax));
    }
    for (const std::string& column : request.columns) RETURN_IF_ERROR(CheckFieldPath(column));
  }
  return Exporter(search, std::move(request));
}

void Exporter::AppendCsvRow(std::string& out, const store::Event& event) {
  reader_.Reset(event);
  bool first = true;
  for (const std::string& column : request_.columns) {
    if (!first) out += ',';
    first = false;
    if (column == "timestamp") {
      out += FormatIso8601Millis(Timestamp::FromMillis(event.timestamp_ms));
      continue;
    }
    if (column == kAllAttributes) {
      out += CsvField(event.attributes);
      continue;
    }
    std::string cell;
    for (const store::Field& field : FieldsNamed(column)) {
      reader_.AnyValue(field, [&cell](const store::ValueView& value) {
        if (!cell.empty()) cell += "; ";
        cell += value.text;
        return false;
      });
      if (!cell.empty()) break;
    }
    out += CsvField(cell);
  }
  out += "\r\n";
}

std::variant<std::string, SearchError> Exporter::Next() {
  SearchRequest search;
  search.query = request_.query;
  search.from = request_.from;
  search.to = request_.to;
  search.order = request_.order;
  search.limit = kSearchLimitMax;
  search.cursor = cursor_;
  SearchOutcome outcome = search_.Search(search);
  if (auto* error = std::get_if<SearchError>(&outcome)) return std::move(*error);
  auto& page = std::get<SearchPage>(outcome);
  if (page.timed_out && page.events.empty()) {
    return SearchError{SearchError::Kind::kBusy, "the query ran out of time", std::nullopt};
  }
  for (const SearchWarning& warning : page.warnings) {
    const bool known = std::find(damage_.begin(), damage_.end(), warning.detail) != damage_.end();
    if (warning.code == "damaged_data" && !known) damage_.push_back(warning.detail);
  }
  std::string piece;
  const bool csv = request_.format == ExportRequest::Format::kCsv;
  if (!begun_ && csv) {
    for (const std::string& column : request_.columns) {
      if (!piece.empty()) piece += ',';
      piece += HeaderName(column);
    }
    piece += "\r\n";
  }
  begun_ = true;
  for (const store::Event& event : page.events) {
    if (csv) {
      AppendCsvRow(piece, event);
    } else {
      piece += EventJsonLine(event);
      piece += '\n';
    }
  }
  events_ += page.events.size();
  cursor_ = page.next_cursor;
  done_ = cursor_.empty();
  return piece;
}

}  // namespace postglass::query
