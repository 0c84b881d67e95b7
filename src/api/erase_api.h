#pragma once

#include "base/json.h"
#include "net/http.h"
#include "store/log_store.h"

namespace postglass::api {

inline constexpr std::string_view kErasePath = "/api/v2/postglass/erase";

// POST /api/v2/postglass/erase {"address"} → the receipt: {"started","finished" (ISO 8601),
// "events_erased","segments_searched","segments_rewritten","bytes_rewritten","journal_bytes_left",
// "not_erased":[sentences]}. Answers when it is done. Who may call it is the router's business.
net::HttpResponse Erase(store::LogStore& store, const net::HttpRequest& request);

json::object ReceiptJson(const store::EraseReceipt& receipt);

}  // namespace postglass::api
