#include "main/commands/search_once.h"

#include <fmt/format.h>

#include "base/json.h"

namespace postglass {

Result<bool> IsSearchable(ServerClient& server,
                          std::string_view message_id,
                          std::string_view type) {
  const json::object body{
      {"filter",
       json::object{
           {"query", fmt::format("@mail.messageId:{} @eventType:\"{}\"", message_id, type)},
           {"from", "now-1h"},
           {"to", "now+1h"}}},
      {"page", json::object{{"limit", 1}}}};
  ASSIGN_OR_RETURN(const json::value answer,
                   server.CallJson("POST", "/api/v2/logs/events/search", json::Serialize(body)));
  const json::object* whole = answer.if_object();
  const json::array* rows = whole == nullptr ? nullptr : json::GetArray(*whole, "data");
  return rows != nullptr && !rows->empty();
}

}  // namespace postglass
