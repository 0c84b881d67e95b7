#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "net/http.h"
#include "query/search.h"

namespace postglass::api {

inline constexpr std::string_view kExportPath = "/api/v2/postglass/export";

// GET /api/v2/postglass/export?query=&from=&to=&sort=&format=ndjson|csv&columns=a,b: all events
// that match, streamed. What is wrong with the request is answered before the body begins; a look
// that fails later breaks the body off, so that nobody takes a part for the whole. Who may call it
// is the router's business. Thread-safe; handlers block.
class ExportApi {
 public:
  using Wait = std::function<void(std::chrono::milliseconds)>;

  // `search` must outlive it and the responses' streams. `wait` waits before a busy store is asked
  // again.
  ExportApi(query::SearchService& search, Wait wait) : search_(search), wait_(std::move(wait)) {}

  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  query::SearchService& search_;
  const Wait wait_;
};

}  // namespace postglass::api
