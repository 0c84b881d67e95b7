#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "net/http.h"
#include "query/search.h"

// What questions to the store are refused with, the same for every handler: {"errors":["…"]}, of a
// query that does not parse also the place. Pure.

namespace postglass::api {

// 400 with "position": `position` is a byte offset in the query and becomes characters from 0.
net::HttpResponse BadQueryResponse(std::string_view query,
                                   std::size_t position,
                                   std::string_view message);
// 429 with Retry-After.
net::HttpResponse BusyResponse(std::string_view text);
// By the code of what the query services return.
net::HttpResponse StoreErrorResponse(const Error& error);
net::HttpResponse SearchErrorResponse(std::string_view query, const query::SearchError& error);

}  // namespace postglass::api
