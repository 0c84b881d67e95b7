#include "api/erase_api.h"

#include "api/json_api.h"
#include "base/time_format.h"

namespace postglass::api {

json::object ReceiptJson(const store::EraseReceipt& receipt) {
  json::array not_erased;
  for (const std::string& sentence : receipt.not_erased) not_erased.emplace_back(sentence);
  // Numbers as the JSON readers of both sides take them.
  const auto number = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  return {{"started", FormatIso8601Millis(Timestamp::FromMillis(receipt.started_ms))},
          {"finished", FormatIso8601Millis(Timestamp::FromMillis(receipt.finished_ms))},
          {"events_erased", number(receipt.events_erased)},
          {"segments_searched", number(receipt.segments_searched)},
          {"segments_rewritten", number(receipt.segments_rewritten)},
          {"bytes_rewritten", number(receipt.bytes_rewritten)},
          {"journal_bytes_left", number(receipt.journal_bytes_left)},
          {"not_erased", std::move(not_erased)}};
}

net::HttpResponse Erase(store::LogStore& store, const net::HttpRequest& request) {
  if (request.method != "POST") return ErrorResponse(405, "method not allowed");
  const auto body = json::ParseObject(request.body);
  if (!body) return ErrorResponse(400, body.error().message);
  const Result<store::EraseReceipt> receipt = store.Erase(json::GetStringOr(*body, "address", ""));
  if (!receipt) {
    const bool callers = receipt.error().code == ErrorCode::kInvalidArgument;
    return ErrorResponse(callers ? 400 : 503, receipt.error().message);
  }
  net::HttpResponse response = net::JsonResponse(200, json::Serialize(ReceiptJson(*receipt)));
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

}  // namespace postglass::api
