#pragma once

#include <string_view>

#include "base/result.h"
#include "net/http.h"
#include "query/search.h"

// How failed questions are answered: {"errors":["…"]}, of a query that does not parse also the
// place. Pure.

namespace postglass::api {

// `position` in bytes; the answer counts characters.
net::HttpResponse BadQueryResponse(std::string_view query,
                                   std::size_t position,
                                   std::string_view message);
// 429 with Retry-After.
net::HttpResponse BusyResponse(std::string_view text);
net::HttpResponse StoreErrorResponse(const Error& error);
net::HttpResponse SearchErrorResponse(std::string_view query, const query::SearchError& error);

}  // namespace postglass::api
