#pragma once

#include <string_view>

#include "net/http.h"
#include "query/counts.h"

namespace postglass::api {

// Counting for people; who may call it is the router's business. Thread-safe; handlers block.
//   GET /api/v2/postglass/top?query=&from=&to=&limit=&field=[&field=…]
//   GET /api/v2/postglass/histogram?query=&from=&to=&interval=&split=
class CountsApi {
 public:
  // `counts` must outlive it.
  explicit CountsApi(query::CountService& counts) : counts_(counts) {}

  // Whether the path is one of ours.
  static bool Handles(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  query::CountService& counts_;
};

}  // namespace postglass::api
