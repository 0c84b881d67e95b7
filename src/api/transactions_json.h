#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "query/transactions.h"

// Bodies of POST /api/v2/postglass/transactions (docs/compat/api.md). Pure.

namespace postglass::api {

// Errors: kInvalidArgument.
Result<query::TransactionsRequest> ReadTransactionsBody(const json::object& body);

std::string TransactionsJson(const query::TransactionsAnswer& answer, std::string_view request_id);

}  // namespace postglass::api
