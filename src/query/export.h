#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "query/search.h"
#include "store/event_reader.h"

namespace postglass::query {

struct ExportRequest {
  enum class Format { kNdjson, kCsv };

  std::string query = "*";
  std::string from = "now-24h";  // as ParseTime; both ends inclusive
  std::string to = "now";
  store::Order order = store::Order::kOldestFirst;
  Format format = Format::kNdjson;
  // Of CSV: paths as the search language writes them, or "attributes" for all of them as JSON.
  std::vector<std::string> columns = {"timestamp",
                                      "status",
                                      "service",
                                      "@eventType",
                                      "@mail.destination",
                                      "@mail.commonHeaders.subject",
                                      "@mail.messageId",
                                      "@smtp.response",
                                      "message"};
};

// All events that match, as text, piece by piece: as many as there are, in memory a thousand at a
// time. The pages of one search, so whatever arrives meanwhile changes nothing. Not thread-safe.
class Exporter {
 public:
  static constexpr std::size_t kColumnsMax = 100;

  // `search` must outlive it. kInvalidArgument for columns that are no paths.
  static Result<Exporter> Create(SearchService& search, ExportRequest request);

  // The next piece, at most 1,000 events; done() says whether there is another. Errors: as
  // SearchService; kBusy may be tried again, and gives what this call would have.
  std::variant<std::string, SearchError> Next();

  bool done() const { return done_; }

  std::size_t events() const { return events_; }  // given so far

  const std::vector<std::string>& damage() const { return damage_; }  // what could not be read

 private:
  Exporter(SearchService& search, ExportRequest request);
  void AppendCsvRow(std::string& out, const store::Event& event);

  SearchService& search_;
  const ExportRequest request_;
  store::EventReader reader_;
  std::string cursor_;
  bool begun_ = false;
  bool done_ = false;
  std::size_t events_ = 0;
  std::vector<std::string> damage_;
};

// "a, @b" as {"a", "@b"}.
std::vector<std::string> SplitColumns(std::string_view text);

// A field of RFC 4180. Text that a spreadsheet would take for a formula (CWE-1236) gets an
// apostrophe in front; numbers stay as they are.
std::string CsvField(std::string_view text);

}  // namespace postglass::query
